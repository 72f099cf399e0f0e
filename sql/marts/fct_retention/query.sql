{%- set windows = [1, 7, 14, 28, 30] %}
WITH c_cohort AS (
    SELECT
        date AS cohort_date, {{ dims() }}, user_key
        {%- for days in windows %}, CAST(date + INTERVAL '{{ days }} days' AS DATE) AS day_{{ days }}{% endfor %}
    FROM int_new_users
),
c_members AS (
    SELECT DISTINCT user_key
    FROM c_cohort
),
-- Only the cohorts' own users are spread over the slices.
c_days AS (
    SELECT u.date AS active_date, {{ slices("u") }}, u.user_key
    FROM int_user_day AS u
    INNER JOIN c_members AS m ON u.user_key = m.user_key
    CROSS JOIN grouping_sets AS g
),
c_after AS (
    SELECT
        c.cohort_date, {{ dims("c.$") }}, c.user_key, d.active_date
        {%- for days in windows %}, c.day_{{ days }}{% endfor %}
    FROM c_cohort AS c
    INNER JOIN c_days AS d ON {{ dims("c.$ = d.$", " AND ") }} AND c.user_key = d.user_key
    WHERE d.active_date > c.cohort_date AND d.active_date <= c.day_30
),
c_returned AS (
    SELECT
        cohort_date, {{ dims() }}, user_key
        {%- for days in windows %},
        MAX(CASE WHEN active_date = day_{{ days }} THEN 1 ELSE 0 END) AS exact_{{ days }},
        MAX(CASE WHEN active_date <= day_{{ days }} THEN 1 ELSE 0 END) AS within_{{ days }}
        {%- endfor %}
    FROM c_after
    GROUP BY cohort_date, {{ dims() }}, user_key
),
c_finished AS (
    SELECT f.date AS finished_date, {{ slices("f") }}, f.user_key
    FROM int_user_completed AS f
    CROSS JOIN grouping_sets AS g
),
c_completed AS (
    SELECT DISTINCT finished_date, {{ dims() }}, user_key
    FROM c_finished
),
c_each AS (
    SELECT
        c.cohort_date, {{ dims("c.$") }}
        {%- for days in windows %},
        COALESCE(r.exact_{{ days }}, 0) AS exact_{{ days }}, COALESCE(r.within_{{ days }}, 0) AS within_{{ days }}
        {%- endfor %},
        CASE WHEN f.finished_date IS NULL THEN 0 ELSE 1 END AS completion,
        CASE WHEN f.finished_date IS NULL THEN COALESCE(r.within_30, 0) ELSE 1 END AS completed_or_returned_30
    FROM c_cohort AS c
    LEFT JOIN c_returned AS r
        ON c.cohort_date = r.cohort_date AND {{ dims("c.$ = r.$", " AND ") }} AND c.user_key = r.user_key
    LEFT JOIN c_completed AS f
        ON c.cohort_date = f.finished_date AND {{ dims("c.$ = f.$", " AND ") }} AND c.user_key = f.user_key
),
c_sums AS (
    SELECT
        cohort_date AS date, {{ dims() }}, COUNT(*) AS cohort
        {%- for days in windows %},
        SUM(exact_{{ days }}) AS exact_{{ days }}, SUM(within_{{ days }}) AS within_{{ days }}
        {%- endfor %},
        SUM(completion) AS completion, SUM(completed_or_returned_30) AS completed_or_returned_30
    FROM c_each
    GROUP BY cohort_date, {{ dims() }}
),
c_windows AS (
    {%- for days in windows %}
    {%- for kind in ["exact", "within"] %}
    SELECT date, {{ dims() }}, '{{ kind }}_{{ days }}' AS retention_window, {{ kind }}_{{ days }} AS retained, cohort
    FROM c_sums
    WHERE date <= {{ matured(days) }}
    UNION ALL
    {%- endfor %}
    {%- endfor %}
    SELECT date, {{ dims() }}, 'completion' AS retention_window, completion AS retained, cohort
    FROM c_sums
    WHERE date <= {{ matured(1) }}
    UNION ALL
    SELECT date, {{ dims() }}, 'completed_or_returned_30' AS retention_window, completed_or_returned_30 AS retained, cohort
    FROM c_sums
    WHERE date <= {{ matured(30) }}
)
SELECT
    date, {{ dims() }}, retention_window, retained, cohort,
    CAST(retained AS DOUBLE) / NULLIF(cohort, 0) AS value
FROM c_windows
