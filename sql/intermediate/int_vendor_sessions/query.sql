{% set events = "c_cuts" -%}
{% set timeout = "cut_timeout_us" -%}
{% set more_order = ", is_test" -%}
{% set own = "date, day_no, ts_us, seq, event_id, dedup_hi, dedup_lo, is_test, copies, bot, channel, service, locale, bot_version, variant, source, identity_kind, actor, type, closed_by, instrument, score" -%}
{% set carried = ["cut", "cut_timeout_us", "copies", "bot", "channel", "service", "locale", "bot_version", "variant", "source", "identity_kind", "closed_by", "instrument", "score"] -%}
WITH c_cuts AS (
    {%- for p in profiles %}
    SELECT
        '{{ p.name }}' AS cut, '{{ p.name }}:' || CAST(chain_key AS STRING) AS chain_key, {{ own }},
        CAST({{ p.timeout_us }} AS BIGINT) AS cut_timeout_us
    FROM stg_delivered_events
    WHERE chain_key IS NOT NULL{% if not p.counts_tests %} AND is_test = 0{% endif %}
    UNION ALL
    {%- endfor %}
    SELECT
        'all' AS cut, 'all:' || CAST(chain_key AS STRING) AS chain_key, {{ own }},
        CAST({{ timeout_us("channel") }} AS BIGINT) AS cut_timeout_us
    FROM stg_delivered_events
    WHERE chain_key IS NOT NULL
    UNION ALL
    SELECT
        'ours' AS cut, CAST(chain_key AS STRING) AS chain_key, {{ own }},
        CAST({{ timeout_us("channel") }} AS BIGINT) AS cut_timeout_us
    FROM stg_delivered_events
    WHERE chain_key IS NOT NULL AND is_test = 0
),
{% include "session_cut.sql" %},
c_positions AS (
    SELECT
        session_key,
        MAX(CASE WHEN is_activity = 1 THEN event_no ELSE 0 END) AS last_no,
        MAX(CASE WHEN type = 'feedback' AND instrument IN ('helpful', 'csat_5', 'rating_10')
                 THEN event_no ELSE 0 END) AS last_answer_no,
        MAX(CASE WHEN closed_by IS NOT NULL THEN event_no ELSE 0 END) AS closed_no
    FROM c_joined
    GROUP BY session_key
),
c_facts AS (
    SELECT
        j.date, j.session_key, MIN(j.cut) AS cut, MIN(j.chain_key) AS chain_key,
        {%- for d in dimensions %}
        {% if d in ["bot", "channel"] %}MIN(j.{{ d }}){% else %}COALESCE(MIN(a.{{ d }}), 'unknown'){% endif %} AS {{ d }},
        {%- endfor %}
        MIN(j.start_us) AS start_us, MIN(j.same_start_no) AS start_no, MIN(j.cut_timeout_us) AS cut_timeout_us,
        MAX(CASE WHEN j.event_no = p.last_no THEN j.ts_us END) AS end_us,
        SUM(CASE WHEN j.is_start = 1 THEN j.copies ELSE 0 END) AS copies,
        SUM(CASE WHEN j.is_activity = 1 AND j.actor = 'user' THEN 1 ELSE 0 END) AS messages_in,
        SUM(CASE WHEN j.is_activity = 1 AND j.actor = 'bot' THEN 1 ELSE 0 END) AS messages_out_bot,
        SUM(CASE WHEN j.is_activity = 1 AND j.actor = 'agent' THEN 1 ELSE 0 END) AS messages_out_agent,
        SUM(CASE WHEN j.type = 'handoff' THEN 1 ELSE 0 END) AS handoffs,
        SUM(CASE WHEN j.type = 'goal' THEN 1 ELSE 0 END) AS goals,
        SUM(CASE WHEN j.type = 'survey' THEN 1 ELSE 0 END) AS surveys,
        MAX(CASE WHEN j.event_no = p.last_answer_no AND {{ positive("j") }} THEN 1 ELSE 0 END) AS ends_positive,
        MAX(CASE WHEN j.type = 'feedback' AND {{ negative("j") }} THEN 1 ELSE 0 END) AS has_negative,
        MAX(CASE WHEN j.event_no = p.closed_no THEN j.closed_by END) AS closed_by
    FROM c_joined AS j
    INNER JOIN c_positions AS p ON j.session_key = p.session_key
    INNER JOIN c_attributes AS a ON j.session_key = a.session_key
    GROUP BY j.date, j.session_key
)
SELECT
    date, session_key, cut, chain_key, {{ dims() }}, start_us, start_no, end_us,
    CASE WHEN end_us + cut_timeout_us > {{ watermark_us }} THEN 1 ELSE 0 END AS is_open,
    copies, messages_in, messages_out_bot, messages_out_agent, handoffs, goals, surveys,
    ends_positive, has_negative, closed_by
FROM c_facts
