{%- set waits = [("turn", 0), ("first", 1), ("human", 2)] -%}
-- Three kinds of waiting in one list: for the bot in every turn, in the first turn of a session
-- once more, and for a person after a handoff.
WITH c_waits AS (
    SELECT turn_date AS date, {{ dims() }}, 0 AS kind, latency_ms
    FROM int_turns
    WHERE turn_date >= {{ from_day }} AND turn_date < {{ to_day }}
    UNION ALL
    SELECT turn_date AS date, {{ dims() }}, 1 AS kind, latency_ms
    FROM int_turns
    WHERE turn_no = 1 AND turn_date >= {{ from_day }} AND turn_date < {{ to_day }}
    UNION ALL
    SELECT handoff_date AS date, {{ dims() }}, 2 AS kind, human_wait_ms AS latency_ms
    FROM int_sessions
    WHERE handoff_date IS NOT NULL AND handoff_date >= {{ from_day }} AND handoff_date < {{ to_day }}
),
c_sliced AS (
    SELECT
        w.date, {{ slices("w") }}, w.kind, w.latency_ms, COALESCE(w.latency_ms, 0) AS wait_ms,
        CASE WHEN w.latency_ms IS NULL THEN 0 ELSE 1 END AS is_answered
    FROM c_waits AS w
    CROSS JOIN grouping_sets AS g
),
-- The unanswered are ranked among themselves: they have no latency, and so no percentile.
c_ranked AS (
    SELECT
        date, {{ dims() }}, kind, latency_ms, wait_ms, is_answered,
        ROW_NUMBER() OVER (PARTITION BY date, {{ dims() }}, kind, is_answered ORDER BY wait_ms) AS latency_rank,
        COUNT(*) OVER (PARTITION BY date, {{ dims() }}, kind, is_answered) AS n
    FROM c_sliced
),
c_told AS (
    SELECT
        date, {{ dims() }}, latency_rank, n
        {%- for name, kind in waits %},
        CASE WHEN kind = {{ kind }} THEN 1 ELSE 0 END AS is_{{ name }},
        CASE WHEN kind = {{ kind }} THEN is_answered ELSE 0 END AS {{ name }}_answered,
        CASE WHEN kind = {{ kind }} THEN wait_ms ELSE 0 END AS {{ name }}_wait_ms,
        CASE WHEN kind = {{ kind }} THEN latency_ms END AS {{ name }}_ms
        {%- endfor %}
    FROM c_ranked
)
SELECT
    date, {{ dims() }},
    SUM(is_turn) AS turns, SUM(turn_answered) AS answered, SUM(turn_answered) AS latency_n,
    SUM(turn_wait_ms) AS latency_ms_sum,
    {{ percentile("turn_ms", "latency_rank", "n", 50) }} AS latency_ms_p50,
    {{ percentile("turn_ms", "latency_rank", "n", 90) }} AS latency_ms_p90,
    {{ percentile("turn_ms", "latency_rank", "n", 95) }} AS latency_ms_p95,
    {{ percentile("turn_ms", "latency_rank", "n", 99) }} AS latency_ms_p99,
    MAX(turn_ms) AS latency_ms_max,
    SUM(is_first) AS first_turns, SUM(first_answered) AS first_answered,
    SUM(first_wait_ms) AS first_latency_ms_sum,
    {{ percentile("first_ms", "latency_rank", "n", 50) }} AS first_latency_ms_p50,
    {{ percentile("first_ms", "latency_rank", "n", 90) }} AS first_latency_ms_p90,
    {{ percentile("first_ms", "latency_rank", "n", 95) }} AS first_latency_ms_p95,
    {{ percentile("first_ms", "latency_rank", "n", 99) }} AS first_latency_ms_p99,
    MAX(first_ms) AS first_latency_ms_max,
    SUM(is_human) AS handoffs, SUM(human_answered) AS human_answered,
    SUM(human_wait_ms) AS human_latency_ms_sum,
    {{ percentile("human_ms", "latency_rank", "n", 50) }} AS human_latency_ms_p50,
    {{ percentile("human_ms", "latency_rank", "n", 90) }} AS human_latency_ms_p90,
    {{ percentile("human_ms", "latency_rank", "n", 95) }} AS human_latency_ms_p95,
    MAX(human_ms) AS human_latency_ms_max
FROM c_told
GROUP BY date, {{ dims() }}
