WITH c_named AS (
    SELECT
        session_key,
        MIN(CASE WHEN actor = 'user' AND user_key IS NOT NULL THEN event_no ELSE {{ no_position }} END) AS user_key_no,
        MIN(CASE WHEN event_service IS NOT NULL THEN event_no ELSE {{ no_position }} END) AS service_no,
        MAX(CASE WHEN is_activity = 1 AND actor = 'user' THEN 1 ELSE 0 END) AS is_engaged
    FROM int_session_events
    GROUP BY session_key
),
c_sessions AS (
    SELECT
        e.date, e.session_key, MIN(e.start_us) AS start_us,
        MAX(CASE WHEN e.event_no = n.user_key_no THEN e.user_key END) AS user_key,
        COALESCE(MAX(CASE WHEN e.event_no = n.service_no THEN e.event_service END), 'unknown') AS service
    FROM int_session_events AS e
    INNER JOIN c_named AS n ON e.session_key = n.session_key
    WHERE n.is_engaged = 1 AND n.user_key_no < {{ no_position }}
    GROUP BY e.date, e.session_key
),
c_contacts AS (
    SELECT DISTINCT date, user_key, COALESCE(service, 'unknown') AS service, opened_us AS start_us
    FROM stg_contacts
    WHERE user_key IS NOT NULL
)
SELECT date, user_key, service, start_us, session_key
FROM c_sessions
UNION ALL
SELECT date, user_key, service, start_us, '' AS session_key
FROM c_contacts
