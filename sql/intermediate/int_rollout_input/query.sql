WITH c_handled AS (
    SELECT
        date AS day, {% if "service" in dimensions %}service{% else %}'*'{% endif %} AS service, channel, handler,
        user_key, services, services_escalated, handle_seconds, contacts_timed
    FROM int_handled WHERE date <= {{ matured(1) }}
),
c_costs AS (
    SELECT
        date AS day, {% if "service" in dimensions %}service{% else %}'*'{% endif %} AS service, channel, handler,
        cost_class, amount_micros, is_marginal
    FROM int_cost WHERE date <= {{ matured(1) }}
),
c_both AS (
    -- A session that went to a person is that person's service; its cost stays with the bot, too.
    SELECT
        day, service, channel, handler,
        CASE WHEN handler = 'bot' THEN services - services_escalated ELSE services END AS services,
        CAST(0 AS BIGINT) AS cost_micros, CAST(0 AS BIGINT) AS avoidable_micros
    FROM c_handled
    UNION ALL
    SELECT
        day, service, channel, handler, CAST(0 AS BIGINT) AS services, amount_micros AS cost_micros,
        CASE WHEN is_marginal = TRUE THEN amount_micros ELSE 0 END AS avoidable_micros
    FROM c_costs
),
c_visits AS (
    {%- for r in rollouts %}
    {% if not loop.first %}UNION ALL
    {% endif -%}
    SELECT
        '{{ r.name }}' AS rollout, service, user_key, handler, services,
        CASE WHEN day < {{ r.pre_to }} THEN 1 ELSE 0 END AS is_pre
    FROM c_handled
    WHERE user_key <> '' AND service IN ({{ r.services }})
      AND ((day >= {{ r.pre_from }} AND day < {{ r.pre_to }}) OR (day >= {{ r.post_from }} AND day < {{ r.post_to }}))
    {%- else %}
    SELECT 'none' AS rollout, service, user_key, handler, services, 0 AS is_pre FROM c_handled WHERE 1 = 0
    {%- endfor %}
),
c_scopes AS (
    SELECT rollout, service, user_key, handler, services, is_pre FROM c_visits
    UNION ALL
    SELECT rollout, '*' AS service, user_key, handler, services, is_pre FROM c_visits
),
c_builds AS (
    {%- for r in rollouts %}
    {% if not loop.first %}UNION ALL
    {% endif -%}
    SELECT
        '{{ r.name }}' AS rollout, amount_micros,
        CASE WHEN day >= {{ r.post_from }} AND day < {{ r.post_to }} THEN amount_micros ELSE 0 END AS booked_micros
    FROM c_costs
    WHERE cost_class = 'bot_build_amortised' AND day >= {{ r.pre_to }} AND service IN ({{ r.services }})
    {%- else %}
    SELECT 'none' AS rollout, amount_micros, amount_micros AS booked_micros FROM c_costs WHERE 1 = 0
    {%- endfor %}
)
SELECT
    {{ from_day }} AS date, 'cell' AS kind, day, 'none' AS rollout, service, channel AS name, handler AS part,
    SUM(services) AS a, SUM(cost_micros) AS b, SUM(avoidable_micros) AS c, CAST(0 AS BIGINT) AS d
FROM c_both GROUP BY day, service, channel, handler
UNION ALL
SELECT
    {{ from_day }} AS date, 'measure' AS kind, day, 'none' AS rollout, service, 'human_aht_seconds' AS name, 'seconds' AS part,
    SUM(handle_seconds) AS a, SUM(contacts_timed) AS b, CAST(0 AS BIGINT) AS c, CAST(0 AS BIGINT) AS d
FROM c_handled WHERE contacts_timed > 0 GROUP BY day, service
UNION ALL
SELECT
    {{ from_day }} AS date, 'window' AS kind, {{ from_day }} AS day, rollout, service, 'contacts_per_customer' AS name,
    'contacts per customer' AS part,
    SUM(CASE WHEN is_pre = 1 AND handler = 'human' THEN services ELSE 0 END) AS a,
    COUNT(DISTINCT CASE WHEN is_pre = 1 THEN user_key END) AS b,
    SUM(CASE WHEN is_pre = 0 AND handler = 'human' THEN services ELSE 0 END) AS c,
    COUNT(DISTINCT CASE WHEN is_pre = 0 THEN user_key END) AS d
FROM c_scopes GROUP BY rollout, service
UNION ALL
SELECT
    {{ from_day }} AS date, 'investment' AS kind, {{ from_day }} AS day, rollout, '*' AS service, 'none' AS name, 'none' AS part,
    SUM(amount_micros) AS a, SUM(booked_micros) AS b, CAST(0 AS BIGINT) AS c, CAST(0 AS BIGINT) AS d
FROM c_builds GROUP BY rollout
UNION ALL
SELECT
    {{ from_day }} AS date, 'until' AS kind, {{ matured(1) }} AS day, 'none' AS rollout, '*' AS service, 'none' AS name, 'none' AS part,
    COUNT(*) AS a, CAST(0 AS BIGINT) AS b, CAST(0 AS BIGINT) AS c, CAST(0 AS BIGINT) AS d
FROM c_handled
