-- The visit before each session is the largest beginning before its own: a running maximum, as in
-- fct_session_durability from the other side.
WITH c_engaged AS (
    SELECT
        s.date, s.session_key, {{ dims("s.$") }}, v.user_key, s.start_us,
        CASE WHEN v.service = 'unknown' THEN '*' ELSE v.service END AS lane
    FROM int_sessions AS s
    INNER JOIN int_user_visits AS v ON s.session_key = v.session_key
    WHERE s.outcome NOT IN ('open', 'unengaged') AND s.session_identity_kind <> 'anonymous'
      AND s.date <= {{ matured(8) }}
      AND CAST(s.date - INTERVAL '7 days' AS DATE) >= {{ history_start_day }}
),
c_lanes AS (
    SELECT DISTINCT user_key, lane
    FROM c_engaged
    WHERE lane <> '*'
),
c_points AS (
    SELECT user_key, '*' AS lane, start_us, 1 AS is_visit, start_us AS visit_us, '' AS session_key
    FROM int_user_visits
    UNION ALL
    SELECT user_key, service AS lane, start_us, 1 AS is_visit, start_us AS visit_us, '' AS session_key
    FROM int_user_visits
    WHERE service <> 'unknown'
    UNION ALL
    SELECT v.user_key, n.lane, v.start_us, 1 AS is_visit, v.start_us AS visit_us, '' AS session_key
    FROM int_user_visits AS v
    INNER JOIN c_lanes AS n ON v.user_key = n.user_key
    WHERE v.service = 'unknown'
    UNION ALL
    SELECT user_key, lane, start_us, 0 AS is_visit, {{ far_past_us }} AS visit_us, session_key
    FROM c_engaged
),
-- At equal instants the session comes first: neither itself nor what begins with it is before it.
c_previous AS (
    SELECT
        session_key, is_visit,
        MAX(visit_us) OVER (
            PARTITION BY user_key, lane ORDER BY start_us, is_visit ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS previous_us
    FROM c_points
),
c_first AS (
    SELECT e.date, e.session_key, {{ dims("e.$") }}
    FROM c_engaged AS e
    INNER JOIN c_previous AS p ON e.session_key = p.session_key
    WHERE p.is_visit = 0 AND p.previous_us < e.start_us - {{ 7 * 24 * 3600 * 1000000 }}
)
SELECT
    f.date, {{ dims("f.$") }}, COUNT(*) AS first_contacts,
    SUM(CASE WHEN d.durable_7d = TRUE THEN 1 ELSE 0 END) AS first_contacts_resolved
FROM c_first AS f
LEFT JOIN fct_session_durability AS d ON f.session_key = d.session_key
GROUP BY f.date, {{ dims("f.$") }}
