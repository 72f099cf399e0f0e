#!/bin/sh
# Holds what other programs read of a warehouse to each other; tests/readers/readers.py says how.
#
#   scripts/readers.sh CHATKPI PIPELINE
#
# Makes .venv-readers (about 2 GB, most of it Spark and ClickHouse) where it is not there yet.
set -eu
folder="$(cd "$(dirname "$0")/.." && pwd)"
environment="$folder/.venv-readers"
wanted="$folder/tests/readers/requirements.txt"
if ! cmp -s "$wanted" "$environment/requirements.txt"; then
    [ -x "$environment/bin/python" ] || python3 -m venv "$environment"
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check -r "$wanted"
    # Last, so that an installation that was cut short is taken up again.
    cp "$wanted" "$environment/requirements.txt"
fi
exec "$environment/bin/python" "$folder/tests/readers/readers.py" "$@"
