WITH c_followed AS (
    SELECT DISTINCT s.session_key
    FROM int_sessions AS s
    INNER JOIN stg_contacts AS c ON s.user_key = c.user_key
    WHERE s.outcome = 'escalated_connected'
      AND c.opened_us >= s.handoff_us AND c.opened_us <= s.end_us + 86400000000
),
-- What people handled: contacts, and chats they took over.
c_people AS (
    SELECT
        date,
        {%- for d in dimensions %}
        {% if d == "service" %}COALESCE(service, 'unknown') AS service{% elif d == "channel" %}channel{% else %}'unknown' AS {{ d }}{% endif %},
        {%- endfor %}
        {% if "channel" not in dimensions %}channel,{% endif %}
        {% if "service" in dimensions %}COALESCE(service, 'unknown'){% else %}'*'{% endif %} AS timed_service,
        COALESCE(user_key, '') AS user_key, CASE WHEN resolved = TRUE THEN 1 ELSE 0 END AS is_resolved,
        handle_seconds, cost_amount
    FROM stg_contacts
    WHERE date >= {{ from_day }} AND date < {{ to_day }}
    UNION ALL
    SELECT
        s.date, {{ dims("s.$") }},
        {% if "channel" not in dimensions %}s.session_channel AS channel,{% endif %}
        {% if "service" in dimensions %}s.service{% else %}'*'{% endif %} AS timed_service,
        COALESCE(s.user_key, '') AS user_key, 0 AS is_resolved,
        CAST(NULL AS BIGINT) AS handle_seconds, CAST(NULL AS DECIMAL(18, 6)) AS cost_amount
    FROM int_sessions AS s
    LEFT JOIN c_followed AS f ON s.session_key = f.session_key
    WHERE s.outcome = 'escalated_connected' AND f.session_key IS NULL
),
c_baseline AS (
    SELECT
        date, {{ dims_and("channel") }}, timed_service, user_key, is_resolved, handle_seconds, cost_amount,
        {{ baseline_of("timed_service") }} AS rollout,
        {{ assumed("agent_hourly_rate_micros", "date") }} AS rate_micros,
        {{ assumed("aht_seconds", "date") }} AS assumed_seconds
    FROM c_people
),
c_own_times AS (
    SELECT rollout, service, contacts, handle_seconds FROM int_handle_time WHERE service <> '*'
),
c_all_times AS (
    SELECT rollout, contacts, handle_seconds FROM int_handle_time WHERE service = '*'
),
-- A time of its own, else the service's mean before the rollout, the mean of all services, the
-- assumption: as a sum over a count.
c_timed AS (
    SELECT
        b.date, {{ dims_and("channel", "b.$") }}, b.user_key, b.is_resolved, b.handle_seconds, b.cost_amount, b.rate_micros,
        COALESCE(b.handle_seconds, o.handle_seconds, a.handle_seconds, b.assumed_seconds) AS seconds,
        CASE WHEN b.handle_seconds IS NOT NULL THEN 1 ELSE COALESCE(o.contacts, a.contacts, 1) END AS over_contacts
    FROM c_baseline AS b
    LEFT JOIN c_own_times AS o ON b.rollout = o.rollout AND b.timed_service = o.service
    LEFT JOIN c_all_times AS a ON b.rollout = a.rollout
),
c_priced AS (
    SELECT
        date, {{ dims_and("channel") }}, user_key, is_resolved, handle_seconds,
        CASE WHEN cost_amount IS NOT NULL THEN {{ micros("cost_amount") }}
             ELSE {{ scaled("seconds", "rate_micros", "(3600 * over_contacts)") }} END AS cost_micros
    FROM c_timed
),
c_services AS (
    SELECT
        date, {{ dims_and("channel") }}, 'human' AS handler, user_key, 1 AS services, is_resolved,
        0 AS is_escalated, CASE WHEN handle_seconds IS NULL THEN 0 ELSE 1 END AS is_timed,
        COALESCE(handle_seconds, 0) AS handle_seconds, COALESCE(cost_micros, 0) AS cost_micros,
        CASE WHEN cost_micros IS NULL THEN 1 ELSE 0 END AS is_unpriced
    FROM c_priced
    UNION ALL
    SELECT
        date, {{ dims() }},
        {% if "channel" not in dimensions %}session_channel AS channel,{% endif %}
        'bot' AS handler, COALESCE(user_key, '') AS user_key,
        CASE WHEN outcome IN ('open', 'unengaged') THEN 0 ELSE 1 END AS services,
        CASE WHEN outcome IN ('resolved_confirmed', 'resolved_goal', 'resolved_assumed') THEN 1 ELSE 0 END AS is_resolved,
        CASE WHEN outcome IN ('escalated_connected', 'escalated_unanswered') THEN 1 ELSE 0 END AS is_escalated,
        0 AS is_timed, CAST(0 AS BIGINT) AS handle_seconds, {{ micros("cost_amount") }} AS cost_micros, 0 AS is_unpriced
    FROM int_sessions
)
SELECT
    date, {{ dims_and("channel") }}, handler, user_key, SUM(services) AS services, SUM(is_resolved) AS services_resolved,
    SUM(is_escalated) AS services_escalated, SUM(is_timed) AS contacts_timed, SUM(handle_seconds) AS handle_seconds,
    SUM(cost_micros) AS own_cost_micros, SUM(is_unpriced) AS services_unpriced
FROM c_services
WHERE services > 0 OR cost_micros <> 0
GROUP BY date, {{ dims_and("channel") }}, handler, user_key
