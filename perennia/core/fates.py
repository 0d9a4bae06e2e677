"""What would become of an audience if a broadcast reached it now: decided as each next turn would, and thrown away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Final, NamedTuple

from perennia.core.advance import Decision
from perennia.core.audiences import Look, Seen
from perennia.core.broadcasts import Broadcast, is_too_late, order_of
from perennia.core.compiled import compile_catalog
from perennia.core.decisions import Act, JournalEntry, Outcome, Reason
from perennia.core.documents import Document

# ``sent``: a message leaves at once; ``waits``: for its time, or for what a playbook waits for; the others with a reason.
SENT: Final = "sent"
WAITS: Final = "waits"


class Fate(NamedTuple):
    """``what``: sent, waits, held, skipped, failed, refused, left_out, holdout. ``why``: the reason code, if any."""

    what: str
    why: str = ""


def prepared(look: Look, book: Document | None) -> Look:
    """The look with the playbook that a broadcast is made of, everybody decided first."""
    if book is None:
        return replace(look, thorough=True)
    past = {**look.catalog.past, **compile_catalog("made", (), (book,)).past}
    return replace(look, catalog=replace(look.catalog, past=past), thorough=True)


def fates(look: Look, broadcast: Broadcast, version: str | None, members: Iterable[Seen]) -> Counter[Fate]:
    """What would become of each; ``look`` is `prepared`."""
    order = order_of(broadcast, version, look.now)
    found: Counter[Fate] = Counter()
    for seen in members:
        if is_too_late(broadcast, seen.run.calendar, look.now):
            found[Fate("left_out", Reason.EXPIRED)] += 1
        else:
            found[_fate(look.enrolled(seen, order), broadcast.book)] += 1
    return found


def _fate(decision: Decision, book: str) -> Fate:
    told = [entry for entry in decision.journal if entry.playbook == book]
    for entry in reversed(told):
        match entry.act:
            case Act.RELEASED:
                return Fate(SENT)
            case Act.HELD:
                return Fate("held", entry.reason or entry.code)
            case Act.STEP_ENDED if entry.code in (Outcome.SKIPPED, Outcome.FAILED):
                return Fate(entry.code, entry.reason or "")
            case Act.REFUSED:
                return Fate("refused", entry.code)
            case _:
                pass
    return Fate("holdout") if any(_is_held_out(entry) for entry in told) else Fate(WAITS)


def _is_held_out(entry: JournalEntry) -> bool:
    return entry.act is Act.ENTERED and entry.code == "holdout"
