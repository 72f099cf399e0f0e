{#- A dimension that a record leaves out is unknown, and an id '': neither is a value. -#}
{%- set inputs = [
    {"kind": "events", "filled": {
        "event_id": "NULLIF(event_id, '')", "bot": "NULLIF(bot, 'unknown')",
        "channel": "NULLIF(channel, 'unknown')", "service": "service", "locale": "locale",
        "bot_version": "bot_version", "variant": "variant",
        "identity_kind": "NULLIF(identity_kind, 'unknown')", "conversation_id": "conversation_key",
        "user_id": "user_key", "intent": "intent", "is_fallback": "is_fallback",
        "latency_ms": "latency_ms", "closed_by": "closed_by", "instrument": "instrument",
        "score": "score", "reason": "reason", "lead_id": "lead_key", "lead_value": "lead_value",
        "tokens_in": "tokens_in", "tokens_out": "tokens_out", "cost_amount": "cost_amount"
     }, "values": ["bot", "channel", "service", "identity_kind", "actor", "type", "closed_by", "instrument"]},
    {"kind": "contacts", "filled": {
        "closed_ts": "closed_us", "channel": "NULLIF(channel, 'unknown')", "service": "service",
        "user_id": "user_key", "handle_seconds": "handle_seconds", "cost_amount": "cost_amount",
        "resolved": "resolved", "instrument": "instrument", "score": "score",
        "is_first_contact": "is_first_contact"
     }, "values": ["channel", "service", "instrument"]},
    {"kind": "probes", "filled": {"bot": "NULLIF(bot, 'unknown')", "latency_ms": "latency_ms"}, "values": ["bot"]}
] -%}
WITH
{%- for i in inputs %}
c_{{ i.kind }} AS (
    SELECT
        date, source, COUNT(*) AS counted
        {%- for field, column in i.filled | items %}, COUNT({{ column }}) AS filled_{{ field }}{% endfor %}
    FROM stg_{{ i.kind }}
    GROUP BY date, source
),
c_{{ i.kind }}_values AS (
    SELECT date, source, {{ i["values"] | join(", ") }}, COUNT(*) AS counted
    FROM stg_{{ i.kind }}
    GROUP BY date, source, {{ i["values"] | join(", ") }}
),
{%- endfor %}
c_counts AS (
    SELECT date, source, kind, 'unknown_fields' AS measure, field, '*' AS value, counted
    FROM unknown_fields
    {%- for i in inputs %}
    UNION ALL
    SELECT date, source, '{{ i.kind }}' AS kind, 'rows' AS measure, '*' AS field, '*' AS value, counted
    FROM c_{{ i.kind }}
    {%- for field, column in i.filled | items %}
    UNION ALL
    SELECT date, source, '{{ i.kind }}' AS kind, 'filled' AS measure, '{{ field }}' AS field, '*' AS value, filled_{{ field }} AS counted
    FROM c_{{ i.kind }}
    {%- endfor %}
    {%- for field in i["values"] %}
    UNION ALL
    SELECT date, source, '{{ i.kind }}' AS kind, 'values' AS measure, '{{ field }}' AS field, {{ field }} AS value, counted
    FROM c_{{ i.kind }}_values
    WHERE {{ field }} <> 'unknown'
    {%- endfor %}
    {%- endfor %}
)
SELECT date, source, kind, measure, field, value, SUM(counted) AS counted
FROM c_counts
GROUP BY date, source, kind, measure, field, value
