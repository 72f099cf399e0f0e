{% set records = "contacts" -%}
{% set fields = "opened_us, closed_us, channel, service, user_key, handle_seconds, cost_amount, resolved, instrument, score, is_first_contact" -%}
WITH {% include "first_copies.sql" %}
SELECT date, source, dedup_hi, dedup_lo, {{ fields }}
FROM c_first
