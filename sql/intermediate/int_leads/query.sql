WITH c_named AS (
    SELECT
        date, chain_key, ts_us, seq, event_id, source AS lead_source, dedup_hi, dedup_lo,
        channel AS lead_channel, user_key, lead_value, {{ dims("COALESCE($, 'unknown') AS $") }},
        CASE WHEN lead_key IS NOT NULL THEN 'l' || lead_key
             WHEN user_key IS NOT NULL THEN 'u' || user_key
             WHEN conversation_key IS NOT NULL THEN 'c' || conversation_key
             ELSE 'e' || CAST(dedup_hi AS STRING) || '-' || CAST(dedup_lo AS STRING) || '-' || CAST(ts_us AS STRING)
             END AS lead_of
    FROM stg_events
    WHERE type = 'lead'
),
c_ranked AS (
    SELECT
        date, chain_key, ts_us, seq, event_id, lead_channel, user_key, lead_value, {{ dims() }}, lead_of,
        ROW_NUMBER() OVER (
            PARTITION BY date, lead_of ORDER BY ts_us, seq, event_id, lead_source, dedup_hi, dedup_lo
        ) AS from_first
    FROM c_named
),
c_first AS (
    SELECT date, chain_key, ts_us, seq, event_id, lead_channel, user_key, lead_value, {{ dims() }}, lead_of
    FROM c_ranked
    WHERE from_first = 1
),
c_both AS (
    SELECT chain_key, ts_us, seq, event_id, 0 AS is_lead, date, session_key, CAST(NULL AS STRING) AS lead_of
    FROM int_session_events
    WHERE is_start = 1
    UNION ALL
    SELECT chain_key, ts_us, seq, event_id, 1 AS is_lead, date, CAST(NULL AS STRING) AS session_key, lead_of
    FROM c_first
    WHERE chain_key IS NOT NULL
),
c_ordered AS (
    SELECT
        chain_key, is_lead, date, session_key, lead_of,
        ROW_NUMBER() OVER (PARTITION BY chain_key ORDER BY ts_us, seq, event_id, is_lead) AS pos
    FROM c_both
),
c_latest AS (
    SELECT
        chain_key, is_lead, date, lead_of,
        MAX(CASE WHEN is_lead = 0 THEN pos ELSE 0 END) OVER (
            PARTITION BY chain_key ORDER BY pos ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS start_pos
    FROM c_ordered
),
-- As any event: to a session that started on its day or the day before.
c_attached AS (
    SELECT a.date, a.lead_of, s.session_key
    FROM c_latest AS a
    INNER JOIN c_ordered AS s ON a.chain_key = s.chain_key AND a.start_pos = s.pos
    WHERE a.is_lead = 1 AND s.date >= CAST(a.date - INTERVAL '1 day' AS DATE)
),
c_direct AS (
    SELECT l.date, l.lead_of, {{ dims("s.$") }}
    FROM c_first AS l
    INNER JOIN c_attached AS a ON l.date = a.date AND l.lead_of = a.lead_of
    INNER JOIN int_sessions AS s ON a.session_key = s.session_key
    WHERE l.ts_us <= s.end_us + {{ timeout_us("l.lead_channel") }}
),
c_before AS (
    SELECT l.date, l.lead_of, {{ dims("s.$") }}, l.ts_us - s.start_us AS since_us
    FROM c_first AS l
    INNER JOIN int_sessions AS s ON l.user_key = s.user_key
    WHERE s.messages_in > 0 AND s.start_us <= l.ts_us AND l.ts_us - s.start_us <= {{ 7 * 24 * 3600 * 1000000 }}
),
-- Of sessions that began in one instant, the first by their slices' names.
c_newest AS (
    SELECT
        date, lead_of, {{ dims() }},
        ROW_NUMBER() OVER (PARTITION BY date, lead_of ORDER BY since_us, {{ dims() }}) AS from_newest
    FROM c_before
),
c_assisted AS (
    SELECT date, lead_of, {{ dims() }}
    FROM c_newest
    WHERE from_newest = 1
)
SELECT
    l.date, l.lead_of AS lead_key, {{ dims("COALESCE(d.$, b.$, l.$) AS $") }},
    CASE WHEN d.lead_of IS NOT NULL THEN 'direct' WHEN b.lead_of IS NOT NULL THEN 'assisted'
         ELSE 'other' END AS kind,
    COALESCE(l.lead_value, CAST(0 AS DECIMAL(18, 6))) AS lead_value
FROM c_first AS l
LEFT JOIN c_direct AS d ON l.date = d.date AND l.lead_of = d.lead_of
LEFT JOIN c_assisted AS b ON l.date = b.date AND l.lead_of = b.lead_of
