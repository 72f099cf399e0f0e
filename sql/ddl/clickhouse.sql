{#- Views over files; ClickHouse lists them anew for each query. Tried with chdb 26.9. -#}
{%- if of_one_generation %}{{ refuse("ClickHouse is told of folders, not of lists of objects") }}{% endif %}
{%- set types = {"bigint": "Int64", "double": "Float64", "decimal": "Decimal(18, 6)", "boolean": "Bool", "text": "String", "date": "Date32", "timestamp": "DateTime64(6, \\'UTC\\')"} %}
-- A server reads local files below its `user_files_path` alone.
CREATE DATABASE IF NOT EXISTS `{{ schema }}`;
{%- for t in tables %}

CREATE OR REPLACE VIEW `{{ schema }}`.`{{ t.name }}` AS
SELECT {{ "`date`, " if t.partitioned }}{% for c in t.columns %}`{{ c.name }}`{{ ", " if not loop.last }}{% endfor %}
FROM {{ "s3" if in_bucket else "file" }}('{{ t.location | escaped }}/{{ "date=*/*.parquet" if t.partitioned else "*.parquet" }}', 'Parquet',
    '{{ "`date` Date32, " if t.partitioned }}{% for c in t.columns %}`{{ c.name }}` {{ "Nullable(" ~ types[c.type] ~ ")" if c.nullable else types[c.type] }}{{ ", " if not loop.last }}{% endfor %}')
SETTINGS use_hive_partitioning = 1
COMMENT '{{ t.doc | escaped }}';
{%- endfor %}
