-- A user is in a window from each day they write until the window's length has passed or they write
-- again. So a window's users are the running sum of those who come and those who go: no day is
-- joined with the 30 before it.
{%- macro until(days) -%}
CASE WHEN next_date < CAST(date + INTERVAL '{{ days }} days' AS DATE) THEN next_date
     ELSE CAST(date + INTERVAL '{{ days }} days' AS DATE) END
{%- endmacro %}
{%- macro covered(days, column) -%}
CASE WHEN CAST(r.date - INTERVAL '{{ days - 1 }} days' AS DATE) >= {{ history_start_day }} THEN r.{{ column }} END AS {{ column }}
{%- endmacro %}
WITH c_days AS (
    SELECT u.date, {{ slices("u") }}, u.user_key
    FROM int_user_day AS u
    CROSS JOIN grouping_sets AS g
),
c_active AS (
    SELECT DISTINCT date, {{ dims() }}, user_key
    FROM c_days
),
c_beside AS (
    SELECT
        date, {{ dims() }},
        LAG(date) OVER (PARTITION BY {{ dims() }}, user_key ORDER BY date) AS previous_date,
        LEAD(date) OVER (PARTITION BY {{ dims() }}, user_key ORDER BY date) AS next_date
    FROM c_active
),
c_told AS (
    SELECT
        date, {{ dims() }}, COUNT(*) AS active_users,
        SUM(CASE WHEN CAST(previous_date + INTERVAL '28 days' AS DATE) >= date THEN 1 ELSE 0 END) AS retained_users
    FROM c_beside
    WHERE date >= {{ from_day }} AND date < {{ to_day }}
    GROUP BY date, {{ dims() }}
),
c_new AS (
    SELECT date, {{ dims() }}, COUNT(*) AS new_users
    FROM int_new_users
    GROUP BY date, {{ dims() }}
),
c_ends AS (
    SELECT date, {{ dims() }}, {{ until(7) }} AS end_7, {{ until(28) }} AS end_28, {{ until(30) }} AS end_30
    FROM c_beside
),
c_calendar AS (
    {%- for start in starts %}
    {% if not loop.first %}UNION ALL {% endif %}SELECT {{ start }} AS date
    {%- endfor %}
),
c_slices AS (
    SELECT DISTINCT {{ dims() }}
    FROM c_active
),
c_changes AS (
    SELECT date, {{ dims() }}, 1 AS by_7, 1 AS by_28, 1 AS by_30
    FROM c_ends
    {%- for days in [7, 28, 30] %}
    UNION ALL
    SELECT end_{{ days }} AS date, {{ dims() }}
        {%- for other in [7, 28, 30] %}, {% if other == days %}-1{% else %}0{% endif %} AS by_{{ other }}{% endfor %}
    FROM c_ends
    {%- endfor %}
    UNION ALL
    SELECT c.date, {{ dims("s.$") }}, 0 AS by_7, 0 AS by_28, 0 AS by_30
    FROM c_slices AS s
    CROSS JOIN c_calendar AS c
),
c_steps AS (
    SELECT date, {{ dims() }}, SUM(by_7) AS by_7, SUM(by_28) AS by_28, SUM(by_30) AS by_30
    FROM c_changes
    GROUP BY date, {{ dims() }}
),
c_running AS (
    SELECT
        date, {{ dims() }},
        SUM(by_7) OVER (PARTITION BY {{ dims() }} ORDER BY date ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS wau,
        SUM(by_28) OVER (PARTITION BY {{ dims() }} ORDER BY date ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS mau28,
        SUM(by_30) OVER (PARTITION BY {{ dims() }} ORDER BY date ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS mau
    FROM c_steps
)
SELECT
    r.date, {{ dims("r.$") }},
    COALESCE(t.active_users, 0) AS active_users,
    COALESCE(n.new_users, 0) AS new_users,
    COALESCE(t.active_users, 0) - COALESCE(n.new_users, 0) AS returning_users,
    COALESCE(t.retained_users, 0) AS retained_users,
    COALESCE(t.active_users, 0) - COALESCE(n.new_users, 0) - COALESCE(t.retained_users, 0) AS resurrected_users,
    {{ covered(7, "wau") }},
    {{ covered(30, "mau") }},
    {{ covered(28, "mau28") }},
    r.date >= {{ reliable_from_day }} AS new_user_reliable
FROM c_running AS r
LEFT JOIN c_told AS t ON r.date = t.date AND {{ dims("r.$ = t.$", " AND ") }}
LEFT JOIN c_new AS n ON r.date = n.date AND {{ dims("r.$ = n.$", " AND ") }}
WHERE r.mau > 0 AND r.date >= {{ from_day }} AND r.date < {{ to_day }}
