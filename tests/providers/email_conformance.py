"""What "supported" means for an email provider: every adapter passes all of this, against a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from enum import StrEnum
from typing import Protocol

import pytest

from perennia.providers.addresses import Mailbox
from perennia.providers.email import EmailProvider, OutgoingEmail
from perennia.providers.failures import Misconfigured, Refused, Unavailable


class Trouble(StrEnum):
    """What the server does to one message."""

    THROTTLED = "asks to come back later"
    OVERLOADED = "is down for the moment, and says so"
    SILENT = "takes the message and never answers"
    REFUSES_RECIPIENT = "wants nothing for this recipient"
    UNKNOWN_RECIPIENT = "knows no such recipient"
    REFUSES_MESSAGE = "takes the recipient, not the message"
    REFUSES_SENDER = "does not know the sender"
    DROPPED_EARLY = "closes the connection before it has the message"
    DROPPED_LATE = "closes the connection after it has the message"


class EmailRig(Protocol):
    """An adapter joined to a real server that can be told what to do.

    ``impatient`` waits for an answer a second at most, ``stranger`` has wrong credentials, ``unreachable`` the address of
    nobody. ``limit_bytes``: the largest message the server takes. ``sees_what_was_read``: the adapter can tell that a
    connection broke before the server had the message. ``punctuation``: in the sender's name, arrives.
    """

    provider: EmailProvider
    impatient: EmailProvider
    stranger: EmailProvider
    unreachable: EmailProvider
    limit_bytes: int
    sees_what_was_read: bool
    punctuation: bool

    def expect(self, *troubles: Trouble) -> None:
        """One for each of the coming messages; those after them are accepted."""
        ...

    @property
    def arrived(self) -> Sequence[EmailMessage]: ...

    @property
    def recipients(self) -> Sequence[str]:
        """Of each message that arrived, as the server was told them."""
        ...


LETTER = OutgoingEmail(
    sender=Mailbox("hello@example.com", "Ana at Example"),
    recipient=Mailbox("ben@example.org"),
    subject="Welcome",
    text="Hello Ben,\n\n.a line that begins with a dot\n",
    html="<p>Hello Ben</p>",
    message_id="<0f3a@example.com>",
    idempotency_key="c1/welcome.1/hello/1",
    date=datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
    headers=(("List-Unsubscribe", "<https://example.com/u/abc>"),),
)


class EmailConformance:
    """Subclass it and give it a fixture ``rig``."""

    async def test_a_message_arrives_as_it_was_given(self, rig: EmailRig) -> None:
        await rig.provider.send(LETTER)
        (message,) = rig.arrived
        assert message["From"] == "Ana at Example <hello@example.com>"
        assert message["To"] == "ben@example.org"
        assert message["Subject"] == "Welcome"
        assert message["List-Unsubscribe"] == "<https://example.com/u/abc>"
        assert _text(message, "plain") == "Hello Ben,\n\n.a line that begins with a dot\n"
        assert _text(message, "html").strip() == "<p>Hello Ben</p>"

    async def test_the_message_id_arrives_where_the_provider_keeps_it(self, rig: EmailRig) -> None:
        await rig.provider.send(LETTER)
        (message,) = rig.arrived
        assert (message["Message-ID"] == "<0f3a@example.com>") is rig.provider.capabilities.keeps_message_id

    async def test_a_message_without_html_is_plain_text(self, rig: EmailRig) -> None:
        await rig.provider.send(replace(LETTER, html=None))
        assert rig.arrived[0].get_content_type() == "text/plain"

    async def test_answers_go_where_the_message_says(self, rig: EmailRig) -> None:
        await rig.provider.send(replace(LETTER, reply_to=Mailbox("sam@example.com", "Sam")))
        assert rig.arrived[0]["Reply-To"] == "Sam <sam@example.com>"

    async def test_a_throttled_message_was_not_accepted_and_goes_through_later(self, rig: EmailRig) -> None:
        rig.expect(Trouble.THROTTLED)
        with pytest.raises(Unavailable) as failure:
            await rig.provider.send(LETTER)
        assert not failure.value.maybe_sent
        assert not rig.arrived
        await rig.provider.send(LETTER)
        assert len(rig.arrived) == 1

    async def test_an_overloaded_server_is_unavailable(self, rig: EmailRig) -> None:
        rig.expect(Trouble.OVERLOADED)
        with pytest.raises(Unavailable) as failure:
            await rig.provider.send(LETTER)
        assert not failure.value.maybe_sent

    async def test_a_server_out_of_reach_is_unavailable(self, rig: EmailRig) -> None:
        with pytest.raises(Unavailable) as failure:
            await rig.unreachable.send(LETTER)
        assert not failure.value.maybe_sent

    async def test_silence_after_the_message_leaves_open_whether_it_was_accepted(self, rig: EmailRig) -> None:
        rig.expect(Trouble.SILENT)
        with pytest.raises(Unavailable) as failure:
            await rig.impatient.send(LETTER)
        assert failure.value.maybe_sent

    async def test_a_connection_lost_before_the_message_was_not_an_acceptance(self, rig: EmailRig) -> None:
        rig.expect(Trouble.DROPPED_EARLY)
        with pytest.raises(Unavailable) as failure:
            await rig.provider.send(LETTER)
        assert not (failure.value.maybe_sent and rig.sees_what_was_read)
        assert not rig.arrived

    async def test_a_connection_lost_after_the_message_leaves_open_whether_it_was_accepted(self, rig: EmailRig) -> None:
        rig.expect(Trouble.DROPPED_LATE)
        with pytest.raises(Unavailable) as failure:
            await rig.provider.send(LETTER)
        assert failure.value.maybe_sent

    async def test_the_same_key_again_is_a_second_message_only_where_the_provider_knows_no_keys(
        self, rig: EmailRig
    ) -> None:
        rig.expect(Trouble.DROPPED_LATE)
        with pytest.raises(Unavailable):
            await rig.provider.send(LETTER)
        await rig.provider.send(LETTER)
        await rig.provider.send(replace(LETTER, text="written anew, with another link"))
        lost = 0 if rig.provider.capabilities.idempotent else len(rig.arrived) - 1
        assert len(rig.arrived) == 1 + lost
        assert rig.provider.capabilities.idempotent or lost >= 1

    async def test_a_refused_recipient_is_refused_and_the_next_one_is_not(self, rig: EmailRig) -> None:
        rig.expect(Trouble.REFUSES_RECIPIENT)
        with pytest.raises(Refused) as failure:
            await rig.provider.send(LETTER)
        assert failure.value.reason == "provider_refused"
        await rig.provider.send(replace(LETTER, recipient=Mailbox("cleo@example.org"), idempotency_key="c2"))
        assert rig.recipients == ["cleo@example.org"]

    async def test_an_unknown_recipient_is_an_invalid_address(self, rig: EmailRig) -> None:
        rig.expect(Trouble.UNKNOWN_RECIPIENT)
        with pytest.raises(Refused) as failure:
            await rig.provider.send(LETTER)
        assert failure.value.reason == "invalid_address"

    async def test_a_refused_message_is_refused(self, rig: EmailRig) -> None:
        rig.expect(Trouble.REFUSES_MESSAGE)
        with pytest.raises(Refused) as failure:
            await rig.provider.send(LETTER)
        assert failure.value.reason == "provider_refused"

    async def test_a_sender_that_the_provider_does_not_know_is_a_misconfiguration(self, rig: EmailRig) -> None:
        rig.expect(Trouble.REFUSES_SENDER)
        with pytest.raises(Misconfigured):
            await rig.provider.send(LETTER)

    async def test_what_a_failure_says_holds_no_address(self, rig: EmailRig) -> None:
        rig.expect(Trouble.UNKNOWN_RECIPIENT)
        with pytest.raises(Refused) as failure:
            await rig.provider.send(LETTER)
        assert "ben" not in str(failure.value)
        assert "example.org" not in str(failure.value)

    async def test_bad_credentials_are_a_misconfiguration(self, rig: EmailRig) -> None:
        with pytest.raises(Misconfigured):
            await rig.stranger.send(LETTER)
        with pytest.raises(Misconfigured):
            await rig.stranger.examine()
        assert not rig.arrived

    async def test_an_examination_says_that_all_is_well_and_sends_nothing(self, rig: EmailRig) -> None:
        assert await rig.provider.examine()
        assert not rig.arrived

    async def test_names_and_texts_in_any_script_arrive_as_written(self, rig: EmailRig) -> None:
        name, subject = (
            "Zoë Müller-Łukaszewicz, 株式会社例 «Пример» und noch ein paar Worte mehr",
            "Grüße 👋 aus Łódź " * 8,
        )
        letter = replace(
            LETTER, sender=Mailbox("hello@example.com", name), subject=subject.strip(), text="Žluťoučký 🐎\n"
        )
        await rig.provider.send(letter)
        (message,) = rig.arrived
        shown = name if rig.punctuation else name.replace(",", "")
        assert _decoded(message, "From") == f"{shown} <hello@example.com>"
        assert _decoded(message, "Subject") == subject.strip()
        assert _text(message, "plain") == "Žluťoučký 🐎\n"

    async def test_a_domain_in_any_script_is_written_in_ascii(self, rig: EmailRig) -> None:
        await rig.provider.send(replace(LETTER, recipient=Mailbox("ben@bücher.example")))
        assert rig.recipients == ["ben@xn--bcher-kva.example"]

    async def test_a_local_part_in_any_script_arrives_or_is_an_invalid_address(self, rig: EmailRig) -> None:
        letter = replace(LETTER, recipient=Mailbox("żółw@example.org"))
        if rig.provider.capabilities.any_local_part:
            await rig.provider.send(letter)
            assert rig.recipients == ["żółw@example.org"]
        else:
            with pytest.raises(Refused) as failure:
                await rig.provider.send(letter)
            assert failure.value.reason == "invalid_address"

    @pytest.mark.parametrize("value", ["=?utf-8?q?x=0D=0ABcc:_eve@evil.example?=", "=?utf-8?b?DQpCY2M6IGV2ZUBldmls?="])
    async def test_an_encoded_line_break_adds_no_header(self, rig: EmailRig, value: str) -> None:
        await rig.provider.send(replace(LETTER, subject=value, sender=Mailbox("hello@example.com", value)))
        (message,) = rig.arrived
        assert message["Bcc"] is None
        assert message["Subject"] == value
        assert rig.recipients == ["ben@example.org"]

    async def test_a_name_cannot_add_a_recipient(self, rig: EmailRig) -> None:
        name = 'Ben" <eve@evil.example>, "x'
        await rig.provider.send(replace(LETTER, recipient=Mailbox("ben@example.org", name)))
        assert [address.addr_spec for address in rig.arrived[0]["To"].addresses] == ["ben@example.org"]

    async def test_a_message_above_the_limit_is_refused(self, rig: EmailRig) -> None:
        with pytest.raises(Refused) as failure:
            await rig.provider.send(replace(LETTER, text="x" * rig.limit_bytes))
        assert failure.value.reason == "provider_refused"
        assert not rig.arrived

    async def test_many_messages_at_once_arrive_once_each(self, rig: EmailRig) -> None:
        letters = [replace(LETTER, subject=str(number), idempotency_key=f"k{number}") for number in range(25)]
        await asyncio.gather(*(rig.provider.send(letter) for letter in letters))
        assert sorted(int(message["Subject"]) for message in rig.arrived) == list(range(25))

    async def test_a_provider_that_was_closed_can_be_used_again(self, rig: EmailRig) -> None:
        await rig.provider.send(LETTER)
        await rig.provider.close()
        await rig.provider.send(replace(LETTER, idempotency_key="another"))
        assert len(rig.arrived) == 2


def _text(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def _decoded(message: EmailMessage, header: str) -> str:
    # Not message[header]: Python 3.11's parser adds a blank between two encoded words of a name.
    return str(make_header(decode_header(dict(message.raw_items())[header])))
