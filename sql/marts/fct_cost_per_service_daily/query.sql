WITH c_durable AS (
    SELECT date, {{ dims_and("channel") }}, SUM(CASE WHEN durable_7d = TRUE THEN 1 ELSE 0 END) AS durable
    FROM fct_session_durability
    GROUP BY date, {{ dims_and("channel") }}
),
c_both AS (
    SELECT
        date, {{ dims_and("channel") }}, handler, user_key, services, services_resolved, services_unpriced,
        CAST(0 AS BIGINT) AS durable, 0 AS has_cost, CAST(0 AS BIGINT) AS cost_micros, CAST(0 AS BIGINT) AS marginal_micros
    FROM int_handled
    UNION ALL
    SELECT
        date, {{ dims_and("channel") }}, handler, '' AS user_key, CAST(0 AS BIGINT) AS services,
        CAST(0 AS BIGINT) AS services_resolved, CAST(0 AS BIGINT) AS services_unpriced,
        CAST(0 AS BIGINT) AS durable, 1 AS has_cost, amount_micros AS cost_micros,
        CASE WHEN is_marginal = TRUE THEN amount_micros ELSE 0 END AS marginal_micros
    FROM int_cost
    UNION ALL
    SELECT
        date, {{ dims_and("channel") }}, 'bot' AS handler, '' AS user_key, CAST(0 AS BIGINT) AS services,
        CAST(0 AS BIGINT) AS services_resolved, CAST(0 AS BIGINT) AS services_unpriced,
        CAST(durable AS BIGINT) AS durable, 0 AS has_cost, CAST(0 AS BIGINT) AS cost_micros, CAST(0 AS BIGINT) AS marginal_micros
    FROM c_durable
),
c_sliced AS (
    SELECT
        b.date, {{ slices("b") }}, {% if "channel" not in dimensions %}b.channel,{% endif %}
        b.handler, b.user_key, b.services, b.services_resolved, b.services_unpriced,
        b.durable, b.has_cost, b.cost_micros, b.marginal_micros
    FROM c_both AS b
    CROSS JOIN grouping_sets AS g
),
c_ways AS (
    SELECT
        date, {{ dims_and("channel") }}, handler, user_key, services, services_resolved, services_unpriced,
        durable, has_cost, cost_micros, marginal_micros, {% if "channel" in dimensions %}1{% else %}0{% endif %} AS is_slice
    FROM c_sliced
    {%- if "channel" not in dimensions %}
    UNION ALL
    SELECT
        date, {{ dims() }}, '*' AS channel, handler, user_key, services, services_resolved, services_unpriced,
        durable, has_cost, cost_micros, marginal_micros, 1 AS is_slice
    FROM c_sliced
    {%- endif %}
),
c_grouped AS (
    SELECT
        date, {{ dims_and("channel") }}, handler, MAX(is_slice) AS is_slice, SUM(services) AS services,
        SUM(services_resolved) AS services_resolved, SUM(services_unpriced) AS services_unpriced, SUM(durable) AS durable,
        COUNT(DISTINCT CASE WHEN user_key <> '' AND services > 0 THEN user_key END) AS customers,
        CASE WHEN MAX(has_cost) = 1 THEN SUM(cost_micros) END AS cost_micros,
        CASE WHEN MAX(has_cost) = 1 THEN SUM(marginal_micros) END AS marginal_micros
    FROM c_ways
    GROUP BY date, {{ dims_and("channel") }}, handler
)
SELECT
    date, {{ dims_and("channel") }}, handler, is_slice = 1 AS is_slice, services, services_resolved,
    CASE WHEN handler = 'bot' AND date <= {{ matured(8) }} THEN durable END AS services_resolved_durable, customers,
    {{ money("cost_micros") }} AS cost_total, {{ money("marginal_micros") }} AS cost_marginal,
    CAST(cost_micros AS DOUBLE) / NULLIF(1000000 * services, 0) AS cost_per_service,
    CAST(cost_micros AS DOUBLE) / NULLIF(1000000 * services_resolved, 0) AS cost_per_resolved_service,
    CAST(cost_micros AS DOUBLE) / NULLIF(1000000 * customers, 0) AS cost_per_customer,
    services_unpriced, {{ currency }} AS currency, {{ assumed("assumption_id", "date") }} AS assumption_id
FROM c_grouped
