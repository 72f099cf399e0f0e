WITH c_all AS (
    SELECT lead_key
    FROM int_lead_state
    UNION ALL
    SELECT lead_key
    FROM int_leads
),
c_known AS (
    SELECT DISTINCT lead_key
    FROM c_all
)
SELECT {{ from_day }} AS date, lead_key
FROM c_known
