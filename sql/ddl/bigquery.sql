{#- External tables; BigQuery lists the folders anew for each query. -#}
{%- if not in_bucket %}{{ refuse("BigQuery reads tables in buckets alone") }}{% endif %}
{%- if of_one_generation %}{{ refuse("BigQuery is told of folders, not of lists of objects") }}{% endif %}
{%- set types = {"bigint": "INT64", "double": "FLOAT64", "decimal": "NUMERIC(18, 6)", "boolean": "BOOL", "text": "STRING", "date": "DATE", "timestamp": "TIMESTAMP"} %}
-- Tables in S3 need a BigLake connection: WITH CONNECTION `region.name` before OPTIONS.
CREATE SCHEMA IF NOT EXISTS `{{ schema }}`;
{%- for t in tables %}

CREATE OR REPLACE EXTERNAL TABLE `{{ schema }}`.`{{ t.name }}` (
{%- for c in t.columns %}
    `{{ c.name }}` {{ types[c.type] }} OPTIONS (description = '{{ c.doc | escaped }}'){{ "," if not loop.last }}
{%- endfor %}
)
{%- if t.partitioned %}
WITH PARTITION COLUMNS (`date` DATE)
{%- endif %}
OPTIONS (
    format = 'PARQUET',
    uris = ['{{ t.location | escaped }}/*'],
{%- if t.partitioned %}
    hive_partition_uri_prefix = '{{ t.location | escaped }}/',
{%- endif %}
    description = '{{ t.doc | escaped }}'
);
{%- endfor %}
