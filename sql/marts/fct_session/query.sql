SELECT
    date, session_key, {{ dims() }}, start_us AS start_ts, end_us AS end_ts, conversation_key, user_key,
    {% if "identity_kind" not in dimensions %}session_identity_kind AS identity_kind,{% endif %}
    {% if "variant" not in dimensions %}session_variant AS variant,{% endif %}
    outcome, outcome_rule, abandon_reason, closed_by,
    handoff_us AS handoff_at, first_agent_us AS first_agent_at, messages_in, messages_out_bot,
    messages_out_agent, turns, answered, fallbacks, errors, session_ms, bot_ms, agent_ms,
    tokens_in, tokens_out, cost_amount, is_proactive, is_continued
FROM int_sessions
