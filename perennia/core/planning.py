"""What a publish would do to people in flight: the decisions that it would cause, made and counted, and thrown away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import cast

import msgspec

from perennia.core.advance import Decision, advance, missing_history
from perennia.core.compiled import Catalog
from perennia.core.decisions import Act, CustomerEvent, JournalEntry, Recollection
from perennia.core.definitions import Playbook, Step
from perennia.core.state import CustomerState, Enrollment, LedgerEntry, Recipient
from perennia.core.step_ids import place_steps

# Lists of steps inside a step: what changes there changes other steps.
INNER = frozenset({"then", "else", "steps"})


class People(msgspec.Struct, kw_only=True):
    """How many enrollments in former versions of a playbook fare how.

    ``stays``: in the version it began with. ``moves``: to the new one, by ``step -> step``; of these ``retimed`` wait until
    another instant than before, and ``released`` go on at once. ``ended``: by reason.
    """

    stays: int = 0
    moves: dict[str, int] = {}
    retimed: int = 0
    released: int = 0
    ended: dict[str, int] = {}


class StepChanges(msgspec.Struct, frozen=True, kw_only=True):
    """Step ids, and ``keys``: what else of the playbook is another."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


class Standing(msgspec.Struct, frozen=True):
    """A customer as it stands: ``history`` has the events that `missing_history` names; ``ledger`` None: nobody has looked."""

    state: CustomerState
    history: tuple[CustomerEvent, ...] = ()
    ledger: tuple[LedgerEntry, ...] | None = None


def foresee(catalog: Catalog, standing: Standing, now: datetime, people: Mapping[str, People]) -> None:
    """Counts in ``people``, by playbook, what ``catalog`` would do to the customer's enrollments at ``now``.

    Raises `LedgerMissing`, before anything is counted.
    """
    state = standing.state
    decision = _decide(catalog, standing, max(now, state.now))
    after = {enrollment.id: enrollment for enrollment in decision.state.enrollments}
    for enrollment in state.enrollments:
        count = people.get(enrollment.playbook)
        is_errand = enrollment.errand is not None  # counted where the account is, whose step it is
        if count is not None and not is_errand and not _is_current(catalog, enrollment):
            told = [entry for entry in decision.journal if entry.enrollment == enrollment.id]
            _count(count, enrollment, after.get(enrollment.id), told)


def _decide(catalog: Catalog, standing: Standing, now: datetime) -> Decision:
    state = standing.state
    names = missing_history(catalog, state)
    inputs = (Recollection(at=state.now, names=names, events=standing.history),) if names else ()
    email = state.facts.traits.get("email")
    recipient = Recipient(address=email if isinstance(email, str) else None, ledger=standing.ledger)
    return advance(catalog, state, now, inputs, {state.customer: recipient})


def _is_current(catalog: Catalog, enrollment: Enrollment) -> bool:
    current = catalog.playbooks.get(enrollment.playbook)
    return current is not None and current.version == enrollment.version


def _count(count: People, before: Enrollment, after: Enrollment | None, told: Iterable[JournalEntry]) -> None:
    acts = {entry.act: entry for entry in told}
    migrated = acts.get(Act.MIGRATED)
    if migrated is not None:
        where = "held out" if before.held_out else f"{migrated.detail.get('from_step')} -> {migrated.step}"
        count.moves[where] = count.moves.get(where, 0) + 1
        if after is None or after.step != migrated.step or Act.RELEASED in acts:
            count.released += 1
        elif after.due != before.due:
            count.retimed += 1
    elif after is not None:
        count.stays += 1
    if after is None:
        reason = acts[Act.ENDED].code if Act.ENDED in acts else "completed"
        count.ended[reason] = count.ended.get(reason, 0) + 1


def compare_playbooks(old: Playbook, new: Playbook) -> StepChanges:
    """What was added, changed and removed, step by step: a step is known by its id, wherever it lies."""
    before, after = ({placed.id: _said(placed.step) for placed in place_steps(book)} for book in (old, new))
    one, other = (_definition(book) for book in (old, new))
    return StepChanges(
        added=tuple(id_ for id_ in after if id_ not in before),
        changed=tuple(id_ for id_ in after if id_ in before and before[id_] != after[id_]),
        removed=tuple(id_ for id_ in before if id_ not in after),
        keys=tuple(sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))),
    )


def _definition(book: Playbook) -> dict[str, object]:
    told = cast("dict[str, object]", book.model_dump(mode="json", by_alias=True, exclude_defaults=True))
    return {key: value for key, value in told.items() if key != "steps"}


def _said(step: Step) -> object:
    return _without_inner(step.model_dump(mode="json", by_alias=True, exclude_defaults=True))


def _without_inner(value: object) -> object:
    if isinstance(value, dict):
        told = cast("dict[str, object]", value)
        return {key: _without_inner(each) for key, each in told.items() if key not in INNER}
    if isinstance(value, list | tuple):
        return [_without_inner(each) for each in cast("list[object]", value)]
    return value
