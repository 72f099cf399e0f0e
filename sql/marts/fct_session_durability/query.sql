-- The first follow-up of each session is the smallest beginning after its end: a running minimum
-- from the newest to the oldest. No session is joined with the others of its user, who may be a
-- machine with thousands.
{%- set hour_us = 3600 * 1000000 %}
{%- macro durable(column, hours, days) -%}
CASE WHEN date <= {{ matured(days) }}
     THEN next_us > end_us + {{ hours * hour_us }} OR next_date > CAST(date + INTERVAL '{{ days }} days' AS DATE)
     END AS {{ column }}
{%- endmacro %}
WITH c_resolved AS (
    SELECT
        s.date, s.session_key, {{ dims("s.$") }}, {% if "channel" not in dimensions %}s.session_channel AS channel, {% endif %}v.user_key, s.end_us,
        CASE WHEN v.service = 'unknown' THEN '*' ELSE v.service END AS lane
    FROM int_sessions AS s
    INNER JOIN int_user_visits AS v ON s.session_key = v.session_key
    WHERE s.outcome IN ('resolved_confirmed', 'resolved_goal', 'resolved_assumed')
      AND s.session_identity_kind <> 'anonymous'
),
c_lanes AS (
    SELECT DISTINCT user_key, lane
    FROM c_resolved
    WHERE lane <> '*'
),
-- A session that names no service looks at all visits; one that does, at those of its service and
-- at those of none.
c_points AS (
    SELECT user_key, '*' AS lane, 0 - start_us AS back_us, 1 AS is_visit, start_us AS visit_us, date AS visit_date, '' AS session_key
    FROM int_user_visits
    UNION ALL
    SELECT user_key, service AS lane, 0 - start_us AS back_us, 1 AS is_visit, start_us AS visit_us, date AS visit_date, '' AS session_key
    FROM int_user_visits
    WHERE service <> 'unknown'
    UNION ALL
    SELECT v.user_key, n.lane, 0 - v.start_us AS back_us, 1 AS is_visit, v.start_us AS visit_us, v.date AS visit_date, '' AS session_key
    FROM int_user_visits AS v
    INNER JOIN c_lanes AS n ON v.user_key = n.user_key
    WHERE v.service = 'unknown'
    UNION ALL
    SELECT user_key, lane, 0 - end_us AS back_us, 0 AS is_visit, {{ -far_past_us }} AS visit_us, DATE '9999-12-31' AS visit_date, session_key
    FROM c_resolved
),
-- At equal instants the end comes first on the way back: what begins with it is not after it.
c_next AS (
    SELECT
        session_key, is_visit,
        MIN(visit_us) OVER (
            PARTITION BY user_key, lane ORDER BY back_us, is_visit ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS next_us,
        MIN(visit_date) OVER (
            PARTITION BY user_key, lane ORDER BY back_us, is_visit ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS next_date
    FROM c_points
),
c_followed AS (
    SELECT r.date, r.session_key, {{ dims_and("channel", "r.$") }}, r.user_key, r.end_us, n.next_us, n.next_date
    FROM c_resolved AS r
    INNER JOIN c_next AS n ON r.session_key = n.session_key
    WHERE n.is_visit = 0
)
SELECT
    date, session_key, {{ dims_and("channel") }}, user_key,
    {{ durable("durable_24h", 24, 2) }},
    {{ durable("durable_72h", 72, 4) }},
    {{ durable("durable_7d", 168, 8) }},
    {{ durable("durable_30d", 720, 31) }}
FROM c_followed
