SELECT
    date, {{ dims() }}, outcome, COALESCE(abandon_reason, 'none') AS abandon_reason,
    COUNT(*) AS sessions,
    SUM(CASE WHEN is_proactive = TRUE THEN 1 ELSE 0 END) AS sessions_proactive,
    SUM(CASE WHEN identity_kind = 'anonymous' THEN 1 ELSE 0 END) AS sessions_anonymous
FROM fct_session
GROUP BY date, {{ dims() }}, outcome, COALESCE(abandon_reason, 'none')
