{% set records = "contacts" -%}
{% set own = "opened_us, closed_us, channel, service, user_key, handle_seconds, cost_amount, resolved, instrument, score, is_first_contact" -%}
{% set fields = own ~ ", updated_us, is_deleted" -%}
{% set order = "updated_us DESC, object_key DESC, record_offset DESC, element DESC" -%}
WITH {% include "first_copies.sql" %}
SELECT date, source, dedup_hi, dedup_lo, {{ own }}
FROM c_first
WHERE is_deleted = FALSE
