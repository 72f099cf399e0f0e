WITH c_copies AS (
    SELECT
        date, source, dedup_hi, dedup_lo, opened_us, closed_us, channel, service, user_key,
        handle_seconds, cost_amount, resolved, instrument, score, is_first_contact,
        ROW_NUMBER() OVER (
            PARTITION BY date, source, dedup_hi, dedup_lo
            ORDER BY object_key, record_offset, element
        ) AS copy_no
    FROM contacts
)
SELECT
    date, source, dedup_hi, dedup_lo, opened_us, closed_us, channel, service, user_key,
    handle_seconds, cost_amount, resolved, instrument, score, is_first_contact
FROM c_copies
WHERE copy_no = 1 AND date >= {{ from_day }} AND date < {{ to_day }}
