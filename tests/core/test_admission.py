"""May this message leave: the order of the looks and their reason codes (language, section 8)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from perennia.core.admission import refusal, underway
from perennia.core.definitions import Policies, Topic
from perennia.core.state import LedgerEntry, Recipient

POLICIES = Policies(
    policies="default",
    topics={"tips": Topic(kind="opt_out", name="Tips"), "news": Topic(kind="opt_in", name="News")},
)
ANA = "ana@example.com"
MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)


def asked(recipient: Recipient | None, topic: str | None = "tips", *, transactional: bool = False) -> str | None:
    return refusal(recipient, topic=topic, transactional=transactional, internal=False, policies=POLICIES, at=MONDAY)


def test_an_opt_out_topic_needs_no_consent() -> None:
    assert asked(Recipient(address=ANA)) is None


def test_an_opt_in_topic_needs_consent() -> None:
    assert asked(Recipient(address=ANA), "news") == "no_consent"
    assert asked(Recipient(address=ANA, consents={"news": True}), "news") is None


def test_whoever_unsubscribed_from_the_topic_is_not_written_to() -> None:
    assert asked(Recipient(address=ANA, consents={"tips": False})) == "unsubscribed_topic"


def test_another_topics_no_changes_nothing() -> None:
    assert asked(Recipient(address=ANA, consents={"news": False})) is None


def test_transactional_mail_passes_the_topic_and_not_the_suppression() -> None:
    assert asked(Recipient(address=ANA, consents={"tips": False}), transactional=True) is None
    assert asked(Recipient(address=ANA, suppressed=True), transactional=True) == "suppressed"


def test_a_consent_that_waits_to_be_confirmed_is_named_until_it_expires() -> None:
    asked_for = Recipient(address=ANA, pending={"news": MONDAY + timedelta(seconds=1)})
    assert asked(asked_for, "news") == "consent_pending"
    assert asked(Recipient(address=ANA, pending={"news": MONDAY}), "news") == "no_consent"


def test_who_unsubscribed_and_asks_again_waits_to_be_confirmed() -> None:
    again = Recipient(address=ANA, consents={"news": False}, pending={"news": MONDAY + timedelta(days=7)})
    assert asked(again, "news") == "consent_pending"


def test_suppression_is_named_before_consent() -> None:
    assert asked(Recipient(address=ANA, suppressed=True, consents={"tips": False})) == "suppressed"


@pytest.mark.parametrize("address", [None, ""])
def test_no_address_is_a_missing_one(address: str | None) -> None:
    assert asked(Recipient(address=address)) == "missing_address"


@pytest.mark.parametrize(
    "address", ["ana", "ana@", "@example.com", "a na@example.com", "ana@exa mple.com", "a@b@c.d", "a@b.\n"]
)
def test_what_is_no_address_is_invalid(address: str) -> None:
    assert asked(Recipient(address=address)) == "invalid_address"


@pytest.mark.parametrize("address", ["ana@example.com", "ana+x@sub.example.co.uk", "ünal@exämple.de", "root@localhost"])
def test_addresses_of_all_kinds_pass(address: str) -> None:
    assert asked(Recipient(address=address)) is None


def test_what_is_on_its_way_cannot_be_taken_back() -> None:
    entries = tuple(LedgerEntry(key=key, at=MONDAY, topic="tips", priority=50) for key in ("a", "b"))
    told = underway(Recipient(address=ANA, ledger=entries), "b").ledger
    assert told is not None
    assert [each.left for each in told] == [False, True]
