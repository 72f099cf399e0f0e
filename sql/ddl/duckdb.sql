{#- Views over the files; DuckDB finds new days by itself. Tried with DuckDB 2.0. -#}
CREATE SCHEMA IF NOT EXISTS "{{ schema }}";
{%- for t in tables %}

CREATE OR REPLACE VIEW "{{ schema }}"."{{ t.name }}" AS
{%- if t.objects is none %}
SELECT {{ "date, " if t.partitioned }}{% for c in t.columns %}"{{ c.name }}"{{ ", " if not loop.last }}{% endfor %}
FROM read_parquet('{{ t.location | doubled }}/{{ "date=*/*.parquet" if t.partitioned else "*.parquet" }}',
{%- else %}
SELECT *{{ " EXCLUDE (date)" if not t.partitioned }} FROM read_parquet([
{%- for object in t.objects %}
    '{{ object | doubled }}'{{ "," if not loop.last }}
{%- endfor %}
],
{%- endif %}
    hive_partitioning = {{ "true, hive_types = {'date': DATE}" if t.partitioned or t.objects is not none else "false" }}, union_by_name = true);
COMMENT ON VIEW "{{ schema }}"."{{ t.name }}" IS '{{ t.doc | doubled }}';
{%- if t.objects is none %}
{%- for c in t.columns %}
COMMENT ON COLUMN "{{ schema }}"."{{ t.name }}"."{{ c.name }}" IS '{{ c.doc | doubled }}';
{%- endfor %}
{%- endif %}
{%- endfor %}
