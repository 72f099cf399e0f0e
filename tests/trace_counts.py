"""Counts recorded traces without the decoder: what its adapter must give on them.

usage: trace_counts.py FILE    prints one JSON object

Reads a trace of Langfuse in the plainest way there is: what was said, what models used, what failed.
Needs nothing but Python.
"""

import collections
import decimal
import json
import sys

ANSWERS = {"user-feedback", "user_feedback", "csat", "nps", "resolved"}


def micros(money):
    """Millionths; halves go up."""
    exact = decimal.Decimal(repr(money)) * 1_000_000
    return int(exact.to_integral_value(decimal.ROUND_HALF_UP))


def count(document):
    events = collections.Counter()
    used = {"tokens_in": 0, "tokens_out": 0, "cost_micros": 0}
    latencies = []
    trace = document.get("trace")
    if trace is None:
        return {"events": events, **used, "latencies_ms": latencies}
    events["user message"] += 1
    observations = document["observations"]
    for observation in observations:
        if observation["parentObservationId"] is None and observation["endTime"]:
            events["bot message"] += 1
            start, end = clock(trace["timestamp"]), clock(observation["endTime"])
            latencies.append(end - start)
        usage = observation["usageDetails"]
        if usage.get("input") or usage.get("output") or observation["totalCost"]:
            events["bot other"] += 1
            used["tokens_in"] += usage.get("input", 0)
            used["tokens_out"] += usage.get("output", 0)
            used["cost_micros"] += micros(observation["totalCost"])
    if any(observation["level"] == "ERROR" for observation in observations):
        events["system error"] += 1
    for score in trace["scores"]:
        if score["name"] in ANSWERS and score["source"] != "EVAL":
            events["user feedback"] += 1
    return {"events": events, **used, "latencies_ms": latencies}


def clock(text):
    """Milliseconds since midnight of a time such as 2025-06-11T14:01:32.598Z."""
    hours, minutes, seconds = text[11:-1].split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000 + round(float(seconds) * 1000)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        json.dump(count(json.load(file)), sys.stdout)
