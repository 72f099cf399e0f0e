{#- The records of `records`, each once: of copies the one of the smallest place, or the first in
    `order`. Sets c_first, where `copies` says how often each came. -#}
c_counted AS (
    SELECT
        date, source, dedup_hi, dedup_lo, {{ fields }}, object_key, record_offset, element,
        COUNT(*) OVER (PARTITION BY date, source, dedup_hi, dedup_lo{{ more_key | default("") }}) AS copies
    FROM {{ records }}
    WHERE date >= {{ from_day }} AND date < {{ to_day }}
),
-- Almost all come once, and to rank costs more than to count.
c_ranked AS (
    SELECT
        date, source, dedup_hi, dedup_lo, {{ fields }}, copies,
        ROW_NUMBER() OVER (
            PARTITION BY date, source, dedup_hi, dedup_lo{{ more_key | default("") }}
            ORDER BY {{ order | default("object_key, record_offset, element") }}
        ) AS copy_no
    FROM c_counted
    WHERE copies > 1
),
c_first AS (
    SELECT date, source, dedup_hi, dedup_lo, {{ fields }}, copies
    FROM c_counted
    WHERE copies = 1
    UNION ALL
    SELECT date, source, dedup_hi, dedup_lo, {{ fields }}, copies
    FROM c_ranked
    WHERE copy_no = 1
)
