from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest

from perennia.providers.addresses import InvalidAddress, Mailbox
from perennia.providers.email import OutgoingEmail, UnsafeHeader
from perennia.providers.mime import compose

LETTER = OutgoingEmail(
    sender=Mailbox("hello@example.com"),
    recipient=Mailbox("ben@example.org"),
    subject="Welcome",
    text="Hello",
    html=None,
    message_id="<0f3a@example.com>",
    idempotency_key="k",
    date=datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
)


@pytest.mark.parametrize("subject", ["a\r\nBcc: eve@evil.example", "a\nb", "a\rb", "a\0b"])
def test_a_subject_with_a_line_break_is_no_message(subject: str) -> None:
    with pytest.raises(UnsafeHeader):
        replace(LETTER, subject=subject)


@pytest.mark.parametrize("message_id", ["0f3a@example.com", "<a b@example.com>", "<a@b>\r\nBcc: eve@evil.example"])
def test_a_message_id_of_another_shape_is_no_message(message_id: str) -> None:
    with pytest.raises(UnsafeHeader):
        replace(LETTER, message_id=message_id)


@pytest.mark.parametrize(
    "header",
    [
        ("X-Note", "a\nBcc: eve@evil.example"),
        ("X-Note: a\r\nBcc", "eve@evil.example"),
        ("X-Note", "ü"),
        ("Bcc", "eve@evil.example"),
        ("from", "eve@evil.example"),
        ("Content-Type", "text/html"),
        ("", "x"),
    ],
)
def test_a_header_that_breaks_out_or_replaces_another_is_no_message(header: tuple[str, str]) -> None:
    with pytest.raises(UnsafeHeader):
        replace(LETTER, headers=(header,))


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("ana@example.com", "ana@example.com"),
        ("  ana@example.com ", "ana@example.com"),
        ("ana+tag@Example.COM", "ana+tag@example.com"),
        ("Ana.O'Neil@example.com", "Ana.O'Neil@example.com"),
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("ana@straße.example", "ana@xn--strae-oqa.example"),
        ("żółw@example.com", "żółw@example.com"),
        ("a..b@docomo.example", '"a..b"@docomo.example'),
        ("sam@localhost", "sam@localhost"),
    ],
)
def test_an_address_is_written_one_way(given: str, canonical: str) -> None:
    assert Mailbox(given).address == canonical


@pytest.mark.parametrize(
    "given",
    [
        "",
        "ana",
        "@example.com",
        "ana@",
        "ana@exa mple.com",
        "ana@-example.com",
        "ana@example..com",
        "an a@example.com",
        "ana@example.com\r\nBcc: eve@evil.example",
        "ana\r\n@example.com",
        "ana@example.com>",
        "<ana@example.com",
        '"ana"@example.com',
        "ana@eve@example.com",
        "ana,eve@example.com",
        "ana@[127.0.0.1]",
        "ana@exämple\u200b.com\u2028x",
        f"{'a' * 65}@example.com",
        f"ana@{'a' * 64}.com",
        f"ana@{'.'.join(['a' * 60] * 5)}",
    ],
)
def test_what_is_no_address_is_invalid_and_not_repeated(given: str) -> None:
    with pytest.raises(InvalidAddress) as error:
        Mailbox(given)
    assert not given or given not in str(error.value)


def test_a_name_has_no_control_characters() -> None:
    assert Mailbox("ana@example.com", "Ana\r\nBcc: eve@evil.example\u2028x ").name == "Ana Bcc: eve@evil.example x"


@pytest.mark.parametrize("name", ["", "  ", "\r\n", None])
def test_an_empty_name_is_none(name: str | None) -> None:
    assert Mailbox("ana@example.com", name).name is None


def test_no_line_of_a_message_is_longer_than_998_characters() -> None:
    letter = replace(LETTER, subject="ä word " * 200, text="x" * 5000, html="<p>" + "y" * 5000 + "</p>")
    lines = compose(replace(letter, subject=letter.subject.strip())).split(b"\r\n")
    assert max(len(line) for line in lines) <= 998


def test_a_long_subject_is_folded_and_reads_the_same() -> None:
    subject = "One more thing about the report that you shared with your colleagues in Utrecht last week"
    message = message_from_bytes(compose(replace(LETTER, subject=subject)), policy=policy.default)
    assert message["Subject"] == subject


def test_blanks_at_the_end_of_a_line_and_lone_dots_survive() -> None:
    message = message_from_bytes(compose(replace(LETTER, text="a \n.\n\nFrom here\n=\n")), policy=policy.default)
    body = message.get_body(("plain",))
    assert body is not None
    assert body.get_content() == "a \r\n.\r\n\r\nFrom here\r\n=\r\n"


def test_half_a_surrogate_pair_is_replaced_instead_of_stopping_the_message() -> None:
    assert b"?" in compose(replace(LETTER, subject="\ud83d", text="\ud83d", html="\ud83d"))
