-- Several months may be built at once: the smallest day of all that was read is the first one for
-- each of them, whether it comes from the state before or from a day between.
WITH c_seen AS (
    SELECT {{ dims() }}, user_key, first_date
    FROM int_user_state
    UNION ALL
    SELECT {{ dims() }}, user_key, date AS first_date
    FROM int_user_day
),
c_first AS (
    SELECT {{ dims() }}, user_key, MIN(first_date) AS first_date
    FROM c_seen
    GROUP BY {{ dims() }}, user_key
),
c_months AS (
    {%- for start in starts %}
    {% if not loop.first %}UNION ALL {% endif %}SELECT {{ start }} AS month_start
    {%- endfor %}
)
SELECT m.month_start AS date, {{ dims("f.$") }}, f.user_key, f.first_date
FROM c_first AS f
CROSS JOIN c_months AS m
WHERE f.first_date < m.month_start
