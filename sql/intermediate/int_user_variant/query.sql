SELECT date, user_key, variant, MIN(ts_us) AS first_us
FROM stg_events
WHERE user_key IS NOT NULL AND variant IS NOT NULL AND date >= {{ from_day }} AND date < {{ to_day }}
GROUP BY date, user_key, variant
