{#- External tables over a stage; Snowflake must be asked to look for new files. -#}
{%- if not in_bucket %}{{ refuse("Snowflake reads tables in buckets alone") }}{% endif %}
{%- if of_one_generation %}{{ refuse("Snowflake is told of folders, not of lists of objects") }}{% endif %}
{%- set types = {"bigint": "NUMBER(19, 0)", "double": "DOUBLE", "decimal": "NUMBER(18, 6)", "boolean": "BOOLEAN", "text": "VARCHAR", "date": "DATE", "timestamp": "TIMESTAMP_NTZ(6)"} %}
-- Before: CREATE STAGE chatkpi URL = '<the warehouse>' STORAGE_INTEGRATION = <yours>. Instants are UTC.
CREATE SCHEMA IF NOT EXISTS {{ schema }};
{%- for t in tables %}

CREATE OR REPLACE EXTERNAL TABLE {{ schema }}."{{ t.name }}" (
{%- if t.partitioned %}
    "date" DATE AS (TO_DATE(REGEXP_SUBSTR(METADATA$FILENAME, 'date=([0-9-]+)', 1, 1, 'e'))),
{%- endif %}
{%- for c in t.columns %}
    "{{ c.name }}" {{ types[c.type] }} AS (VALUE:"{{ c.name }}"::{{ types[c.type] }}){{ "," if not loop.last }}
{%- endfor %}
)
{%- if t.partitioned %}
PARTITION BY ("date")
{%- endif %}
LOCATION = @chatkpi/{{ t.name }}/
AUTO_REFRESH = FALSE
FILE_FORMAT = (TYPE = PARQUET)
COMMENT = '{{ t.doc | escaped }}';
-- Again after each run.
ALTER EXTERNAL TABLE {{ schema }}."{{ t.name }}" REFRESH;
{%- endfor %}
