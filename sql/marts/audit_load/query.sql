SELECT
    {{ from_day }} AS date, table_name, day, row_count, generation, loaded_us AS loaded_at, restated,
    status
FROM published_partitions
