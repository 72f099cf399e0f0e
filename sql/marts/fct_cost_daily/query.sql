SELECT
    date, {{ dims_and("channel") }}, cost_class, handler, is_marginal,
    {{ money("amount_micros") }} AS amount,
    {{ money("CASE WHEN is_ledger = TRUE THEN amount_micros ELSE 0 END") }} AS amount_ledger,
    {{ money("CASE WHEN is_ledger = TRUE THEN 0 ELSE amount_micros END") }} AS amount_derived,
    {{ currency }} AS currency, {{ assumed("assumption_id", "date") }} AS assumption_id
FROM int_cost
