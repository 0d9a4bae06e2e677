"""What became visible, in order: messages and tasks released, stages entered, steps skipped, enrollments begun and ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from perennia.core.decisions import Act, JournalEntry, Outcome


class Kind(StrEnum):
    EMAIL = "email"
    SURVEY = "survey"
    TASK = "task"
    EMIT = "emit"
    STAGE = "stage"
    SKIPPED = "skipped"
    ENROLLED = "enrolled"
    ENDED = "ended"


OUTWARD = frozenset({Kind.EMAIL, Kind.SURVEY, Kind.TASK})


@dataclass(frozen=True)
class Happening:
    """``subject``: template, title as rendered, track, step or playbook. ``code``: stage, reason code or exit reason.

    ``source``: a task's title as the playbook has it, before rendering. ``contact``: the contact that it happened to.
    """

    at: datetime
    kind: Kind
    subject: str
    code: str = ""
    playbook: str | None = None
    to: str | None = None
    source: str | None = None
    contact: str | None = None

    def __str__(self) -> str:
        what = self._what()
        return what if self.contact is None else f"{what} ({self.contact})"

    def _what(self) -> str:
        match self.kind:
            case Kind.EMAIL:
                return f"email {self.subject}" + (f" to {self.to}" if self.to == "owner" else "")
            case Kind.SURVEY:
                return f"survey {self.subject}"
            case Kind.TASK:
                return f'task "{self.subject}"'
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


def happenings(journal: Iterable[JournalEntry], titles: Sequence[str] = ()) -> list[Happening]:
    """The visible part of one customer's journal. ``titles``: the rendered titles of its tasks, in order of release."""
    return happenings_among(((None, entry) for entry in journal), titles)


def happenings_among(
    chronicle: Iterable[tuple[str | None, JournalEntry]], titles: Sequence[str] = ()
) -> list[Happening]:
    """The visible part of what was decided for several customers: each entry with the contact it is about, if any.

    A step that failed for a reason (the provider refused, a template error) shows as skipped: its message did not happen.
    """
    rendered = iter(titles)
    found: list[Happening] = []
    for contact, entry in chronicle:
        happening = _happening(entry, rendered)
        if happening is not None:
            found.append(happening if contact is None else replace(happening, contact=contact))
    return found


def _happening(entry: JournalEntry, titles: Iterator[str]) -> Happening | None:
    match entry.act:
        case Act.RELEASED if entry.code == "email":
            template, to = str(entry.detail.get("template")), str(entry.detail.get("to"))
            return Happening(entry.at, Kind.EMAIL, template, playbook=entry.playbook, to=to)
        case Act.RELEASED if entry.code == "survey":
            survey, to = str(entry.detail.get("survey")), str(entry.detail.get("to"))
            return Happening(entry.at, Kind.SURVEY, survey, playbook=entry.playbook, to=to)
        case Act.RELEASED:
            source = str(entry.detail.get("task"))
            return Happening(entry.at, Kind.TASK, next(titles, source), playbook=entry.playbook, source=source)
        case Act.STAGE:
            return Happening(entry.at, Kind.STAGE, str(entry.detail.get("track")), entry.code)
        case Act.STEP_ENDED if entry.code in (Outcome.SKIPPED, Outcome.FAILED) and entry.reason is not None:
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
