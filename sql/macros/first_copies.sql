{#- The records of `records`, each once: of copies the one of the smallest place. Sets c_first. -#}
c_counted AS (
    SELECT
        date, source, dedup_hi, dedup_lo, {{ fields }}, object_key, record_offset, element,
        COUNT(*) OVER (PARTITION BY date, source, dedup_hi, dedup_lo) AS copies
    FROM {{ records }}
    WHERE date >= {{ from_day }} AND date < {{ to_day }}
),
-- Almost all come once, and to rank costs more than to count.
c_ranked AS (
    SELECT
        date, source, dedup_hi, dedup_lo, {{ fields }},
        ROW_NUMBER() OVER (
            PARTITION BY date, source, dedup_hi, dedup_lo
            ORDER BY object_key, record_offset, element
        ) AS copy_no
    FROM c_counted
    WHERE copies > 1
),
c_first AS (
    SELECT date, source, dedup_hi, dedup_lo, {{ fields }}
    FROM c_counted
    WHERE copies = 1
    UNION ALL
    SELECT date, source, dedup_hi, dedup_lo, {{ fields }}
    FROM c_ranked
    WHERE copy_no = 1
)
