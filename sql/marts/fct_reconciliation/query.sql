{%- set steps = ["vendor", "denominator", "timeout", "test_traffic", "duplicates", "silence", "ours"] -%}
{%- set week_us = 7 * 24 * 3600 * 1000000 -%}
{%- macro judged_by_us(outcome) -%}
CASE WHEN {{ outcome }} IN ('resolved_confirmed', 'resolved_goal', 'resolved_assumed') THEN 'resolved'
             WHEN {{ outcome }} IN ('escalated_connected', 'escalated_unanswered') THEN 'escalated'
             ELSE 'abandoned' END
{%- endmacro -%}
-- When a conversation was opened again: the smallest start after a session's of one that a user wrote
-- in, found on the way from the newest to the oldest.
WITH c_back AS (
    SELECT
        session_key, chain_key, 0 - start_us AS back_us, 0 - start_no AS back_no,
        CASE WHEN messages_in > 0 THEN start_us ELSE {{ -far_past_us }} END AS from_us,
        CASE WHEN messages_in > 0 THEN date ELSE DATE '9999-12-31' END AS from_date
    FROM int_vendor_sessions
),
c_from AS (
    SELECT
        session_key, chain_key, back_us, back_no,
        MIN(from_us) OVER (
            PARTITION BY chain_key ORDER BY back_us, back_no ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS from_us,
        MIN(from_date) OVER (
            PARTITION BY chain_key ORDER BY back_us, back_no ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS from_date
    FROM c_back
),
c_next AS (
    SELECT
        session_key,
        COALESCE(LAG(from_us) OVER (PARTITION BY chain_key ORDER BY back_us, back_no), {{ -far_past_us }}) AS next_us,
        COALESCE(LAG(from_date) OVER (PARTITION BY chain_key ORDER BY back_us, back_no), DATE '9999-12-31') AS next_date
    FROM c_from
),
c_closed AS (
    SELECT
        s.date, s.session_key, s.cut, {{ dims("s.$") }}, s.copies, s.messages_in, s.messages_out_bot, s.messages_out_agent,
        s.handoffs, s.goals, s.surveys, s.ends_positive, s.has_negative, s.closed_by,
        CASE WHEN s.date <= {{ matured(8) }} THEN 0 ELSE 1 END AS is_young,
        CASE WHEN n.next_us <= s.end_us + {{ week_us }} AND n.next_date <= CAST(s.date + INTERVAL '8 days' AS DATE)
             THEN 1 ELSE 0 END AS is_reopened
    FROM int_vendor_sessions AS s
    INNER JOIN c_next AS n ON s.session_key = n.session_key
    WHERE s.is_open = 0 AND s.date >= {{ from_day }} AND s.date < {{ to_day }}
),
c_outcomes AS (
    {%- for p in profiles %}
    SELECT
        '{{ p.name }}' AS profile, date, session_key, cut, {{ dims() }}, messages_in,
        {% if p.counts_copies %}copies{% else %}CAST(1 AS BIGINT){% endif %} AS weight,
        {% if p.must_stay_closed %}is_young{% else %}0{% endif %} AS is_young,
        {% if p.must_stay_closed %}is_reopened{% else %}0{% endif %} AS is_reopened,
        {{ p.outcome }} AS vendor_outcome
    FROM c_closed
    WHERE cut IN ('{{ p.name }}', '{% if p.counts_tests %}all{% endif %}', 'ours')
    {% if not loop.last %}UNION ALL{% endif %}
    {%- endfor %}
),
c_judged AS (
    SELECT
        profile, date, session_key, cut, {{ dims() }}, messages_in, weight, is_young,
        CASE WHEN vendor_outcome IN ('resolved', 'resolved_by_silence') AND is_reopened = 1 AND is_young = 0
             THEN 'other' ELSE vendor_outcome END AS outcome
    FROM c_outcomes
),
-- The sessions that each step counts, and how it judges them.
c_counted AS (
    SELECT profile, 1 AS step, date, {{ dims() }}, outcome, is_young, weight AS sessions
    FROM c_judged WHERE cut = profile
    UNION ALL
    SELECT profile, 2 AS step, date, {{ dims() }}, outcome, 0 AS is_young, weight AS sessions
    FROM c_judged WHERE cut = profile AND messages_in > 0
    UNION ALL
    {%- for p in profiles %}
    SELECT profile, 3 AS step, date, {{ dims() }}, outcome, 0 AS is_young, weight AS sessions
    FROM c_judged
    WHERE profile = '{{ p.name }}' AND cut = '{% if p.counts_tests %}all{% else %}ours{% endif %}' AND messages_in > 0
    UNION ALL
    {%- endfor %}
    SELECT profile, 4 AS step, date, {{ dims() }}, outcome, 0 AS is_young, weight AS sessions
    FROM c_judged WHERE cut = 'ours' AND messages_in > 0
    UNION ALL
    SELECT profile, 5 AS step, date, {{ dims() }}, outcome, 0 AS is_young, CAST(1 AS BIGINT) AS sessions
    FROM c_judged WHERE cut = 'ours' AND messages_in > 0
    UNION ALL
    SELECT
        j.profile, 6 AS step, j.date, {{ dims("j.$") }},
        CASE WHEN j.outcome = 'resolved_by_silence' OR s.outcome = 'resolved_assumed'
             THEN {{ judged_by_us("s.outcome") }} ELSE j.outcome END AS outcome,
        0 AS is_young, CAST(1 AS BIGINT) AS sessions
    FROM c_judged AS j
    INNER JOIN int_sessions AS s ON j.session_key = s.session_key
    WHERE j.cut = 'ours' AND s.outcome NOT IN ('open', 'unengaged')
    {%- for p in profiles %}
    UNION ALL
    SELECT
        '{{ p.name }}' AS profile, 7 AS step, date, {{ dims() }}, {{ judged_by_us("outcome") }} AS outcome,
        0 AS is_young, CAST(1 AS BIGINT) AS sessions
    FROM int_sessions WHERE outcome NOT IN ('open', 'unengaged')
    {%- endfor %}
),
c_metrics AS (
    {%- for p in profiles %}
    {%- set is_last = loop.last %}
    {%- for m in p.metrics %}
    SELECT
        '{{ p.name }}' AS profile, '{{ m }}' AS metric,
        {% if p.must_stay_closed and m == "resolution_rate" %}{{ matured(8) }}{% else %}{{ matured(1) }}{% endif %} AS final_to_day
    {% if not (is_last and loop.last) %}UNION ALL{% endif %}
    {%- endfor %}
    {%- endfor %}
),
c_steps AS (
    {%- for name in steps %}
    SELECT {{ loop.index }} AS step, {{ loop.index - 1 }} AS step_before, '{{ name }}' AS step_name
    {% if not loop.last %}UNION ALL{% endif %}
    {%- endfor %}
),
-- Only of a resolution it must be waited for whether it stays one.
c_numbers AS (
    SELECT
        c.date, {{ dims("c.$") }}, c.profile, m.metric, c.step,
        SUM(CASE WHEN m.metric = 'resolution_rate' AND c.is_young = 1 THEN 0
                 WHEN m.metric = 'resolution_rate' AND c.outcome IN ('resolved', 'resolved_by_silence') THEN c.sessions
                 WHEN m.metric = 'escalation_rate' AND c.outcome = 'escalated' THEN c.sessions
                 WHEN m.metric = 'abandon_rate' AND c.outcome = 'abandoned' THEN c.sessions
                 ELSE 0 END) AS numerator,
        SUM(CASE WHEN m.metric = 'resolution_rate' AND c.is_young = 1 THEN 0 ELSE c.sessions END) AS denominator
    FROM c_counted AS c
    INNER JOIN c_metrics AS m ON c.profile = m.profile
    GROUP BY c.date, {{ dims("c.$") }}, c.profile, m.metric, c.step
),
c_slices AS (
    SELECT DISTINCT date, {{ dims() }}, profile, metric FROM c_numbers
),
c_spine AS (
    SELECT s.date, {{ dims("s.$") }}, s.profile, s.metric, t.step, t.step_before, t.step_name
    FROM c_slices AS s
    CROSS JOIN c_steps AS t
),
c_rows AS (
    SELECT
        s.date, {{ dims("s.$") }}, s.profile, s.metric, s.step, s.step_before, s.step_name,
        COALESCE(n.numerator, 0) AS numerator, COALESCE(n.denominator, 0) AS denominator
    FROM c_spine AS s
    LEFT JOIN c_numbers AS n
        ON s.date = n.date AND {{ dims("s.$ = n.$", " AND ") }} AND s.profile = n.profile AND s.metric = n.metric
        AND s.step = n.step
)
SELECT
    r.date, {{ dims("r.$") }}, r.profile, r.metric, r.step, r.step_name, r.numerator, r.denominator,
    CAST(r.numerator AS DOUBLE) / NULLIF(r.denominator, 0) AS value,
    r.numerator - b.numerator AS numerator_change, r.denominator - b.denominator AS denominator_change,
    CAST(r.numerator AS DOUBLE) / NULLIF(r.denominator, 0)
        - CAST(b.numerator AS DOUBLE) / NULLIF(b.denominator, 0) AS value_change,
    CASE WHEN r.date <= m.final_to_day THEN 'final' ELSE 'provisional' END AS status
FROM c_rows AS r
INNER JOIN c_metrics AS m ON r.profile = m.profile AND r.metric = m.metric
LEFT JOIN c_rows AS b
    ON r.date = b.date AND {{ dims("r.$ = b.$", " AND ") }} AND r.profile = b.profile AND r.metric = b.metric
    AND r.step_before = b.step
