"""Counts recorded logs without the decoder: what its mappings must give on them.

usage: sample_counts.py star|chitchat|whatsapp FOLDER    prints one JSON object

Reads the logs in the plainest way there is. Needs nothing but Python.
"""

import collections
import datetime
import glob
import gzip
import json
import os
import re
import sys

ABOUT_THE_BOT = re.compile(r"\.\.\.|Did the (AI Assistant|assistant|robot|ship's computer)")


def day(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).date().isoformat()


def lines(folder):
    for name in sorted(glob.glob(os.path.join(folder, "*.jsonl.gz"))):
        with gzip.open(name, "rt", encoding="utf-8") as file:
            yield from map(json.loads, file)


def star(folder):
    counts = collections.Counter()
    days = {name: collections.Counter() for name in ("dialogues", "utterances", "replies")}
    latencies, answers = [], collections.Counter()
    for dialogue in lines(folder):
        counts["records"] += 1
        if not dialogue["Events"]:
            counts["empty"] += 1
            continue
        if not {event["Agent"] for event in dialogue["Events"]} & {"User", "Wizard"}:
            counts["unspoken"] += 1
            continue
        said = []
        for event in dialogue["Events"]:
            if event["Agent"] == "User" and event["Action"] == "utter":
                said.append(("utterances", event["UnixTime"]))
            if event["Agent"] == "Wizard" and event["Action"] in ("utter", "pick_suggestion"):
                said.append(("replies", event["UnixTime"]))
        for who, when in said:
            days[who][day(when)] += 1
        if said:
            days["dialogues"][day(min(when for _, when in said))] += 1
        for (who, asked), (other, answered) in zip(said, said[1:]):
            if who == "utterances" and other == "replies":
                latencies.append((answered - asked) * 1000)
        for question in dialogue["UserQuestionnaire"]:
            is_plain = isinstance(question["Answer"], bool)
            if is_plain and ABOUT_THE_BOT.match(question["Question"]):
                answers[str(int(question["Answer"]))] += 1
    return {**counts, **days, "latencies_ms": sorted(latencies), "answers": answers}


def chitchat(folder):
    records, ratings = 0, collections.Counter()
    days = {name: collections.Counter() for name in ("dialogues", "first", "second")}
    for conversation in lines(folder):
        records += 1
        messages = [message for turn in conversation["messages"] for message in turn]
        for message in messages:
            who = "first" if message["sender"] == messages[0]["sender"] else "second"
            days[who][message["timestamp"][:10]] += 1
        if messages:
            days["dialogues"][min(message["timestamp"] for message in messages)[:10]] += 1
        if "ratings" in conversation:
            ratings[str(conversation["ratings"]["interesting"])] += 1
    return {"records": records, **days, "ratings": ratings}


def whatsapp(folder):
    bodies, events = 0, collections.Counter()
    quiet = ("system", "reaction", "revoke", "edit")
    for name in sorted(glob.glob(os.path.join(folder, "*.json"))):
        with open(name, encoding="utf-8") as file:
            named = json.load(file)
        for body in named.values():
            bodies += 1
            for change in (change for entry in body["entry"] for change in entry["changes"]):
                value = change["value"]
                for message in value.get("messages", []):
                    actor = "system" if message["type"] == "system" else "user"
                    kind = "other" if message["type"] in quiet else "message"
                    kind = "error" if message["type"] == "unsupported" else kind
                    events[f"{actor} {kind}"] += 1
                for message in value.get("message_echoes", []):
                    events["agent other" if message["type"] in quiet else "agent message"] += 1
                for status in value.get("statuses", []):
                    if status["status"] == "failed":
                        events["system error"] += 1
                    if status["status"] == "sent" and change["field"] == "messages":
                        events["bot message"] += 1
    return {"bodies": bodies, "events": events}


COUNTERS = {"star": star, "chitchat": chitchat, "whatsapp": whatsapp}

if __name__ == "__main__":
    json.dump(COUNTERS[sys.argv[1]](sys.argv[2]), sys.stdout)
