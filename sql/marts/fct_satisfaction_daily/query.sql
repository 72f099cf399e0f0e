WITH c_answers AS (
    SELECT
        session_key, instrument, type, score,
        ROW_NUMBER() OVER (
            PARTITION BY session_key, instrument, type ORDER BY ts_us DESC, date DESC, answer_no DESC
        ) AS from_last
    FROM int_feedback
    WHERE session_date >= {{ from_day }} AND session_date < {{ to_day }}
),
c_pairs AS (
    SELECT
        session_key, instrument,
        MAX(CASE WHEN type = 'survey' THEN 1 ELSE 0 END) AS is_asked,
        MAX(CASE WHEN type = 'feedback' THEN 1 ELSE 0 END) AS is_answered,
        MAX(CASE WHEN type = 'feedback' THEN score END) AS score
    FROM c_answers
    WHERE from_last = 1
    GROUP BY session_key, instrument
),
c_handled AS (
    SELECT
        s.date, {{ dims("s.$") }}, p.instrument, p.is_asked, p.is_answered, p.score,
        CASE WHEN s.handoff_us IS NOT NULL AND s.first_agent_us IS NOT NULL
             THEN 'bot_then_human' ELSE 'bot_only' END AS handler
    FROM c_pairs AS p
    INNER JOIN int_sessions AS s ON p.session_key = s.session_key
    UNION ALL
    SELECT
        date,
        {%- for d in dimensions %}
        {% if d in ["channel", "service"] %}COALESCE({{ d }}, 'unknown'){% else %}'unknown'{% endif %} AS {{ d }},
        {%- endfor %}
        instrument, 0 AS is_asked, 1 AS is_answered, score, 'human_only' AS handler
    FROM stg_contacts
    WHERE instrument IS NOT NULL AND score IS NOT NULL
),
c_judged AS (
    SELECT
        date, {{ dims() }}, instrument, handler, is_asked, is_answered, score,
        CASE WHEN is_answered = 0 THEN 0
             WHEN instrument = 'csat_5' AND score >= 4 THEN 1
             WHEN instrument = 'rating_10' AND score >= 8 THEN 1
             WHEN instrument = 'nps' AND score >= 9 THEN 1
             WHEN instrument = 'helpful' AND score = 1 THEN 1
             WHEN instrument = 'ces_7' AND score >= 5 THEN 1
             ELSE 0 END AS is_satisfied,
        CASE WHEN is_answered = 0 THEN 0
             WHEN instrument = 'csat_5' AND score <= 2 THEN 1
             WHEN instrument = 'rating_10' AND score <= 4 THEN 1
             WHEN instrument = 'nps' AND score <= 6 THEN 1
             WHEN instrument = 'helpful' AND score = 0 THEN 1
             WHEN instrument = 'ces_7' AND score <= 3 THEN 1
             ELSE 0 END AS is_dissatisfied
    FROM c_handled
)
SELECT
    date, {{ dims() }}, instrument, handler, SUM(is_asked) AS surveys_sent,
    SUM(is_asked * is_answered) AS surveys_answered, SUM(is_answered) AS responses,
    SUM(is_satisfied) AS satisfied, SUM(is_answered - is_satisfied - is_dissatisfied) AS neutral,
    SUM(is_dissatisfied) AS dissatisfied, SUM(COALESCE(score, 0)) AS score_sum
FROM c_judged
GROUP BY date, {{ dims() }}, instrument, handler
