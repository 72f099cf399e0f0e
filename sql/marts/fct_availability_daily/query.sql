-- Minutes are numbered from 1970 UTC; a local day is a span of them.
{%- macro minute(us) %}CAST(FLOOR(CAST({{ us }} AS DOUBLE) / NULLIF(60000000, 0)) AS BIGINT){% endmacro %}
{%- macro utc_day(minute_no) %}CAST(FLOOR(CAST({{ minute_no }} AS DOUBLE) / NULLIF(1440, 0)) AS BIGINT){% endmacro %}
WITH c_instants AS (
    SELECT
        bot, ts_us, MAX(CASE WHEN is_ok = TRUE THEN 0 ELSE 1 END) AS is_failed,
        MAX(CASE WHEN is_planned = TRUE THEN 1 ELSE 0 END) AS is_planned
    FROM stg_probes
    GROUP BY bot, ts_us
),
c_tried AS (
    SELECT bot, ts_us, {{ minute("ts_us") }} AS minute_no, is_failed, is_planned
    FROM c_instants
),
c_spans AS (
    SELECT
        bot, minute_no, is_failed, is_planned,
        COALESCE(LEAD(minute_no) OVER (PARTITION BY bot ORDER BY ts_us), {{ no_position }}) AS next_minute_no
    FROM c_tried
),
c_offsets AS (
    {%- for later in range(probe_minutes) %}
    {% if not loop.first %}UNION ALL {% endif %}SELECT {{ later }} AS later
    {%- endfor %}
),
c_signals AS (
    SELECT
        s.bot, s.minute_no + o.later AS minute_no, s.is_failed, s.is_planned, 0 AS is_turn, 0 AS is_bad
    FROM c_spans AS s
    CROSS JOIN c_offsets AS o
    WHERE o.later = 0 OR s.minute_no + o.later < s.next_minute_no
    UNION ALL
    SELECT
        session_bot AS bot, {{ minute("turn_us") }} AS minute_no, 0 AS is_failed, 0 AS is_planned,
        1 AS is_turn, CASE WHEN is_answered = FALSE OR has_error = TRUE THEN 1 ELSE 0 END AS is_bad
    FROM int_turns
),
c_minutes AS (
    SELECT
        bot, minute_no, MAX(is_failed) AS is_failed, MAX(is_planned) AS is_planned,
        SUM(is_turn) AS turns, SUM(is_bad) AS bad_turns
    FROM c_signals
    GROUP BY bot, minute_no
),
c_judged AS (
    SELECT
        bot, minute_no, is_planned,
        CASE WHEN is_failed = 1 THEN 1 WHEN turns >= 5 AND 2 * bad_turns > turns THEN 1 ELSE 0 END AS is_down
    FROM c_minutes
),
c_previous AS (
    SELECT
        bot, minute_no, is_planned, is_down,
        COALESCE(LAG(minute_no) OVER (PARTITION BY bot ORDER BY minute_no), -1) AS previous_no,
        COALESCE(LAG(is_down) OVER (PARTITION BY bot ORDER BY minute_no), 0) AS previous_down
    FROM c_judged
),
c_days AS (
    SELECT
        date, {{ minute("start_us") }} AS first_minute_no, {{ minute("end_us") }} AS end_minute_no,
        {{ utc_day(minute("start_us")) }} AS first_utc_day
    FROM calendar
),
c_utc_days AS (
    -- A day of 25 hours reaches into three.
    {%- for later in range(3) %}
    {% if not loop.first %}UNION ALL
    {% endif -%}
    SELECT date, first_minute_no, end_minute_no, first_utc_day + {{ later }} AS utc_day FROM c_days
    {%- endfor %}
),
c_dated AS (
    SELECT
        bot, minute_no, is_planned, is_down, previous_no, previous_down, {{ utc_day("minute_no") }} AS utc_day
    FROM c_previous
),
c_bots AS (
    SELECT
        d.date, m.bot, SUM(1 - m.is_down) AS up_minutes, SUM(m.is_down) AS downtime_minutes,
        SUM(CASE WHEN m.is_down = 1 AND (m.previous_down = 0 OR m.previous_no < m.minute_no - 1)
                 THEN 1 ELSE 0 END) AS incidents,
        SUM((1 - m.is_planned) * (1 - m.is_down)) AS sla_up_minutes,
        SUM(1 - m.is_planned) AS sla_observed_minutes,
        MAX(d.end_minute_no - d.first_minute_no) AS day_minutes
    FROM c_dated AS m
    INNER JOIN c_utc_days AS d ON m.utc_day = d.utc_day
    WHERE m.minute_no >= d.first_minute_no AND m.minute_no < d.end_minute_no
    GROUP BY d.date, m.bot
),
c_requests AS (
    SELECT
        turn_date AS date, {{ dims() }}, COUNT(*) AS requests,
        SUM(CASE WHEN is_answered = TRUE AND has_error = FALSE AND latency_ms <= {{ answer_within_ms }}
                 THEN 1 ELSE 0 END) AS requests_answered
    FROM int_turns
    WHERE turn_date >= {{ from_day }} AND turn_date < {{ to_day }}
    GROUP BY turn_date, {{ dims() }}
),
c_sliced AS (
    SELECT
        r.date, {{ slices("r") }}, r.requests, r.requests_answered, 0 AS is_bots, 0 AS up_minutes,
        0 AS downtime_minutes, 0 AS incidents, 0 AS sla_up_minutes, 0 AS sla_observed_minutes, 0 AS day_minutes
    FROM c_requests AS r
    CROSS JOIN grouping_sets AS g
    UNION ALL
    -- A minute is a bot's: it counts where all other dimensions are summed.
    SELECT
        b.date,
        {%- for d in dimensions %}
        {% if d == "bot" %}CASE WHEN g.keep_bot = 1 THEN b.bot ELSE '*' END{% else %}'*'{% endif %} AS {{ d }},
        {%- endfor %}
        0 AS requests, 0 AS requests_answered, 1 AS is_bots, b.up_minutes, b.downtime_minutes, b.incidents,
        b.sla_up_minutes, b.sla_observed_minutes, b.day_minutes
    FROM c_bots AS b
    CROSS JOIN grouping_sets AS g
    WHERE b.day_minutes > 0{% for d in dimensions if d != "bot" %} AND g.keep_{{ d }} = 0{% endfor %}
),
c_sums AS (
    SELECT
        date, {{ dims() }}, SUM(requests) AS requests, SUM(requests_answered) AS requests_answered,
        MAX(is_bots) AS is_bots, SUM(up_minutes) AS up, SUM(downtime_minutes) AS down,
        SUM(incidents) AS runs, SUM(sla_up_minutes) AS sla_up, SUM(sla_observed_minutes) AS sla_observed,
        SUM(day_minutes) AS in_all
    FROM c_sliced
    GROUP BY date, {{ dims() }}
)
SELECT
    date, {{ dims() }}, requests, requests_answered,
    CASE WHEN is_bots = 1 THEN up END AS up_minutes, CASE WHEN is_bots = 1 THEN down END AS downtime_minutes,
    CASE WHEN is_bots = 1 THEN up + down END AS observed_minutes,
    CASE WHEN is_bots = 1 THEN in_all END AS minutes, CASE WHEN is_bots = 1 THEN runs END AS incidents,
    CASE WHEN is_bots = 1 THEN sla_up END AS sla_up_minutes,
    CASE WHEN is_bots = 1 THEN sla_observed END AS sla_observed_minutes,
    CAST(up AS DOUBLE) / NULLIF(up + down, 0) AS availability,
    CAST(sla_up AS DOUBLE) / NULLIF(sla_observed, 0) AS availability_sla,
    CAST(up + down AS DOUBLE) / NULLIF(in_all, 0) AS observed_share
FROM c_sums
