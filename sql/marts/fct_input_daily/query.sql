-- The same weekdays of four weeks tell what is usual: a bot sleeps on Sundays, and after a holiday the
-- quiet day is one of four. So a change is told for a week, then it is usual.
{%- set key = "source, kind, measure, field, value" %}
{%- set least = "CAST(" ~ warn_rows ~ " AS DOUBLE)" %}
{%- set volume = "CAST('" ~ warn_volume ~ "' AS DOUBLE)" %}
{%- set null_rate = "CAST('" ~ warn_null_rate ~ "' AS DOUBLE)" %}
{%- macro same(alias, date) -%}
({% for week in [1, 2, 3, 4] %}{{ date }} = {{ alias }}.week_{{ week }}{% if not loop.last %} OR {% endif %}{% endfor %})
{%- endmacro %}
{%- macro whole(column) -%}
CAST(CAST(FLOOR({{ column }}) AS BIGINT) AS STRING)
{%- endmacro %}
{%- macro percent(column) -%}
CAST(CAST(FLOOR({{ column }} * 100 + CAST(0.5 AS DOUBLE)) AS BIGINT) AS STRING) || ' %'
{%- endmacro %}
WITH c_days AS (
    SELECT
        date
        {%- for week in [1, 2, 3, 4] %}, CAST(date - INTERVAL '{{ 7 * week }} days' AS DATE) AS week_{{ week }}{% endfor %}
    FROM calendar
),
c_rows AS (
    SELECT date, source, kind, counted AS of_rows
    FROM int_input_counts
    WHERE measure = 'rows'
),
c_levels AS (
    SELECT
        i.date, {{ "i." ~ key | replace(", ", ", i.") }}, i.counted, COALESCE(r.of_rows, 0) AS of_rows,
        CASE WHEN i.measure = 'filled' THEN CAST(i.counted AS DOUBLE) / NULLIF(r.of_rows, 0)
             ELSE CAST(i.counted AS DOUBLE) END AS level
    FROM int_input_counts AS i
    LEFT JOIN c_rows AS r ON i.date = r.date AND i.source = r.source AND i.kind = r.kind
),
c_past AS (
    SELECT
        d.date, l.date AS past_date, {{ "l." ~ key | replace(", ", ", l.") }}, l.counted,
        CASE WHEN {{ same("d", "l.date") }} THEN l.level END AS same_level
    FROM c_days AS d
    CROSS JOIN c_levels AS l
    WHERE l.date >= d.week_4 AND l.date < d.date
),
c_sources AS (
    SELECT date, source, kind, MIN(past_date) AS first_date, COUNT(*) AS days_before
    FROM c_past
    WHERE measure = 'rows'
    GROUP BY date, source, kind
),
c_known AS (
    SELECT
        s.date, s.source, s.kind, s.days_before,
        {%- for week in [1, 2, 3, 4] %}
        {% if not loop.first %}+ {% endif %}CASE WHEN d.week_{{ week }} >= s.first_date THEN 1 ELSE 0 END
        {%- endfor %} AS same_weekdays
    FROM c_sources AS s
    INNER JOIN c_days AS d ON s.date = d.date
),
c_before AS (
    SELECT
        date, {{ key }}, SUM(counted) AS counted_before, COUNT(same_level) AS same_seen,
        MIN(same_level) AS lowest, MAX(same_level) AS highest
    FROM c_past
    GROUP BY date, {{ key }}
),
c_keys AS (
    SELECT date, {{ key }} FROM c_before
    UNION
    SELECT date, {{ key }} FROM int_input_counts
    WHERE date >= {{ from_day }} AND date < {{ to_day }}
),
c_beside AS (
    SELECT
        k.date, {{ "k." ~ key | replace(", ", ", k.") }},
        COALESCE(l.counted, 0) AS counted, COALESCE(r.of_rows, 0) AS of_rows,
        CASE WHEN k.measure = 'filled' THEN l.level ELSE COALESCE(l.level, CAST(0 AS DOUBLE)) END AS level,
        -- A share of no rows is none; of all else, what did not come was 0.
        CASE WHEN k.measure = 'filled' OR COALESCE(b.same_seen, 0) = n.same_weekdays THEN b.lowest
             WHEN n.same_weekdays > 0 THEN CAST(0 AS DOUBLE) END AS lowest,
        CASE WHEN k.measure = 'filled' THEN b.highest
             WHEN n.same_weekdays > 0 THEN COALESCE(b.highest, CAST(0 AS DOUBLE)) END AS highest,
        CASE WHEN k.measure = 'filled' THEN COALESCE(b.same_seen, 0)
             ELSE COALESCE(n.same_weekdays, 0) END AS same_weekdays,
        COALESCE(n.days_before, 0) AS days_before, COALESCE(b.counted_before, 0) AS counted_before
    FROM c_keys AS k
    LEFT JOIN c_levels AS l ON {{ "k.date = l.date" }}{% for c in key | split(", ") %} AND k.{{ c }} = l.{{ c }}{% endfor %}
    LEFT JOIN c_before AS b ON k.date = b.date{% for c in key | split(", ") %} AND k.{{ c }} = b.{{ c }}{% endfor %}
    LEFT JOIN c_rows AS r ON k.date = r.date AND k.source = r.source AND k.kind = r.kind
    LEFT JOIN c_known AS n ON k.date = n.date AND k.source = n.source AND k.kind = n.kind
),
c_judged AS (
    SELECT
        date, {{ key }}, counted, of_rows, level, lowest, highest, same_weekdays, days_before, counted_before,
        CASE
            WHEN days_before < 7 THEN NULL
            WHEN measure = 'unknown_fields' AND counted > 0 AND counted_before = 0 THEN 'new_field'
            WHEN measure = 'values' AND counted >= {{ warn_rows }} AND counted > counted_before THEN 'new_value'
            WHEN same_weekdays < 2 THEN NULL
            -- Chance moves a count by its root; conversations of many rows, by a few times that.
            WHEN measure = 'rows' AND kind <> 'contacts' AND level < lowest * (1 - {{ volume }})
                AND (lowest - level) * (lowest - level) > {{ least }} * lowest THEN 'fewer_rows'
            WHEN measure = 'rows' AND kind <> 'contacts' AND level * (1 - {{ volume }}) > highest
                AND level - highest >= {{ least }}
                AND (level - highest) * (level - highest) > {{ least }} * highest THEN 'more_rows'
            WHEN measure = 'filled' AND (lowest - level) * of_rows >= {{ least }}
                AND (lowest - level > {{ null_rate }} OR counted = 0) THEN 'field_emptier'
            WHEN measure = 'filled' AND (level - highest) * of_rows >= {{ least }}
                AND (level - highest > {{ null_rate }} OR highest = 0) THEN 'field_fuller'
            WHEN measure = 'values' AND counted = 0 AND of_rows > 0 AND lowest >= {{ least }} THEN 'value_gone'
        END AS warning
    FROM c_beside
    WHERE measure = 'rows' OR (measure = 'filled' AND of_rows > 0)
        OR (measure = 'unknown_fields' AND counted > 0)
        OR (measure = 'values' AND (counted >= {{ warn_rows }} OR lowest >= {{ least }}))
)
SELECT
    date, {{ key }}, counted, of_rows, level, lowest, highest, same_weekdays, days_before, counted_before, warning,
    CASE
        WHEN warning IN ('fewer_rows', 'more_rows') THEN
            source || ': ' || CAST(counted AS STRING) || ' rows of ' || kind || ', ' || {{ whole("lowest") }} || ' to '
            || {{ whole("highest") }} || ' on the same weekdays before'
        WHEN warning IN ('field_emptier', 'field_fuller') THEN
            source || ': ' || field || ' in ' || {{ percent("level") }} || ' of the rows of ' || kind || ', '
            || {{ percent("lowest") }} || ' to ' || {{ percent("highest") }} || ' on the same weekdays before'
        WHEN warning = 'new_value' THEN
            source || ': ' || field || ' ' || value || ' in ' || CAST(counted AS STRING) || ' rows of ' || kind || ', '
            || CAST(counted_before AS STRING) || ' on the 28 days before together'
        WHEN warning = 'value_gone' THEN
            source || ': ' || field || ' ' || value || ' in no row of ' || kind || ', ' || {{ whole("lowest") }} || ' to '
            || {{ whole("highest") }} || ' on the same weekdays before'
        WHEN warning = 'new_field' THEN
            source || ': unknown field ' || field || ' in ' || CAST(counted AS STRING) || ' records of ' || kind
            || ', none on the 28 days before'
    END AS told
FROM c_judged
