{#- Views over folders; Spark lists them anew for each query. Tried with Spark 4.3. -#}
{%- if of_one_generation %}{{ refuse("Spark reads folders, not lists of objects") }}{% endif %}
{%- set types = {"bigint": "BIGINT", "double": "DOUBLE", "decimal": "DECIMAL(18, 6)", "boolean": "BOOLEAN", "text": "STRING", "date": "DATE", "timestamp": "TIMESTAMP"} %}
CREATE SCHEMA IF NOT EXISTS `{{ schema }}`;
{%- for t in tables %}

CREATE OR REPLACE VIEW `{{ schema }}`.`{{ t.name }}` (
{%- if t.partitioned %}
    `date` COMMENT 'The day',
{%- endif %}
{%- for c in t.columns %}
    `{{ c.name }}` COMMENT '{{ c.doc | escaped }}'{{ "," if not loop.last }}
{%- endfor %}
)
COMMENT '{{ t.doc | escaped }}'
AS SELECT
{%- if t.partitioned %}
    CAST(`date` AS DATE),
{%- endif %}
{%- for c in t.columns %}
    CAST(`{{ c.name }}` AS {{ types[c.type] }}){{ "," if not loop.last }}
{%- endfor %}
FROM parquet.`{{ t.location | replace("s3://", "s3a://") }}`;
{%- endfor %}
