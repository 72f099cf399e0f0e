WITH c_copies AS (
    SELECT
        date, source, dedup_hi, dedup_lo, cost_class, bot, channel, service, currency, day_micros,
        ROW_NUMBER() OVER (
            PARTITION BY date, source, dedup_hi, dedup_lo
            ORDER BY object_key, record_offset, element
        ) AS copy_no
    FROM costs
),
c_rated AS (
    SELECT
        date, source, dedup_hi, dedup_lo, cost_class, bot, channel, service, currency, day_micros,
        {{ exchange("numerator", "currency") }} AS rate_numerator,
        {{ exchange("denominator", "currency") }} AS rate_denominator
    FROM c_copies
    WHERE copy_no = 1 AND date >= {{ from_day }} AND date < {{ to_day }}
)
SELECT
    date, source, dedup_hi, dedup_lo, cost_class, bot, channel, service, currency,
    {{ scaled("day_micros", "rate_numerator", "rate_denominator") }} AS amount_micros
FROM c_rated
