WITH c_turns AS (
    SELECT
        turn_date AS date, {{ dims() }}, latency_ms,
        CASE WHEN is_answered = TRUE THEN 1 ELSE 0 END AS is_answered,
        CASE WHEN turn_no = 1 THEN 1 ELSE 0 END AS is_first
    FROM int_turns
    WHERE turn_date >= {{ from_day }} AND turn_date < {{ to_day }}
),
c_sliced AS (
    SELECT t.date, {{ slices("t") }}, t.latency_ms, t.is_answered, t.is_first
    FROM c_turns AS t
    CROSS JOIN grouping_sets AS g
),
c_ranked AS (
    SELECT
        date, {{ dims() }}, latency_ms,
        ROW_NUMBER() OVER (PARTITION BY date, {{ dims() }} ORDER BY latency_ms) AS latency_rank,
        COUNT(*) OVER (PARTITION BY date, {{ dims() }}) AS n
    FROM c_sliced
    WHERE latency_ms IS NOT NULL
),
c_percentiles AS (
    SELECT
        date, {{ dims() }}, COUNT(*) AS latency_n, SUM(latency_ms) AS latency_ms_sum,
        {{ percentile("latency_ms", "latency_rank", "n", 50) }} AS latency_ms_p50,
        {{ percentile("latency_ms", "latency_rank", "n", 90) }} AS latency_ms_p90,
        {{ percentile("latency_ms", "latency_rank", "n", 95) }} AS latency_ms_p95,
        {{ percentile("latency_ms", "latency_rank", "n", 99) }} AS latency_ms_p99,
        MAX(latency_ms) AS latency_ms_max
    FROM c_ranked
    GROUP BY date, {{ dims() }}
),
c_sums AS (
    SELECT
        date, {{ dims() }}, COUNT(*) AS turns, SUM(is_answered) AS answered, SUM(is_first) AS first_turns,
        SUM(is_first * is_answered) AS first_answered,
        SUM(CASE WHEN is_first = 1 THEN COALESCE(latency_ms, 0) ELSE 0 END) AS first_latency_ms_sum
    FROM c_sliced
    GROUP BY date, {{ dims() }}
)
SELECT
    s.date, {{ dims("s.$") }}, s.turns, s.answered, COALESCE(p.latency_n, 0) AS latency_n,
    COALESCE(p.latency_ms_sum, 0) AS latency_ms_sum, p.latency_ms_p50, p.latency_ms_p90, p.latency_ms_p95,
    p.latency_ms_p99, p.latency_ms_max, s.first_turns, s.first_answered, s.first_latency_ms_sum
FROM c_sums AS s
LEFT JOIN c_percentiles AS p ON s.date = p.date AND {{ dims("s.$ = p.$", " AND ") }}
