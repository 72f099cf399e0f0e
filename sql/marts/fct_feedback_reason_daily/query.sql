WITH c_answers AS (
    SELECT
        session_key, instrument, score, COALESCE(reason, 'unknown') AS reason,
        ROW_NUMBER() OVER (
            PARTITION BY session_key, instrument ORDER BY ts_us DESC, date DESC, answer_no DESC
        ) AS from_last
    FROM int_feedback
    WHERE type = 'feedback' AND session_date >= {{ from_day }} AND session_date < {{ to_day }}
),
c_judged AS (
    SELECT
        s.date, {{ dims("s.$") }}, a.instrument, a.reason,
        CASE WHEN a.instrument = 'csat_5' AND a.score >= 4 THEN 'satisfied'
             WHEN a.instrument = 'rating_10' AND a.score >= 8 THEN 'satisfied'
             WHEN a.instrument = 'nps' AND a.score >= 9 THEN 'satisfied'
             WHEN a.instrument = 'helpful' AND a.score = 1 THEN 'satisfied'
             WHEN a.instrument = 'ces_7' AND a.score >= 5 THEN 'satisfied'
             WHEN a.instrument = 'csat_5' AND a.score <= 2 THEN 'dissatisfied'
             WHEN a.instrument = 'rating_10' AND a.score <= 4 THEN 'dissatisfied'
             WHEN a.instrument = 'nps' AND a.score <= 6 THEN 'dissatisfied'
             WHEN a.instrument = 'helpful' AND a.score = 0 THEN 'dissatisfied'
             WHEN a.instrument = 'ces_7' AND a.score <= 3 THEN 'dissatisfied'
             ELSE 'neutral' END AS sentiment
    FROM c_answers AS a
    INNER JOIN int_sessions AS s ON a.session_key = s.session_key
    WHERE a.from_last = 1
)
SELECT date, {{ dims() }}, instrument, reason, sentiment, COUNT(*) AS responses
FROM c_judged
GROUP BY date, {{ dims() }}, instrument, reason, sentiment
