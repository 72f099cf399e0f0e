{%- set pool = "date, cost_class, pool_bot, pool_channel, pool_service" -%}
WITH c_slices AS (
    SELECT
        date, {{ dims_and("channel") }}, handler, SUM(services) AS services, SUM(own_cost_micros) AS own_cost_micros,
        SUM(services_unpriced) AS unpriced
    FROM int_handled
    GROUP BY date, {{ dims_and("channel") }}, handler
),
-- The day's amounts that are spread alike; `*` where the ledger names nothing.
c_lines AS (
    SELECT
        date, cost_class, COALESCE(bot, '*') AS pool_bot, COALESCE(channel, '*') AS pool_channel,
        COALESCE(service, '*') AS pool_service,
        CASE WHEN cost_class IN ('human_direct', 'human_indirect', 'tech_human', 'facilities')
             THEN 'human' ELSE 'bot' END AS handler,
        amount_micros
    FROM stg_costs
    WHERE date >= {{ from_day }} AND date < {{ to_day }}
),
c_pools AS (
    SELECT {{ pool }}, handler, SUM(amount_micros) AS amount_micros
    FROM c_lines
    GROUP BY {{ pool }}, handler
),
c_matched AS (
    SELECT
        p.date, p.cost_class, p.pool_bot, p.pool_channel, p.pool_service, p.amount_micros,
        {{ dims_and("channel", "s.$") }}, s.services,
        -- Only these two classes are paid by use, so that events and contacts can tell whose it was.
        CASE WHEN p.cost_class IN ('llm_usage', 'human_direct') THEN GREATEST(s.own_cost_micros, 0)
             ELSE 0 END AS own_weight
    FROM c_pools AS p
    INNER JOIN c_slices AS s ON p.date = s.date AND p.handler = s.handler
    WHERE (p.pool_channel = '*' OR p.pool_channel = s.channel)
    {%- if "bot" in dimensions %} AND (p.pool_bot = '*' OR p.pool_bot = s.bot){% endif %}
    {%- if "service" in dimensions %} AND (p.pool_service = '*' OR p.pool_service = s.service){% endif %}
),
c_totals AS (
    SELECT {{ pool }}, SUM(own_weight) AS own_total
    FROM c_matched
    GROUP BY {{ pool }}
),
-- Weights keep nine digits, so that the product of two stays within 64 bits.
c_weighed AS (
    SELECT
        m.date, m.cost_class, m.pool_bot, m.pool_channel, m.pool_service, m.amount_micros, {{ dims_and("channel", "m.$") }},
        CASE WHEN t.own_total > 0 THEN {{ quotient("m.own_weight", "(1 + " ~ quotient("t.own_total", "1000000000") ~ ")") }}
             ELSE m.services END AS weight
    FROM c_matched AS m
    INNER JOIN c_totals AS t ON {% for k in ["date", "cost_class", "pool_bot", "pool_channel", "pool_service"] %}m.{{ k }} = t.{{ k }}{% if not loop.last %} AND {% endif %}{% endfor %}
),
c_summed AS (
    SELECT
        {{ pool }}, amount_micros, {{ dims_and("channel") }}, weight,
        SUM(weight) OVER (PARTITION BY {{ pool }}) AS weight_total,
        ROW_NUMBER() OVER (PARTITION BY {{ pool }} ORDER BY {{ dims_and("channel", "$ DESC") }}) AS from_last
    FROM c_weighed
    WHERE weight > 0
),
c_shared AS (
    SELECT
        {{ pool }}, amount_micros, {{ dims_and("channel") }}, from_last,
        {{ scaled("amount_micros", "weight", "weight_total") }} AS share_micros
    FROM c_summed
),
-- What rounding leaves goes to the last slice.
c_told AS (
    SELECT
        {{ pool }}, amount_micros, {{ dims_and("channel") }}, from_last, share_micros,
        SUM(share_micros) OVER (PARTITION BY {{ pool }}) AS shared_micros
    FROM c_shared
),
c_carried AS (
    SELECT DISTINCT {{ pool }}, 1 AS is_carried
    FROM c_told
),
c_left AS (
    SELECT
        p.date, p.cost_class, p.amount_micros,
        {%- for d in dimensions %}
        {% if d in ["bot", "service"] %}CASE WHEN p.pool_{{ d }} = '*' THEN 'unallocated' ELSE p.pool_{{ d }} END AS {{ d }},
        {%- elif d != "channel" %}'unallocated' AS {{ d }},{% endif %}
        {%- endfor %}
        CASE WHEN p.pool_channel = '*' THEN 'unallocated' ELSE p.pool_channel END AS channel
    FROM c_pools AS p
    LEFT JOIN c_carried AS c ON {% for k in ["date", "cost_class", "pool_bot", "pool_channel", "pool_service"] %}p.{{ k }} = c.{{ k }}{% if not loop.last %} AND {% endif %}{% endfor %}
    WHERE c.is_carried IS NULL
),
c_held AS (
    SELECT DISTINCT date, cost_class
    FROM c_pools
),
c_own AS (
    SELECT
        date, {{ dims_and("channel") }}, handler, own_cost_micros, services, unpriced,
        CASE WHEN handler = 'bot' THEN 'llm_usage' ELSE 'human_direct' END AS cost_class
    FROM c_slices
),
c_amounts AS (
    SELECT
        date, {{ dims_and("channel") }}, cost_class, 1 AS is_ledger,
        share_micros + CASE WHEN from_last = 1 THEN amount_micros - shared_micros ELSE 0 END AS amount_micros
    FROM c_told
    UNION ALL
    SELECT date, {{ dims_and("channel") }}, cost_class, 1 AS is_ledger, amount_micros
    FROM c_left
    UNION ALL
    SELECT o.date, {{ dims_and("channel", "o.$") }}, o.cost_class, 0 AS is_ledger, o.own_cost_micros AS amount_micros
    FROM c_own AS o
    LEFT JOIN c_held AS h ON o.date = h.date AND o.cost_class = h.cost_class
    -- A session without a cost of its own is not known to be free.
    WHERE h.cost_class IS NULL AND (o.own_cost_micros <> 0 OR (o.handler = 'human' AND o.services > o.unpriced))
),
c_grouped AS (
    SELECT
        date, {{ dims_and("channel") }}, cost_class, MAX(is_ledger) AS is_ledger, SUM(amount_micros) AS amount_micros
    FROM c_amounts
    GROUP BY date, {{ dims_and("channel") }}, cost_class
)
SELECT
    date, {{ dims_and("channel") }}, cost_class,
    CASE WHEN cost_class IN ('human_direct', 'human_indirect', 'tech_human', 'facilities')
         THEN 'human' ELSE 'bot' END AS handler,
    cost_class IN ('human_direct', 'llm_usage') AS is_marginal, is_ledger = 1 AS is_ledger, amount_micros
FROM c_grouped
