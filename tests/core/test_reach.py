"""Whom a publish concerns: nobody is rung who would look in time anyway."""

from __future__ import annotations

import msgspec
import pytest

from perennia.core.playbook_orders import PlaybookOrder, PlaybookWord
from perennia.core.reach import NOBODY, Reach, reach_of
from tests.support.lives import START, documents

CONTACTS = Reach(kinds=("contact",))
ACCOUNTS = Reach(kinds=("account",))
EVERYBODY = Reach(kinds=("account", "contact"))

BY_EVENT = "playbook: p\nenter: {on: [{event: Go}]}\nsteps: [{wait: 1d}]\n"
BY_EDGE = "playbook: p\nenter: {on: [{when: 'traits.seats > 5'}]}\nsteps: [{wait: 1d}]\n"
BY_DATE = "playbook: p\nscope: account\nenter: {on: [{date: traits.renewal, offset: -30d}]}\nsteps: [{wait: 1d}]\n"
TRACK = "track: t\nstages: [{id: a}, {id: b, enter: happened('X')}]\n"
POLICIES = "policies: default\ntimezone: UTC\n"


def reach(before: str, after: str) -> Reach:
    return reach_of(documents(before), documents(after), ())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", BY_EVENT),
        (BY_EVENT, BY_EVENT.replace("1d", "2d")),
        (BY_EVENT, BY_EVENT.replace("Go", "Come")),
        (BY_EDGE, BY_EDGE.replace("wait: 1d", "wait: 2d")),
        (BY_EDGE, ""),
        (TRACK, ""),
        (POLICIES, POLICIES + "locale: de\ntopics: {tips: {kind: opt_out, name: Tips}}\n"),
        ("", "survey: s\nkind: nps\nquestion: How likely?\n"),
    ],
    ids=["entry by event", "step", "event", "step of an edge", "gone", "track gone", "read late", "survey"],
)
def test_it_concerns_nobody(before: str, after: str) -> None:
    assert reach(before, after) == NOBODY


@pytest.mark.parametrize(
    ("before", "after", "whom"),
    [
        ("", BY_EDGE, CONTACTS),
        (BY_EDGE, BY_EDGE.replace("5", "9"), CONTACTS),
        (BY_EVENT, BY_EDGE, CONTACTS),
        ("", BY_DATE, ACCOUNTS),
        ("", TRACK, CONTACTS),
        (TRACK, TRACK.replace("track: t", "track: t\nscope: account"), EVERYBODY),
        ("segment: s\nwhen: traits.a == 1\n", "segment: s\nwhen: traits.a == 2\n", CONTACTS),
        (POLICIES, POLICIES.replace("UTC", "Europe/Berlin"), EVERYBODY),
        (POLICIES, POLICIES + "holidays: ['2026-12-25']\n", EVERYBODY),
        (POLICIES, POLICIES + "quiet_hours: {window: '21:00-08:00'}\n", Reach(anywhere=True)),
        (POLICIES + "caps: [{messages: 1, per: 7d}]\n", POLICIES, Reach(anywhere=True)),
    ],
)
def test_who_must_know_its_next_instant_anew_is_concerned(before: str, after: str, whom: Reach) -> None:
    assert reach(before, after) == whom


@pytest.mark.parametrize(
    ("word", "whom"),
    [
        ("migrate", Reach(enrolled=("p",))),
        ("exit", Reach(enrolled=("p",))),
        ("resume", Reach(enrolled=("p",))),
        ("skip", Reach(enrolled=("p",))),
        ("pause", NOBODY),
    ],
)
def test_an_order_concerns_who_is_in_the_playbook_and_a_pause_nobody_before_something_is_due(
    word: PlaybookWord, whom: Reach
) -> None:
    order = PlaybookOrder(number=2, at=START, playbook="p", word=word, by="kim")
    assert reach_of(documents(BY_EVENT), documents(BY_EVENT), [order]) == whom


def test_a_reach_is_stored_as_json() -> None:
    whom = Reach(kinds=("contact",), enrolled=("p",), anywhere=True)
    assert msgspec.json.decode(msgspec.json.encode(whom), type=Reach) == whom
