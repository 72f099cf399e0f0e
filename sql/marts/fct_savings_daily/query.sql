WITH c_durable AS (
    SELECT date, {{ dims() }}, SUM(CASE WHEN durable_7d = TRUE THEN 1 ELSE 0 END) AS durable
    FROM fct_session_durability
    GROUP BY date, {{ dims() }}
),
c_both AS (
    SELECT
        date, {{ dims() }}, services_resolved AS resolved, services - services_escalated AS contained,
        CAST(0 AS BIGINT) AS durable, 0 AS has_cost, CAST(0 AS BIGINT) AS cost_micros, CAST(0 AS BIGINT) AS upkeep_micros
    FROM int_handled
    WHERE handler = 'bot'
    UNION ALL
    SELECT
        date, {{ dims() }}, CAST(0 AS BIGINT) AS resolved, CAST(0 AS BIGINT) AS contained,
        CAST(0 AS BIGINT) AS durable, 1 AS has_cost, amount_micros AS cost_micros,
        CASE WHEN cost_class = 'bot_content_ops' THEN amount_micros ELSE 0 END AS upkeep_micros
    FROM int_cost
    WHERE handler = 'bot'
    UNION ALL
    SELECT
        date, {{ dims() }}, CAST(0 AS BIGINT) AS resolved, CAST(0 AS BIGINT) AS contained,
        CAST(durable AS BIGINT) AS durable, 0 AS has_cost, CAST(0 AS BIGINT) AS cost_micros, CAST(0 AS BIGINT) AS upkeep_micros
    FROM c_durable
),
c_slices AS (
    SELECT
        date, {{ dims() }}, SUM(resolved) AS resolved, SUM(contained) AS contained, SUM(durable) AS durable,
        MAX(has_cost) AS has_cost, SUM(cost_micros) AS cost_micros, SUM(upkeep_micros) AS upkeep_micros
    FROM c_both
    GROUP BY date, {{ dims() }}
),
-- What is taken off a line's time: only the conservative one pays for the people who keep the bot.
c_lines AS (
    SELECT
        date, {{ dims() }}, 'standard' AS line, resolved AS services, has_cost, cost_micros, upkeep_micros,
        CAST(0 AS BIGINT) AS less_micros
    FROM c_slices
    UNION ALL
    SELECT
        date, {{ dims() }}, 'vendor' AS line, contained AS services, has_cost, cost_micros, upkeep_micros,
        CAST(0 AS BIGINT) AS less_micros
    FROM c_slices
    UNION ALL
    SELECT
        date, {{ dims() }}, 'conservative' AS line, durable AS services, has_cost, cost_micros, upkeep_micros,
        upkeep_micros AS less_micros
    FROM c_slices
    WHERE date <= {{ matured(8) }}
),
c_baseline AS (
    SELECT
        date, {{ dims() }}, line, services, has_cost, cost_micros, upkeep_micros, less_micros,
        {% if "service" in dimensions %}service{% else %}'*'{% endif %} AS timed_service,
        {{ baseline_of("service" if "service" in dimensions else "'*'") }} AS rollout,
        {{ assumed("agent_hourly_rate_micros", "date") }} AS rate_micros,
        {{ assumed("aht_seconds", "date") }} AS assumed_seconds
    FROM c_lines
),
c_own_times AS (
    SELECT rollout, service, contacts, handle_seconds, p50_seconds, p90_seconds FROM int_handle_time WHERE service <> '*'
),
c_all_times AS (
    SELECT rollout, contacts, handle_seconds, p50_seconds, p90_seconds FROM int_handle_time WHERE service = '*'
),
c_timed AS (
    SELECT
        b.date, {{ dims("b.$") }}, b.line, b.services, b.has_cost, b.cost_micros, b.upkeep_micros, b.less_micros, b.rate_micros,
        CASE WHEN o.contacts IS NOT NULL THEN 'service' WHEN a.contacts IS NOT NULL THEN 'all_services'
             WHEN b.assumed_seconds IS NOT NULL THEN 'assumption' ELSE 'none' END AS aht_basis,
        COALESCE(o.contacts, a.contacts, 0) AS aht_contacts,
        -- The mean stays a sum over a count: it is divided last.
        COALESCE(o.handle_seconds, a.handle_seconds, b.assumed_seconds) AS seconds,
        COALESCE(o.contacts, a.contacts, 1) AS over_contacts,
        COALESCE(o.p50_seconds, a.p50_seconds, b.assumed_seconds) AS p50_seconds,
        COALESCE(o.p90_seconds, a.p90_seconds, b.assumed_seconds) AS p90_seconds
    FROM c_baseline AS b
    LEFT JOIN c_own_times AS o ON b.rollout = o.rollout AND b.timed_service = o.service
    LEFT JOIN c_all_times AS a ON b.rollout = a.rollout
),
c_saved AS (
    SELECT
        date, {{ dims() }}, line, services, has_cost, cost_micros, upkeep_micros, less_micros, rate_micros,
        aht_basis, aht_contacts, seconds, over_contacts, p50_seconds, p90_seconds,
        CASE WHEN less_micros = 0 THEN 0 ELSE {{ scaled("less_micros", "3600000", "rate_micros") }} END AS less_ms,
        {{ scaled("(1000 * services)", "seconds", "over_contacts") }} AS mean_ms,
        1000 * services * p50_seconds AS p50_ms, 1000 * services * p90_seconds AS p90_ms
    FROM c_timed
),
c_priced AS (
    SELECT
        date, {{ dims() }}, line, services, has_cost, cost_micros, upkeep_micros, less_micros,
        aht_basis, aht_contacts, seconds, over_contacts, p50_seconds, p90_seconds, mean_ms - less_ms AS saved_ms,
        {{ scaled("mean_ms", "rate_micros", "3600000") }} AS gross_micros,
        {{ scaled("LEAST(p50_ms, mean_ms)", "rate_micros", "3600000") }} AS low_micros,
        {{ scaled("GREATEST(p90_ms, mean_ms)", "rate_micros", "3600000") }} AS high_micros
    FROM c_saved
)
SELECT
    date, {{ dims() }}, line, services, aht_basis, aht_contacts,
    CAST(seconds AS DOUBLE) / NULLIF(over_contacts, 0) AS aht_seconds,
    p50_seconds AS aht_p50_seconds, p90_seconds AS aht_p90_seconds, saved_ms AS time_saved_ms,
    {{ money("gross_micros - less_micros") }} AS gross, {{ money("low_micros - less_micros") }} AS gross_low,
    {{ money("high_micros - less_micros") }} AS gross_high,
    {{ money("CASE WHEN has_cost = 1 THEN cost_micros END") }} AS bot_cost,
    {{ money("CASE WHEN has_cost = 1 THEN upkeep_micros END") }} AS bot_upkeep,
    {{ money("gross_micros - cost_micros") }} AS net,
    {{ currency }} AS currency, {{ assumed("assumption_id", "date") }} AS assumption_id
FROM c_priced
