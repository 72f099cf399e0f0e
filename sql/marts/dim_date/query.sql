SELECT
    date, start_us AS start_ts, end_us AS end_ts, year_no AS year,
    CAST(FLOOR(CAST(month_no + 2 AS DOUBLE) / NULLIF(3, 0)) AS BIGINT) AS quarter,
    month_no AS month, day_of_month, month_start, iso_year, iso_week, week_start, dow AS weekday,
    dow >= 6 AS is_weekend,
    CAST(end_us - start_us AS DOUBLE) / NULLIF(3600000000, 0) AS day_hours, '{{ timezone }}' AS timezone
FROM calendar
