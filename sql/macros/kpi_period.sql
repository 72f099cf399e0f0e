-- The cells of a period, `{{ period }}`, from those of its published days. Parts add up where the
-- metric allows it; distinct users are counted again over the period, and percentiles are read off
-- the sum of the days' histograms: the longest time in their bucket.
WITH c_days AS (
    SELECT
        d.{{ period }} AS date, k.metric, {{ dims("k.$") }},
        -- Parts are whole millionths, which add up exactly; doubles would not.
        CAST(FLOOR(k.numerator * 1000000 + CAST(0.5 AS DOUBLE)) AS BIGINT) AS numerator_micros,
        CAST(FLOOR(k.denominator * 1000000 + CAST(0.5 AS DOUBLE)) AS BIGINT) AS denominator_micros,
        k.n, k.unit, k.definition_version,
        CASE WHEN k.ci_low IS NULL THEN 0 ELSE 1 END AS is_proportion
    FROM kpi_daily AS k
    INNER JOIN dim_date AS d ON k.date = d.date
),
c_sums AS (
    SELECT
        date, metric, {{ dims() }}, SUM(numerator_micros) AS numerator_micros,
        SUM(denominator_micros) AS denominator_micros, SUM(n) AS n, MAX(unit) AS unit,
        MAX(definition_version) AS definition_version, MAX(is_proportion) AS is_proportion
    FROM c_days
    GROUP BY date, metric, {{ dims() }}
),
c_expected AS (
    SELECT {{ period }} AS date, COUNT(*) AS days, MAX(date) AS last_day
    FROM calendar
    WHERE date >= {{ history_start_day }}
    GROUP BY {{ period }}
),
c_published AS (
    SELECT {{ period }} AS date, COUNT(*) AS days
    FROM dim_date
    WHERE date >= {{ history_start_day }}
    GROUP BY {{ period }}
),
c_gaps AS (
    SELECT e.date, e.last_day, CASE WHEN e.days = COALESCE(p.days, 0) THEN 0 ELSE 1 END AS has_gaps
    FROM c_expected AS e
    LEFT JOIN c_published AS p ON e.date = p.date
),
c_active AS (
    SELECT DISTINCT d.{{ period }} AS date, {{ slices("u") }}, u.user_key
    FROM int_user_day AS u
    INNER JOIN dim_date AS d ON u.date = d.date
    CROSS JOIN grouping_sets AS g
),
c_users AS (
    SELECT date, {{ dims() }}, COUNT(*) AS users
    FROM c_active
    GROUP BY date, {{ dims() }}
),
c_new AS (
    SELECT date, {{ dims() }}, numerator_micros, definition_version
    FROM c_sums
    WHERE metric = 'new_users'
),
c_told_users AS (
    SELECT
        u.date, {{ dims("u.$") }}, CAST(u.users * 1000000 AS BIGINT) AS users_micros, u.users AS n,
        u.users * 1000000 - n.numerator_micros AS returning_micros,
        n.definition_version
    FROM c_users AS u
    INNER JOIN c_new AS n ON u.date = n.date AND {{ dims("u.$ = n.$", " AND ") }}
),
c_histogram AS (
    SELECT
        d.{{ period }} AS date, {{ slices("h") }}, h.bucket_from_ms,
        COALESCE(h.bucket_to_ms - 1, h.bucket_from_ms) AS longest_ms, h.answered
    FROM fct_response_time_hist_daily AS h
    INNER JOIN dim_date AS d ON h.date = d.date
    CROSS JOIN grouping_sets AS g
),
c_buckets AS (
    SELECT date, {{ dims() }}, bucket_from_ms, MAX(longest_ms) AS longest_ms, SUM(answered) AS answered
    FROM c_histogram
    GROUP BY date, {{ dims() }}, bucket_from_ms
),
c_running AS (
    SELECT
        date, {{ dims() }}, longest_ms,
        SUM(answered) OVER (
            PARTITION BY date, {{ dims() }} ORDER BY bucket_from_ms
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS so_far,
        SUM(answered) OVER (PARTITION BY date, {{ dims() }}) AS answered
    FROM c_buckets
),
c_percentiles AS (
    SELECT
        date, {{ dims() }},
        {{ percentile("longest_ms", "so_far", "answered", 50) }} AS p50,
        {{ percentile("longest_ms", "so_far", "answered", 90) }} AS p90,
        {{ percentile("longest_ms", "so_far", "answered", 95) }} AS p95,
        {{ percentile("longest_ms", "so_far", "answered", 99) }} AS p99
    FROM c_running
    GROUP BY date, {{ dims() }}
),
c_times AS (
    SELECT
        p.date, {{ dims("p.$") }}, p.p50, p.p90, p.p95, p.p99, s.n, s.unit, s.definition_version
    FROM c_percentiles AS p
    INNER JOIN c_sums AS s ON p.date = s.date AND {{ dims("p.$ = s.$", " AND ") }}
    WHERE s.metric = 'response_time_ms'
),
c_cells AS (
    SELECT
        date, metric, {{ dims() }}, numerator_micros,
        CASE WHEN metric IN ('{{ additive_metrics | join("', '") }}') THEN 1000000
             ELSE denominator_micros END AS denominator_micros,
        n, unit, definition_version, is_proportion
    FROM c_sums
    WHERE metric IN ('{{ additive_metrics | join("', '") }}', '{{ ratio_metrics | join("', '") }}')
    UNION ALL
    SELECT
        date, metric, {{ dims() }}, numerator_micros, 1000000 AS denominator_micros, n, unit,
        definition_version, is_proportion
    FROM c_sums
    WHERE metric = 'new_users'
    UNION ALL
    SELECT
        date, 'unique_users' AS metric, {{ dims() }}, users_micros AS numerator_micros,
        1000000 AS denominator_micros, n, 'users' AS unit, definition_version, 0 AS is_proportion
    FROM c_told_users
    UNION ALL
    SELECT
        date, 'returning_users' AS metric, {{ dims() }}, returning_micros AS numerator_micros,
        1000000 AS denominator_micros, n, 'users' AS unit, definition_version, 0 AS is_proportion
    FROM c_told_users
    UNION ALL
    SELECT
        date, 'recurring_use_rate' AS metric, {{ dims() }}, returning_micros AS numerator_micros,
        users_micros AS denominator_micros, n, 'ratio' AS unit, definition_version,
        1 AS is_proportion
    FROM c_told_users
    {%- for p in [50, 90, 95, 99] %}
    UNION ALL
    SELECT
        date, 'response_time_p{{ p }}_ms' AS metric, {{ dims() }}, p{{ p }} * 1000000 AS numerator_micros,
        1000000 AS denominator_micros, n, unit, definition_version, 0 AS is_proportion
    FROM c_times
    {%- endfor %}
),
-- A period's cell is final when that of its last day would be.
c_final AS (
    {%- for t in metric_tables %}
    {%- set table = loop %}
    {%- for m in t.metrics %}
    {% if not (table.first and loop.first) %}UNION ALL
    {% endif -%}
    SELECT '{{ m.name }}' AS metric, {{ m.final_to_day }} AS final_to_day
    {%- endfor %}
    {%- endfor %}
),
c_parts AS (
    SELECT
        c.date, c.metric, {{ dims("c.$") }},
        CAST(c.numerator_micros AS DOUBLE) / NULLIF(1000000, 0) AS numerator,
        CAST(c.denominator_micros AS DOUBLE) / NULLIF(1000000, 0) AS denominator,
        c.n, c.unit, c.is_proportion,
        CASE WHEN g.last_day <= f.final_to_day AND g.has_gaps = 0 THEN 'final' ELSE 'provisional' END AS status,
        c.definition_version
    FROM c_cells AS c
    INNER JOIN c_gaps AS g ON c.date = g.date
    INNER JOIN c_final AS f ON c.metric = f.metric
),
{% include "kpi_interval.sql" %}
