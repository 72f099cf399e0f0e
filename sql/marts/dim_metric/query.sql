WITH c_metrics AS (
    {%- for t in metric_tables %}
    {%- set table = loop %}
    {%- for m in t.metrics %}
    {% if not (table.first and loop.first) %}UNION ALL
    {% endif -%}
    SELECT '{{ m.name }}' AS metric, '{{ m.unit }}' AS unit, '{{ m.additivity }}' AS additivity,
           {% if m.proportion %}1{% else %}0{% endif %} AS is_proportion, {{ m.maturity_days }} AS maturity_days,
           '{{ t.name }}' AS table_name, '{{ m.doc }}' AS doc, '{{ m.definition }}' AS definition_version
    {%- endfor %}
    {%- endfor %}
)
SELECT
    {{ from_day }} AS date, metric, unit, additivity, is_proportion = 1 AS proportion, maturity_days,
    table_name, doc, definition_version
FROM c_metrics
