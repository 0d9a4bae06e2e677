"""Nothing is noticed late: who looks at everything all the time sees no more than who is woken (language, section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from hypothesis import given, settings

from perennia.core.advance import Decision
from perennia.core.compiled import Catalog
from perennia.core.decisions import Input, JournalEntry
from perennia.core.state import CustomerState, Watch
from tests.support.lives import START
from tests.support.random_lives import Person, catalogs, histories, live
from tests.support.random_publishing import Publications, publications

DAYS = 6
EVERY = timedelta(minutes=10)
A_SECOND, AN_INSTANT = timedelta(seconds=1), timedelta(microseconds=1)
A_QUARTER = settings(max_examples=settings().max_examples // 4)


def looked_at_all_the_time(
    catalog: Catalog, inputs: Sequence[Input], decisions: Sequence[Decision], later: Publications = ()
) -> list[JournalEntry]:
    """The journal of somebody at whom everybody looks every ten minutes, and right before each instant that is not dull."""
    lively = {decision.state.now for decision in decisions}
    looks = lively | {at - early for at in lively for early in (A_SECOND, AN_INSTANT)}
    looks |= {START + number * EVERY for number in range(DAYS * 144)}
    person, left, unpublished = Person(), list(inputs), list(later)
    journal: list[JournalEntry] = []
    for now in sorted(look for look in looks if look >= START):
        if unpublished and unpublished[0][0] == now:
            catalog = unpublished.pop(0)[1]
        batch = [each for each in left if each.at <= now]
        left = left[len(batch) :]
        person.state = wide_awake(catalog, person.state, now)
        journal += person.turn(catalog, now, batch).journal
    return journal


def wide_awake(catalog: Catalog, state: CustomerState, now: datetime) -> CustomerState:
    """As if everything that is watched could change now.

    Health scores may wait for their hour, and a schedule that can never again let the customer in is not looked at.
    """
    hourly = {health.key for health in catalog.healths.values()}
    calm = {key for key, watch in state.watches.items() if key in hourly or watch == Watch()}
    return msgspec.structs.replace(
        state,
        watches={key: watch if key in calm else due(watch, now) for key, watch in state.watches.items()},
        enrollments=[
            msgspec.structs.replace(each, watches={key: due(watch, now) for key, watch in each.watches.items()})
            for each in state.enrollments
        ],
    )


def due(watch: Watch, now: datetime) -> Watch:
    return msgspec.structs.replace(watch, next_change=now)


@A_QUARTER
@given(catalogs(shape="ripening"), histories(days=5, most=10))
def test_who_is_looked_at_all_the_time_lives_as_who_is_woken(catalog: Catalog, inputs: tuple[Input, ...]) -> None:
    decisions, taken = live(catalog, inputs, DAYS)
    expected = [entry for decision in decisions for entry in decision.journal]
    assert looked_at_all_the_time(catalog, taken, decisions) == expected


@A_QUARTER
@given(publications(), histories(days=5, most=10))
def test_who_is_looked_at_all_the_time_lives_so_through_publications(
    published: Publications, inputs: tuple[Input, ...]
) -> None:
    (_, catalog), *later = published
    decisions, taken = live(catalog, inputs, DAYS, later)
    expected = [entry for decision in decisions for entry in decision.journal]
    assert looked_at_all_the_time(catalog, taken, decisions, later) == expected
