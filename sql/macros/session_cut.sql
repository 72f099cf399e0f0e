{#- Cuts the rows of `events` into sessions, with the gap `timeout` of a row and the columns `carried` of
    each event. Sets c_joined (events in sessions) and c_attributes (one row for each session).

    Every "latest so far" below is a running maximum over a value that is never NULL (0 or a far past
    where there is none), because engines disagree on NULLs inside a running maximum. -#}
c_ordered AS (
    SELECT
        chain_key, date, day_no, ts_us, actor, type, {{ carried | join(", ") }},
        {{ timeout }} AS timeout_us,
        CASE WHEN type = 'message' AND actor IN ('user', 'bot', 'agent') THEN 1 ELSE 0 END AS is_activity,
        CASE WHEN type IN ('session_start', 'session_end') THEN 1 ELSE 0 END AS is_marker,
        ROW_NUMBER() OVER (
            PARTITION BY chain_key
            ORDER BY ts_us, seq, event_id, source, dedup_hi, dedup_lo{{ more_order | default("") }}
        ) AS pos
    FROM {{ events }}
    WHERE chain_key IS NOT NULL
),
c_latest AS (
    SELECT
        chain_key, day_no, ts_us, actor, timeout_us, is_activity, is_marker, pos,
        MAX(CASE WHEN is_activity = 1 THEN pos ELSE 0 END) OVER (
            PARTITION BY chain_key ORDER BY pos ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS activity_pos,
        MAX(CASE WHEN is_activity = 1 THEN ts_us ELSE {{ far_past_us }} END) OVER (
            PARTITION BY chain_key ORDER BY pos ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS activity_us,
        MAX(CASE WHEN is_marker = 1 THEN pos ELSE 0 END) OVER (
            PARTITION BY chain_key ORDER BY pos ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS marker_pos,
        MAX(CASE WHEN type = 'handoff' THEN pos ELSE 0 END) OVER (
            PARTITION BY chain_key ORDER BY pos ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS handoff_pos,
        MAX(CASE WHEN type = 'handoff' THEN ts_us ELSE {{ far_past_us }} END) OVER (
            PARTITION BY chain_key ORDER BY pos ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS handoff_us
    FROM c_ordered
),
c_previous AS (
    SELECT
        chain_key, pos, day_no, ts_us, actor, is_activity, is_marker, timeout_us,
        marker_pos, handoff_pos, handoff_us,
        COALESCE(LAG(activity_pos) OVER (PARTITION BY chain_key ORDER BY pos), 0) AS previous_pos,
        COALESCE(LAG(activity_us) OVER (PARTITION BY chain_key ORDER BY pos), {{ far_past_us }}) AS previous_us
    FROM c_latest
),
c_gaps AS (
    SELECT
        chain_key, pos, day_no, ts_us, actor, is_activity, is_marker, handoff_pos, handoff_us,
        CASE WHEN is_activity = 1
              AND (previous_pos = 0 OR ts_us - previous_us > timeout_us OR marker_pos > previous_pos)
             THEN 1 ELSE 0 END AS is_gap
    FROM c_previous
),
-- An agent's late message is excused from being a start when nothing began or ended since the
-- handoff. Only starts of others and markers need to be looked for: where an agent's own message is
-- a start after that handoff, the same reason keeps the later one from being excused.
c_breaks AS (
    SELECT
        chain_key, pos, day_no, ts_us, actor, is_activity, is_gap, handoff_pos, handoff_us,
        MAX(CASE WHEN is_marker = 1 OR (is_gap = 1 AND actor <> 'agent') THEN pos ELSE 0 END) OVER (
            PARTITION BY chain_key ORDER BY pos ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS break_pos
    FROM c_gaps
),
c_natural AS (
    SELECT
        chain_key, pos, day_no, is_activity,
        CASE WHEN is_gap = 1
              AND NOT (actor = 'agent' AND handoff_pos > break_pos
                       AND ts_us - handoff_us <= {{ handoff_join_us }})
             THEN 1 ELSE 0 END AS is_natural
    FROM c_breaks
),
c_days AS (
    SELECT chain_key, day_no, day_no + 1 AS next_day_no, MIN(pos) AS first_pos, MAX(is_natural) AS has_natural
    FROM c_natural
    WHERE is_activity = 1
    GROUP BY chain_key, day_no
),
c_firsts AS (
    SELECT d.chain_key, d.first_pos, COALESCE(p.has_natural, 0) AS began_yesterday
    FROM c_days AS d
    LEFT JOIN c_days AS p ON d.chain_key = p.chain_key AND d.day_no = p.next_day_no
),
c_starts AS (
    SELECT
        n.chain_key, n.pos, n.is_natural,
        CASE WHEN n.is_natural = 1 THEN 1
             WHEN f.began_yesterday = 0 THEN 1
             ELSE 0 END AS is_start
    FROM c_natural AS n
    LEFT JOIN c_firsts AS f ON n.chain_key = f.chain_key AND n.pos = f.first_pos
),
c_attached AS (
    SELECT
        chain_key, pos,
        MAX(CASE WHEN is_start = 1 THEN pos ELSE 0 END) OVER (
            PARTITION BY chain_key ORDER BY pos ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS start_pos
    FROM c_starts
),
c_sessions AS (
    SELECT
        s.chain_key, s.pos AS start_pos, e.date, e.day_no, e.ts_us AS start_us,
        s.is_natural = 0 AS is_continued,
        ROW_NUMBER() OVER (PARTITION BY s.chain_key, e.ts_us ORDER BY s.pos) AS same_start_no
    FROM c_starts AS s
    INNER JOIN c_ordered AS e ON s.chain_key = e.chain_key AND s.pos = e.pos
    WHERE s.is_start = 1
),
c_joined AS (
    SELECT
        s.date,
        'c' || CAST(s.chain_key AS STRING) || '-' || CAST(s.start_us AS STRING) || '-'
            || CAST(s.same_start_no AS STRING) AS session_key,
        s.start_us, s.same_start_no, s.is_continued, a.chain_key, a.pos AS event_no,
        CASE WHEN a.pos = s.start_pos THEN 1 ELSE 0 END AS is_start,
        e.date AS event_date, e.ts_us, e.actor, e.type, e.is_activity,
        {% for name in carried %}e.{{ name }}{% if not loop.last %}, {% endif %}{% endfor %}
    FROM c_attached AS a
    INNER JOIN c_sessions AS s ON a.chain_key = s.chain_key AND a.start_pos = s.start_pos
    INNER JOIN c_ordered AS e ON a.chain_key = e.chain_key AND a.pos = e.pos
    WHERE e.day_no <= s.day_no + 1 AND s.date >= {{ from_day }} AND s.date < {{ to_day }}
),
-- Positions of the first event that names each attribute of the session.
c_marks AS (
    SELECT
        session_key,
        MIN(CASE WHEN actor = 'user' AND is_activity = 1 THEN event_no ELSE {{ no_position }} END) AS user_no
        {%- for d in dimensions if d not in ["bot", "channel"] %},
        MIN(CASE WHEN {{ named(d) }} THEN event_no ELSE {{ no_position }} END) AS {{ d }}_no
        {%- endfor %}
    FROM c_joined
    GROUP BY session_key
),
c_attributes AS (
    SELECT
        j.session_key,
        MIN(CASE WHEN j.type = 'handoff' OR (j.actor = 'agent' AND j.is_activity = 1 AND j.event_no > m.user_no)
                 THEN j.event_no ELSE {{ no_position }} END) AS handoff_no
        {%- for d in dimensions if d not in ["bot", "channel"] %},
        MAX(CASE WHEN j.event_no = m.{{ d }}_no THEN j.{{ d }} END) AS {{ d }}
        {%- endfor %}
    FROM c_joined AS j
    INNER JOIN c_marks AS m ON j.session_key = m.session_key
    GROUP BY j.session_key
)
