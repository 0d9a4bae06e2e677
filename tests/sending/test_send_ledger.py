"""One key, one message: what the ledger says, whatever becomes of an attempt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import pytest
from temporalio.exceptions import ApplicationError

from perennia.core.decisions import EnrollmentOrder
from perennia.core.json_values import Json
from perennia.providers.email import Capabilities
from perennia.providers.failures import Misconfigured, Refused, Unavailable, Unsupported
from perennia.store.port import Store, StoreUnavailable
from perennia.store.records import SendStatus
from tests.sending.conftest import START, Office
from tests.support.installation import traits

BUSY = Unavailable("busy", retry_after=timedelta(minutes=7))
BROKEN = Unavailable("the connection broke", maybe_sent=True)


async def failed_attempt(office: Office, key: str) -> ApplicationError:
    with pytest.raises(ApplicationError) as error:
        await office.send(key)
    return error.value


async def test_a_sent_message_ends_sent_with_the_providers_id(office: Office) -> None:
    await office.send(await office.open("Signed Up"))
    row = await office.row()
    assert (row.status, row.provider, row.provider_id) == (SendStatus.SENT, "told", "queue-1")


async def test_a_sent_key_is_never_sent_again(office: Office) -> None:
    key = await office.open("Signed Up")
    await office.send(key)
    await office.send(key)
    assert len(office.provider.asked) == 1


async def test_a_key_that_nobody_knows_sends_nothing(office: Office) -> None:
    await office.open("Signed Up")
    await office.send("contact-0/none.1/mail/1")
    assert not office.provider.asked


async def test_the_result_reaches_the_step(office: Office) -> None:
    await office.send(await office.open("Signed Up"))
    assert (await office.result())["outcome"] == "sent"
    assert await office.turn() == []


# --- what passes ----------------------------------------------------------------------------------------------------


async def test_a_busy_provider_is_asked_again_when_it_said(office: Office) -> None:
    key = await office.open("Signed Up")
    office.provider.answers = [BUSY]
    error = await failed_attempt(office, key)
    assert (error.type, error.next_retry_delay, error.non_retryable) == (
        "provider_unavailable",
        timedelta(minutes=7),
        False,
    )


async def test_what_was_certainly_not_accepted_is_sent_by_the_next_attempt_and_counts_as_sent(office: Office) -> None:
    key = await office.open("Signed Up")
    office.provider.answers = [BUSY, BUSY]
    await failed_attempt(office, key)
    assert (await office.row()).status is SendStatus.RESERVED
    await failed_attempt(office, key)
    await office.send(key)
    assert (await office.row()).status is SendStatus.SENT


async def test_a_wrong_password_holds_the_message_and_is_loud(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    key = await office.open("Signed Up")
    office.provider.answers = [Misconfigured("the SMTP server refused user or password (535)")]
    error = await failed_attempt(office, key)
    assert (error.type, error.non_retryable) == ("provider_misconfigured", False)
    assert error.next_retry_delay == timedelta(minutes=5)
    assert (await office.row()).status is SendStatus.RESERVED
    assert "CRITICAL" in {record.levelname for record in caplog.records if "refused user" in record.message}


async def test_nothing_about_a_person_is_in_a_failure(office: Office) -> None:
    key = await office.open("Signed Up")
    office.provider.answers = [Unavailable("ana@example.com is busy", reply="<ana@example.com> busy")]
    error = await failed_attempt(office, key)
    assert "ana@example.com" not in str(error)
    assert error.__cause__ is None


async def test_each_try_can_be_looked_at_in_the_providers_own_words(office: Office) -> None:
    key = await office.open("Paid")
    office.provider.answers = [BUSY, BUSY, BROKEN, Refused("refused (550 5.7.1)", reply="<ana@example.com> no")]
    for _ in range(3):
        await failed_attempt(office, key)
    await office.send(key)
    tries = [(one.outcome, one.times, one.provider) for one in (await office.store.attempts([key]))[key]]
    assert tries == [
        ("unavailable", 2, "told"),
        ("unanswered", 1, "told"),  # the connection broke
        ("unanswered", 1, "told"),  # and so nobody knows
        ("refused", 1, "told"),
    ]
    assert (await office.store.attempts([key]))[key][-1].reply == "<ana@example.com> no"


# --- what does not --------------------------------------------------------------------------------------------------


async def test_a_refused_message_fails_its_step(office: Office) -> None:
    office.provider.answers = [Refused("refused (550 5.7.1)", reply="5.7.1 no")]
    await office.send(await office.open("Signed Up"))
    assert (await office.row()).status is SendStatus.FAILED
    result = await office.result()
    assert (result["outcome"], result["reason"], result["reply"]) == ("failed", "provider_refused", "5.7.1 no")


async def test_an_unknown_recipient_is_skipped_as_an_invalid_address(office: Office) -> None:
    office.provider.answers = [Refused("no such recipient (550 5.1.1)", reason="invalid_address")]
    await office.send(await office.open("Signed Up"))
    row = await office.row()
    assert (row.status, row.reason) == (SendStatus.SKIPPED, "invalid_address")


async def test_what_the_provider_cannot_do_fails(office: Office) -> None:
    office.provider.answers = [Unsupported("no such thing")]
    await office.send(await office.open("Signed Up"))
    assert (await office.row()).status is SendStatus.FAILED


async def test_a_template_error_sends_nothing_and_says_template_line_and_name(office: Office) -> None:
    await office.send(await office.open("Signed Up", first_name=None))
    assert not office.provider.asked
    result = await office.result()
    assert (result["outcome"], result["reason"]) == ("failed", "template_error")
    assert (result["template"], result["line"], result["name"]) == ("mail.md", 2, "contact.first_name")


# --- looked at once more --------------------------------------------------------------------------------------------


async def test_a_suppression_after_the_release_is_respected(office: Office) -> None:
    key = await office.open("Paid")
    await office.store.suppress("ana@example.com", "bounced", START)
    await office.send(key)
    row = await office.row()
    assert (row.status, row.reason, office.provider.asked) == (SendStatus.SKIPPED, "suppressed", [])


async def test_an_unsubscription_after_the_release_is_respected(office: Office) -> None:
    key = await office.open("Signed Up")
    await office.store.unsubscribe(office.customer, "tips", START, "page")
    await office.send(key)
    assert (await office.row()).reason == "unsubscribed_topic"


async def test_an_unsubscription_does_not_stop_transactional_mail(office: Office) -> None:
    key = await office.open("Paid")
    await office.store.unsubscribe(office.customer, "tips", START, "page")
    await office.send(key)
    assert (await office.row()).status is SendStatus.SENT


async def test_an_address_that_went_away_after_the_release_is_missing(office: Office) -> None:
    key = await office.open("Signed Up")
    await change_traits(office, email=None)
    await office.send(key)
    assert (await office.row()).reason == "missing_address"


async def test_an_address_that_became_none_is_invalid(office: Office) -> None:
    key = await office.open("Signed Up")
    await change_traits(office, email="ana@exa mple.com")
    await office.send(key)
    assert (await office.row()).reason == "invalid_address"


async def test_a_paused_playbook_holds_its_message_and_sends_it_afterwards(office: Office) -> None:
    key = await office.open("Signed Up")
    await office.store.place_order(office.customer, EnrollmentOrder(at=START, order="pause", playbook="tips", by="sam"))
    await office.turn()
    error = await failed_attempt(office, key)
    assert (error.type, error.non_retryable, office.provider.asked) == ("playbook_paused", True, [])
    await office.store.place_order(
        office.customer, EnrollmentOrder(at=START, order="resume", playbook="tips", by="sam")
    )
    await office.turn()
    await office.send(key)
    assert (await office.row()).status is SendStatus.SENT


async def test_a_message_that_was_withdrawn_before_it_left_stays_here(office: Office) -> None:
    key = await office.open("Signed Up")
    await office.store.place_order(office.customer, EnrollmentOrder(at=START, order="end", playbook="tips", by="sam"))
    await office.turn()
    await office.send(key)
    assert not office.provider.asked


async def change_traits(office: Office, **told: Json) -> None:
    await office.store.accept([traits("ana", START, **told)], START)
    await office.turn()


# --- interrupted ----------------------------------------------------------------------------------------------------


async def interrupted(office: Office, happened: str) -> str:
    """The key of a message whose first attempt died between its claim and its end."""
    key = await office.open(happened)
    await office.store.claim_message(key, START)
    return key


async def test_interrupted_marketing_mail_is_not_repeated_and_counts_as_unknown(office: Office) -> None:
    await office.send(await interrupted(office, "Signed Up"))
    assert not office.provider.asked
    assert (await office.row()).status is SendStatus.UNKNOWN
    result = await office.result()
    assert (result["outcome"], result["uncertain"], result["repeated"]) == ("sent", True, False)


@pytest.mark.parametrize("happened", ["Paid", "Went Quiet"])
async def test_interrupted_transactional_or_internal_mail_is_repeated_and_counts_as_unknown(
    office: Office, happened: str
) -> None:
    await office.send(await interrupted(office, happened))
    assert len(office.provider.asked) == 1
    assert (await office.row()).status is SendStatus.UNKNOWN
    result = await office.result()
    assert (result["outcome"], result["uncertain"], result["repeated"]) == ("sent", True, True)


@pytest.mark.parametrize("happened", ["Signed Up", "Paid"])
async def test_a_provider_with_idempotency_keys_is_asked_again_and_nothing_is_unknown(
    office: Office, happened: str
) -> None:
    office.provider.capabilities = Capabilities(idempotent=True)
    key = await interrupted(office, happened)
    await office.send(key)
    assert [message.idempotency_key for message in office.provider.asked] == [key]
    assert (await office.row()).status is SendStatus.SENT


async def test_a_key_that_the_provider_has_forgotten_by_now_is_no_longer_asked_for(office: Office) -> None:
    office.provider.capabilities = Capabilities(idempotent=True, remembers=timedelta(hours=24))
    key = await interrupted(office, "Signed Up")
    office.clock.instant = START + timedelta(hours=24)
    await office.send(key)
    assert office.provider.asked == []
    assert (await office.row()).status is SendStatus.UNKNOWN


async def test_mail_in_doubt_stays_so_where_a_provider_with_keys_is_busy(office: Office) -> None:
    office.provider.capabilities = Capabilities(idempotent=True)
    key = await interrupted(office, "Signed Up")
    office.provider.answers = [BUSY]
    await failed_attempt(office, key)
    assert (await office.row()).status is SendStatus.SENDING


async def test_interrupted_mail_that_finds_the_provider_busy_stays_interrupted(office: Office) -> None:
    key = await interrupted(office, "Paid")
    office.provider.answers = [BUSY]
    await failed_attempt(office, key)
    assert (await office.row()).status is SendStatus.SENDING
    await office.send(key)
    assert (await office.row()).status is SendStatus.UNKNOWN


async def test_marketing_mail_that_may_be_out_is_not_tried_again(office: Office) -> None:
    office.provider.answers = [BROKEN]
    await office.send(await office.open("Signed Up"))
    assert (await office.row()).status is SendStatus.UNKNOWN


async def test_transactional_mail_that_may_be_out_is_tried_again_and_counts_as_unknown(office: Office) -> None:
    key = await office.open("Paid")
    office.provider.answers = [BROKEN]
    await failed_attempt(office, key)
    await office.send(key)
    assert len(office.provider.asked) == 2
    assert (await office.row()).status is SendStatus.UNKNOWN


async def test_two_attempts_at_one_key_end_it_once(office: Office) -> None:
    key = await interrupted(office, "Paid")
    await office.send(key)
    await office.send(key)
    await office.turn()
    ends = [row for row in await office.store.journal(office.customer) if row.entry.act == "step_ended"]
    assert len(ends) == 1


# --- a store that is locked -----------------------------------------------------------------------------------------


@dataclass
class Locked:
    """The store, locked for so many calls of one method."""

    store: Store
    method: str
    calls: int

    def __getattr__(self, name: str) -> object:
        found: Callable[..., object] = getattr(self.store, name)
        if name != self.method or self.calls == 0:
            return found
        self.calls -= 1

        async def locked(*_: object) -> None:
            raise StoreUnavailable("locked")

        return locked


async def test_a_locked_store_does_not_make_a_sent_message_unknown(office: Office) -> None:
    key = await office.open("Signed Up")
    await office.send(key, store=cast("Store", Locked(office.store, "end_message", 2)))
    assert (await office.row()).status is SendStatus.SENT


async def test_a_locked_store_does_not_make_a_refused_attempt_unknown(office: Office) -> None:
    key = await office.open("Signed Up")
    office.provider.answers = [BUSY]
    with pytest.raises(ApplicationError):
        await office.send(key, store=cast("Store", Locked(office.store, "release_message", 2)))
    assert (await office.row()).status is SendStatus.RESERVED


async def test_a_template_that_cannot_be_read_yet_gives_the_message_its_place_back(office: Office) -> None:
    key = await office.open("Signed Up")
    with pytest.raises(ApplicationError) as error:
        await office.send(key, store=cast("Store", Locked(office.store, "template", 1)))
    assert error.value.type == "store_unavailable"
    assert (await office.row()).status is SendStatus.RESERVED
