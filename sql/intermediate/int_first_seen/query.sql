WITH c_new AS (
    SELECT {{ dims() }}, user_key, MIN(date) AS date
    FROM int_user_day
    GROUP BY {{ dims() }}, user_key
),
c_known AS (
    SELECT {{ dims() }}, user_key, COUNT(*) AS days
    FROM int_first_seen
    GROUP BY {{ dims() }}, user_key
)
SELECT n.date, {{ dims("n.$") }}, n.user_key
FROM c_new AS n
LEFT JOIN c_known AS k ON {{ dims("n.$ = k.$", " AND ") }} AND n.user_key = k.user_key
WHERE k.days IS NULL
