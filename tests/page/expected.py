"""What the report's page must say of the demo, computed by DuckDB from the published tables.

    expected.py WAREHOUSE > expected.json

The page's usual period is the last 28 published days.
"""

import json
import sys

import duckdb

warehouse = sys.argv[1]
cells = f"read_parquet('{warehouse}/kpi_daily/date=*/*.parquet', hive_partitioning = true)"
last_days = f"""
    SELECT * FROM {cells}
    WHERE bot = '*' AND channel = '*' AND service = '*'
      AND date > (SELECT MAX(date) FROM {cells}) - INTERVAL 28 DAY
"""


def one(expression, metric):
    query = f"SELECT {expression} FROM ({last_days}) WHERE metric = '{metric}'"
    return duckdb.sql(query).fetchall()[0][0]


sessions = int(one("SUM(value)", "sessions"))
resolved = one("SUM(numerator) / SUM(denominator)", "resolution_rate")
users = one("MEDIAN(value)", "dau")
month = int(one("ARG_MAX(value, date)", "mau28"))
print(
    json.dumps(
        {
            "sessions": f"{sessions:,}",
            "resolution_rate": f"{100 * resolved:.1f}%",
            "dau": f"{users:,.0f}" if users == int(users) else f"{users:,.1f}",
            "mau28": f"{month:,}",
        }
    )
)
