"""A backtest reads what the store remembers, and comes to what the engine came to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from perennia.core.decisions import JournalEntry, TaskEnded, TraitsChanged
from perennia.core.lives import Household
from perennia.simulate.reckoning import reckon
from perennia.simulate.reliving import Draft, draft_of, relive
from perennia.store import SqlStore
from perennia.store.records import Accepted, Merge
from tests.support.installation import event, traits
from tests.support.lives import PlainText, documents
from tests.support.stored_lives import StoredLives

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
END = START + timedelta(days=60)

SURROUNDINGS = """
policies: default
timezone: Europe/Berlin
topics: {tips: {kind: opt_out, name: Tips}}
quiet_hours: {window: "20:00-08:00"}
caps: [{messages: 2, per: 7d}]
---
track: adoption
scope: contact
stages:
  - {id: new, expected: 5d}
  - {id: active, enter: 'count("Logged In", "30d") >= 2'}
"""
FIRST_STEPS = """
---
playbook: first-steps
topic: tips
priority: 60
enter:
  on: [{event: Account Created}]
  where: traits.plan == "pro"
  reenter: {after: 10d}
goal: {when: happened("Report Shared"), within: 20d}
exit: [{when: traits.status == "churned", reason: churned}]
steps:
  - {id: welcome, email: hello}
  - id: project
    wait_for: [{event: Project Created, then: [{id: next, email: hello}]}]
    up_to: 3d
    else: [{id: stuck, email: hello}]
  - {id: call, task: Call, wait: true}
  - wait: 1d
  - {id: tips, email: hello}
"""
OTHERS = """
---
playbook: late
topic: tips
enter: {on: [{event: Stage Behind}]}
steps: [{id: nudge, email: hello}, {emit: Nudged}]
---
playbook: kickoff
scope: account
topic: tips
enter: {on: [{event: Contract Signed}]}
steps:
  - {id: invite, email: hello, to: all}
  - {id: each, enroll: welcome-aboard, to: {role: admin}, late_joiners: true}
  - wait_for: [{when: 'count("Logged In") >= 2'}]
    up_to: 20d
  - {id: last, email: hello, to: {role: admin}}
---
playbook: welcome-aboard
topic: tips
steps: [{wait: 1h}, {id: aboard, email: hello}]
"""


ALL = SURROUNDINGS + FIRST_STEPS + OTHERS


def day(days: float) -> datetime:
    return START + timedelta(days=days)


def member(who: str, at: datetime, *roles: str, account: str = "acme") -> Accepted:
    told = TraitsChanged(at=at, traits={"email": f"{who}@example.com", "roles": list(roles)})
    return Accepted(message_id=f"{who} {at}", kind="contact", external_id=who, account=account, input=told)


def signed(at: datetime) -> Accepted:
    happened = event("acme", "Contract Signed", at)
    return Accepted(message_id=happened.message_id, kind="account", external_id="acme", input=happened.input)


async def lived(store: SqlStore) -> StoredLives:
    """Two contacts of their own and an account with two, one of whom comes later, live through all of it."""
    lives = StoredLives(store, day(-10))
    await lives.publish(documents(SURROUNDINGS))
    pro = {"plan": "pro", "timezone": "Asia/Tokyo"}
    await lives.happen(
        day(-9), traits("ana", day(-9), email="ana@example.com", **pro), event("ana", "Logged In", day(-9))
    )
    await lives.happen(day(0))
    await lives.publish(documents(ALL))
    await store.ring_all()
    await lives.happen(day(1), event("ana", "Account Created", day(1)), traits("ben", day(1), plan="free"))
    await lives.happen(day(1.5), event("ben", "Account Created", day(1.5)), member("cy", day(1.5), "admin"))
    await lives.happen(day(2), event("ana", "Project Created", day(2)), signed(day(2)))
    await lives.happen(day(3), member("di", day(3), "admin"), event("cy", "Logged In", day(3)))
    await lives.until(day(4))
    await store.consent(await store.find("di"), "tips", given=False, at=day(4), source="test")
    (task,) = await store.tasks(status="open")
    await lives.until(day(6))
    lives.clock.instant = day(6)
    await store.place_order_at_task(task.key, TaskEnded(at=day(6), key=task.key, outcome="done", by="sam"))
    await lives.happen(day(8), event("cy", "Logged In", day(8)), event("ana", "Report Shared", day(8)))
    await lives.happen(day(20), event("ana", "Account Created", day(20)))
    await lives.happen(day(21), traits("ana", day(21), status="churned"))
    await lives.until(END)
    return lives


def drafted(text: str, playbook: str, since: datetime = START) -> Draft:
    return draft_of(documents(text), playbook, since, END, PlainText())


async def households(store: SqlStore) -> list[Household]:
    found: list[Household] = []
    while page := await store.households(1, found[-1][0].id if found else None):
        found += page
    return found


Told = list[tuple[datetime, str, str, str | None, str | None, str | None]]


def told(entries: list[JournalEntry], playbook: str) -> Told:
    return [
        (entry.at, entry.act, entry.code, entry.enrollment, entry.step, entry.reason)
        for entry in entries
        if entry.playbook == playbook
    ]


async def test_a_backtest_of_what_ran_comes_to_what_happened(store: SqlStore) -> None:
    lives = await lived(store)
    known = {each.id: [row.entry for row in await store.journal(each.id)] for each in await lives.store.customers()}
    for playbook in ("first-steps", "late", "kickoff", "welcome-aboard"):
        again: dict[str, list[JournalEntry]] = {name: [] for name in known}
        draft = drafted(ALL, playbook)
        if playbook == "welcome-aboard":
            draft = drafted(ALL, "kickoff")  # which enrolls in it
        for household in await households(store):
            for whose, entry in relive(draft, household).chronicle:
                again[whose.customer].append(entry)
        happened = {name: told(entries, playbook) for name, entries in known.items()}
        assert any(happened.values())
        assert {name: told(entries, playbook) for name, entries in again.items()} == happened


@pytest.mark.parametrize(
    ("post", "invited"), [([0, 1, 2], ["cy", "di"]), ([0, 2, 1], ["cy"]), ([2, 0, 1], list[str]())]
)
async def test_at_one_instant_it_comes_as_it_was_accepted(store: SqlStore, post: list[int], invited: list[str]) -> None:
    lives = StoredLives(store, START)
    await lives.publish(documents(ALL))
    await lives.happen(day(1), traits("cy", day(1), email="cy@example.com", roles=["admin"]))
    at = day(2)
    items = [member("cy", at, "admin"), member("di", at, "admin"), signed(at)]
    await lives.happen(at, *(items[number] for number in post))
    await lives.until(END)

    (acme,) = [each for each in await households(store) if each[0].ref == "acme"]
    world = relive(drafted(ALL, "kickoff"), acme)

    sent = [whose.facts.ref for whose, entry in world.chronicle if entry.step == "invite" and entry.act == "released"]
    assert sorted(sent) == invited
    for life in acme:
        happened = told([row.entry for row in await store.journal(life.id)], "kickoff")
        assert told([entry for whose, entry in world.chronicle if whose.customer == life.id], "kickoff") == happened


async def test_an_account_waits_for_nobody_who_has_gone_to_another_one(store: SqlStore) -> None:
    await store.migrate()
    at = day(1)
    await store.accept([member("cy", at, "admin"), member("di", at, "admin"), signed(day(2))], at)
    await store.accept([member("di", day(3), account="globex")], day(3))

    figures = reckon([drafted(ALL, "kickoff")], await households(store))[0]

    assert (figures.customers, figures.entrants, dict(figures.ended)) == (4, 1, {"completed": 1})
    assert figures.by_step == {"kickoff/invite": 1, "welcome-aboard/aboard": 1, "kickoff/last": 1}


async def test_a_draft_is_as_if_published_on_its_day_to_everybody_who_was_known(store: SqlStore) -> None:
    await store.migrate()
    early, late = day(-20), day(20)
    items = [
        each
        for who, at in (("ana", early), ("ben", late))
        for each in (traits(who, at, email=f"{who}@example.com", plan="pro"), event(who, "Logged In", at))
    ]
    await store.accept(items, late)
    playbook = """
---
playbook: loyal
topic: tips
enter: {on: [{when: 'happened("Logged In")', existing: EXISTING}]}
steps: [{id: thanks, email: hello}]
"""
    drafts = [drafted(SURROUNDINGS + playbook.replace("EXISTING", word), "loyal") for word in ("ignore", "enroll")]

    ignored, enrolled = reckon(drafts, await households(store))

    assert (ignored.entered, ignored.alone) == ({"2026-03-22": 1}, 0)
    assert (enrolled.entered, enrolled.alone) == ({"2026-03-02": 1, "2026-03-22": 1}, 1)


async def test_messages_of_other_playbooks_take_their_places_under_caps(store: SqlStore) -> None:
    lives = StoredLives(store, START)
    await lives.publish(documents(ALL))
    told = traits("ana", START, email="ana@example.com", plan="pro", status="new")
    await lives.happen(START, told, event("ana", "Account Created", START))
    await lives.until(END)
    book = "\n---\nplaybook: extra\ntopic: tips\nenter: {on: [{event: Account Created}]}\nsteps: [{wait: 4d}, {email: hello}]"

    figures = reckon([drafted(SURROUNDINGS + book, "extra")], await households(store))[0]

    assert (figures.held, figures.skipped) == ({"frequency_cap": 1}, {"expired": 1})


async def test_what_was_merged_comes_back_with_its_names(store: SqlStore) -> None:
    await store.migrate()
    await store.accept([member("old", START), event("old", "Logged In", START)], START)
    await store.accept([Merge(message_id="m", at=day(1), previous_id="old", external_id="ana")], day(1))

    (acme,) = [each for each in await households(store) if each[0].ref == "acme"]

    assert [(life.ref, life.names) for life in acme] == [("acme", ()), ("ana", ("old",))]
    figures = reckon([drafted(ALL, "kickoff")], [acme])[0]
    assert figures.customers == 2
