"""What must hold for every playbook and every history (language, section 6.6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from perennia.core.advance import Decision, advance
from perennia.core.compiled import Catalog
from perennia.core.decisions import Act, CustomerEvent, Input, JournalEntry, TraitsChanged
from perennia.core.documents import Triggers
from perennia.core.state import CustomerState
from perennia.core.step_ids import place_steps
from tests.support.lives import START
from tests.support.random_lives import RECIPIENTS, Person, catalogs, fresh, histories, live

DAYS = 12
END = START + timedelta(days=DAYS)


def journal_of(catalog: Catalog, inputs: Sequence[Input], boundaries: Sequence[datetime]) -> list[JournalEntry]:
    """The journal when turns are taken at ``boundaries`` only, each with all inputs accepted until then."""
    state, journal, left, recipients = fresh(), list[JournalEntry](), list(inputs), RECIPIENTS
    for now in [*sorted(boundaries), END]:
        batch = [each for each in left if each.at <= now]
        left = left[len(batch) :]
        decision = advance(catalog, state, now, batch, recipients)
        state, recipients = decision.state, decision.recipients
        journal += decision.journal
    return journal


@given(catalogs(), histories(), st.lists(st.integers(0, DAYS * 1440), max_size=8))
def test_the_same_inputs_in_other_batches_give_the_same_journal(
    catalog: Catalog, inputs: tuple[Input, ...], minutes: list[int]
) -> None:
    decisions, taken = live(catalog, inputs, DAYS)
    expected = [entry for decision in decisions for entry in decision.journal]
    # Half-minutes: a turn between the instants at which inputs and wake-ups fall.
    boundaries = [START + timedelta(minutes=minute, seconds=30) for minute in minutes]
    assert journal_of(catalog, taken, boundaries) == expected


@given(catalogs(shape="lingering"), histories(most=12, least=6, every=720))
def test_inputs_of_an_instant_come_before_what_falls_due_at_it_however_many_they_are(
    catalog: Catalog, inputs: tuple[Input, ...]
) -> None:
    decisions, taken = live(catalog, inputs, DAYS)
    expected = [entry for decision in decisions for entry in decision.journal]
    first, *others = taken
    more = [said for each in others for said in (TraitsChanged(at=each.at, traits={"seen": str(each.at)}), each)]
    assert journal_of(catalog, [first, *more], [decision.state.now for decision in decisions]) == expected


@given(catalogs(shape="remembering"), histories())
def test_a_state_that_went_through_json_at_every_boundary_decides_the_same(
    catalog: Catalog, inputs: tuple[Input, ...]
) -> None:
    decisions, taken = live(catalog, inputs, DAYS)
    state, journal, left, recipients = fresh(), list[JournalEntry](), list(taken), RECIPIENTS
    for decision in decisions:
        batch = [each for each in left if each.at <= decision.state.now]
        left = left[len(batch) :]
        state = msgspec.json.decode(msgspec.json.encode(state), type=CustomerState)
        again = advance(catalog, state, decision.state.now, batch, recipients)
        state, recipients = again.state, again.recipients
        journal += again.journal
    assert journal == [entry for decision in decisions for entry in decision.journal]


@given(catalogs(), histories())
def test_a_turn_with_nothing_new_changes_nothing(catalog: Catalog, inputs: tuple[Input, ...]) -> None:
    decisions, _ = live(catalog, inputs, DAYS)
    for decision in decisions:
        again = advance(catalog, decision.state, decision.state.now, [], decision.recipients)
        assert (again.state, again.effects, again.journal) == (decision.state, (), ())
        assert (again.wake_at, again.watching) == (decision.wake_at, decision.watching)


@given(catalogs(), histories())
def test_advance_leaves_the_state_it_was_given_as_it_was(catalog: Catalog, inputs: tuple[Input, ...]) -> None:
    state, recipients = fresh(), RECIPIENTS
    for each in inputs:
        before = msgspec.json.encode(state)
        decision = advance(catalog, state, each.at, [each], recipients)
        assert msgspec.json.encode(state) == before
        state, recipients = decision.state, decision.recipients


@given(catalogs(shape="circling"), histories())
def test_every_effect_key_is_emitted_once(catalog: Catalog, inputs: tuple[Input, ...]) -> None:
    decisions, _ = live(catalog, inputs, DAYS)
    keys = Counter(effect.key for decision in decisions for effect in decision.effects)
    assert not [key for key, times in keys.items() if times > 1]


@given(catalogs(), histories())
def test_every_ended_enrollment_has_one_reason_and_every_step_one_outcome(
    catalog: Catalog, inputs: tuple[Input, ...]
) -> None:
    decisions, _ = live(catalog, inputs, DAYS)
    journal = [entry for decision in decisions for entry in decision.journal]
    entered = Counter(entry.enrollment for entry in journal if entry.act == "entered")
    ended = Counter(entry.enrollment for entry in journal if entry.act == "ended")
    assert set(entered.values()) <= {1}
    assert set(ended.values()) <= {1}
    inside = {enrollment.id for enrollment in decisions[-1].state.enrollments}
    assert set(entered) == set(ended) | inside
    assert not set(ended) & inside
    rounds = {
        (book.id, placed.id)
        for book in catalog.playbooks.values()
        for placed in place_steps(book.definition)
        if ".repeat." in placed.path
    }
    outcomes = Counter(
        (entry.enrollment, entry.step)
        for entry in journal
        if entry.act == "step_ended" and (entry.playbook, entry.step) not in rounds
    )
    assert set(outcomes.values()) <= {1}
    inside_for = [each for decision in decisions for each in decision.state.enrollments]
    left = {(each.id, step) for each in inside_for for step in {*each.visits} - {*each.rounds, each.step}}
    assert left <= {(entry.enrollment, entry.step) for entry in journal if entry.act == "step_ended"}


@given(catalogs(), histories())
def test_wake_at_is_never_in_the_past(catalog: Catalog, inputs: tuple[Input, ...]) -> None:
    for decision in live(catalog, inputs, DAYS)[0]:
        assert decision.wake_at is None or decision.wake_at > decision.state.now


@given(catalogs(shape="listening"), histories(least=8))
def test_nothing_changes_earlier_than_wake_at_by_an_event_or_a_zone_that_is_not_watched(
    catalog: Catalog, inputs: tuple[Input, ...]
) -> None:
    """What nobody watches may wait for the next turn: handed in late, in order, it changes nothing before that."""
    decisions, taken = live(catalog, inputs, DAYS)
    turns = list(turns_of_the_hard_of_hearing(catalog, taken))
    journal = [entry for turn in turns for entry in turn.journal]
    assert journal == [entry for decision in decisions for entry in decision.journal]
    missed = [entry for turn in turns for entry in turn.journal if entry.at < turn.state.now]
    assert [entry for entry in missed if entry.act != Act.IGNORED] == []


def turns_of_the_hard_of_hearing(catalog: Catalog, inputs: Sequence[Input]) -> Iterator[Decision]:
    """A turn at each `wake_at` and at each input that is watched; what is not waits until then."""
    person, waiting, started = Person(), list[Input](), catalog.triggers()
    last: Decision | None = None
    for each in [*inputs, None]:
        now = END if each is None else each.at
        while last is not None and last.wake_at is not None and last.wake_at < now:
            last = person.turn(catalog, last.wake_at, waiting)
            waiting = []
            yield last
        if each is not None:
            waiting.append(each)
        if each is None or last is None or not _is_unheard(each, last.watching, started):
            last = person.turn(catalog, now, waiting)
            waiting = []
            yield last


def _is_unheard(each: Input, watching: frozenset[str], started: Triggers) -> bool:
    if isinstance(each, TraitsChanged):
        return set(each.traits) == {"timezone"} and "trait:timezone" not in watching
    if not isinstance(each, CustomerEvent) or each.name.startswith(started.prefixes):
        return False
    return f"event:{each.name}" not in watching and each.name not in started.names
