"""What one more day costs after 40 and after 365 days of history.

Usage: cost_of_a_day.py PROGRAM [--users N] [--days N ...]. Makes a demo's logs, keeps the last file
back, runs the rest into a bucket (moto), then adds the file and runs again. What that second run asks
of the bucket is counted between the two; logs lie on disk and are not counted. Each history is a
company of its own with as many customers by its last day, so the days compare by their lines.
"""

import argparse
import gzip
import http.client
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from moto.server import ThreadedMotoServer

BUCKET = "history"
# Later than the last log of any demo here, so that nothing lies in the future.
AS_OF = "2030-01-01T00:00:00Z"


class Counting(BaseHTTPRequestHandler):
    """Hands requests on, and counts them with the bytes of their bodies."""

    protocol_version = "HTTP/1.1"
    upstream = ("127.0.0.1", 0)
    counts: Counter = Counter()
    lock = threading.Lock()

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        connection = http.client.HTTPConnection(*self.upstream)
        connection.request(self.command, self.path, body, dict(self.headers))
        answer = connection.getresponse()
        content = answer.read()
        is_list = self.command == "GET" and "list-type" in self.path
        with self.lock:
            self.counts["LIST" if is_list else self.command] += 1
            self.counts["written"] += len(body)
            self.counts["read"] += 0 if self.command == "HEAD" else len(content)
        self.send_response(answer.status)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        connection.close()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = pass_on

    def log_message(self, *_: object) -> None:
        pass


def ask(address: str, method: str, path: str) -> str:
    connection = http.client.HTTPConnection(address)
    connection.request(method, path)
    answer = connection.getresponse().read().decode()
    connection.close()
    return answer


def published(address: str, prefix: str) -> int:
    """Days of kpi_daily in the bucket."""
    days, token = 0, ""
    while True:
        answer = ask(address, "GET", f"/{BUCKET}?list-type=2&prefix={prefix}/kpi_daily/{token}")
        days += answer.count("<Key>")
        if "<IsTruncated>true" not in answer:
            return days
        token = "&continuation-token=" + answer.split("<NextContinuationToken>")[1].split("<")[0]


def run(program: str, folder: Path, environment: dict[str, str]) -> float:
    began = time.monotonic()
    command = [program, "--quiet", "run", "pipeline.yaml", "--as-of", AS_OF, "--lookback-days", "14"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"the run ended with {done.returncode}:\n{done.stderr}")
    return time.monotonic() - began


def one_more_day(program: str, days: int, users: int, address: str, environment: dict[str, str]) -> dict:
    prefix = f"after-{days}"
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "demo"
        make = ["demo", "--no-run", "--out", str(folder), "--days", str(days + 1), "--users", str(users)]
        subprocess.run([program, "--quiet", *make], check=True, stdout=subprocess.DEVNULL)
        pipeline = folder / "pipeline.yaml"
        text = pipeline.read_text(encoding="utf-8")
        pipeline.write_text(text.replace("./warehouse", f"s3://{BUCKET}/{prefix}"), encoding="utf-8")
        last = max((folder / "logs").iterdir())
        kept = last.rename(Path(place) / last.name)
        run(program, folder, environment)
        before = published(address, prefix)
        kept.rename(last)
        newest = sorted((folder / "logs").iterdir())[-2]
        lines = gzip.decompress(newest.read_bytes()).count(b"\n")
        Counting.counts.clear()
        seconds = run(program, folder, environment)
        counts = Counter(Counting.counts)
        added = published(address, prefix) - before
        if added != 1:
            sys.exit(f"{added} days were added where one was meant")
        return {"history": before, "lines": lines, "seconds": seconds, **counts}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("program")
    arguments.add_argument("--users", type=int, default=200)
    arguments.add_argument("--days", type=int, nargs="+", default=[40, 365])
    asked = arguments.parse_args()
    program = str(Path(asked.program).resolve())
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    Counting.upstream = moto.get_host_and_port()
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{proxy.server_address[1]}"
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": f"http://{address}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_REGION": "us-east-1",
    }
    ask(address, "PUT", f"/{BUCKET}")
    columns = ["history", "lines", "seconds", "GET", "read", "HEAD", "LIST", "PUT", "written", "DELETE"]
    print("".join(f"{name:>10}" for name in columns))
    for days in asked.days:
        told = one_more_day(program, days, asked.users, address, environment)
        shown = {**told, "seconds": f"{told['seconds']:.1f}"}
        print("".join(f"{shown.get(name, 0):>10}" for name in columns), flush=True)
    proxy.shutdown()
    moto.stop()


if __name__ == "__main__":
    main()
