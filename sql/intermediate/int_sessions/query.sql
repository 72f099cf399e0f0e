-- Positions first, then the values at them: engines agree on MIN and MAX of whole numbers, not on
-- FIRST or LAST.
WITH c_positions AS (
    SELECT
        session_key,
        MIN(CASE WHEN is_activity = 1 THEN event_no ELSE {{ no_position }} END) AS first_no,
        MAX(CASE WHEN is_activity = 1 THEN event_no ELSE 0 END) AS last_no,
        MAX(CASE WHEN is_activity = 1 AND actor = 'user' THEN event_no ELSE 0 END) AS last_user_no,
        MAX(CASE WHEN is_activity = 1 AND actor = 'bot' THEN event_no ELSE 0 END) AS last_bot_no,
        MAX(CASE WHEN type = 'error' THEN event_no ELSE 0 END) AS last_error_no,
        MAX(CASE WHEN type = 'feedback' AND instrument IN ('helpful', 'csat_5', 'rating_10')
                 THEN event_no ELSE 0 END) AS last_answer_no,
        MAX(CASE WHEN closed_by IS NOT NULL THEN event_no ELSE 0 END) AS closed_no,
        MIN(CASE WHEN actor = 'user' AND user_key IS NOT NULL THEN event_no ELSE {{ no_position }} END) AS user_key_no,
        MIN(CASE WHEN conversation_key IS NOT NULL THEN event_no ELSE {{ no_position }} END) AS conversation_no,
        MIN(CASE WHEN event_identity_kind <> 'unknown' THEN event_no ELSE {{ no_position }} END) AS identity_no,
        MIN(CASE WHEN event_variant IS NOT NULL THEN event_no ELSE {{ no_position }} END) AS variant_no,
        MIN(CASE WHEN is_activity = 1 AND actor = 'agent' AND handoff_no > 0 AND event_no >= handoff_no
                 THEN event_no ELSE {{ no_position }} END) AS agent_no
    FROM int_session_events
    GROUP BY session_key
),
c_values AS (
    SELECT
        e.date, e.session_key, {{ dims("MIN(e.$) AS $") }},
        MIN(e.session_channel) AS session_channel,
        MIN(e.start_us) AS start_us,
        MAX(CASE WHEN e.event_no = p.last_no THEN e.ts_us END) AS end_us,
        MAX(CASE WHEN e.event_no = p.conversation_no THEN e.conversation_key END) AS conversation_key,
        MAX(CASE WHEN e.event_no = p.user_key_no THEN e.user_key END) AS user_key,
        COALESCE(MAX(CASE WHEN e.event_no = p.identity_no THEN e.event_identity_kind END), 'unknown') AS session_identity_kind,
        MAX(CASE WHEN e.event_no = p.variant_no THEN e.event_variant END) AS session_variant,
        MAX(CASE WHEN e.event_no = p.closed_no THEN e.closed_by END) AS closed_by,
        MAX(CASE WHEN e.event_no = e.handoff_no THEN e.ts_us END) AS handoff_us,
        MAX(CASE WHEN e.event_no = p.agent_no THEN e.ts_us END) AS first_agent_us,
        MAX(CASE WHEN e.event_no = e.handoff_no AND e.type = 'handoff' THEN e.event_date END) AS handoff_date,
        SUM(CASE WHEN e.is_activity = 1 AND e.actor = 'user' THEN 1 ELSE 0 END) AS messages_in,
        SUM(CASE WHEN e.is_activity = 1 AND e.actor = 'bot' THEN 1 ELSE 0 END) AS messages_out_bot,
        SUM(CASE WHEN e.is_activity = 1 AND e.actor = 'agent' THEN 1 ELSE 0 END) AS messages_out_agent,
        SUM(CASE WHEN e.is_activity = 1 AND e.actor = 'bot' AND e.is_fallback = TRUE THEN 1 ELSE 0 END) AS fallbacks,
        SUM(CASE WHEN e.type = 'error' THEN 1 ELSE 0 END) AS errors,
        SUM(CASE WHEN e.type = 'goal' THEN 1 ELSE 0 END) AS goals,
        MAX(CASE WHEN e.event_no = p.last_answer_no AND {{ positive("e") }} THEN 1 ELSE 0 END) AS ends_positive,
        MAX(CASE WHEN e.type = 'feedback' AND {{ negative("e") }} THEN 1 ELSE 0 END) AS has_negative,
        MAX(CASE WHEN e.event_no = p.last_bot_no AND e.is_fallback = TRUE THEN 1 ELSE 0 END) AS ends_in_fallback,
        MAX(CASE WHEN p.last_bot_no > p.last_user_no THEN 1 ELSE 0 END) AS ends_answered,
        MAX(CASE WHEN p.last_error_no > p.last_user_no THEN 1 ELSE 0 END) AS ends_in_error,
        SUM(COALESCE(e.tokens_in, 0)) AS tokens_in,
        SUM(COALESCE(e.tokens_out, 0)) AS tokens_out,
        SUM(COALESCE(e.cost_amount, CAST(0 AS DECIMAL(18, 6)))) AS cost_amount,
        MAX(CASE WHEN e.event_no = p.first_no AND e.is_proactive = TRUE THEN 1 ELSE 0 END) AS is_proactive,
        MAX(CASE WHEN e.is_continued = TRUE THEN 1 ELSE 0 END) AS is_continued
    FROM int_session_events AS e
    INNER JOIN c_positions AS p ON e.session_key = p.session_key
    GROUP BY e.date, e.session_key
),
c_turns AS (
    SELECT session_key, COUNT(*) AS turns, SUM(CASE WHEN is_answered = TRUE THEN 1 ELSE 0 END) AS answered
    FROM int_turns
    GROUP BY session_key
),
c_ruled AS (
    SELECT
        v.date, v.session_key, {{ dims("v.$") }}, v.session_channel, v.start_us, v.end_us, v.conversation_key, v.user_key,
        v.session_identity_kind, v.session_variant, v.closed_by, v.handoff_us, v.first_agent_us, v.handoff_date,
        v.messages_in, v.messages_out_bot, v.messages_out_agent,
        COALESCE(t.turns, 0) AS turns, COALESCE(t.answered, 0) AS answered,
        v.fallbacks, v.errors, v.tokens_in, v.tokens_out, v.cost_amount,
        v.is_proactive, v.is_continued, v.has_negative, v.ends_in_fallback, v.ends_answered, v.ends_in_error,
        CASE WHEN v.handoff_us IS NULL OR v.handoff_us > v.end_us THEN v.end_us ELSE v.handoff_us END AS bot_end_us,
        CASE
            WHEN v.end_us + {{ timeout_us("v.session_channel") }} > {{ watermark_us }} THEN 'open'
            WHEN v.messages_in = 0 THEN 'unengaged'
            WHEN v.handoff_us IS NOT NULL AND v.first_agent_us IS NOT NULL THEN 'escalated_connected'
            WHEN v.handoff_us IS NOT NULL THEN 'escalated_unanswered'
            WHEN v.ends_positive = 1 THEN 'resolved_confirmed'
            WHEN v.goals > 0 THEN 'resolved_goal'
            WHEN v.messages_out_bot > v.fallbacks AND v.ends_answered = 1 AND v.ends_in_fallback = 0
             AND v.ends_in_error = 0 AND v.has_negative = 0 AND COALESCE(v.closed_by, '') <> 'rule'
                THEN 'resolved_assumed'
            ELSE 'abandoned'
        END AS outcome
    FROM c_values AS v
    LEFT JOIN c_turns AS t ON v.session_key = t.session_key
)
SELECT
    date, session_key, {{ dims() }}, session_channel, start_us, end_us, conversation_key, user_key,
    session_identity_kind, session_variant, outcome,
    CASE outcome
        WHEN 'open' THEN 'last activity plus timeout after the watermark'
        WHEN 'unengaged' THEN 'no user message'
        WHEN 'escalated_connected' THEN 'handoff and an agent message'
        WHEN 'escalated_unanswered' THEN 'handoff and no agent message'
        WHEN 'resolved_confirmed' THEN 'last answer positive'
        WHEN 'resolved_goal' THEN 'goal reached'
        WHEN 'resolved_assumed' THEN 'answered last and nothing against it'
        ELSE 'none of the others'
    END AS outcome_rule,
    CASE
        WHEN outcome <> 'abandoned' THEN NULL
        WHEN ends_answered = 0 THEN 'unanswered'
        WHEN ends_in_fallback = 1 THEN 'after_fallback'
        WHEN ends_in_error = 1 THEN 'after_error'
        WHEN has_negative = 1 THEN 'negative_feedback'
        ELSE 'closed_by_rule'
    END AS abandon_reason,
    closed_by, handoff_us, first_agent_us, handoff_date,
    CASE WHEN handoff_date IS NOT NULL
         THEN CAST(FLOOR(CAST(first_agent_us - handoff_us AS DOUBLE) / NULLIF(1000, 0)) AS BIGINT)
         END AS human_wait_ms,
    messages_in, messages_out_bot, messages_out_agent,
    turns, answered, fallbacks, errors,
    CAST(FLOOR(CAST(end_us - start_us AS DOUBLE) / NULLIF(1000, 0)) AS BIGINT) AS session_ms,
    CAST(FLOOR(CAST(bot_end_us - start_us AS DOUBLE) / NULLIF(1000, 0)) AS BIGINT) AS bot_ms,
    CAST(FLOOR(CAST(end_us - start_us AS DOUBLE) / NULLIF(1000, 0)) AS BIGINT)
        - CAST(FLOOR(CAST(bot_end_us - start_us AS DOUBLE) / NULLIF(1000, 0)) AS BIGINT) AS agent_ms,
    tokens_in, tokens_out, cost_amount, is_proactive = 1 AS is_proactive, is_continued = 1 AS is_continued
FROM c_ruled
