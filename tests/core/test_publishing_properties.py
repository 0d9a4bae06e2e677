"""What must hold while definitions change under people in flight (language, section 9)."""

from __future__ import annotations

from collections import Counter

import msgspec
from hypothesis import given, settings

from perennia.core.advance import advance
from perennia.core.compiled import Catalog
from perennia.core.decisions import Act, Input
from perennia.core.state import CustomerState, Enrollment
from tests.support.lives import START
from tests.support.random_lives import Person, histories, live
from tests.support.random_publishing import Publications, publications

DAYS = 6
HALF = settings(max_examples=settings().max_examples // 2)


def in_force(published: Publications, state: CustomerState) -> Catalog:
    return next(catalog for _, catalog in published if catalog.revision == state.revision)


@HALF
@given(publications(), histories(days=5, most=10))
def test_everybody_stands_at_a_step_of_a_version_that_is_known(
    published: Publications, inputs: tuple[Input, ...]
) -> None:
    (_, first), *later = published
    for decision in live(first, inputs, DAYS, later)[0]:
        catalog = in_force(published, decision.state)
        assert all(stands_somewhere(catalog, each) for each in decision.state.enrollments)


def stands_somewhere(catalog: Catalog, enrollment: Enrollment) -> bool:
    book = catalog.playbook(enrollment.playbook, enrollment.version)
    return enrollment.held_out or enrollment.step in book.nodes


@HALF
@given(publications(shape="lingering"), histories(days=5, most=10))
def test_nobody_is_left_in_a_version_that_everybody_had_to_leave(
    published: Publications, inputs: tuple[Input, ...]
) -> None:
    (_, first), *later = published
    for decision in live(first, inputs, DAYS, later)[0]:
        catalog = in_force(published, decision.state)
        led = {each.playbook: each for each in catalog.orders if each.word in ("migrate", "exit")}
        for enrollment in decision.state.enrollments:
            order = led.get(enrollment.playbook)
            assert order is None or enrollment.started >= order.at or enrollment.version == order.version


@HALF
@given(publications(), histories(days=5, most=10))
def test_an_enrollment_ends_once_and_no_effect_is_released_twice_whatever_is_published(
    published: Publications, inputs: tuple[Input, ...]
) -> None:
    (_, first), *later = published
    decisions, _ = live(first, inputs, DAYS, later)
    keys = Counter(effect.key for decision in decisions for effect in decision.effects)
    journal = [entry for decision in decisions for entry in decision.journal]
    ended = Counter(entry.enrollment for entry in journal if entry.act == Act.ENDED)
    assert [*keys.values(), *ended.values()] == [1] * (len(keys) + len(ended))


@HALF
@given(publications(shape="writing"), histories(days=5, most=10))
def test_a_turn_with_nothing_new_changes_nothing_right_after_a_publication(
    published: Publications, inputs: tuple[Input, ...]
) -> None:
    (_, first), *later = published
    for decision in live(first, inputs, DAYS, later)[0]:
        catalog = in_force(published, decision.state)
        again = advance(catalog, decision.state, decision.state.now, [], decision.recipients)
        assert (again.state, again.effects, again.journal) == (decision.state, (), ())
        assert (again.wake_at, again.watching) == (decision.wake_at, decision.watching)


@HALF
@given(publications(), histories(days=5, most=10))
def test_a_state_that_went_through_json_decides_the_same_whatever_is_published(
    published: Publications, inputs: tuple[Input, ...]
) -> None:
    (_, first), *later = published
    decisions, taken = live(first, inputs, DAYS, later)
    person, left, journal = Person(), list(taken), list[object]()
    for decision in decisions:
        catalog = next(each for at, each in reversed(published) if at <= max(decision.state.now, START))
        batch = [each for each in left if each.at <= decision.state.now]
        left = left[len(batch) :]
        person.state = msgspec.json.decode(msgspec.json.encode(person.state), type=CustomerState)
        journal += person.turn(catalog, decision.state.now, batch).journal
    assert journal == [entry for decision in decisions for entry in decision.journal]
