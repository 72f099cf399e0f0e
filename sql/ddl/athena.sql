{#- Hive's language. Athena works partitions out from their names, so no crawler is needed. -#}
{%- if not in_bucket %}{{ refuse("Athena reads tables in S3 alone") }}{% endif %}
{%- if of_one_generation %}{{ refuse("Athena reads folders, not lists of objects") }}{% endif %}
{%- set types = {"bigint": "bigint", "double": "double", "decimal": "decimal(18,6)", "boolean": "boolean", "text": "string", "date": "date", "timestamp": "timestamp"} %}
CREATE DATABASE IF NOT EXISTS `{{ schema }}`;
{%- for t in tables %}

CREATE EXTERNAL TABLE IF NOT EXISTS `{{ schema }}`.`{{ t.name }}` (
{%- for c in t.columns %}
    `{{ c.name }}` {{ types[c.type] }} COMMENT '{{ c.doc | escaped }}'{{ "," if not loop.last }}
{%- endfor %}
)
COMMENT '{{ t.doc | escaped }}'
{%- if t.partitioned %}
PARTITIONED BY (`date` date)
{%- endif %}
STORED AS PARQUET
LOCATION '{{ t.location | escaped }}/'
{%- if t.partitioned %}
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.date.type' = 'date',
    'projection.date.format' = 'yyyy-MM-dd',
    'projection.date.range' = '{{ t.first }},NOW+1DAYS',
    'projection.date.interval' = '1',
    'projection.date.interval.unit' = 'DAYS',
    'storage.location.template' = '{{ t.location | escaped }}/date=${date}/'
)
{%- endif %}
;
{%- endfor %}
