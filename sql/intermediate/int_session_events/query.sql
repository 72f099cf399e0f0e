-- Every "latest so far" below is a running maximum over a value that is never NULL (0 or a far past
-- where there is none), because engines disagree on NULLs inside a running maximum.
WITH c_ordered AS (
    SELECT
        chain_key, date, day_no, hour, ts_us, seq, event_id, bot, channel, service, locale, bot_version, variant,
        source, identity_kind, conversation_key, user_key, actor, type, intent, is_fallback, latency_ms,
        closed_by, instrument, score, tokens_in, tokens_out, cost_amount, is_proactive,
        {{ timeout_us("channel") }} AS timeout_us,
        CASE WHEN type = 'message' AND actor IN ('user', 'bot', 'agent') THEN 1 ELSE 0 END AS is_activity,
        CASE WHEN type IN ('session_start', 'session_end') THEN 1 ELSE 0 END AS is_marker,
        ROW_NUMBER() OVER (
            PARTITION BY chain_key
            ORDER BY ts_us, seq, event_id, source, dedup_hi, dedup_lo
        ) AS pos
    FROM stg_events
    WHERE chain_key IS NOT NULL
),
c_latest AS (
    SELECT
        chain_key, date, day_no, ts_us, seq, event_id, bot, channel, service, locale, bot_version, variant,
        source, identity_kind, conversation_key, user_key, actor, type, is_fallback, latency_ms,
        closed_by, instrument, score, tokens_in, tokens_out, cost_amount, is_proactive,
        timeout_us, is_activity, is_marker, pos,
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
        s.start_us, s.is_continued, a.chain_key, a.pos AS event_no,
        CASE WHEN a.pos = s.start_pos THEN 1 ELSE 0 END AS is_start,
        e.date AS event_date, e.hour, e.ts_us, e.seq, e.event_id, e.bot, e.channel, e.service, e.locale, e.bot_version,
        e.variant, e.source, e.identity_kind, e.conversation_key, e.user_key, e.actor, e.type,
        e.is_activity, e.intent, e.is_fallback, e.latency_ms, e.closed_by, e.instrument, e.score,
        e.tokens_in, e.tokens_out, e.cost_amount, e.is_proactive
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
SELECT
    j.date, j.session_key, j.event_no, j.chain_key, j.is_start, j.start_us, j.is_continued,
    CASE WHEN a.handoff_no = {{ no_position }} THEN 0 ELSE a.handoff_no END AS handoff_no,
    {%- for d in dimensions %}
    {% if d in ["bot", "channel"] %}j.{{ d }}{% else %}COALESCE(a.{{ d }}, 'unknown') AS {{ d }}{% endif %},
    {%- endfor %}
    j.event_date, j.hour, j.ts_us, j.seq, j.event_id, j.identity_kind AS event_identity_kind, j.variant AS event_variant,
    j.service AS event_service, j.conversation_key, j.user_key, j.bot AS session_bot, j.channel AS session_channel,
    j.actor, j.type, j.is_activity, j.intent, j.is_fallback, j.latency_ms, j.closed_by, j.instrument, j.score,
    j.tokens_in, j.tokens_out,
    j.cost_amount, j.is_proactive
FROM c_joined AS j
INNER JOIN c_attributes AS a ON j.session_key = a.session_key
