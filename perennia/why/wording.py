"""One journal entry as a sentence, with the values it was decided on. Pure: entries in, text out."""

from __future__ import annotations

import json
from datetime import datetime
from typing import assert_never
from zoneinfo import ZoneInfo

import msgspec

from perennia.core.decisions import Act, JournalEntry, Outcome, Reason
from perennia.core.json_values import Json, JsonObject
from perennia.core.tracking import CHOICE
from perennia.why.changes import changes
from perennia.why.evidence import evidence_line, local_time
from perennia.why.reasons import meaning, reason_in_words

# What the sentence itself says, or what only machines want to know; the rest of a `detail` is added behind it.
_SAID = frozenset(
    {
        "template",
        "tried_again",
        "task",
        "event",
        "when",
        "track",
        "from",
        "to",
        "by",
        "order",
        "playbook",
        "verb",
        "version",
    }
    | {"variant", "rounds", "milestone"}
    | {"source", "topic"}
    | {"question", "webhook", "method", "notify", "text", "crm", "record", "decision", "body"}
    | {"message_id", "condition", "events", "arm", "traits", "outcome", "status", "conversion", "after_end"}
)
_SAID_OF_ORDERS = frozenset({"stage", "until", "why"})


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """``when`` is in the customer's zone. ``because``: the expressions, what they came to and the values they saw.

    ``needed``: where something did not happen, what would have to change for it to happen.
    """

    when: str
    subject: str
    text: str
    because: tuple[str, ...]
    entry: JournalEntry
    needed: tuple[str, ...] = ()


def put_in_words(entry: JournalEntry, zone: ZoneInfo) -> Line:
    """What was decided, when, about what, and on which values."""
    return Line(
        when=local_time(entry.at, zone),
        subject=_subject(entry),
        text=_sentence(entry),
        because=tuple(evidence_line(evidence, zone) for evidence in entry.evidence),
        entry=entry,
        needed=_needed(entry, zone),
    )


def _needed(entry: JournalEntry, zone: ZoneInfo) -> tuple[str, ...]:
    # Refusals for a goal, an exit, a run before are no conditions that would have to hold.
    did_not = entry.reason in (Reason.FAILED_ENTRY_FILTER, Reason.STEP_CONDITION_FALSE, Reason.NOT_WHILE)
    if not did_not:
        return ()
    return tuple(each for evidence in entry.evidence for each in changes(evidence, zone))


def _subject(entry: JournalEntry) -> str:
    name = entry.playbook or str(
        entry.detail.get("track")
        or entry.detail.get("health")
        or entry.detail.get("playbook")
        or entry.detail.get("topic")
        or "customer"
    )
    subject = f"{name} / {entry.step}" if entry.step else name
    version = entry.version or entry.detail.get("version")
    return f"{subject} ({str(version)[:8]})" if version else subject


def _sentence(entry: JournalEntry) -> str:
    if entry.act is Act.HEALTH:  # the sentence says all of it
        return _act(entry)
    said = _SAID | _SAID_OF_ORDERS if entry.act is Act.ORDER else _SAID
    rest = {key: value for key, value in entry.detail.items() if key not in said and value is not None}
    more = ", ".join(f"{key}: {_text(value)}" for key, value in rest.items())
    return f"{_act(entry)} [{more}]" if more else _act(entry)


def _act(entry: JournalEntry) -> str:
    match entry.act:
        case Act.ENTERED:
            held_out = f": {reason_in_words(entry.reason)}" if entry.reason else ""
            return f"entered{_through(entry)}{held_out}"
        case Act.REFUSED:
            return f"did not enter{_through(entry)}: {reason_in_words(entry.reason or entry.code)}"
        case Act.RELEASED:
            return _released(entry)
        case Act.STEP_ENDED:
            return _step_end(entry)
        case Act.HANDED_OVER:
            return f"handed {entry.code} over to contacts"
        case Act.GOAL:
            late = "" if entry.detail.get("conversion") else ", too late to count as a conversion"
            return f"reached the goal{' after its end' if entry.detail.get('after_end') else ''}{late}"
        case Act.ENDED:
            return _end(entry)
        case Act.STAGE:
            return f"{_stage_move(entry)}{_by(entry)}"
        case Act.HELD:
            return f"email {entry.detail.get('template')} is held: {reason_in_words(entry.code)}{_tried_again(entry)}"
        case Act.RAISED:
            told = entry.detail
            return f"event {entry.code}: in the stage {_text(told.get('stage'))} since {_text(told.get('since'))}"
        case Act.ANSWERED:
            return f"answered {entry.code}{_by(entry)}: {_text(entry.detail.get('score'))}{_label(entry)}"
        case Act.HEALTH:
            return _health_move(entry)
        case Act.MIGRATED:
            return f"went on in this version, from {_text(str(entry.detail.get('from'))[:8])}"
        case Act.ESCALATED:
            return f"the task was late and went on{_to(entry)}: {_text(entry.detail.get('task'))}"
        case Act.ORDER:
            return f"was told to {entry.code}{_of_stage(entry)}{_by(entry)}"
        case Act.CONSENT:
            return _consent(entry)
        case Act.IGNORED:
            return f"{entry.code}{_by(entry)} made no difference: {reason_in_words(entry.reason or 'nothing waited for it')}"
        case _:
            assert_never(entry.act)


def _tried_again(entry: JournalEntry) -> str:
    again = entry.detail.get("tried_again")
    return (
        f"; it is tried again at {datetime.fromisoformat(again):%Y-%m-%d %H:%M} UTC" if isinstance(again, str) else ""
    )


def _of_stage(entry: JournalEntry) -> str:
    """What is locked or unlocked, until when, and why."""
    stage = entry.detail.get("stage")
    if stage is None:
        return ""
    until, why = entry.detail.get("until"), entry.detail.get("why")
    return (
        f" the stage {_text(stage)}" + (f" until {_text(until)}" if until else "") + (f" ({_text(why)})" if why else "")
    )


def _consent(entry: JournalEntry) -> str:
    topic = _text(entry.detail.get("topic"))
    match entry.code:
        case "withdrawn" if topic == CHOICE:
            return f"does not want to be tracked{_source(entry)}"
        case "given" if topic == CHOICE:
            return f"takes back that they do not want to be tracked{_source(entry)}"
        case "given":
            return f"said yes to the topic {topic}{_source(entry)}"
        case "withdrawn":
            return f"said no to the topic {topic}{_source(entry)}"
        case "asked":
            return f"asked for the topic {topic}{_source(entry)}: it counts once confirmed"
        case Outcome.SENT:
            return "the message that asks to confirm was sent"
        case _:
            return f"the message that asks to confirm was {entry.code}: {reason_in_words(entry.reason or 'no reason given')}"


def _source(entry: JournalEntry) -> str:
    source, text = entry.detail.get("source"), entry.detail.get("text")
    return f" ({source}{f', text {text}' if text else ''})" if source else ""


def _through(entry: JournalEntry) -> str:
    if event := entry.detail.get("event"):
        return f", since {_text(event)} happened"
    if entry.detail.get("when"):
        return ", since its condition turned true"
    if date := entry.detail.get("date"):
        return f", by the date {_text(date)}"
    if schedule := entry.detail.get("schedule"):
        return f", by the schedule {_text(schedule)}"
    return _by(entry)


def _released(entry: JournalEntry) -> str:
    if survey := entry.detail.get("survey"):
        return f"the survey {_text(survey)} was asked"
    if template := entry.detail.get("template"):
        return f"email {template} was released{' to the owner' if entry.detail.get('to') == 'owner' else ''}"
    if task := entry.detail.get("task"):
        return f"a task was opened: {_text(task)}"
    if question := entry.detail.get("question"):
        return f"somebody was asked: {_text(question)}"
    if url := entry.detail.get("webhook"):
        return f"a webhook was called: {_text(entry.detail.get('method'))} {_text(url)}"
    if channel := entry.detail.get("notify"):
        return f"channel {_text(channel)} was told: {_text(entry.detail.get('text'))}"
    if "crm" in entry.detail:
        return f"the CRM was told of the {_text(entry.detail.get('record'))}: {_text(entry.detail['crm'])}"
    return f"{entry.code} was released"


def _step_end(entry: JournalEntry) -> str:
    match entry.code:
        case Outcome.SKIPPED if entry.reason == Reason.APPROVAL_DENIED:
            return f"it was denied{_by(entry)}"
        case Outcome.TIMED_OUT if entry.detail.get("verb") == "approve":
            return f"nobody answered in time, which counts as {'no' if entry.reason else 'yes'}"
        case Outcome.SKIPPED:
            return f"the {_verb(entry)} was skipped: {reason_in_words(entry.reason or 'no reason given')}"
        case Outcome.FAILED:
            return f"the {_verb(entry)} failed: {reason_in_words(entry.reason or 'no reason given')}"
        case Outcome.TIMED_OUT:
            return f"the {_verb(entry)} reached its time limit"
        case Outcome.SENT:
            return f"the {_verb(entry)} was sent"
        case Outcome.DONE:
            return _done(entry)
        case code:
            return f"the {_verb(entry)} ended: {code}"


def _to(entry: JournalEntry) -> str:
    to = entry.detail.get("to")
    return f" to {_text(to)}" if to else ""


def _verb(entry: JournalEntry) -> str:
    verb = str(entry.detail.get("verb") or "step")
    return "wait" if verb == "wait_for" else verb


def _done(entry: JournalEntry) -> str:
    detail = entry.detail
    match detail.get("verb"):
        case "wait":
            return "the wait was over"
        case "wait_for":
            events = detail.get("events")
            met = " and ".join(str(event) for event in events) if isinstance(events, list) and events else None
            return (
                f"what it waited for happened: {met}"
                if met
                else f"condition {detail.get('condition')} of its wait held"
            )
        case "branch":
            arm = detail.get("arm")
            return "none of the branches held, so it went on with `else`" if arm == "else" else f"it took branch {arm}"
        case "update":
            return f"traits were set: {_text(detail.get('traits'))}"
        case "task":
            return _task_end(detail)
        case "split":
            return f"it went the way {_text(detail.get('variant'))} of its split, as it always will"
        case "repeat":
            rounds = detail.get("rounds")
            return f"its repeat ended after {_text(rounds)} round{'' if rounds == 1 else 's'}"
        case "emit":
            return f"the event {_text(detail.get('event'))} was emitted"
        case "milestone":
            return f"the milestone {_text(detail.get('milestone'))} was reached"
        case "enroll":
            return _enrolled(detail)
        case "unenroll":
            return f"it ended the playbook {_text(detail.get('playbook'))}"
        case "stage":
            return "it set the stage"
        case "approve":
            return f"it was approved{_by(entry)}"
        case "crm":
            return "the CRM has taken it"
        case "webhook":
            return f"the webhook answered with {_text(detail.get('status'))}"
        case "notify":
            return "the channel has got it"
        case _:
            return f"the {_verb(entry)} was done"


def _task_end(detail: JsonObject) -> str:
    match detail.get("status"):
        case "open":
            return "the task was opened, and it went on"
        case "cancelled":
            return "the task was cancelled"
        case _:
            return "the task was done"


def _enrolled(detail: JsonObject) -> str:
    other, ended = _text(detail.get("playbook")), detail.get("ended")
    return f"the playbook {other}, which it waited for, ended: {_text(ended)}" if ended else f"it started {other}"


def _end(entry: JournalEntry) -> str:
    match entry.code:
        case "completed":
            return "came to its end"
        case "goal":
            return "ended, since the goal was reached"
        case code:
            words = meaning(code)
            return f"ended: {words} ({code})" if words else f"ended: {code}"


def _stage_move(entry: JournalEntry) -> str:
    former = entry.detail.get("from")
    return f"moved from stage {former} to {entry.code}" if former else f"entered stage {entry.code}"


def _label(entry: JournalEntry) -> str:
    label = entry.detail.get("label")
    return f" ({label})" if label else ""


def _health_move(entry: JournalEntry) -> str:
    """The band, the score, and what each measure brought to it."""
    former, score = entry.detail.get("from"), entry.detail.get("score")
    moved = f"health went from {former} to {entry.code}" if former else f"health is {entry.code}"
    parts = entry.detail.get("measures")
    brought = [
        f"{name} {'is missing' if part.get('points') is None else _text(part.get('points'))}"
        for name, part in (parts.items() if isinstance(parts, dict) else ())
        if isinstance(part, dict)
    ]
    return f"{moved}: {_text(score)} points ({', '.join(brought)})"


def _by(entry: JournalEntry) -> str:
    by = entry.detail.get("by")
    return f" by {by}" if by else ""


def _text(value: Json) -> str:
    if isinstance(value, list):
        return ", ".join(_text(one) for one in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
