"""What is remembered of ended enrollments, and whether a customer may enter again (language, section 4)."""

from __future__ import annotations

from datetime import datetime

import msgspec

from perennia.core.deliberation import Deliberation
from perennia.core.nodes import CompiledPlaybook
from perennia.core.state import Enrollment, PastEnrollments

NEVER = PastEnrollments()


def may_reenter(run: Deliberation, book: CompiledPlaybook, key: str | None) -> bool:
    """Whom a person removed, no rule brings back; else the policy decides, counted from the last end of the same key."""
    past = run.state.past.get(book.id, NEVER)
    if past.removed if key is None else key in past.removed_keys:
        return False
    if book.definition.enter.reenter == "always":
        return True
    entered = past.runs > 0 if key is None else key in past.keys
    if not entered:
        return True
    ended = past.ended if key is None else past.keys[key]
    if book.reenter_after is None or ended is None:
        return False
    return run.instant >= run.calendar.after(ended, book.reenter_after)


def remember_entry(run: Deliberation, enrollment: Enrollment) -> None:
    """Counts the run; whoever comes in again is no longer somebody whom a person removed.

    Without a key nobody asks for that until the run ends, which tells it anew.
    """
    past = run.state.past.get(enrollment.playbook, NEVER)
    removed_keys = tuple(key for key in past.removed_keys if key != enrollment.key)
    run.state.past[enrollment.playbook] = msgspec.structs.replace(past, runs=past.runs + 1, removed_keys=removed_keys)


def remember_end(run: Deliberation, enrollment: Enrollment, *, removed: bool) -> None:
    """Keeps what re-entry will ask for, and drops what it no longer can: the state must not grow with every key."""
    past = run.state.past.get(enrollment.playbook, NEVER)
    if enrollment.key is None:
        run.state.past[enrollment.playbook] = msgspec.structs.replace(past, ended=run.instant, removed=removed)
        return
    keys = {**past.keys, enrollment.key: run.instant}
    book = run.catalog.playbooks.get(enrollment.playbook)
    if book is not None:
        keys = {key: ended for key, ended in keys.items() if _counts(run, book, ended)}
    removed_keys = (*past.removed_keys, enrollment.key) if removed else past.removed_keys
    run.state.past[enrollment.playbook] = msgspec.structs.replace(
        past, ended=run.instant, keys=keys, removed_keys=removed_keys
    )


def _counts(run: Deliberation, book: CompiledPlaybook, ended: datetime) -> bool:
    """Whether an end of then can still keep somebody out."""
    if book.definition.enter.reenter == "always":
        return False
    return book.reenter_after is None or run.instant < run.calendar.after(ended, book.reenter_after)
