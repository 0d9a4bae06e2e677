"""What became visible, in order: messages and tasks released, stages entered, steps skipped, enrollments begun and ended."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from perennia.core.decisions import Act, JournalEntry, Outcome, Reason
from perennia.core.json_values import Json, JsonObject


class Kind(StrEnum):
    EMAIL = "email"
    SURVEY = "survey"
    TASK = "task"
    APPROVE = "approve"
    CRM = "crm"
    WEBHOOK = "webhook"
    NOTIFY = "notify"
    ESCALATED = "escalated"
    EMIT = "emit"
    STAGE = "stage"
    SKIPPED = "skipped"
    ENROLLED = "enrolled"
    ENDED = "ended"


OUTWARD = frozenset({Kind.EMAIL, Kind.SURVEY, Kind.TASK, Kind.APPROVE, Kind.CRM, Kind.WEBHOOK, Kind.NOTIFY})
# With a reason, they show as skipped.
NOT_DONE = frozenset({Outcome.SKIPPED, Outcome.FAILED, Outcome.TIMED_OUT})


@dataclass(frozen=True)
class Happening:
    """``subject``: template, title, question or URL as rendered, channel, track, step or playbook.

    ``code``: stage, reason code or exit reason. ``source``: the subject as the playbook has it, before rendering. ``told``:
    what a write to the CRM, a request or a notice says. ``contact``: the contact that it happened to. ``unrendered``: its
    text could not be rendered, so it never left. ``in_digest``: it left with others as one message.
    """

    at: datetime
    kind: Kind
    subject: str
    code: str = ""
    playbook: str | None = None
    to: str | None = None
    source: str | None = None
    contact: str | None = None
    told: JsonObject = field(default_factory=dict[str, Json])
    unrendered: bool = False
    in_digest: bool = False

    def __str__(self) -> str:
        what = self._what()
        return what if self.contact is None else f"{what} ({self.contact})"

    def _what(self) -> str:
        match self.kind:
            case Kind.EMAIL:
                where = " to owner" if self.to == "owner" else " in a digest" if self.in_digest else ""
                return f"email {self.subject}{where}"
            case Kind.SURVEY:
                return f"survey {self.subject}"
            case Kind.TASK:
                return f'task "{self.subject}"'
            case Kind.APPROVE:
                return f'approve "{self.subject}"'
            case Kind.CRM:
                return f"crm {self.subject}" + (f" {_text(self.told.get(self.subject))}" if self.told else "")
            case Kind.WEBHOOK:
                return f"webhook {self.subject}"
            case Kind.NOTIFY:
                return f"notify {self.subject}" + (f' "{self.told.get("text")}"' if self.told else "")
            case Kind.ESCALATED:
                return f'escalated "{self.subject}"' + (f" to {self.to}" if self.to else "")
            case Kind.EMIT:
                return f"emit {self.subject}"
            case Kind.STAGE:
                return f"stage {self.subject}: {self.code}"
            case Kind.SKIPPED:
                return f"skipped {self.subject}: {self.code}"
            case Kind.ENROLLED:
                return f"enrolled in {self.subject}"
            case Kind.ENDED:
                return f"ended {self.code}"


def happenings(journal: Iterable[JournalEntry], texts: Sequence[Json] = ()) -> list[Happening]:
    """The visible part of one customer's journal (`happenings_among`)."""
    return happenings_among(((None, entry) for entry in journal), texts)


def happenings_among(
    chronicle: Iterable[tuple[str | None, JournalEntry]], texts: Sequence[Json] = ()
) -> list[Happening]:
    """The visible part of what was decided for several customers: each entry with the contact it is about, if any.

    ``texts``: what outward effects but emails say, rendered, in order of release: a task's title, an approval's question; of
    the others an object of what they tell (`Happening.told`).

    A step that failed for a reason (the provider refused, a template error) shows as skipped: its message did not happen.
    """
    rendered = iter(texts)
    found: list[Happening] = []
    opened: dict[tuple[str | None, str | None], str] = {}
    released: dict[tuple[str | None, str | None], int] = {}
    for contact, entry in chronicle:
        happening = _happening(entry, rendered)
        if happening is None:
            continue
        step = (entry.enrollment, entry.step)
        if happening.kind in OUTWARD:
            released[step] = len(found)
        elif happening.code == Reason.TEMPLATE_ERROR and step in released:
            found[released[step]] = replace(found[released[step]], unrendered=True)
        if happening.kind is Kind.TASK:
            opened[step] = happening.subject
        elif happening.kind is Kind.ESCALATED:  # the decision knows the title as the playbook has it
            title = opened.get(step, happening.subject)
            happening = replace(happening, subject=title, source=happening.subject)
        found.append(happening if contact is None else replace(happening, contact=contact))
    return found


def shows(entry: JournalEntry) -> bool:
    """Whether it is one of those that `happenings_among` makes a happening of."""
    return _happening(entry, iter(())) is not None


def _happening(entry: JournalEntry, texts: Iterator[Json]) -> Happening | None:
    match entry.act:
        case Act.RELEASED if entry.code == "email":
            template, to = str(entry.detail.get("template")), str(entry.detail.get("to"))
            in_digest = "digest" in entry.detail
            return Happening(entry.at, Kind.EMAIL, template, playbook=entry.playbook, to=to, in_digest=in_digest)
        case Act.RELEASED if entry.code == "survey":
            survey, to = str(entry.detail.get("survey")), str(entry.detail.get("to"))
            return Happening(entry.at, Kind.SURVEY, survey, playbook=entry.playbook, to=to)
        case Act.RELEASED:
            return _released(entry, next(texts, None))
        case Act.ESCALATED:
            to = entry.detail.get("to")
            title = str(entry.detail.get("task"))
            told = None if to is None else str(to)
            return Happening(entry.at, Kind.ESCALATED, title, playbook=entry.playbook, to=told)
        case Act.STAGE:
            return Happening(entry.at, Kind.STAGE, str(entry.detail.get("track")), entry.code)
        case Act.STEP_ENDED if entry.code in NOT_DONE and entry.reason is not None:
            return Happening(entry.at, Kind.SKIPPED, entry.step or "", entry.reason, entry.playbook)
        case Act.RAISED:
            return Happening(entry.at, Kind.EMIT, entry.code)
        case Act.STEP_ENDED if entry.code == Outcome.DONE and entry.detail.get("verb") == "emit":
            return Happening(entry.at, Kind.EMIT, str(entry.detail["event"]), playbook=entry.playbook)
        case Act.ENTERED:
            return Happening(entry.at, Kind.ENROLLED, entry.playbook or "", playbook=entry.playbook)
        case Act.ENDED:
            return Happening(entry.at, Kind.ENDED, entry.playbook or "", entry.code, entry.playbook)
        case _:
            return None


def _released(entry: JournalEntry, text: Json) -> Happening:
    """``text`` None: it was not rendered, and shows as the playbook has it."""
    detail, kind = entry.detail, Kind(entry.code)
    told = text if isinstance(text, dict) else {}
    match kind:
        case Kind.CRM:
            written = told or detail.get("crm")
            told = written if isinstance(written, dict) else {}
            subject = source = next(iter(told), "")
        case Kind.WEBHOOK:
            source = str(detail.get("webhook"))
            subject = str(told.get("url", source))
        case Kind.NOTIFY:
            subject = source = str(detail.get("notify"))
            told = told or {"text": detail.get("text")}
        case _:
            source = str(detail.get("question" if kind is Kind.APPROVE else "task"))
            subject = text if isinstance(text, str) else source
    return Happening(entry.at, kind, subject, playbook=entry.playbook, source=source, told=told)


def _text(value: Json) -> str:
    return f'"{value}"' if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
