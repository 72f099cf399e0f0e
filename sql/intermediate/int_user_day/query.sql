SELECT event_date AS date, {{ dims() }}, user_key, COUNT(*) AS messages
FROM int_session_events
WHERE is_activity = 1 AND actor = 'user' AND user_key IS NOT NULL
  AND event_date >= {{ from_day }} AND event_date < {{ to_day }}
GROUP BY event_date, {{ dims() }}, user_key
