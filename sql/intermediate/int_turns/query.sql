WITH c_said AS (
    SELECT
        date, session_key, event_no, {{ dims() }}, event_date, ts_us, session_bot, actor, latency_ms,
        LEAD(actor) OVER (PARTITION BY session_key ORDER BY event_no) AS next_actor,
        LEAD(ts_us) OVER (PARTITION BY session_key ORDER BY event_no) AS next_us,
        LEAD(latency_ms) OVER (PARTITION BY session_key ORDER BY event_no) AS next_latency_ms
    FROM int_session_events
    WHERE is_activity = 1 AND (handoff_no = 0 OR event_no < handoff_no)
),
c_turns AS (
    SELECT
        date, session_key, event_no,
        ROW_NUMBER() OVER (PARTITION BY session_key ORDER BY event_no) AS turn_no,
        {{ dims() }}, session_bot, event_date, ts_us, next_actor,
        CASE WHEN next_actor = 'bot'
             THEN COALESCE(next_latency_ms, latency_ms,
                           CAST(FLOOR(CAST(next_us - ts_us AS DOUBLE) / NULLIF(1000, 0)) AS BIGINT))
             END AS latency_ms
    FROM c_said
    WHERE actor = 'user' AND COALESCE(next_actor, '') <> 'user'
),
-- The user message that each event follows: an error belongs to the last one before it.
c_followed AS (
    SELECT
        session_key, type,
        MAX(CASE WHEN is_activity = 1 AND actor = 'user' THEN event_no ELSE 0 END) OVER (
            PARTITION BY session_key ORDER BY event_no ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS user_no
    FROM int_session_events
),
c_errors AS (
    SELECT session_key, user_no, COUNT(*) AS errors
    FROM c_followed
    WHERE type = 'error'
    GROUP BY session_key, user_no
)
SELECT
    t.date, t.session_key, t.turn_no, {{ dims("t.$") }}, t.session_bot, t.event_date AS turn_date,
    t.ts_us AS turn_us, COALESCE(t.next_actor, '') = 'bot' AS is_answered, t.latency_ms,
    COALESCE(e.errors, 0) > 0 AS has_error
FROM c_turns AS t
LEFT JOIN c_errors AS e ON t.session_key = e.session_key AND t.event_no = e.user_no
