SELECT
    date, day, service, name AS channel, part AS handler, a AS services,
    {{ money("b") }} AS cost_total, {{ money("c") }} AS cost_marginal
FROM int_rollout_input
WHERE kind = 'cell'
