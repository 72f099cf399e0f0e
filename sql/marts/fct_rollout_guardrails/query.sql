WITH c_judged AS (
    SELECT
        date AS day, {% if "service" in dimensions %}service{% else %}'*'{% endif %} AS service, instrument, handler,
        satisfied, dissatisfied, responses
    FROM fct_satisfaction_daily
    WHERE responses > 0 AND date <= {{ matured(8) }}
),
c_resolved AS (
    SELECT
        date AS day, {% if "service" in dimensions %}service{% else %}'*'{% endif %} AS service,
        CASE WHEN durable_7d = TRUE THEN 1 ELSE 0 END AS is_durable
    FROM fct_session_durability
    WHERE durable_7d IS NOT NULL
)
SELECT
    {{ from_day }} AS date, day, service, name, part AS unit, a AS numerator, b AS denominator,
    CAST(1 AS BIGINT) AS final_after_days
FROM int_rollout_input WHERE kind = 'measure'
UNION ALL
SELECT
    {{ from_day }} AS date, day, service, 'durable_resolution_7d' AS name, 'share of resolved chats' AS unit,
    SUM(is_durable) AS numerator, COUNT(*) AS denominator, CAST(8 AS BIGINT) AS final_after_days
FROM c_resolved GROUP BY day, service
UNION ALL
-- 100 answers of nps have promoters less detractors, as everywhere.
SELECT
    {{ from_day }} AS date, day, service, instrument || '_' || handler AS name,
    CASE WHEN instrument = 'nps' THEN 'points' ELSE 'share of answers that are satisfied' END AS unit,
    SUM(CASE WHEN instrument = 'nps' THEN 100 * (satisfied - dissatisfied) ELSE satisfied END) AS numerator,
    SUM(responses) AS denominator, CAST(8 AS BIGINT) AS final_after_days
FROM c_judged GROUP BY day, service, instrument, handler
