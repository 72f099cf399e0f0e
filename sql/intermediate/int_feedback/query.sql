WITH c_both AS (
    SELECT
        chain_key, ts_us, seq, event_id, 0 AS is_answer, session_key,
        date AS session_date, event_date AS date, type, instrument, score,
        CAST(NULL AS STRING) AS reason
    FROM int_session_events
    WHERE is_start = 1
    UNION ALL
    SELECT
        chain_key, ts_us, seq, event_id, 1 AS is_answer, CAST(NULL AS STRING) AS session_key,
        CAST(NULL AS DATE) AS session_date, date, type, instrument, score, reason
    FROM stg_events
    WHERE type IN ('feedback', 'survey') AND chain_key IS NOT NULL
),
c_ordered AS (
    SELECT
        chain_key, ts_us, is_answer, session_key, session_date, date, type, instrument, score, reason,
        ROW_NUMBER() OVER (PARTITION BY chain_key ORDER BY ts_us, seq, event_id, is_answer) AS pos
    FROM c_both
),
c_latest AS (
    SELECT
        chain_key, ts_us, is_answer, date, type, instrument, score, reason, pos,
        MAX(CASE WHEN is_answer = 0 THEN pos ELSE 0 END) OVER (
            PARTITION BY chain_key ORDER BY pos ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS start_pos
    FROM c_ordered
)
SELECT
    a.date, s.session_key,
    ROW_NUMBER() OVER (PARTITION BY a.date, s.session_key ORDER BY a.pos) AS answer_no,
    s.session_date, a.ts_us, a.type, COALESCE(a.instrument, 'unknown') AS instrument, a.score, a.reason
FROM c_latest AS a
INNER JOIN c_ordered AS s ON a.chain_key = s.chain_key AND a.start_pos = s.pos
WHERE a.is_answer = 1 AND a.ts_us - s.ts_us <= {{ 7 * 24 * 3600 * 1000000 }}
  AND a.date >= {{ from_day }} AND a.date < {{ to_day }}
