#!/usr/bin/env bash
# Opens the report's page in a real browser: overflows, contrast and labels (axe-core), print, no
# network, numbers as DuckDB computes them from the tables.
#
#   scripts/test-page.sh CHATKPI DEMO [PICTURES]
#
# CHATKPI is the program, DEMO a folder that `chatkpi demo` made. Screenshots go to PICTURES. Needs
# Chromium and Node.js; as root on Debian it installs what is missing. Needs .venv
# (scripts/test-env.sh).
set -euo pipefail
cd "$(dirname "$0")/.."
chatkpi="$1"
demo="$2"
pages="$(mktemp -d)"
trap 'rm -rf "$pages"' EXIT
pictures="${3:-$pages}"
mkdir -p "$pictures"

missing=()
command -v node > /dev/null || missing+=(nodejs)
command -v npm > /dev/null || missing+=(npm)
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || missing+=(chromium fonts-dejavu-core)
if [ "${#missing[@]}" -gt 0 ]; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
        echo "missing: ${missing[*]}; install them, or run this as root on Debian" >&2
        exit 1
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "${missing[@]}" > /dev/null
fi
(cd tests/page && npm ci --silent --no-audit --no-fund)

for language in en sv pt; do
    "$chatkpi" --quiet report "$demo/pipeline.yaml" --out "$pages/report.$language.html" --lang "$language"
done
.venv/bin/python tests/page/expected.py "$demo/warehouse" > "$pages/expected.json"
node tests/page/check.mjs "$pages" "$pictures"
