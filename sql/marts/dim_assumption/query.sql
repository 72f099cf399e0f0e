WITH c_sets AS (
    {%- for s in assumption_sets %}
    {% if not loop.first %}UNION ALL
    {% endif -%}
    SELECT {{ s.id }} AS assumption_id, {{ s.from_day }} AS valid_from, {{ s.to_day }} AS valid_to,
           {{ s.agent_hourly_rate_micros }} AS rate_micros, {{ s.aht_seconds }} AS aht_seconds,
           {{ s.owner }} AS owner, {{ s.source }} AS source
    FROM grouping_sets
    {%- else %}
    SELECT 'none' AS assumption_id, CAST(NULL AS DATE) AS valid_from, CAST(NULL AS DATE) AS valid_to,
           CAST(NULL AS BIGINT) AS rate_micros, CAST(NULL AS BIGINT) AS aht_seconds,
           CAST(NULL AS STRING) AS owner, CAST(NULL AS STRING) AS source
    FROM grouping_sets
    WHERE 1 = 0
    {%- endfor %}
)
SELECT DISTINCT
    {{ from_day }} AS date, assumption_id, valid_from, valid_to, {{ currency }} AS currency,
    {{ money("rate_micros") }} AS agent_hourly_rate, aht_seconds, owner, source
FROM c_sets
