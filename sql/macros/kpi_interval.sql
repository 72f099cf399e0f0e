c_valued AS (
    SELECT
        date, metric, {{ dims() }}, numerator, denominator, n, unit, is_proportion, status, definition_version,
        numerator / NULLIF(denominator, 0) AS value
    FROM c_parts
),
-- Wilson's score interval: E. B. Wilson, Probable Inference, JASA 22 (1927), with z of 95 %.
c_wilson AS (
    SELECT
        date, metric, {{ dims() }}, numerator, denominator, n, unit, status, definition_version, value,
        (value + {{ z2 }} / NULLIF(2 * denominator, 0)) / NULLIF(1 + {{ z2 }} / NULLIF(denominator, 0), 0) AS centre,
        {{ z }} * SQRT(value * (1 - value) / NULLIF(denominator, 0) + {{ z2 }} / NULLIF(4 * denominator * denominator, 0))
            / NULLIF(1 + {{ z2 }} / NULLIF(denominator, 0), 0) AS half_width
    FROM c_valued
    WHERE is_proportion = 1
)
SELECT
    date, metric, {{ dims() }}, numerator, denominator, value,
    -- At none and at all of them one end is exactly 0 or 1, where rounding would step over it.
    CASE WHEN numerator = 0 THEN CAST(0 AS DOUBLE) ELSE centre - half_width END AS ci_low,
    CASE WHEN numerator = denominator THEN CAST(1 AS DOUBLE) ELSE centre + half_width END AS ci_high,
    unit, n, n < {{ low_n }} AS low_n, status, definition_version
FROM c_wilson
UNION ALL
SELECT
    date, metric, {{ dims() }}, numerator, denominator, value, CAST(NULL AS DOUBLE) AS ci_low,
    CAST(NULL AS DOUBLE) AS ci_high, unit, n, n < {{ low_n }} AS low_n, status, definition_version
FROM c_valued
WHERE is_proportion = 0
