{#- Tables of the Hive connector. It must be asked to look for new days. -#}
{%- if not in_bucket %}{{ refuse("Trino is told of tables in a bucket, which all of its machines can reach") }}{% endif %}
{%- if of_one_generation %}{{ refuse("Trino reads folders, not lists of objects") }}{% endif %}
{%- set types = {"bigint": "BIGINT", "double": "DOUBLE", "decimal": "DECIMAL(18, 6)", "boolean": "BOOLEAN", "text": "VARCHAR", "date": "DATE", "timestamp": "TIMESTAMP(3)"} %}
-- In the Hive connector's catalog (USE catalog.information_schema). Instants are UTC.
CREATE SCHEMA IF NOT EXISTS "{{ schema }}";
{%- for t in tables %}

CREATE TABLE IF NOT EXISTS "{{ schema }}"."{{ t.name }}" (
{%- for c in t.columns %}
    "{{ c.name }}" {{ types[c.type] }} COMMENT '{{ c.doc | doubled }}'{{ "," if t.partitioned or not loop.last }}
{%- endfor %}
{%- if t.partitioned %}
    "date" DATE COMMENT 'The day'
{%- endif %}
)
COMMENT '{{ t.doc | doubled }}'
WITH (
    external_location = '{{ t.location | doubled }}/',
    format = 'PARQUET'{{ "," if t.partitioned }}
{%- if t.partitioned %}
    partitioned_by = ARRAY['date']
{%- endif %}
);
{%- if t.partitioned %}
-- Again after each run.
CALL system.sync_partition_metadata('{{ schema }}', '{{ t.name }}', 'FULL');
{%- endif %}
{%- endfor %}
