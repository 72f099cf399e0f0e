{% set records = "events" -%}
{% set fields = "chain_key, ts_us, seq, event_id, day_no, hour, bot, channel, service, locale, bot_version, variant, identity_kind, conversation_key, user_key, actor, type, intent, is_fallback, latency_ms, closed_by, instrument, score, reason, lead_key, lead_value, tokens_in, tokens_out, cost_amount, is_proactive" -%}
WITH {% include "first_copies.sql" %}
SELECT date, source, dedup_hi, dedup_lo, {{ fields }}
FROM c_first
