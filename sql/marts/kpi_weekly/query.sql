{% set period = "week_start" -%}
{% include "kpi_period.sql" %}
