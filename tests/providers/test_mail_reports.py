"""What mail to our return paths tells, in the forms of the servers that write it; and mail that nobody should believe."""

from __future__ import annotations

import pytest

from perennia.providers.bounce_kinds import bounce_kind
from perennia.providers.failures import Misconfigured
from perennia.providers.mail_reports import MailReports
from perennia.providers.reports import Report
from perennia.providers.return_paths import ReturnPaths
from tests.providers import returned_mail as mail

REFERENCE = "0f3a" * 8
PATHS = ReturnPaths("bounces@mail.acme.example", ["a key of the tests"])
PATH = PATHS.of(REFERENCE).address
MAILBOX = "bounces@mail.acme.example"


def read(text: str, to: str = PATH, sender: str = "") -> list[Report]:
    return MailReports(PATHS).read(mail.about(text, REFERENCE), sender, [to])


def told(text: str, to: str = PATH, sender: str = "") -> list[tuple[str, str | None]]:
    reports = read(text, to, sender)
    assert {each.reference for each in reports} <= {REFERENCE}
    assert {each.recipient for each in reports} <= {None}
    return [(each.what.value, each.bounce) for each in reports]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (mail.POSTFIX, ("bounced", "hard")),
        (mail.POSTFIX_LATE, ("deferred", None)),
        (mail.POSTFIX_GAVE_UP, ("bounced", "soft")),
        (mail.POSTFIX_DELIVERED, ("delivered", None)),
        (mail.EXIM, ("bounced", "hard")),
        (mail.EXIM_OLD, ("bounced", "soft")),
        (mail.OFFICE_365, ("bounced", "hard")),
        (mail.OFFICE_365_FULL, ("bounced", "soft")),
        (mail.OFFICE_365_BLOCK, ("bounced", "block")),
        (mail.GMAIL, ("bounced", "hard")),
        (mail.GMAIL_BLOCK, ("bounced", "block")),
        (mail.AMAZON_SES, ("bounced", "hard")),
        (mail.INTERNATIONAL, ("bounced", "hard")),
        (mail.QMAIL, ("bounced", "soft")),
    ],
)
def test_a_bounce_is_told_of_the_message_whose_return_path_it_came_to(text: str, what: tuple[str, str | None]) -> None:
    assert told(text) == [what]


@pytest.mark.parametrize("text", [mail.YAHOO, mail.AOL, mail.MICROSOFT])
def test_a_complaint_is_told_of_the_message_that_it_carries(text: str) -> None:
    assert told(text, MAILBOX, "feedback@arf.mail.example") == [("complained", None)]


@pytest.mark.parametrize("text", [mail.FRAUD, mail.NOT_SPAM])
def test_other_feedback_is_no_complaint(text: str) -> None:
    assert told(text, MAILBOX, "feedback@arf.mail.example") == [("remarked", None)]


@pytest.mark.parametrize("text", [mail.VACATION, mail.OLD_VACATION, mail.READ_RECEIPT])
@pytest.mark.parametrize("to", [PATH, MAILBOX])
@pytest.mark.parametrize("sender", ["", "ann@x.io"])
def test_what_a_machine_answers_tells_nothing(text: str, to: str, sender: str) -> None:
    assert told(text, to, sender) == []


@pytest.mark.parametrize("to", [PATH, MAILBOX])
def test_a_persons_answer_is_told_without_its_words(to: str) -> None:
    assert told(mail.ANSWER, to, "ann@x.io") == [("replied", None)]
    assert "helped" not in read(mail.ANSWER, to, "ann@x.io")[0].raw


def test_the_servers_words_are_kept() -> None:
    (report,) = read(mail.POSTFIX)
    assert "diagnostic-code: smtp; 550 5.1.1 <ann@x.io>: Recipient address rejected: User unknown" in report.raw
    assert "reporting-mta: dns; mail.acme.example" in report.raw


def test_a_bounce_in_no_known_form_says_why_it_is_soft() -> None:
    assert "no report in a form that we know" in read(mail.QMAIL)[0].raw


def test_the_same_mail_has_the_same_ids_whatever_servers_it_passed() -> None:
    again = "Received: from mx by mail; Mon, 2 Mar 2026 09:00:07 +0000\n" + mail.POSTFIX
    assert [each.id for each in read(again)] == [each.id for each in read(mail.POSTFIX)]
    assert read(mail.POSTFIX_GAVE_UP)[0].id != read(mail.POSTFIX)[0].id


# --- who may say it -------------------------------------------------------------------------------------------------


def test_a_bounce_without_a_return_path_tells_nothing() -> None:
    assert told(mail.POSTFIX, MAILBOX) == []


def test_a_return_path_is_read_in_any_letters_case() -> None:
    assert told(mail.POSTFIX, PATH.upper()) == [("bounced", "hard")]


@pytest.mark.parametrize(
    "forged",
    [
        f"bounces+{REFERENCE}-{'a' * 16}@mail.acme.example",
        f"bounces+{REFERENCE}@mail.acme.example",
        PATH.replace("0f3a", "0f3b"),
        PATH.replace("bounces+", "bouncer+"),
        PATH.replace("mail.acme.example", "mail.evil.example"),
        ReturnPaths(MAILBOX, ["another key"]).of(REFERENCE).address,
    ],
)
def test_a_return_path_that_was_not_made_here_is_not_taken(forged: str) -> None:
    assert not PATHS.takes(forged)
    assert told(mail.POSTFIX, forged) == []


def test_paths_of_a_former_key_are_taken_as_long_as_it_is_named() -> None:
    assert ReturnPaths(MAILBOX, ["new", "a key of the tests"]).takes(PATH)
    assert not ReturnPaths(MAILBOX, ["new"]).takes(PATH)


@pytest.mark.parametrize("address", ["bounces", "a+b@x.io", "much-too-long-a-name@x.io", "bén@x.io"])
def test_a_bounce_address_that_leaves_no_room_is_refused(address: str) -> None:
    with pytest.raises(Misconfigured):
        ReturnPaths(address, ["key"])


# --- nonsense -------------------------------------------------------------------------------------------------------


def nested(form: str, depth: int) -> str:
    return "".join(form.format(depth=each) for each in range(depth))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff" * 5000,
        b"Content-Type: multipart/report; boundary=\r\n\r\n--\r\n--\r\n",
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n--b\r\n',
        b"Content-Type: message/delivery-status\r\nContent-Transfer-Encoding: base64\r\n\r\n\xff\xfe==",
        b"Content-Type: text/plain; charset=martian\r\nSubject: =?x?q?=FF?=\r\n\r\n\xff",
        nested('Content-Type: multipart/mixed; boundary="b{depth}"\r\n\r\n--b{depth}\r\n', 3000).encode(),
        nested("Content-Type: message/rfc822\r\n\r\n", 3000).encode(),
        b"Content-Type: message/feedback-report\r\n\r\n" + b"a: b\r\n\r\n" * 20_000,
        b"Content-Type: message/delivery-status\r\n\r\n" + b"a: b\r\n\r\n" * 20_000,
        b"x" * 5_000_000,
    ],
    ids=[
        "empty",
        "binary",
        "no boundary",
        "cut off",
        "base64",
        "charset",
        "multiparts",
        "messages",
        "groups",
        "recipients",
        "long",
    ],
)
@pytest.mark.timeout(10)
def test_nonsense_suppresses_nothing(content: bytes) -> None:
    reports = MailReports(PATHS)
    assert reports.read(content, "", [MAILBOX]) == []
    assert {each.bounce for each in reports.read(content, "", [PATH])} <= {"soft"}


# --- what a server's last word means --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "diagnostic", "kind"),
    [
        ("5.1.1", "", "hard"),
        ("5.4.1", "smtp;550 5.4.1 Recipient address rejected: Access denied.", "hard"),
        ("5.4.4", "X-Postfix; Host or domain name not found", "hard"),
        ("", "smtp; 550 no such user here", "hard"),
        ("5.0.0", "smtp; 552 5.2.2 mailbox is full", "soft"),
        ("5.0.0", "smtp; 554 message rejected due to its content", "block"),
        ("5.1.8", "smtp; 553 sender domain does not exist", "block"),
        ("5.3.4", "smtp; 552 message too big", "block"),
        ("5.5.0", "smtp; 550 5.7.1 listed at zen.spamhaus.org", "block"),
        ("4.7.1", "smtp; 451 4.7.1 greylisted", "block"),
        ("4.2.2", "smtp; 452 4.2.2 over quota", "soft"),
        ("", "", "soft"),
        ("nonsense", "from 10.5.1.1 via 5.1.1.9", "soft"),
    ],
)
def test_a_servers_last_word_is_hard_soft_or_block(status: str, diagnostic: str, kind: str) -> None:
    assert bounce_kind(status, diagnostic) == kind
