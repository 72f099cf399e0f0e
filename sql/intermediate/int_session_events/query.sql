{% set events = "stg_events" -%}
{% set timeout = timeout_us("channel") -%}
{% set carried = ["hour", "seq", "event_id", "bot", "channel", "service", "locale", "bot_version", "variant", "source", "identity_kind", "conversation_key", "user_key", "intent", "is_fallback", "latency_ms", "closed_by", "instrument", "score", "tokens_in", "tokens_out", "cost_amount", "is_proactive"] -%}
WITH {% include "session_cut.sql" %}
SELECT
    j.date, j.session_key, j.event_no, j.chain_key, j.is_start, j.start_us, j.is_continued,
    CASE WHEN a.handoff_no = {{ no_position }} THEN 0 ELSE a.handoff_no END AS handoff_no,
    {%- for d in dimensions %}
    {% if d in ["bot", "channel"] %}j.{{ d }}{% else %}COALESCE(a.{{ d }}, 'unknown') AS {{ d }}{% endif %},
    {%- endfor %}
    j.event_date, j.hour, j.ts_us, j.seq, j.event_id, j.identity_kind AS event_identity_kind, j.variant AS event_variant,
    j.service AS event_service, j.conversation_key, j.user_key, j.bot AS session_bot, j.channel AS session_channel,
    j.actor, j.type, j.is_activity, j.intent, j.is_fallback, j.latency_ms, j.closed_by, j.instrument, j.score,
    j.tokens_in, j.tokens_out,
    j.cost_amount, j.is_proactive
FROM c_joined AS j
INNER JOIN c_attributes AS a ON j.session_key = a.session_key
