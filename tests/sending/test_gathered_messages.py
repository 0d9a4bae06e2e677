"""A digest as it leaves: one message of several, its ledger row, and what becomes of each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from temporalio.exceptions import ApplicationError

from perennia.core.json_values import Json, JsonObject
from perennia.providers.failures import Unavailable
from perennia.store import open_store
from perennia.store.port import Store
from perennia.store.records import MessageReport, SendStatus
from tests.sending.conftest import ANA, FILES, POLICIES, START, Office
from tests.support.installation import event, publish, traits

NOON = START + timedelta(hours=1)  # in Amsterdam
WORKSPACE = {
    **FILES,
    "playbooks/policies.yaml": POLICIES.replace("name: Tips}", 'name: Tips, digest: {at: "12:00"}}'),
    "playbooks/shared.yaml": """
        playbook: shared
        topic: tips
        enter: {on: [{event: Shared}]}
        exit: [{event: Stopped, reason: stopped}]
        steps: [{id: mail, email: news}, {wait: 9d}]
        """,
    "playbooks/liked.yaml": """
        playbook: liked
        topic: tips
        enter: {on: [{event: Liked}]}
        steps: [{id: mail, email: page}, {wait: 9d}]
        """,
    "templates/news.md": """
        ---
        subject: "{{ contact.first_name }}, news"
        ---
        [Read them](https://acme.example/news) about {{ traits.plan }}
        """,
    "templates/page.mjml": """
        ---
        subject: A page
        ---
        <mj-section><mj-column><mj-text>It was liked</mj-text></mj-column></mj-section>
        """,
}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    await store.migrate()
    await publish(store, tmp_path / "workspace", START, WORKSPACE)
    yield store
    await store.close()


async def gathered(office: Office, **told: Json) -> str:
    """Ana shares something, somebody likes it, and it becomes noon; the key of what leaves."""
    happened = [event("ana", name, START) for name in ("Shared", "Liked")]
    await office.store.accept([traits("ana", START, **ANA, **told), *happened], START)
    office.customer = await office.store.find("ana")
    assert await office.turn() == []
    office.clock.instant = NOON
    (key,) = await office.turn()
    return key


async def results(office: Office) -> dict[str, JsonObject]:
    """By playbook what its step knows of its message after the next turn."""
    await office.turn()
    _, state = await office.store.customer(office.customer)
    assert state is not None
    return {each.playbook: each.steps.get("mail", {}) for each in state.enrollments}


async def told(office: Office, key: str, what: str) -> None:
    """The provider reports something of the message."""
    (reference,) = [each.message_id.strip("<>").partition("@")[0] for each in office.provider.asked]
    report = MessageReport(id=f"{key}-{what}", provider="told", what=what, reference=reference, address=None, raw="{}")
    await office.store.hear_report(report, NOON)


async def test_several_messages_leave_as_one(office: Office) -> None:
    await office.send(await gathered(office, plan="pro"))

    (message,) = office.provider.asked
    assert message.subject == "Tips: A page (+1)"
    assert [line for line in message.text.splitlines() if "liked" in line or "news" in line] == [
        "It was liked",
        "Ana, news",
        "Read them (https://acme.example/news) about pro",
    ]
    assert dict(message.headers)["List-Unsubscribe"].startswith("<https://acme.example/u/")
    row = await office.row()
    assert (row.key, row.status, row.topic) == (f"{office.customer}/digest:tips.1/digest/1", SendStatus.SENT, "tips")
    assert {name: known["outcome"] for name, known in (await results(office)).items()} == {
        "shared": "sent",
        "liked": "sent",
    }


async def test_what_is_told_of_a_digest_is_told_of_each_message_but_nobody_knows_which_link_was_clicked(
    office: Office,
) -> None:
    key = await gathered(office, plan="pro")
    await office.send(key)
    await office.turn()
    for what in ("opened", "clicked"):
        await told(office, key, what)
    known = await results(office)
    assert [(each["opened"], each["clicked"]) for each in known.values()] == [(True, False), (True, False)]


async def test_a_click_on_the_link_of_one_message_is_told_to_its_step(office: Office) -> None:
    key = await gathered(office, plan="pro")
    await office.send(key)
    (reference,) = [each.message_id.strip("<>").partition("@")[0] for each in office.provider.asked]
    click = MessageReport(id="l", provider="us", what="clicked", reference=reference, address=None, raw="{}")
    click = msgspec.structs.replace(click, seen=True, item=1)
    await office.store.hear_report(click, NOON + timedelta(minutes=1))
    assert {name: each["clicked"] for name, each in (await results(office)).items()} == {"liked": False, "shared": True}


async def test_a_message_that_cannot_be_rendered_fails_alone(office: Office) -> None:
    await office.send(await gathered(office))

    assert [each.subject for each in office.provider.asked] == ["Tips: A page"]
    found = {name: (each["outcome"], each.get("reason")) for name, each in (await results(office)).items()}
    assert found == {"shared": ("failed", "template_error"), "liked": ("sent", None)}


async def test_whoever_exits_before_the_digest_is_claimed_is_not_in_it_nor_in_its_next_attempt(office: Office) -> None:
    key = await gathered(office, plan="pro")
    await office.store.accept([event("ana", "Stopped", NOON)], NOON)
    assert await office.turn() == [key]
    office.provider.answers = [Unavailable("down", maybe_sent=False)]
    with pytest.raises(ApplicationError, match="provider_unavailable"):
        await office.send(key)
    await office.send(key)

    assert [each.subject for each in office.provider.asked] == ["A page", "A page"]
    assert office.provider.asked[0].idempotency_key == office.provider.asked[1].idempotency_key == key


async def test_consent_that_is_withdrawn_at_the_last_moment_keeps_all_of_it_back(office: Office) -> None:
    key = await gathered(office, plan="pro")
    await office.store.unsubscribe(office.customer, "tips", NOON, "link")
    await office.send(key)

    assert office.provider.asked == []
    found = {name: (each["outcome"], each.get("reason")) for name, each in (await results(office)).items()}
    assert found == {
        "shared": ("skipped", "unsubscribed_topic"),
        "liked": ("skipped", "unsubscribed_topic"),
    }
