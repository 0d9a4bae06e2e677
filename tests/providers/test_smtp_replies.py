from __future__ import annotations

import pytest
from aiosmtplib import SMTPResponse

from perennia.providers import smtp_replies
from perennia.providers.failures import Misconfigured, ProviderFailure, Refused, Unavailable


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (421, "4.3.2 Shutting down", Unavailable),
        (450, "4.2.0 Greylisted", Unavailable),
        (451, "4.7.1 Try again later", Unavailable),
        (452, "4.2.2 Mailbox full", Unavailable),
        (530, "5.7.0 Must issue STARTTLS first", Misconfigured),
        (550, "5.1.8 Sender address rejected: Domain not found", Misconfigured),
        (550, "5.7.1 Relaying denied", Refused),
        (550, "Mailbox unavailable", Refused),
        (552, "5.2.2 Over quota", Refused),
    ],
)
def test_what_a_reply_to_a_recipient_means(code: int, text: str, kind: type[ProviderFailure]) -> None:
    assert type(smtp_replies.failure_of_recipient(SMTPResponse(code, text))) is kind


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("5.1.1 User unknown", "invalid_address"),
        ("5.1.2 Bad destination system", "invalid_address"),
        ("5.1.3 Bad address syntax", "invalid_address"),
        ("5.1.10 Null MX", "invalid_address"),
        ("5.2.1 Mailbox disabled", "provider_refused"),
        ("5.7.1 Blocked", "provider_refused"),
        ("User unknown", "provider_refused"),
    ],
)
def test_only_an_enhanced_code_makes_an_address_invalid(text: str, reason: str) -> None:
    failure = smtp_replies.failure_of_recipient(SMTPResponse(550, text))
    assert isinstance(failure, Refused)
    assert failure.reason == reason


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (454, "4.7.0 Temporary authentication failure", Unavailable),
        (535, "5.7.8 Bad credentials", Misconfigured),
        (534, "5.7.9 Mechanism too weak", Misconfigured),
    ],
)
def test_what_a_reply_to_a_login_means(code: int, text: str, kind: type[ProviderFailure]) -> None:
    assert type(smtp_replies.failure_of_login(SMTPResponse(code, text))) is kind


@pytest.mark.parametrize(
    ("text", "id_"),
    [
        ("2.0.0 Ok: queued as 4F2B3C1A", "4F2B3C1A"),
        ("OK id=1rX2Yz-0003Ab-2C", "1rX2Yz-0003Ab-2C"),
        ("Ok 0100018f2a3b4c5d-6e7f-000000", "0100018f2a3b4c5d-6e7f-000000"),
        ("2.0.0 OK", None),
        ("Thanks", None),
    ],
)
def test_the_servers_own_name_of_a_message(text: str, id_: str | None) -> None:
    assert smtp_replies.queue_id(SMTPResponse(250, text)) == id_


def test_what_the_server_said_is_kept_apart_from_the_message_of_the_failure() -> None:
    failure = smtp_replies.failure_of_recipient(SMTPResponse(550, "5.1.1 <ana@example.com>: unknown"))
    assert str(failure) == "no such recipient (550 5.1.1)"
    assert failure.reply == "5.1.1 <ana@example.com>: unknown"
