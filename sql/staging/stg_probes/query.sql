WITH c_copies AS (
    SELECT
        date, source, dedup_hi, dedup_lo, ts_us, bot, ok, latency_ms, planned,
        ROW_NUMBER() OVER (
            PARTITION BY date, source, dedup_hi, dedup_lo
            ORDER BY object_key, record_offset, element
        ) AS copy_no
    FROM probes
)
SELECT date, source, dedup_hi, dedup_lo, ts_us, bot, ok AS is_ok, latency_ms, planned AS is_planned
FROM c_copies
WHERE copy_no = 1 AND date >= {{ from_day }} AND date < {{ to_day }}
