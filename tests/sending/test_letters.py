"""What a message looks like when it leaves."""

from __future__ import annotations

from pathlib import Path

import httpx

from perennia.inbox import running_inbox
from perennia.providers.email import email_provider
from tests.sending.conftest import Office


async def test_the_workspaces_default_sender_is_in_from(office: Office) -> None:
    await office.send(await office.open("Signed Up"))
    sender = office.provider.asked[0].sender
    assert (sender.address, sender.name) == ("hello@acme.example", "Ana at Acme")


async def test_a_step_can_name_another_sender(office: Office) -> None:
    await office.send(await office.open("Paid"))
    assert office.provider.asked[0].sender.address == "billing@acme.example"


async def test_mail_from_the_owner_has_the_owners_name_and_answers_go_to_the_owner(office: Office) -> None:
    await office.send(await office.open("Asked"))
    message = office.provider.asked[0]
    assert (message.sender.address, message.sender.name) == ("hello@acme.example", "Sam Smith")
    assert message.reply_to is not None
    assert message.reply_to.address == "sam@acme.example"


async def test_mail_from_an_owner_who_is_not_there_comes_from_the_default_sender(office: Office) -> None:
    await office.send(await office.open("Asked", owner=None))
    message = office.provider.asked[0]
    assert (message.sender.name, message.reply_to) == ("Ana at Acme", None)


async def test_internal_mail_goes_to_the_owner(office: Office) -> None:
    await office.send(await office.open("Went Quiet"))
    recipient = office.provider.asked[0].recipient
    assert (recipient.address, recipient.name) == ("sam@acme.example", "Sam Smith")


async def test_the_message_id_comes_from_the_idempotency_key(office: Office) -> None:
    key = await office.open("Signed Up")
    await office.send(key)
    message = office.provider.asked[0]
    assert message.idempotency_key == key
    assert message.message_id.endswith("@acme.example>")
    assert office.customer not in message.message_id


async def test_mail_with_a_topic_can_be_unsubscribed_from_with_one_click(office: Office) -> None:
    await office.send(await office.open("Signed Up"))
    headers = dict(office.provider.asked[0].headers)
    assert headers["List-Unsubscribe"].startswith("<https://acme.example/u/")
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Unsubscribe"].strip("<>") in office.provider.asked[0].text


async def test_transactional_mail_has_nothing_to_unsubscribe_from(office: Office) -> None:
    await office.send(await office.open("Paid"))
    assert office.provider.asked[0].headers == ()
    assert "Unsubscribe" not in office.provider.asked[0].text


async def test_the_recipients_language_is_used(office: Office) -> None:
    await office.send(await office.open("Signed Up", locale="de-AT"))
    assert office.provider.asked[0].subject == "Hallo Ana"


async def test_values_are_written_in_the_recipients_language_and_zone(office: Office) -> None:
    await office.send(await office.open("Signed Up", locale="de-AT", timezone="Europe/Vienna"))
    assert "Hallo Ana: € 1.234,50, 6. Mai 2026" in office.provider.asked[0].text.replace("\u00a0", " ")


async def test_a_colleague_is_written_to_in_the_workspaces_language(office: Office) -> None:
    await office.send(await office.open("Went Quiet", locale="de-AT"))
    assert office.provider.asked[0].subject == "Hello Ana"


async def test_a_message_is_dated_by_the_engines_clock(office: Office) -> None:
    await office.send(await office.open("Signed Up"))
    assert office.provider.asked[0].date == office.clock.now()


async def test_a_message_arrives_in_a_real_inbox_over_smtp(office: Office, tmp_path: Path) -> None:
    async with running_inbox("127.0.0.1:0", "127.0.0.1:0", tmp_path / "inbox") as addresses:
        provider = email_provider(addresses.smtp_url)
        await office.send(await office.open("Signed Up"), provider)
        await provider.close()
        async with httpx.AsyncClient(base_url=addresses.url) as http:
            message = (await http.get("/messages/1.json")).json()
    assert (message["recipients"], message["subject"]) == (["ana@example.com"], "Hello Ana")
    assert ["List-Unsubscribe-Post", "List-Unsubscribe=One-Click"] in message["headers"]
    assert (await office.row()).provider_id == "inbox000001"
