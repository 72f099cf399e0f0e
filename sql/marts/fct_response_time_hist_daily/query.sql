-- Buckets begin at 0, 1, .. 19, 20, 22, .. 48, 50, 55, .. 95, 100, 110, .. and so on tenfold: exact
-- under 20 ms, 4 to 10 % wide from there to 100,000 s, and one for all that is longer.
WITH c_stepped AS (
    SELECT
        turn_date AS date, {{ dims() }}, latency_ms,
        CASE WHEN turn_no = 1 THEN 1 ELSE 0 END AS is_first,
        CASE
            {%- for unit in [1, 10, 100, 1000, 10000, 100000, 1000000] %}
            WHEN latency_ms < {{ 20 * unit }} THEN {{ unit }}
            WHEN latency_ms < {{ 50 * unit }} THEN {{ 2 * unit }}
            WHEN latency_ms < {{ 100 * unit }} THEN {{ 5 * unit }}
            {%- endfor %}
        END AS step_ms
    FROM int_turns
    WHERE latency_ms IS NOT NULL AND turn_date >= {{ from_day }} AND turn_date < {{ to_day }}
),
c_bucketed AS (
    SELECT
        date, {{ dims() }}, is_first, step_ms,
        CASE WHEN step_ms IS NULL THEN 100000000
             ELSE CAST(FLOOR(CAST(latency_ms AS DOUBLE) / NULLIF(step_ms, 0)) AS BIGINT) * step_ms
             END AS bucket_from_ms
    FROM c_stepped
)
SELECT
    date, {{ dims() }}, bucket_from_ms, MAX(bucket_from_ms + step_ms) AS bucket_to_ms,
    COUNT(*) AS answered, SUM(is_first) AS first_answered
FROM c_bucketed
GROUP BY date, {{ dims() }}, bucket_from_ms
