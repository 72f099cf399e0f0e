"""Counts recorded logs without the decoder: what its mappings must give on them.

usage: sample_counts.py GROUP FOLDER    GROUP is star, chitchat, whatsapp, rasa, botframework,
       copilot_studio, zendesk_fivetran or intercom_fivetran;   prints one JSON object

Reads the logs in the plainest way there is. Needs nothing but Python.
"""

import collections
import csv
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


def rasa_told(event):
    """What an event is counted as, or None."""
    if event["event"] in ("user", "bot"):
        return event["event"] + " message"
    return {"session_started": "system session_start", "pause": "system handoff"}.get(event["event"])


def rasa(folder):
    counts, events, orders = collections.Counter(), collections.Counter(), []
    senders, tests, intents = collections.defaultdict(list), set(), collections.Counter()
    with open(os.path.join(folder, "corona_info_bot_2020.events.jsonl"), encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    with open(os.path.join(folder, "tracker_moodbot.json"), encoding="utf-8") as file:
        tracker = json.load(file)
    counts["records"] = len(lines) + 1
    for event in lines:
        told = rasa_told(event)
        counts["empty"] += told is None
        if event.get("input_channel") in ("rasa", "Tester"):
            tests.add(event["sender_id"])
        counts["tests"] += told is not None and event["sender_id"] in tests
    for event in lines + [dict(event, sender_id=tracker["sender_id"]) for event in tracker["events"]]:
        if rasa_told(event):
            events[rasa_told(event)] += 1
            senders[event["sender_id"]].append((event["timestamp"], rasa_told(event)))
        if event["event"] == "user":
            intents[event["parse_data"]["intent"]["name"]] += 1
    for said in senders.values():
        # A stable sort: events of one instant stay in the order of the file.
        orders.append([told for _, told in sorted(said, key=lambda pair: pair[0])])
    return {**counts, "events": events, "intents": intents, "orders": sorted(orders)}


def botframework(folder):
    counts, events, intents = collections.Counter(), collections.Counter(), collections.Counter()
    for name in sorted(glob.glob(os.path.join(folder, "**", "*.transcript"), recursive=True)):
        with open(name, encoding="utf-8-sig") as file:
            activities = json.load(file)
        best = {}
        for activity in activities:
            counts["records"] += 1
            if activity.get("valueType") == "https://www.luis.ai/schemas/trace":
                for intent, found in activity["value"]["recognizerResult"]["intents"].items():
                    if found["score"] > best.get(activity["replyToId"], ("", -1))[1]:
                        best[activity["replyToId"]] = (intent, found["score"])
            sender = activity.get("from")
            if activity["type"] == "message" and sender:
                events[sender["role"] + " message"] += 1
                if activity.get("replyToId") in best:
                    intents[best[activity["replyToId"]][0]] += 1
            elif activity["type"] == "endOfConversation":
                events["system session_end"] += 1
            else:
                counts["empty"] += 1
                counts["skill_returns"] += activity["type"] == "handoff"
    return {**counts, "events": events, "intents": intents}


def copilot_studio(folder):
    events, outcomes, fallbacks = collections.Counter(), collections.Counter(), 0
    with open(os.path.join(folder, "conversationtranscripts.json"), encoding="utf-8") as file:
        rows = json.load(file)
    for row in rows:
        activities = json.loads(row["content"])["activities"]
        answers = {
            activity["replyToId"]: activity["value"]["gptAnswerState"]
            for activity in activities
            if activity.get("valueType") == "GPTAnswer"
        }
        for activity in activities:
            if activity["type"] == "message":
                events["user message" if activity["from"]["role"] == 1 else "bot message"] += 1
                # Each unknown intent of these rows was handed to the generator.
                fallbacks += answers.get(activity.get("replyToId"), "Answered") != "Answered"
            elif activity.get("valueType") == "SessionInfo":
                events["system session_end"] += 1
                outcomes[activity["value"]["outcome"]] += 1
    return {"records": len(rows), "events": events, "outcomes": outcomes, "fallbacks": fallbacks}


def rows(folder, table):
    with open(os.path.join(folder, table + "_data.csv"), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def zendesk_fivetran(folder):
    tickets = rows(folder, "ticket")
    comments = rows(folder, "ticket_comment")
    told = collections.Counter()
    for row in rows(folder, "ticket_chat_event"):
        source = json.loads(row["original_message"])["source"]["type"]
        is_agent = re.match("agent:[0-9]", row["actor_id"])
        if source == "zd:answerBot" or row["actor_id"] in ("__trigger", "__system"):
            actor = "bot"
        elif is_agent:
            actor = "agent"
        else:
            actor = "user" if row["actor_id"][:1].isdigit() else "system"
        kind = "message" if row["type"] == "ChatMessage" else "other"
        if row["type"] == "ChatDepartmentTransfer" or (row["type"] == "ChatJoin" and is_agent):
            kind = "handoff"
        told[f"{actor} {kind}"] += 1
    return {
        "contacts": {row["id"]: [row["created_at"][:10], row["via_channel"]] for row in tickets},
        "deleted": sorted(row["id"] for row in tickets if row["status"] == "deleted"),
        "resolved": sum(row["status"] in ("solved", "closed") for row in tickets),
        # Nothing there says who wrote a comment.
        "comments": collections.Counter("system other" for row in comments if row["public"] == "TRUE"),
        "chat_events": told,
        "chat_days": collections.Counter(row["created_at"][:10] for row in rows(folder, "ticket_chat_event")),
    }


def intercom_fivetran(folder):
    active = [row for row in rows(folder, "conversation_history") if row["_fivetran_active"] == "true"]
    parts, told = rows(folder, "conversation_part_history"), collections.Counter()
    for row in parts:
        if row["part_type"] == "close":
            told["session_end by " + {"admin": "agent"}[row["author_type"]]] += 1
        if row["part_type"] != "note" and row["body"]:
            told["message"] += 1
    return {
        "rows": len(rows(folder, "conversation_history")),
        "contacts": {row["id"]: [row["created_at"][:10], row["state"] == "closed"] for row in active},
        "parts": len(parts),
        "notes": sum(row["part_type"] == "note" for row in parts),
        "part_events": told,
    }


COUNTERS = {
    "star": star,
    "chitchat": chitchat,
    "whatsapp": whatsapp,
    "rasa": rasa,
    "botframework": botframework,
    "copilot_studio": copilot_studio,
    "zendesk_fivetran": zendesk_fivetran,
    "intercom_fivetran": intercom_fivetran,
}

if __name__ == "__main__":
    json.dump(COUNTERS[sys.argv[1]](sys.argv[2]), sys.stdout)
