"""The README's DuckDB query over a demo's warehouse.

Usage: query_demo.py README.md WAREHOUSE. Runs the text of the README, not a copy, with its folder
replaced; fails unless every day of the warehouse answers with plausible numbers.
"""

import re
import sys
from pathlib import Path

import duckdb


def main(readme: Path, warehouse: Path) -> None:
    blocks = re.findall(r"^```sql\n(.*?)^```", readme.read_text(encoding="utf-8"), re.M | re.S)
    queries = [block for block in blocks if "demo/warehouse" in block]
    assert queries, f"{readme} has no SQL over demo/warehouse"
    days = {folder.name.removeprefix("date=") for folder in (warehouse / "kpi_daily").glob("date=*")}
    assert days, f"{warehouse} has no published day"
    for query in queries:
        rows = duckdb.sql(query.replace("demo/warehouse", warehouse.as_posix())).fetchall()
        answered = {str(row[0]) for row in rows}
        assert answered == days, f"days without rows: {sorted(days - answered)}"
        assert any(value > 0 for row in rows for value in row if isinstance(value, float)), "only zeros"
        print(f"DuckDB: {len(rows)} rows of {len(days)} days")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
