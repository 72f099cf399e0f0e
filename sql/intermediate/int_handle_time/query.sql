-- From the decoded contacts, not from staging: the window may lie before the first chat.
WITH c_copies AS (
    SELECT
        date, service, handle_seconds, is_deleted, source, dedup_hi, dedup_lo,
        ROW_NUMBER() OVER (
            PARTITION BY date, source, dedup_hi, dedup_lo
            ORDER BY updated_us DESC, object_key DESC, record_offset DESC, element DESC
        ) AS copy_no
    FROM contacts
),
c_timed AS (
    SELECT date, COALESCE(service, 'unknown') AS service, handle_seconds, source, dedup_hi, dedup_lo
    FROM c_copies
    WHERE copy_no = 1 AND is_deleted = FALSE AND handle_seconds IS NOT NULL
),
c_windows AS (
    {%- for w in pre_windows %}
    {% if not loop.first %}UNION ALL
    {% endif -%}
    SELECT '{{ w.name }}' AS rollout, date, service, handle_seconds, source, dedup_hi, dedup_lo
    FROM c_timed WHERE date >= {{ w.from_day }} AND date < {{ w.to_day }}
    {%- else %}
    SELECT 'none' AS rollout, date, service, handle_seconds, source, dedup_hi, dedup_lo
    FROM c_timed WHERE 1 = 0
    {%- endfor %}
),
c_grouped AS (
    SELECT rollout, date, service, handle_seconds, source, dedup_hi, dedup_lo FROM c_windows
    UNION ALL
    SELECT rollout, date, '*' AS service, handle_seconds, source, dedup_hi, dedup_lo FROM c_windows
),
c_ranked AS (
    SELECT
        rollout, service, handle_seconds,
        ROW_NUMBER() OVER (
            PARTITION BY rollout, service ORDER BY handle_seconds, date, source, dedup_hi, dedup_lo
        ) AS rank_no,
        COUNT(*) OVER (PARTITION BY rollout, service) AS contacts
    FROM c_grouped
),
c_counted AS (
    SELECT
        rollout, service, MIN(contacts) AS contacts, SUM(handle_seconds) AS handle_seconds,
        {{ percentile("handle_seconds", "rank_no", "contacts", 50) }} AS p50_seconds,
        {{ percentile("handle_seconds", "rank_no", "contacts", 90) }} AS p90_seconds
    FROM c_ranked
    GROUP BY rollout, service
)
SELECT {{ from_day }} AS date, rollout, service, contacts, handle_seconds, p50_seconds, p90_seconds
FROM c_counted
