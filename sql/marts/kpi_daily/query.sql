WITH
{%- for t in metric_tables %}
{%- if not t.every_slice %}
c_{{ t.name }}_sliced AS (
    SELECT t.date, {{ slices("t") }}{% for c in t.other_columns %}, t.{{ c }}{% endfor %}
    FROM {{ t.name }} AS t
    CROSS JOIN grouping_sets AS g
),
{%- endif %}
c_{{ t.name }} AS (
    SELECT
        date, {{ dims() }}
        {%- for m in t.metrics %},
        CAST({{ m.numerator }} AS DOUBLE) AS numerator_{{ loop.index }},
        CAST({{ m.denominator }} AS DOUBLE) AS denominator_{{ loop.index }},
        CAST({{ m.n }} AS BIGINT) AS n_{{ loop.index }}
        {%- endfor %}
    {%- if not t.every_slice %}
    FROM c_{{ t.name }}_sliced
    GROUP BY date, {{ dims() }}
    {%- else %}
    FROM {{ t.name }}
    {%- endif %}
),
{%- endfor %}
c_cells AS (
    {%- for t in metric_tables %}
    {%- set table = loop %}
    {%- for m in t.metrics %}
    {% if not (table.first and loop.first) %}UNION ALL
    {% endif -%}
    SELECT date, '{{ m.name }}' AS metric, {{ dims() }}, numerator_{{ loop.index }} AS numerator,
           denominator_{{ loop.index }} AS denominator, n_{{ loop.index }} AS n, '{{ m.unit }}' AS unit,
           {% if m.proportion %}1{% else %}0{% endif %} AS is_proportion,
           CASE WHEN date <= {{ m.final_to_day }} THEN 'final' ELSE 'provisional' END AS status,
           '{{ m.definition }}' AS definition_version
    FROM c_{{ t.name }}
    WHERE denominator_{{ loop.index }} > 0 AND numerator_{{ loop.index }} IS NOT NULL
    {%- endfor %}
    {%- endfor %}
),
c_valued AS (
    SELECT
        date, metric, {{ dims() }}, numerator, denominator, n, unit, is_proportion, status, definition_version,
        numerator / NULLIF(denominator, 0) AS value
    FROM c_cells
),
-- Wilson's score interval: E. B. Wilson, Probable Inference, JASA 22 (1927), with z of 95 %.
c_wilson AS (
    SELECT
        date, metric, {{ dims() }}, numerator, denominator, n, unit, is_proportion, status, definition_version, value,
        (value + {{ z2 }} / NULLIF(2 * denominator, 0)) / NULLIF(1 + {{ z2 }} / NULLIF(denominator, 0), 0) AS centre,
        {{ z }} * SQRT(value * (1 - value) / NULLIF(denominator, 0) + {{ z2 }} / NULLIF(4 * denominator * denominator, 0))
            / NULLIF(1 + {{ z2 }} / NULLIF(denominator, 0), 0) AS half_width
    FROM c_valued
)
SELECT
    date, metric, {{ dims() }}, numerator, denominator, value,
    -- At none and at all of them one end is exactly 0 or 1, where rounding would step over it.
    CASE WHEN is_proportion = 1 AND numerator = 0 THEN CAST(0 AS DOUBLE)
         WHEN is_proportion = 1 THEN centre - half_width END AS ci_low,
    CASE WHEN is_proportion = 1 AND numerator = denominator THEN CAST(1 AS DOUBLE)
         WHEN is_proportion = 1 THEN centre + half_width END AS ci_high,
    unit, n, n < {{ low_n }} AS low_n, status, definition_version
FROM c_wilson
