WITH c_said AS (
    SELECT
        date, session_key, {{ dims() }}, event_date, actor, intent AS own_intent, is_fallback,
        LAG(actor) OVER (PARTITION BY session_key ORDER BY event_no) AS previous_actor,
        LAG(intent) OVER (PARTITION BY session_key ORDER BY event_no) AS previous_intent
    FROM int_session_events
    WHERE is_activity = 1
),
c_understood AS (
    SELECT
        date, session_key, {{ dims() }}, event_date, own_intent,
        CASE WHEN actor = 'bot' AND previous_actor IN ('user', 'bot') THEN previous_intent END AS asked_intent,
        CASE WHEN actor = 'bot' AND is_fallback = TRUE THEN 1 ELSE 0 END AS is_fallback
    FROM c_said
    WHERE actor IN ('user', 'bot')
),
-- Platforms write an intent on the question, on the answer, or on both, and on each of several
-- answers: together it is one.
c_named AS (
    SELECT
        date, session_key, {{ dims() }}, event_date, is_fallback,
        COALESCE(own_intent, asked_intent, 'unknown') AS intent,
        CASE WHEN own_intent IS NULL OR own_intent = COALESCE(asked_intent, '') THEN 0 ELSE 1 END AS is_named
    FROM c_understood
),
c_sessions AS (
    SELECT DISTINCT session_key, intent
    FROM c_named
    WHERE is_named = 1 AND date >= {{ from_day }} AND date < {{ to_day }}
),
c_rows AS (
    SELECT
        event_date AS date, {{ dims() }}, intent, is_named, is_fallback,
        0 AS is_session, 0 AS is_closed, 0 AS is_resolved
    FROM c_named
    WHERE (is_named = 1 OR is_fallback = 1) AND event_date >= {{ from_day }} AND event_date < {{ to_day }}
    UNION ALL
    SELECT
        s.date, {{ dims("s.$") }}, i.intent, 0 AS is_named, 0 AS is_fallback, 1 AS is_session,
        CASE WHEN s.messages_in > 0 AND s.outcome <> 'open' THEN 1 ELSE 0 END AS is_closed,
        CASE WHEN s.outcome IN ('resolved_confirmed', 'resolved_goal', 'resolved_assumed')
             THEN 1 ELSE 0 END AS is_resolved
    FROM c_sessions AS i
    INNER JOIN int_sessions AS s ON i.session_key = s.session_key
)
SELECT
    date, {{ dims() }}, intent, SUM(is_named) AS intents, SUM(is_fallback) AS fallbacks,
    SUM(is_session) AS sessions, SUM(is_closed) AS sessions_closed, SUM(is_resolved) AS sessions_resolved
FROM c_rows
GROUP BY date, {{ dims() }}, intent
