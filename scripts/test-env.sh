#!/bin/sh
# Makes .venv with the servers and engines that the integration tests run against.
# Idempotent: returns at once where tests/requirements.txt has not changed since.
set -eu
cd "$(dirname "$0")/.."
done_for=.venv/requirements.txt
if [ -x .venv/bin/python ] && cmp -s tests/requirements.txt "$done_for"; then
    exit 0
fi
[ -x .venv/bin/python ] || python3 -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
# Last, so that an installation that was cut short is taken up again.
cp tests/requirements.txt "$done_for"
