{% set own = "date, source, dedup_hi, dedup_lo, object_key, record_offset, element, chain_key, ts_us, seq, event_id, day_no, bot, channel, service, locale, bot_version, variant, identity_kind, actor, type, closed_by, instrument, score" -%}
{% set records = "c_delivered" -%}
{% set more_key = ", is_test" -%}
{% set fields = "is_test, chain_key, ts_us, seq, event_id, day_no, bot, channel, service, locale, bot_version, variant, identity_kind, actor, type, closed_by, instrument, score" -%}
WITH c_delivered AS (
    SELECT {{ own }}, CAST(0 AS BIGINT) AS is_test FROM events
    UNION ALL
    SELECT {{ own }}, CAST(1 AS BIGINT) AS is_test FROM test_events
),
{% include "first_copies.sql" %}
SELECT date, source, dedup_hi, dedup_lo, copies, {{ fields }}
FROM c_first
