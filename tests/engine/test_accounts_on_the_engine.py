"""Accounts and their contacts over Temporal: each has a workflow and turns of its own, and they tell each other by inputs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from ruamel.yaml import YAML

from perennia.catalog.scenario_models import Scenario
from perennia.core.compiled import compile_catalog
from perennia.core.decisions import CustomerEvent, TraitsChanged
from perennia.simulate.scenarios import run_scenario
from perennia.simulate.timeline import Happening
from perennia.store.port import Store
from perennia.store.records import Accepted
from perennia.temporal import DevServer
from tests.support.driven_scenarios import Timelines, lived_on_the_engine, shown, visible
from tests.support.installed import QUICK_SWEEP, installed, killed_after_a_commit
from tests.support.lives import TOPICS, PlainText, documents
from tests.support.temporal_runs import Rig

FAN_OUT = """
playbook: kickoff
scope: account
enter: {on: [{event: Contract Signed}]}
steps:
  - {id: each, enroll: first-steps, to: all, wait: true}
  - {task: Everybody has begun}
---
playbook: first-steps
steps: [{milestone: begun}, {id: hello, email: hello, transactional: true}]
"""
CONTACTS = [f"contact-{number}" for number in range(8)]


def member(who: str, at: datetime) -> Accepted:
    told = TraitsChanged(at=at, traits={"email": f"{who}@example.com"})
    return Accepted(message_id=who, kind="contact", external_id=who, account="acme", input=told)


async def test_a_fan_out_enrolls_each_contact_once_though_the_worker_is_killed_in_between(
    rig: Rig, store: Store, server: DevServer, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    published = documents(f"{TOPICS}\n---\n{FAN_OUT}")
    before = await store.current_revision()
    assert before is not None
    await store.publish(published, compile_catalog("r1", published).triggers(), now, "test", before.id)
    signed = CustomerEvent(at=now, name="Contract Signed")
    event = Accepted(message_id="signed", kind="account", external_id="acme", input=signed)
    await store.accept([*(member(who, now) for who in CONTACTS), event], now)
    acme, first = await store.find("acme"), await store.find(CONTACTS[0])
    # The account's turn is committed and its contacts have their inputs; then one contact's turn, and nobody is told of it.
    for customer in (acme, first):
        await killed_after_a_commit(server.address, rig, customer, f"sqlite:///{tmp_path / 'store.sqlite'}")

    async with installed(rig, store, QUICK_SWEEP) as installation:
        async with asyncio.timeout(60):
            while [task.title for task in await store.tasks(acme)] != ["Everybody has begun"]:  # noqa: ASYNC110 - see `temporal_runs.until`
                await asyncio.sleep(0.05)
        sent = sorted(installation.recipients())
    entered = [[row.entry.code for row in await store.journal(await store.find(who))] for who in CONTACTS]
    assert entered == [["entered", "done", "email", "sent", "completed"]] * len(CONTACTS)
    assert sent == sorted([await store.find(who) for who in CONTACTS])


ROLES = """
playbook: review
scope: account
topic: tips
enter: {on: [{event: Review Due}]}
steps:
  - {id: invite, email: invite, to: {role: admin}, hold: 3d}
  - wait: 1d
  - {id: all, email: summary, to: all, hold: 3d}
  - {task: Prepare the review}
---
playbook: tip
topic: tips
priority: 80
enter: {on: [{event: Signed In}]}
steps: [{email: tip}]
"""
REVIEWED = """
scenario: what an account and a contact's own playbook send share the contact's caps
customer:
  id: acme
  contacts:
    - {id: ana, email: ana@example.com, roles: [admin]}
    - {id: bo, email: bo@example.com, roles: [admin]}
    - {id: cy, email: cy@example.com}
start: 2026-03-02T10:00:00Z
policies: {caps: [{messages: 1, per: 2d}]}
when:
  - {at: 1h, event: Signed In, contact: ana}
  - {at: 2h, unsubscribe: tips, contact: bo}
  - {at: 1d, event: Review Due}
until: 10d
strict: false
expect: [{never: {email: nothing}}]
"""
ASKED = """
survey: nps
kind: nps
question: How likely?
---
playbook: ask
topic: tips
enter: {on: [{event: Quarter Ended}]}
steps:
  - {id: ask, survey: nps, wait: 7d, remind: [3d, 6d]}
  - branch:
      - if: steps.ask.score <= 6
        then: [{task: Call}]
---
playbook: unhappy
scope: account
enter: {on: [{when: answers.nps.score < 6}]}
steps: [{task: Look after them}]
"""
ANSWERED = """
scenario: one answers after a reminder, the other not at all
customer:
  id: acme
  contacts:
    - {id: ana, email: ana@example.com}
    - {id: bo, email: bo@example.com}
start: 2026-03-02T10:00:00Z
when:
  - {at: 1d, event: Quarter Ended, contact: ana}
  - {at: 1d, event: Quarter Ended, contact: bo}
  - {at: 5d, answer: {survey: nps, score: 4, comment: Slow}, contact: ana}
until: 20d
strict: false
expect: [{never: {email: nothing}}]
"""


async def lived_alike(definitions: str, scenario: str, tmp_path: Path) -> dict[str | None, list[tuple[str, str]]]:
    """What the engine shows, by whom and with spans from the start, which is what the simulator shows."""
    published = documents(f"{TOPICS}\n---\n{definitions}")
    told = Scenario.model_validate(cast("object", YAML(typ="safe", pure=True).load(scenario)))  # pyright: ignore[reportUnknownMemberType]: ruamel has no types
    timelines: Timelines = await lived_on_the_engine(told, tmp_path / "store.sqlite", published)
    assert shown(timelines) == shown(visible(told, run_scenario(published, told, PlainText())))
    return {contact: [line(each) for each in timeline] for contact, timeline in timelines.items()}


def line(happening: Happening) -> tuple[str, str]:
    passed = happening.at - datetime(2026, 3, 2, 10, tzinfo=UTC)
    return f"{passed.days}d{passed.seconds // 3600}h", str(replace(happening, contact=None))


async def test_mail_to_a_role_waits_for_its_place_at_each_contact(tmp_path: Path) -> None:
    assert await lived_alike(ROLES, REVIEWED, tmp_path) == {
        None: [
            ("1d0h", "enrolled in review"),
            ("4d1h", 'task "Prepare the review"'),
            ("4d1h", "ended completed"),
        ],
        "ana": [
            ("0d1h", "enrolled in tip"),
            ("0d1h", "email tip"),
            ("0d1h", "ended completed"),
            ("2d1h", "email invite"),
            ("4d1h", "email summary"),
        ],
        "bo": [("1d0h", "skipped invite: unsubscribed_topic"), ("3d1h", "skipped all: unsubscribed_topic")],
        "cy": [("3d1h", "email summary")],
    }


async def test_a_survey_is_asked_reminded_and_answered_and_the_account_hears_of_it(tmp_path: Path) -> None:
    assert await lived_alike(ASKED, ANSWERED, tmp_path) == {
        None: [("5d0h", "enrolled in unhappy"), ("5d0h", 'task "Look after them"'), ("5d0h", "ended completed")],
        "ana": [
            ("1d0h", "enrolled in ask"),
            ("1d0h", "survey nps"),
            ("4d0h", "survey nps"),
            ("5d0h", 'task "Call"'),
            ("5d0h", "ended completed"),
        ],
        "bo": [
            ("1d0h", "enrolled in ask"),
            ("1d0h", "survey nps"),
            ("4d0h", "survey nps"),
            ("7d0h", "survey nps"),
            ("8d0h", "ended completed"),
        ],
    }
