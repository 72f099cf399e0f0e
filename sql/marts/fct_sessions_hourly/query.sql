WITH c_said AS (
    SELECT
        event_date, {{ dims() }}, hour, actor, is_start,
        MAX(CASE WHEN actor = 'user' THEN 1 ELSE 0 END) OVER (PARTITION BY session_key) AS is_engaged
    FROM int_session_events
    WHERE is_activity = 1
)
SELECT
    event_date AS date, {{ dims() }}, hour, SUM(is_start) AS sessions,
    SUM(is_start * is_engaged) AS sessions_engaged,
    SUM(CASE WHEN actor = 'user' THEN 1 ELSE 0 END) AS messages_in,
    SUM(CASE WHEN actor = 'bot' THEN 1 ELSE 0 END) AS messages_out_bot,
    SUM(CASE WHEN actor = 'agent' THEN 1 ELSE 0 END) AS messages_out_agent
FROM c_said
WHERE event_date >= {{ from_day }} AND event_date < {{ to_day }}
GROUP BY event_date, {{ dims() }}, hour
