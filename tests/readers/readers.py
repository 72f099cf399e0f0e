"""Holds what other programs read of a warehouse to each other: every published table, as DuckDB, Polars,
PyArrow, ClickHouse and Spark read it from the local disk, and as Polars, PyArrow and ClickHouse read it from an
S3 server. Types must be those of the contract, and counts and sums the same. The statements for engines that do
not run here are parsed.

    python tests/readers/readers.py CHATKPI PIPELINE

PIPELINE is one that has run into a local warehouse.
"""

import json
import logging
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

import boto3
import chdb.session
import duckdb
import polars
import pyarrow
import pyarrow.compute
import pyarrow.dataset
import pyarrow.fs
import sqlglot
from pyspark.sql import SparkSession

chatkpi, pipeline = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
warehouse = pipeline.parent / "warehouse"
# Statements that it only passes on; how many tables it understood is counted.
logging.getLogger("sqlglot").setLevel(logging.ERROR)
BUCKET, KEY = "readers", "testing"
# What each reader calls the contract's types; DuckDB's names are the measure.
POLARS = {
    "BIGINT": "Int64", "DOUBLE": "Float64", "DECIMAL(18,6)": "Decimal(precision=18, scale=6)", "BOOLEAN": "Boolean",
    "VARCHAR": "String", "DATE": "Date", "TIMESTAMP WITH TIME ZONE": "Datetime(time_unit='us', time_zone='UTC')",
}
ARROW = {
    "BIGINT": "int64", "DOUBLE": "double", "DECIMAL(18,6)": "decimal128(18, 6)", "BOOLEAN": "bool",
    "VARCHAR": "string", "DATE": "date32[day]", "TIMESTAMP WITH TIME ZONE": "timestamp[us, tz=UTC]",
}
CLICKHOUSE = {
    "BIGINT": "Int64", "DOUBLE": "Float64", "DECIMAL(18,6)": "Decimal(18, 6)", "BOOLEAN": "Bool",
    "VARCHAR": "String", "DATE": "Date32", "TIMESTAMP WITH TIME ZONE": "DateTime64(6, 'UTC')",
}
SPARK = {
    "BIGINT": "bigint", "DOUBLE": "double", "DECIMAL(18,6)": "decimal(18,6)", "BOOLEAN": "boolean",
    "VARCHAR": "string", "DATE": "date", "TIMESTAMP WITH TIME ZONE": "timestamp",
}


def ddl(engine, file=pipeline, **environment):
    command = [chatkpi, "ddl", str(file), "--engine", engine]
    return subprocess.run(command, check=True, text=True, capture_output=True, env={**os.environ, **environment}).stdout


def statements(text):
    """Without their semicolons; none of the texts in them holds one at a line's end."""
    return [s.strip() for s in text.split(";\n") if s.strip(" ;\n")]


def summed(kind):
    return kind in ("BIGINT", "DECIMAL(18,6)", "DOUBLE")


def known_by_duckdb():
    """By table: its columns' types, its rows, and the sums of its numbers."""
    database = duckdb.connect()
    database.execute(ddl("duckdb"))
    tables = {}
    for (table,) in database.sql("SELECT view_name FROM duckdb_views() WHERE schema_name = 'chatkpi'").fetchall():
        described = database.sql(f'DESCRIBE chatkpi."{table}"').fetchall()
        types = {column: kind for column, kind, *_ in described}
        sums = ", ".join(f'SUM("{c}")' if summed(k) else f'COUNT("{c}")' for c, k in types.items())
        found = database.sql(f'SELECT COUNT(*), {sums} FROM chatkpi."{table}"').fetchall()[0]
        tables[table] = (types, found[0], dict(zip(types, found[1:])))
    return tables


def differences(reader, names, table, expected, rows, types, cells):
    types_expected, rows_expected, cells_expected = expected
    wrong = []
    if rows != rows_expected:
        wrong.append(f"{rows} rows, expected {rows_expected}")
    for column, kind in types_expected.items():
        if types.get(column) != names[kind]:
            wrong.append(f"{column} is {types.get(column)}, expected {names[kind]}")
        found, wanted = cells.get(column), cells_expected[column]
        # A sum over nothing is none in one program and nought in another.
        if abs(float(found or 0) - float(wanted or 0)) > 1e-9 * max(1.0, abs(float(wanted or 0))):
            wrong.append(f"{column} comes to {found}, expected {wanted}")
    return [f"{reader}, {table}: {what}" for what in wrong]


def by_polars(root, table, types, options):
    once = "date" not in types
    places = f"{root}/{table}/" + ("*.parquet" if once else "date=*/*.parquet")
    frame = polars.scan_parquet(places, hive_partitioning=not once, storage_options=options)
    schema = frame.collect_schema()
    cells = [polars.col(c).sum() if summed(k) else polars.col(c).count() for c, k in types.items()]
    found = frame.select(polars.len().alias("rows "), *cells).collect().row(0, named=True)
    return found["rows "], {c: str(t) for c, t in schema.items()}, found


def by_pyarrow(root, table, types, filesystem):
    partitioning = None
    if "date" in types:
        folder = pyarrow.schema([("date", pyarrow.date32())])
        partitioning = pyarrow.dataset.partitioning(folder, flavor="hive")
    read = pyarrow.dataset.dataset(f"{root}/{table}", filesystem=filesystem, format="parquet", partitioning=partitioning)
    data = read.to_table()
    cells = {}
    for column, kind in types.items():
        total = pyarrow.compute.sum if summed(kind) else pyarrow.compute.count
        cells[column] = total(data[column]).as_py()
    return data.num_rows, {f.name: str(f.type) for f in data.schema}, cells


def by_clickhouse(session, table, types):
    described = session.query(f"DESCRIBE chatkpi.`{table}`", "JSONCompact").bytes()
    plain = lambda kind: kind.removeprefix("Nullable(").removesuffix(")") if kind.startswith("Nullable(") else kind
    found_types = {row[0]: plain(row[1]) for row in json.loads(described)["data"]}
    cells = ", ".join(f"SUM(`{c}`)" if summed(k) else f"COUNT(`{c}`)" for c, k in types.items())
    quoted = "SETTINGS output_format_json_quote_64bit_integers = 1, output_format_json_quote_decimals = 1"
    found = session.query(f"SELECT COUNT(*), {cells} FROM chatkpi.`{table}` {quoted}", "JSONCompact").bytes()
    row = json.loads(found)["data"][0]
    return int(row[0]), found_types, dict(zip(types, row[1:]))


def by_spark(spark, table, types):
    frame = spark.table(f"chatkpi.{table}")
    cells = ", ".join(f"SUM(`{c}`)" if summed(k) else f"COUNT(`{c}`)" for c, k in types.items())
    row = spark.sql(f"SELECT COUNT(*), {cells} FROM chatkpi.`{table}`").first()
    return row[0], dict(frame.dtypes), dict(zip(types, row[1:]))


def held(reader, names, tables, read):
    wrong, started = [], time.monotonic()
    for table, expected in sorted(tables.items()):
        wrong += differences(reader, names, table, expected, *read(table, expected[0]))
    print(f"{reader}: {len(tables)} tables, {len(wrong)} differences, {time.monotonic() - started:.1f} s", flush=True)
    return wrong


def clickhouse(text):
    session = chdb.session.Session()
    for statement in statements(text):
        session.query(statement)
    return session


def on_disk(tables):
    wrong = held("Polars", POLARS, tables, lambda t, k: by_polars(warehouse, t, k, None))
    wrong += held("PyArrow", ARROW, tables, lambda t, k: by_pyarrow(warehouse, t, k, None))
    session = clickhouse(ddl("clickhouse"))
    wrong += held("ClickHouse", CLICKHOUSE, tables, lambda t, k: by_clickhouse(session, t, k))
    session.close()
    if shutil.which("java"):
        wrong += by_all_of_spark(tables)
    else:
        print("Spark: not tried, there is no Java")
    return wrong


def by_all_of_spark(tables):
    with tempfile.TemporaryDirectory() as scratch:
        settings = {
            "spark.sql.warehouse.dir": scratch, "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.sql.session.timeZone": "UTC",
            "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
        }
        spark = SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
        spark.sparkContext.setLogLevel("ERROR")
        for statement in statements(ddl("spark")):
            spark.sql(statement)
        wrong = held("Spark", SPARK, tables, lambda t, k: by_spark(spark, t, k))
        spark.stop()
    return wrong


def on_s3(tables, endpoint, file):
    options = {
        "aws_access_key_id": KEY, "aws_secret_access_key": KEY, "aws_region": "us-east-1",
        "aws_endpoint_url": endpoint, "aws_allow_http": "true",
    }
    root = f"s3://{BUCKET}/warehouse"
    wrong = held("Polars on S3", POLARS, tables, lambda t, k: by_polars(root, t, k, options))
    remote = pyarrow.fs.S3FileSystem(
        access_key=KEY, secret_key=KEY, region="us-east-1", scheme="http",
        endpoint_override=endpoint.removeprefix("http://"),
    )
    wrong += held("PyArrow on S3", ARROW, tables, lambda t, k: by_pyarrow(f"{BUCKET}/warehouse", t, k, remote))
    bucket = {
        "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": KEY, "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true",
    }
    # ClickHouse takes `s3://` for the vendor's own servers; ours is elsewhere, and asks for keys.
    text = ddl("clickhouse", file, **bucket)
    text = text.replace(f"s3('s3://{BUCKET}", f"s3('{endpoint}/{BUCKET}").replace("'Parquet',", f"'{KEY}', '{KEY}', 'Parquet',")
    session = clickhouse(text)
    wrong += held("ClickHouse on S3", CLICKHOUSE, tables, lambda t, k: by_clickhouse(session, t, k))
    session.close()
    for engine in ("athena", "trino", "bigquery", "snowflake", "spark", "duckdb"):
        # A clause that the parser does not know, and would not look into.
        text = ddl(engine, file, **bucket).replace("WITH PARTITION COLUMNS (`date` DATE)\n", "")
        parsed = sqlglot.parse(text, dialect=engine, error_level=sqlglot.ErrorLevel.RAISE)
        made = [s for s in parsed if isinstance(s, sqlglot.exp.Create) and s.kind in ("TABLE", "VIEW")]
        print(f"{engine}: {len(parsed)} statements parsed, {len(made)} tables")
        if len(made) != len(tables):
            wrong.append(f"{engine}: {len(made)} tables made of {len(tables)}")
    return wrong


def with_server(work):
    """Calls `work` with the address of an S3 server that holds the warehouse, and a pipeline that says so."""
    with tempfile.TemporaryDirectory() as folder:
        port = 5079
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            endpoint = f"http://127.0.0.1:{port}"
            for _ in range(100):
                try:
                    urllib.request.urlopen(endpoint, timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.2)
            client = boto3.client(
                "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=KEY, aws_secret_access_key=KEY
            )
            client.create_bucket(Bucket=BUCKET)
            for path in warehouse.rglob("*"):
                if path.is_file() and "_chatkpi/obj" not in str(path) and "_chatkpi/decoded" not in str(path):
                    key = f"warehouse/{path.relative_to(warehouse)}"
                    client.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())
            file = pathlib.Path(folder) / "pipeline.yaml"
            local = pipeline.read_text()
            text = local.replace("warehouse: ./warehouse", f"warehouse: s3://{BUCKET}/warehouse")
            assert text != local, "the pipeline's warehouse is not ./warehouse"
            file.write_text(text)
            return work(endpoint, file)
        finally:
            server.terminate()
            server.wait()


def main():
    tables = known_by_duckdb()
    assert len(tables) > 20 and tables["kpi_daily"][1] > 0, f"only {sorted(tables)}"
    wrong = on_disk(tables)
    wrong += with_server(lambda endpoint, file: on_s3(tables, endpoint, file))
    for line in wrong:
        print(line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
