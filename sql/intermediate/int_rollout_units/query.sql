{%- set slice = "date, " ~ dims_and("channel") ~ ", handler" -%}
{%- macro same(a, b) -%}
{{ a }}.date = {{ b }}.date AND {{ a }}.handler = {{ b }}.handler AND {{ dims_and("channel", a ~ ".$ = " ~ b ~ ".$", " AND ") }}
{%- endmacro -%}
WITH c_costs AS (
    SELECT
        {{ slice }}, SUM(CASE WHEN is_marginal = TRUE THEN amount_micros ELSE 0 END) AS use_micros,
        SUM(CASE WHEN is_marginal = TRUE THEN 0 ELSE amount_micros END) AS shared_micros
    FROM int_cost
    WHERE date <= {{ matured(1) }}
    GROUP BY {{ slice }}
),
c_slices AS (
    SELECT {{ slice }}, SUM(GREATEST(own_cost_micros, 0)) AS own_total
    FROM int_handled
    WHERE date <= {{ matured(1) }}
    GROUP BY {{ slice }}
),
-- Weights keep nine digits, so that the product of two stays within 64 bits.
c_weighed AS (
    SELECT
        h.date, {{ dims_and("channel", "h.$") }}, h.handler, h.user_key, h.services, h.services_escalated,
        CASE WHEN s.own_total > 0
             THEN {{ quotient("GREATEST(h.own_cost_micros, 0)", "(1 + " ~ quotient("s.own_total", "1000000000") ~ ")") }}
             ELSE h.services END AS weight
    FROM int_handled AS h
    INNER JOIN c_slices AS s ON {{ same("h", "s") }}
),
c_summed AS (
    SELECT
        {{ slice }}, user_key, services, services_escalated, weight,
        SUM(weight) OVER (PARTITION BY {{ slice }}) AS weight_total,
        SUM(services) OVER (PARTITION BY {{ slice }}) AS services_total
    FROM c_weighed
),
c_shares AS (
    SELECT
        w.date AS day, {% if "service" in dimensions %}w.service{% else %}'*'{% endif %} AS service, w.handler, w.user_key,
        CASE WHEN w.handler = 'bot' THEN w.services - w.services_escalated ELSE w.services END AS services,
        CASE WHEN w.weight_total > 0 THEN {{ scaled("COALESCE(c.use_micros, 0)", "w.weight", "w.weight_total") }}
             ELSE 0 END AS use_micros,
        CASE WHEN w.services_total > 0 THEN {{ scaled("COALESCE(c.shared_micros, 0)", "w.services", "w.services_total") }}
             ELSE 0 END AS shared_micros
    FROM c_summed AS w
    LEFT JOIN c_costs AS c ON {{ same("w", "c") }}
    WHERE w.user_key <> ''
),
c_visits AS (
    {%- for r in rollouts if r.holdout %}
    {% if not loop.first %}UNION ALL
    {% endif -%}
    SELECT
        '{{ r.name }}' AS rollout, service, handler, user_key, services, use_micros, shared_micros,
        CASE WHEN day < {{ r.pre_to }} THEN 1 ELSE 0 END AS is_pre
    FROM c_shares
    WHERE service IN ({{ r.services }})
      AND ((day >= {{ r.pre_from }} AND day < {{ r.pre_to }}) OR (day >= {{ r.post_from }} AND day < {{ r.post_to }}))
    {%- else %}
    SELECT 'none' AS rollout, service, handler, user_key, services, use_micros, shared_micros, 0 AS is_pre
    FROM c_shares WHERE 1 = 0
    {%- endfor %}
),
c_seen AS (
    {%- for r in rollouts if r.holdout %}
    {% if not loop.first %}UNION ALL
    {% endif -%}
    SELECT '{{ r.name }}' AS rollout, user_key, first_us, CASE WHEN variant IN ({{ r.holdout }}) THEN 1 ELSE 0 END AS is_kept
    FROM int_user_variant
    WHERE date >= {{ r.pre_from }} AND date < {{ r.post_to }} AND date <= {{ matured(1) }}
    {%- else %}
    SELECT 'none' AS rollout, user_key, first_us, 0 AS is_kept FROM int_user_variant WHERE 1 = 0
    {%- endfor %}
),
c_first AS (
    SELECT
        rollout, user_key, MIN(CASE WHEN is_kept = 1 THEN first_us ELSE {{ -far_past_us }} END) AS kept_us,
        MIN(CASE WHEN is_kept = 0 THEN first_us ELSE {{ -far_past_us }} END) AS given_us
    FROM c_seen
    GROUP BY rollout, user_key
),
-- In both at one instant is kept: nobody can have been given it before.
c_arms AS (
    SELECT
        rollout, user_key, CASE WHEN kept_us <= given_us THEN 1 ELSE 0 END AS is_kept,
        CASE WHEN GREATEST(kept_us, given_us) < {{ -far_past_us }} THEN 1 ELSE 0 END AS is_mixed
    FROM c_first
),
c_served AS (
    SELECT
        v.rollout, v.user_key, v.service, a.is_kept, a.is_mixed, v.is_pre, v.handler, v.services,
        v.use_micros, v.use_micros + v.shared_micros AS cost_micros
    FROM c_visits AS v
    INNER JOIN c_arms AS a ON v.rollout = a.rollout AND v.user_key = a.user_key
),
c_grouped AS (
    SELECT
        rollout, user_key, service, is_kept, is_mixed
        {%- for side in [1, 0] %}{% set window = "before" if side else "after" %},
        SUM(CASE WHEN is_pre = {{ side }} THEN services ELSE 0 END) AS services_{{ window }},
        SUM(CASE WHEN is_pre = {{ side }} AND handler = 'bot' THEN services ELSE 0 END) AS bot_services_{{ window }},
        SUM(CASE WHEN is_pre = {{ side }} THEN cost_micros ELSE 0 END) AS cost_micros_{{ window }},
        SUM(CASE WHEN is_pre = {{ side }} AND handler = 'human' THEN cost_micros ELSE 0 END) AS human_micros_{{ window }},
        SUM(CASE WHEN is_pre = {{ side }} THEN use_micros ELSE 0 END) AS marginal_micros_{{ window }}
        {%- endfor %}
    FROM c_served
    GROUP BY rollout, user_key, service, is_kept, is_mixed
)
SELECT
    {{ from_day }} AS date, rollout, user_key, service, is_kept = 1 AS is_kept, is_mixed = 1 AS is_mixed
    {%- for window in ["before", "after"] %},
    services_{{ window }}, bot_services_{{ window }}, cost_micros_{{ window }}, human_micros_{{ window }},
    marginal_micros_{{ window }}
    {%- endfor %}
FROM c_grouped
