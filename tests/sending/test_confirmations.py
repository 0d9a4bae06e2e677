"""Double opt-in, from the yes in a form to the confirmed consent: the message, its link, what is sent until then."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from perennia.core.json_values import Json
from perennia.providers.email import OutgoingEmail
from perennia.rendering.links import ConfirmLink
from perennia.store.permission_records import ConsentLink, ConsentOutcome, ConsentSaid
from perennia.store.records import SendStatus
from tests.sending.conftest import ANA, LINKS, POLICIES, START, Office
from tests.support.installation import event, traits


@pytest.fixture
def policies() -> str:
    return POLICIES.replace("kind: opt_out", "kind: opt_in, confirm: true")


async def asks(office: Office, **told: Json) -> list[str]:
    """Ana says yes to tips in a form; the keys that are open after her next turn."""
    known = {name: value for name, value in {**ANA, **told}.items() if value is not None}
    await office.store.accept([traits("ana", START, **known)], START)
    office.customer = await office.store.find("ana")
    said = ConsentSaid(topic="tips", given=True, at=START, source="footer form", text="v2")
    assert await office.store.say_consent(office.customer, said) is ConsentOutcome.ASKED
    return await office.turn()


def link_in(message: OutgoingEmail) -> ConfirmLink:
    (token,) = set(re.findall(r"https://acme\.example/c/(\S+?)[\s)\"<>]", f"{message.text} "))
    return LINKS.read_confirm(token)


async def confirm(office: Office, link: ConfirmLink) -> bool:
    told = ConsentLink(customer=link.customer, topic=link.topic, asked_at=link.asked_at, mark=link.mark)
    return await office.store.confirm_consent(told, START + timedelta(hours=1), {"ip": "192.0.2.7"})


async def test_the_message_asks_and_its_link_confirms(office: Office) -> None:
    (key,) = await asks(office)
    await office.send(key)

    (message,) = office.provider.asked
    assert message.subject == "Please confirm: Tips"
    assert message.headers == ()  # nothing to unsubscribe from yet
    assert "ana@example.com" not in message.text
    assert await confirm(office, link_in(message))
    (standing,) = await office.store.consent_standings(office.customer, START + timedelta(days=1))
    assert (standing.state, standing.source) == ("given", "confirmed")


async def test_it_is_told_by_why_and_waits_for_no_quiet_hours(office: Office) -> None:
    (key,) = await asks(office)
    await office.send(key)
    await office.turn()

    told = [(row.entry.act, row.entry.code) for row in await office.store.journal(office.customer)]
    assert told == [("consent", "asked"), ("released", "email"), ("consent", "sent")]
    row = await office.row()
    assert (row.playbook, row.step, row.topic, row.status) == ("topic:tips", "confirm", "tips", SendStatus.SENT)


async def test_until_then_nothing_of_the_topic_is_sent(office: Office) -> None:
    (key,) = await asks(office)
    await office.send(key)
    await office.store.accept([event("ana", "Signed Up", START)], START)

    assert await office.turn() == []
    skipped = [row.entry for row in await office.store.journal(office.customer) if row.entry.code == "skipped"]
    assert [entry.reason for entry in skipped] == ["consent_pending"]


async def test_the_message_speaks_the_recipients_language(office: Office) -> None:
    (key,) = await asks(office, locale="ja-JP")
    await office.send(key)

    assert office.provider.asked[0].subject == "ご確認ください：Tips"


async def test_who_has_no_address_cannot_be_asked(office: Office) -> None:
    assert await asks(office, email=None) == []

    last = (await office.store.journal(office.customer))[-1].entry
    assert (last.code, last.reason) == ("skipped", "missing_address")


async def test_a_link_does_not_confirm_for_an_address_that_was_told_later(office: Office) -> None:
    (key,) = await asks(office)
    await office.send(key)
    await office.store.accept([traits("ana", START, email="ana@new.example")], START)

    assert not await confirm(office, link_in(office.provider.asked[0]))
