{% set period = "month_start" -%}
{% include "kpi_period.sql" %}
