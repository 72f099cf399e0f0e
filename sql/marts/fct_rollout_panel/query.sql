SELECT
    date, day, service, name AS channel, part AS handler, a AS services,
    {{ money("b") }} AS cost_total, {{ money("c") }} AS cost_marginal,
    {{ assumed("assumption_id", "day") }} AS assumption_id
FROM int_rollout_input
WHERE kind = 'cell'
