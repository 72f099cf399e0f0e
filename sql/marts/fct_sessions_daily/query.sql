WITH c_messages AS (
    SELECT
        event_date AS date, {{ dims() }},
        SUM(CASE WHEN actor = 'user' THEN 1 ELSE 0 END) AS messages_in,
        SUM(CASE WHEN actor = 'bot' THEN 1 ELSE 0 END) AS messages_out_bot,
        SUM(CASE WHEN actor = 'agent' THEN 1 ELSE 0 END) AS messages_out_agent,
        SUM(CASE WHEN actor = 'bot' AND is_fallback = TRUE THEN 1 ELSE 0 END) AS fallbacks
    FROM int_session_events
    WHERE is_activity = 1 AND event_date >= {{ from_day }} AND event_date < {{ to_day }}
    GROUP BY event_date, {{ dims() }}
),
c_sessions AS (
    SELECT
        date, {{ dims() }},
        CASE WHEN messages_in > 0 THEN 1 ELSE 0 END AS is_engaged,
        CASE WHEN messages_in > 0 AND outcome <> 'open' THEN 1 ELSE 0 END AS is_timed,
        CASE WHEN is_proactive = TRUE THEN 1 ELSE 0 END AS is_proactive,
        CASE WHEN outcome = 'open' THEN 1 ELSE 0 END AS is_open,
        CASE WHEN is_continued = TRUE THEN 1 ELSE 0 END AS is_continued,
        session_ms, bot_ms, agent_ms
    FROM int_sessions
),
-- Whole numbers add up before the cross join with the slices, so it multiplies few rows.
c_finest AS (
    SELECT
        date, {{ dims() }}, messages_in, messages_out_bot, messages_out_agent, fallbacks,
        0 AS sessions, 0 AS sessions_engaged, 0 AS sessions_proactive, 0 AS sessions_open,
        0 AS sessions_continued, 0 AS session_n, 0 AS session_ms_sum, 0 AS bot_ms_sum, 0 AS agent_ms_sum
    FROM c_messages
    UNION ALL
    SELECT
        date, {{ dims() }}, 0 AS messages_in, 0 AS messages_out_bot, 0 AS messages_out_agent, 0 AS fallbacks,
        COUNT(*) AS sessions, SUM(is_engaged) AS sessions_engaged, SUM(is_proactive) AS sessions_proactive,
        SUM(is_open) AS sessions_open, SUM(is_continued) AS sessions_continued, SUM(is_timed) AS session_n,
        SUM(CASE WHEN is_timed = 1 THEN session_ms ELSE 0 END) AS session_ms_sum,
        SUM(CASE WHEN is_timed = 1 THEN bot_ms ELSE 0 END) AS bot_ms_sum,
        SUM(CASE WHEN is_timed = 1 THEN agent_ms ELSE 0 END) AS agent_ms_sum
    FROM c_sessions
    GROUP BY date, {{ dims() }}
),
c_sliced AS (
    SELECT
        f.date, {{ slices("f") }}, f.messages_in, f.messages_out_bot, f.messages_out_agent, f.fallbacks,
        f.sessions, f.sessions_engaged, f.sessions_proactive, f.sessions_open, f.sessions_continued,
        f.session_n, f.session_ms_sum, f.bot_ms_sum, f.agent_ms_sum
    FROM c_finest AS f
    CROSS JOIN grouping_sets AS g
),
c_sums AS (
    SELECT
        date, {{ dims() }}, SUM(messages_in) AS messages_in, SUM(messages_out_bot) AS messages_out_bot,
        SUM(messages_out_agent) AS messages_out_agent, SUM(fallbacks) AS fallbacks,
        SUM(sessions) AS sessions, SUM(sessions_engaged) AS sessions_engaged,
        SUM(sessions_proactive) AS sessions_proactive, SUM(sessions_open) AS sessions_open,
        SUM(sessions_continued) AS sessions_continued, SUM(session_n) AS session_n,
        SUM(session_ms_sum) AS session_ms_sum, SUM(bot_ms_sum) AS bot_ms_sum, SUM(agent_ms_sum) AS agent_ms_sum
    FROM c_sliced
    GROUP BY date, {{ dims() }}
),
c_timed AS (
    SELECT s.date, {{ slices("s") }}, s.session_ms, s.bot_ms
    FROM c_sessions AS s
    CROSS JOIN grouping_sets AS g
    WHERE s.is_timed = 1
),
c_ranked AS (
    SELECT
        date, {{ dims() }}, session_ms, bot_ms,
        ROW_NUMBER() OVER (PARTITION BY date, {{ dims() }} ORDER BY session_ms) AS session_rank,
        ROW_NUMBER() OVER (PARTITION BY date, {{ dims() }} ORDER BY bot_ms) AS bot_rank,
        COUNT(*) OVER (PARTITION BY date, {{ dims() }}) AS n
    FROM c_timed
),
c_percentiles AS (
    SELECT
        date, {{ dims() }},
        {{ percentile("session_ms", "session_rank", "n", 50) }} AS session_ms_p50,
        {{ percentile("session_ms", "session_rank", "n", 90) }} AS session_ms_p90,
        {{ percentile("bot_ms", "bot_rank", "n", 50) }} AS bot_ms_p50,
        {{ percentile("bot_ms", "bot_rank", "n", 90) }} AS bot_ms_p90
    FROM c_ranked
    GROUP BY date, {{ dims() }}
)
SELECT
    s.date, {{ dims("s.$") }}, s.messages_in AS interactions, s.messages_in, s.messages_out_bot,
    s.messages_out_agent, s.fallbacks, s.sessions, s.sessions_engaged, s.sessions_proactive,
    s.sessions_open, s.sessions_continued, s.session_n, s.session_ms_sum, p.session_ms_p50,
    p.session_ms_p90, s.bot_ms_sum, p.bot_ms_p50, p.bot_ms_p90, s.agent_ms_sum
FROM c_sums AS s
LEFT JOIN c_percentiles AS p ON s.date = p.date AND {{ dims("s.$ = p.$", " AND ") }}
