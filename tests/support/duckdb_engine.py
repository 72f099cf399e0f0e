"""Answers SQL with DuckDB and compares answers, for tests/models.

Reads a list of jobs from the file named on the command line and writes a list of outcomes to stdout.
A job's answer is what `sql` gives over `tables`, or what the files `actual` hold; it is held against
the files `expected`: the same rows under the same key, doubles to nine digits, all else exactly.
"""

import json
import sys

import duckdb

SHOWN = 5
WHOLE = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
SQL_TYPES = {
    "bigint": "BIGINT", "double": "DOUBLE", "decimal": "DECIMAL(18,6)", "boolean": "BOOLEAN",
    "text": "VARCHAR", "date": "DATE", "timestamp": "TIMESTAMPTZ",
}


def quoted(name):
    return '"' + name + '"'


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def cell(value, kind):
    """A value of a small table of texts and whole numbers, in which a date is its days since 1970."""
    if kind == "text":
        return literal(value)
    return f"(DATE '1970-01-01' + {value})" if kind == "date" else f"CAST({value} AS BIGINT)"


def load(database, loaded, columns, files):
    """The name of a table of Parquet files; `date` is in them, or told beside each. Loaded once."""
    key = json.dumps([columns, files])
    if key in loaded:
        return loaded[key]
    name = loaded[key] = f"loaded_{len(loaded)}"
    declared = ", ".join(f"{quoted(c)} {SQL_TYPES[t]}" for c, t in columns)
    database.execute(f"CREATE TABLE {name} ({declared})")
    if not files:
        return name
    dated = files[0]["date"] is not None
    cells = [
        "told.date" if dated and c == "date" else f"CAST(file.{quoted(c)} AS {SQL_TYPES[t]})"
        for c, t in columns
    ]
    paths = ", ".join(sorted({literal(file["path"]) for file in files}))
    source = f"read_parquet([{paths}], filename = true, file_row_number = true) AS file"
    told = ", ".join(
        "({}, CAST({} AS DATE), {}, {})".format(
            literal(file["path"]),
            literal(file["date"]) if dated else "NULL",
            *(file["rows"] or (0, 1 << 62)),
        )
        for file in files
    )
    source += (
        f" JOIN (VALUES {told}) AS told(path, date, first, past) ON file.filename = told.path"
        " AND file.file_row_number >= told.first AND file.file_row_number < told.past"
    )
    database.execute(f"INSERT INTO {name} SELECT {', '.join(cells)} FROM {source}")
    return name


def fits(found, declared):
    """Whether a result's type can become the declared one without losing anything."""
    if declared == "bigint":
        return found in WHOLE
    if declared == "double":
        return found in WHOLE or found == "DOUBLE" or found.startswith("DECIMAL")
    if declared == "decimal":
        return found in WHOLE or found.startswith("DECIMAL")
    if declared == "timestamp":
        return found in WHOLE or found.startswith("TIMESTAMP")
    return found in (SQL_TYPES[declared], '"NULL"')


def answer(database, loaded, job):
    """Makes the table `actual`, cast to the declared columns; instants become microseconds."""
    for table in job["tables"]:
        name = quoted(table["name"])
        if table["rows"]:
            kinds = [kind for _, kind in table["columns"]]
            rows = ", ".join("(" + ", ".join(map(cell, row, kinds)) + ")" for row in table["rows"])
            columns = ", ".join(quoted(c) for c, _ in table["columns"])
            database.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM (VALUES {rows}) AS t({columns})")
        else:
            source = load(database, loaded, table["columns"], table["files"])
            database.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM {source}")
    database.execute(f"CREATE OR REPLACE TABLE answer AS {job['sql']}")
    found = {row[0]: row[1] for row in database.execute("DESCRIBE answer").fetchall()}
    cells = []
    for column, declared in job["columns"]:
        if column not in found:
            raise ValueError(f"the answer has no column {column}")
        if not fits(found[column], declared):
            raise ValueError(f"column {column} is {found[column]}, not {declared}")
        cast = f"CAST({quoted(column)} AS {SQL_TYPES[declared]})"
        if declared == "timestamp":
            cast = quoted(column) if found[column] in WHOLE else f"epoch_us({quoted(column)})"
        cells.append(f"{cast} AS {quoted(column)}")
    database.execute(f"CREATE OR REPLACE VIEW actual AS SELECT {', '.join(cells)} FROM answer")


def stored(database, loaded, name, columns, files):
    source = load(database, loaded, columns, files)
    cells = [
        f"epoch_us({quoted(c)}) AS {quoted(c)}" if t == "timestamp" else quoted(c) for c, t in columns
    ]
    database.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT {', '.join(cells)} FROM {source}")


def differs(column, kind):
    a, e = f"a.{quoted(column)}", f"e.{quoted(column)}"
    if kind != "double":
        return f"{a} IS DISTINCT FROM {e}"
    close = f"abs({a} - {e}) <= 1e-9 * greatest(abs({a}), abs({e}))"
    return f"NOT coalesce({close}, {a} IS NULL AND {e} IS NULL)"


def compare(database, job):
    """The first rows that differ, as text, and how many rows there are on both sides."""
    key = job["key"]
    same = " AND ".join(f"a.{quoted(k)} IS NOT DISTINCT FROM e.{quoted(k)}" for k in key)
    unlike = " OR ".join(differs(c, t) for c, t in job["columns"] if c not in key) or "false"
    where = f"a.there IS NULL OR e.there IS NULL OR {unlike}"
    shown = ", ".join(f"a.{quoted(c)}, e.{quoted(c)}" for c, _ in job["columns"])
    rows = database.execute(
        f"SELECT a.there, e.there, {shown} FROM (SELECT 1 AS there, * FROM actual) a "
        f"FULL OUTER JOIN (SELECT 1 AS there, * FROM expected) e ON {same} WHERE {where} "
        f"ORDER BY ALL LIMIT {SHOWN}"
    ).fetchall()
    names = [c for c, _ in job["columns"]]
    differences = []
    for here, there, *cells in rows:
        got, want = cells[0::2], cells[1::2]
        place = ", ".join(f"{k}={(got if here else want)[names.index(k)]}" for k in key)
        if here and there:
            other = [f"{n} is {g}, not {w}" for n, g, w in zip(names, got, want) if g != w]
            differences.append(f"{place}: {'; '.join(other)}")
        else:
            line = ", ".join(f"{n}={v}" for n, v in zip(names, got if here else want))
            differences.append(("too much: " if here else "missing: ") + line)
    count = lambda table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    return differences, count("actual"), count("expected")


def outcome(database, loaded, job):
    try:
        if job["sql"] is None:
            stored(database, loaded, "actual", job["columns"], job["actual"])
        else:
            answer(database, loaded, job)
        stored(database, loaded, "expected", job["columns"], job["expected"])
        differences, rows, expected = compare(database, job)
        if rows != expected:
            differences.append(f"{rows} rows, not {expected}")
        return {"name": job["name"], "rows": rows, "differences": differences}
    except (duckdb.Error, ValueError) as error:
        return {"name": job["name"], "rows": 0, "differences": [f"refused: {error}"]}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        jobs = json.load(file)
    database, loaded = duckdb.connect(":memory:"), {}
    database.execute("SET threads = 2")
    json.dump([outcome(database, loaded, job) for job in jobs], sys.stdout)


main()
