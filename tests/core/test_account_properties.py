"""An account and its contacts never lose each other, whatever happens to any of them (language, sections 3 and 5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given, settings

from perennia.core.decisions import Act
from perennia.core.documents import Document
from tests.support.lives import START
from tests.support.random_accounts import CONTACTS, Happening, account_drafts, account_world, happenings

DAYS = 6
HALF = settings(max_examples=settings().max_examples // 2)


@HALF
@given(account_drafts(), happenings())
def test_an_account_waits_for_exactly_the_errands_that_its_contacts_are_on(
    published: list[Document], happened: Sequence[Happening]
) -> None:
    world = account_world(published, happened)
    for day in range(DAYS * 4 + 1):
        world.run(START + timedelta(hours=6 * day))
        awaited = {key for enrollment in world.state.enrollments for key in enrollment.awaited}
        runs = [enrollment for contact in CONTACTS for enrollment in world.state_of(contact).enrollments]
        errands = {each.errand.key for each in runs if each.errand is not None}
        assert errands <= awaited
        assert awaited <= errands | {each.reports_to for each in runs}


@HALF
@given(account_drafts(), happenings())
def test_every_enrollment_of_an_account_and_its_contacts_ends_once(
    published: list[Document], happened: Sequence[Happening]
) -> None:
    world = account_world(published, happened)
    world.run(START + timedelta(days=DAYS))
    named = [(state.customer, entry) for state, entry in world.chronicle]
    entered = Counter((who, entry.enrollment) for who, entry in named if entry.act == Act.ENTERED)
    ended = Counter((who, entry.enrollment) for who, entry in named if entry.act == Act.ENDED)
    inside = {
        (who, each.id) for who in ("acme", *CONTACTS) for each in world.state_of(who).enrollments if each.errand is None
    }
    assert {*entered.values(), *ended.values()} <= {1}
    assert set(entered) == set(ended) | inside


@HALF
@given(account_drafts(), happenings())
def test_an_account_lives_the_same_life_twice(published: list[Document], happened: Sequence[Happening]) -> None:
    worlds = [account_world(published, happened) for _ in range(2)]
    for world in worlds:
        world.run(START + timedelta(days=DAYS))
    assert worlds[0].journal == worlds[1].journal
