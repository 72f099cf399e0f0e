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
c_parts AS (
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
{% include "kpi_interval.sql" %}
