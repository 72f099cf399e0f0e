WITH c_days AS (
    SELECT u.date, {{ slices("u") }}, u.user_key
    FROM int_user_day AS u
    CROSS JOIN grouping_sets AS g
),
c_active AS (
    SELECT DISTINCT date, {{ dims() }}, user_key
    FROM c_days
),
c_users AS (
    SELECT DISTINCT user_key
    FROM int_user_day
),
c_seen AS (
    SELECT f.date, {{ slices("f") }}, f.user_key
    FROM int_first_seen AS f
    INNER JOIN c_users AS u ON f.user_key = u.user_key
    CROSS JOIN grouping_sets AS g
),
c_first AS (
    SELECT {{ dims() }}, user_key, MIN(date) AS first_date
    FROM c_seen
    GROUP BY {{ dims() }}, user_key
),
c_told AS (
    SELECT a.date, {{ dims("a.$") }}, CASE WHEN f.first_date = a.date THEN 1 ELSE 0 END AS is_new
    FROM c_active AS a
    INNER JOIN c_first AS f ON {{ dims("a.$ = f.$", " AND ") }} AND a.user_key = f.user_key
)
SELECT
    date, {{ dims() }}, COUNT(*) AS active_users, SUM(is_new) AS new_users,
    SUM(1 - is_new) AS returning_users, date >= {{ reliable_from_day }} AS new_user_reliable
FROM c_told
GROUP BY date, {{ dims() }}
