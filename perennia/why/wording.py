"""One journal entry as a sentence, with the values it was decided on. Pure: entries in, text out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import assert_never
from zoneinfo import ZoneInfo

import msgspec

from perennia.core.decisions import Act, Evidence, JournalEntry
from perennia.core.json_values import Json
from perennia.why.reasons import meaning, reason_in_words

# What the sentence itself says; the rest of a `detail` is added behind it.
_SAID = frozenset(
    {"template", "title", "trigger", "event", "track", "from", "to", "former", "by", "order", "stage"}
    | {"playbook", "verb", "version", "message_id"}
)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """``when`` is in the customer's zone. ``because``: the expressions, what they came to and the values they saw."""

    when: str
    subject: str
    text: str
    because: tuple[str, ...]
    entry: JournalEntry


def put_in_words(entry: JournalEntry, zone: ZoneInfo) -> Line:
    """What was decided, when, about what, and on which values."""
    return Line(
        when=local_time(entry.at, zone),
        subject=_subject(entry),
        text=_sentence(entry),
        because=tuple(_reasons(entry.evidence)),
        entry=entry,
    )


def local_time(instant: datetime, zone: ZoneInfo) -> str:
    """``Mon 2 Mar 2026 10:00:00``."""
    local = instant.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y %H:%M:%S}"


def _subject(entry: JournalEntry) -> str:
    name = entry.playbook or str(entry.detail.get("track") or "")
    subject = f"{name} / {entry.step}" if entry.step else name
    version = entry.version or entry.detail.get("version")
    return f"{subject} ({str(version)[:8]})" if version else subject


def _sentence(entry: JournalEntry) -> str:
    said = _act(entry)
    rest = ", ".join(
        f"{key} {_value(value)}" for key, value in entry.detail.items() if key not in _SAID and value is not None
    )
    return f"{said} [{rest}]" if rest else said


def _act(entry: JournalEntry) -> str:
    match entry.act:
        case Act.ENTERED:
            return f"entered{_through(entry)}"
        case Act.REFUSED:
            return f"did not enter{_through(entry)}: {reason_in_words(entry.reason or entry.code)}"
        case Act.RELEASED:
            return f"{_thing(entry)} went out"
        case Act.STEP_ENDED:
            return _step_end(entry)
        case Act.GOAL:
            return "reached the goal"
        case Act.ENDED:
            return _end(entry)
        case Act.STAGE:
            return f"{_stage_move(entry)}{_by(entry)}"
        case Act.ORDER:
            return f"was told to {entry.detail.get('order') or entry.code}{_by(entry)}{_unless(entry)}"
        case Act.IGNORED:
            return f"made no difference: {reason_in_words(entry.reason or entry.code)}"
        case _:
            assert_never(entry.act)


def _through(entry: JournalEntry) -> str:
    trigger = entry.detail.get("trigger") or entry.detail.get("event")
    return f" through {_value(trigger)}" if trigger else ""


def _thing(entry: JournalEntry) -> str:
    if template := entry.detail.get("template"):
        return f"email {template}"
    if title := entry.detail.get("title"):
        return f"task {_value(title)}"
    return f"{entry.detail.get('verb') or 'step'} {entry.step}"


def _step_end(entry: JournalEntry) -> str:
    match entry.code:
        case "sent":
            return f"{_thing(entry)} was sent"
        case "skipped":
            return f"{_thing(entry)} was skipped: {reason_in_words(entry.reason or 'no reason given')}"
        case "failed":
            return f"{_thing(entry)} failed: {reason_in_words(entry.reason or 'no reason given')}"
        case "timed_out":
            return "the time limit passed first"
        case "done":
            return f"{_thing(entry)} was done"
        case code:
            return f"{_thing(entry)}: {code}"


def _end(entry: JournalEntry) -> str:
    match entry.code:
        case "completed":
            return "came to its end: completed"
        case "goal":
            return "ended: the goal was reached"
        case code:
            words = meaning(code)
            return f"ended: {words} ({code})" if words else f"ended: {code}"


def _stage_move(entry: JournalEntry) -> str:
    former = entry.detail.get("from") or entry.detail.get("former")
    return f"moved from stage {former} to {entry.code}" if former else f"entered stage {entry.code}"


def _by(entry: JournalEntry) -> str:
    by = entry.detail.get("by")
    return f" by {by}" if by else ""


def _unless(entry: JournalEntry) -> str:
    return f", but {reason_in_words(entry.reason)}" if entry.reason else ""


def _reasons(evidence: tuple[Evidence, ...]) -> Iterator[str]:
    for one in evidence:
        yield f"{one.expression}  ->  {_outcome(one)}{_values(one)}"
        if not one.values:
            yield from (f"  {line}" for line in _reasons(one.parts))


def _outcome(evidence: Evidence) -> str:
    if evidence.error:
        return f"no answer, counts as false: {evidence.error}"
    return _value(evidence.value)


def _values(evidence: Evidence) -> str:
    if not evidence.values:
        return ""
    return "  where " + ", ".join(f"{name} = {_value(value)}" for name, value in sorted(evidence.values.items()))


def _value(value: Json) -> str:
    if value is None:
        return "(not known)"
    return value if isinstance(value, str) and not value.isspace() and value else json.dumps(value, ensure_ascii=False)
