SELECT {{ from_day }} AS date, source, kind, object, etag, path_date, day, measure, reason, counted
FROM object_counts
