{% set records = "costs" -%}
{% set fields = "cost_class, bot, channel, service, currency, day_micros" -%}
WITH {% include "first_copies.sql" %},
c_rated AS (
    SELECT
        date, source, dedup_hi, dedup_lo, {{ fields }},
        {{ exchange("numerator", "currency") }} AS rate_numerator,
        {{ exchange("denominator", "currency") }} AS rate_denominator
    FROM c_first
)
SELECT
    date, source, dedup_hi, dedup_lo, cost_class, bot, channel, service, currency,
    {{ scaled("day_micros", "rate_numerator", "rate_denominator") }} AS amount_micros
FROM c_rated
