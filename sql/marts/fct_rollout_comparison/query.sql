SELECT date, kind, day, rollout, service, name, part, a, b, c, d, CAST(0 AS BIGINT) AS e
FROM int_rollout_input WHERE kind <> 'measure'
UNION ALL
SELECT
    date, 'measure' AS kind, day, 'none' AS rollout, service, name, unit AS part, numerator AS a, denominator AS b,
    final_after_days AS c, CAST(0 AS BIGINT) AS d, CAST(0 AS BIGINT) AS e
FROM fct_rollout_guardrails
{%- for side in ["before", "after"] %}
UNION ALL
SELECT
    date, '{{ side }}' AS kind, date AS day, rollout, service, user_key AS name,
    CASE WHEN is_mixed = TRUE THEN 'mixed_' ELSE '' END || CASE WHEN is_kept = TRUE THEN 'kept' ELSE 'given' END AS part,
    services_{{ side }} AS a, cost_micros_{{ side }} AS b, marginal_micros_{{ side }} AS c,
    human_micros_{{ side }} AS d, bot_services_{{ side }} AS e
FROM int_rollout_units
{%- endfor %}
