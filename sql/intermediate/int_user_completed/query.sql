SELECT DISTINCT e.event_date AS date, {{ dims("e.$") }}, e.user_key
FROM int_session_events AS e
INNER JOIN int_sessions AS s ON e.session_key = s.session_key
WHERE e.is_activity = 1 AND e.actor = 'user' AND e.user_key IS NOT NULL
  AND s.outcome IN ('resolved_confirmed', 'resolved_goal', 'resolved_assumed')
  AND e.event_date >= {{ from_day }} AND e.event_date < {{ to_day }}
