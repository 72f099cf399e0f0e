{% set records = "probes" -%}
{% set fields = "ts_us, bot, ok, latency_ms, planned" -%}
WITH {% include "first_copies.sql" %}
SELECT date, source, dedup_hi, dedup_lo, ts_us, bot, ok AS is_ok, latency_ms, planned AS is_planned
FROM c_first
