WITH c_said AS (
    SELECT
        date, session_key, event_no, {{ dims() }}, event_date, ts_us, actor, latency_ms,
        LEAD(actor) OVER (PARTITION BY session_key ORDER BY event_no) AS next_actor,
        LEAD(ts_us) OVER (PARTITION BY session_key ORDER BY event_no) AS next_us,
        LEAD(latency_ms) OVER (PARTITION BY session_key ORDER BY event_no) AS next_latency_ms
    FROM int_session_events
    WHERE is_activity = 1 AND (handoff_no = 0 OR event_no < handoff_no)
)
SELECT
    date, session_key,
    ROW_NUMBER() OVER (PARTITION BY session_key ORDER BY event_no) AS turn_no,
    {{ dims() }},
    event_date AS turn_date,
    COALESCE(next_actor, '') = 'bot' AS is_answered,
    CASE WHEN next_actor = 'bot'
         THEN COALESCE(next_latency_ms, latency_ms,
                       CAST(FLOOR(CAST(next_us - ts_us AS DOUBLE) / NULLIF(1000, 0)) AS BIGINT))
         END AS latency_ms
FROM c_said
WHERE actor = 'user' AND COALESCE(next_actor, '') <> 'user'
