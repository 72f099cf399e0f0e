-- The states of several months may be here, and the days between them: the smallest day of all is
-- the first one.
WITH c_writing AS (
    SELECT DISTINCT user_key
    FROM int_user_day
    WHERE date >= {{ from_day }} AND date < {{ to_day }}
),
c_seen AS (
    SELECT {{ dims() }}, user_key, first_date
    FROM int_user_state
    UNION ALL
    SELECT {{ dims() }}, user_key, date AS first_date
    FROM int_user_day
),
c_first AS (
    SELECT {{ dims("s.$") }}, s.user_key, MIN(s.first_date) AS first_date
    FROM c_seen AS s
    INNER JOIN c_writing AS w ON s.user_key = w.user_key
    GROUP BY {{ dims("s.$") }}, s.user_key
),
c_sliced AS (
    SELECT {{ slices("f") }}, f.user_key, f.first_date
    FROM c_first AS f
    CROSS JOIN grouping_sets AS g
),
c_earliest AS (
    SELECT {{ dims() }}, user_key, MIN(first_date) AS date
    FROM c_sliced
    GROUP BY {{ dims() }}, user_key
)
SELECT date, {{ dims() }}, user_key
FROM c_earliest
WHERE date >= {{ from_day }} AND date < {{ to_day }}
