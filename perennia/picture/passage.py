"""What one customer did in one enrollment: where it came by, what became of each step, which ways it took, where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from perennia.core.decisions import Act, JournalEntry, Outcome, Reason
from perennia.core.state import Enrollment
from perennia.picture.chart import OTHERWISE, YES
from perennia.why.evidence import local_time
from perennia.why.wording import put_in_words

COMPLETED: Final = "completed"
GOAL: Final = "goal"
# Key of the way past all the others: the step was skipped.
PAST: Final = " past"


class Tone(StrEnum):
    """How a step ended, or that it has not."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    LATE = "late"
    HERE = "here"
    GOAL = "goal"


@dataclass(frozen=True)
class Visit:
    """``text`` says what became of it; ``until``: when a wait that is still on will end by itself."""

    at: datetime
    tone: Tone
    text: str


@dataclass(frozen=True)
class Passage:
    """One enrollment. ``ended`` None: it lives on, at ``stands_at``. ``taken``: by step the keys of ways (`chart.Way`).

    ``moved``: it went on in another version, for each time.
    """

    id: str
    entered: JournalEntry
    visits: dict[str, list[Visit]] = field(default_factory=dict[str, list[Visit]])
    taken: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    ended: JournalEntry | None = None
    stands_at: str | None = None
    moved: tuple[JournalEntry, ...] = ()

    @property
    def version(self) -> str | None:
        """The one in which it ended or stands."""
        return (self.entered, *self.moved)[-1].version

    @property
    def is_completed(self) -> bool:
        return self.ended is not None and self.ended.code == COMPLETED

    @property
    def left_at(self) -> str | None:
        """The step at which it ended before its time."""
        return None if self.ended is None or self.is_completed else self.ended.step

    def came_by(self, step: str) -> bool:
        return step in self.visits or step in (self.stands_at, self.left_at)


def passages(
    playbook: str, entries: Iterable[JournalEntry], standing: Sequence[Enrollment], zone: ZoneInfo
) -> list[Passage]:
    """The customer's enrollments in the playbook, in order of entry; ``standing``: those that live on."""
    own = [entry for entry in entries if entry.playbook == playbook and entry.enrollment is not None]
    alive = {each.id: each for each in standing if each.errand is None}
    found: list[Passage] = []
    for entered in own:
        if entered.act is Act.ENTERED:
            told = [entry for entry in own if entry.enrollment == entered.enrollment]
            found.append(_passage(entered, told, alive.get(str(entered.enrollment)), zone))
    return found


def _passage(entered: JournalEntry, told: Sequence[JournalEntry], lives: Enrollment | None, zone: ZoneInfo) -> Passage:
    ended = next((entry for entry in told if entry.act is Act.ENDED), None)
    stands_at = None if lives is None else lives.step
    moved = tuple(entry for entry in told if entry.act is Act.MIGRATED)
    passage = Passage(str(entered.enrollment), entered, ended=ended, stands_at=stands_at, moved=moved)
    for entry in told:
        if entry.act is Act.STEP_ENDED and entry.step is not None:
            visit = Visit(entry.at, _tone(entry), put_in_words(entry, zone).text.partition(" [")[0])
            passage.visits.setdefault(entry.step, []).append(visit)
            passage.taken.setdefault(entry.step, set()).add(_way(entry))
    if lives is not None and lives.step is not None:
        passage.visits.setdefault(lives.step, []).append(_here(lives, zone))
    return passage


def _here(lives: Enrollment, zone: ZoneInfo) -> Visit:
    if lives.due is None:
        return Visit(lives.base, Tone.HERE, "is here")
    return Visit(lives.base, Tone.HERE, f"is here, until {local_time(lives.due, zone)} at most")


def _tone(entry: JournalEntry) -> Tone:
    match entry.code:
        case Outcome.SKIPPED if entry.reason != Reason.APPROVAL_DENIED:
            return Tone.SKIPPED
        case Outcome.FAILED:
            return Tone.FAILED
        case Outcome.TIMED_OUT:
            return Tone.LATE
        case _:
            return Tone.DONE


def _way(entry: JournalEntry) -> str:
    """Which way on the step's end means: a `chart.Way`'s key, or `PAST` where it means none of them."""
    detail = entry.detail
    match detail.get("verb"), entry.code:
        case "approve", Outcome.SKIPPED if entry.reason != Reason.APPROVAL_DENIED:
            return PAST
        case "approve", _:
            return YES if detail.get("decision") == "approved" else OTHERWISE
        case "wait_for", Outcome.TIMED_OUT:
            return OTHERWISE
        case _, Outcome.DONE:
            return str(detail.get("condition") or detail.get("arm") or detail.get("variant") or PAST)
        case _:
            return PAST
