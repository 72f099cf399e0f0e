# `just` lists the recipes; each is one command that also works without just.

_default:
    @just --list

# What CI runs, from nothing
ci:
    .ci/run

# A company's logs and their KPIs, in ./demo
demo:
    cargo run --locked -- demo

clean-demo:
    rm -rf demo

# All tests (makes the Python environment once)
test *ARGS:
    scripts/test-env.sh
    cargo test --locked {{ARGS}}

# The tests that need no query engine: seconds instead of minutes
test-core *ARGS:
    cargo test --locked --no-default-features --lib --test architecture --test infer {{ARGS}}

# How often the intervals of the rollout comparison hold the true effect (minutes)
coverage *ARGS:
    cargo run --locked --release --no-default-features --example coverage -- {{ARGS}}

# Holds the rollout comparison to statsmodels, diff-diff and differences, in an environment of its own
reference *ARGS:
    python3 -m venv target/reference
    target/reference/bin/pip install --quiet -r scripts/infer/requirements.txt
    target/reference/bin/python -W ignore scripts/infer/reference.py {{ARGS}}

# What one more day costs after 40 and after 365 days of history: seconds, requests, bytes (minutes)
cost-of-a-day *ARGS:
    scripts/test-env.sh
    cargo build --locked
    .venv/bin/python scripts/cost_of_a_day.py target/debug/chatkpi {{ARGS}}

# What takes too long for every change: all pairs of faults, 20,000 histories, readers during 300 commits
soak:
    scripts/test-env.sh
    cargo test --locked --no-default-features --lib soak_ -- --ignored --nocapture
    cargo test --locked --test main soak_ -- --ignored --nocapture

lint:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings

# Licences, advisories and banned crates (needs cargo-deny)
deny:
    cargo deny --locked check

release:
    cargo build --locked --release

# ~/.cargo/bin/chatkpi, optimised
install:
    cargo install --path . --locked
