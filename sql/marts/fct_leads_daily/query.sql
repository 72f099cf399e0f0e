-- A month's state holds what was known when it began; the month's own leads say the rest.
WITH c_known AS (
    SELECT lead_key, MIN(date) AS known_from
    FROM int_lead_state
    GROUP BY lead_key
),
c_seen AS (
    SELECT lead_key, MIN(date) AS first_date
    FROM int_leads
    GROUP BY lead_key
),
c_new AS (
    SELECT s.lead_key, s.first_date
    FROM c_seen AS s
    LEFT JOIN c_known AS k ON s.lead_key = k.lead_key
    WHERE k.known_from IS NULL OR k.known_from > s.first_date
),
c_leads AS (
    SELECT
        l.date, {{ dims("l.$") }}, l.lead_value,
        CASE WHEN l.kind = 'direct' THEN 1 ELSE 0 END AS is_direct,
        CASE WHEN l.kind = 'assisted' THEN 1 ELSE 0 END AS is_assisted,
        CASE WHEN l.kind = 'other' THEN 1 ELSE 0 END AS is_other
    FROM int_leads AS l
    INNER JOIN c_new AS n ON l.lead_key = n.lead_key AND l.date = n.first_date
    WHERE l.date >= {{ from_day }} AND l.date < {{ to_day }}
),
c_days AS (
    SELECT u.date, {{ slices("u") }}, u.user_key
    FROM int_user_day AS u
    CROSS JOIN grouping_sets AS g
),
c_users AS (
    SELECT DISTINCT date, {{ dims() }}, user_key
    FROM c_days
),
c_rows AS (
    SELECT
        l.date, {{ slices("l") }}, 1 AS is_lead, l.is_direct, l.is_assisted, l.is_other, l.lead_value, 0 AS is_user
    FROM c_leads AS l
    CROSS JOIN grouping_sets AS g
    UNION ALL
    SELECT
        date, {{ dims() }}, 0 AS is_lead, 0 AS is_direct, 0 AS is_assisted, 0 AS is_other,
        CAST(0 AS DECIMAL(18, 6)) AS lead_value, 1 AS is_user
    FROM c_users
)
SELECT
    date, {{ dims() }}, SUM(is_lead) AS leads, SUM(is_direct) AS leads_direct,
    SUM(is_assisted) AS leads_assisted, SUM(is_other) AS leads_other,
    SUM(lead_value) AS lead_value, SUM(is_user) AS users_engaged
FROM c_rows
GROUP BY date, {{ dims() }}
