"""What is retried, and what a history gets to know of a failure."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.failures import activity_failures
from perennia.providers.failures import Misconfigured, Refused, Unavailable, Unsupported
from perennia.store.port import StoreUnavailable

KEY = "contact-1/welcome.1/email/1"


async def failing_with(error: Exception) -> ApplicationError:
    """The failure that Temporal sees of an activity in which ``error`` is raised."""

    async def send() -> None:
        with activity_failures(KEY):
            raise error

    with pytest.raises(ApplicationError) as failed:
        await ActivityEnvironment().run(send)
    return failed.value


async def test_an_unavailable_provider_is_tried_again_when_it_says() -> None:
    failure = await failing_with(Unavailable("451 4.7.1", retry_after=timedelta(seconds=90)))

    assert (failure.non_retryable, failure.next_retry_delay) == (False, timedelta(seconds=90))


async def test_a_misconfigured_provider_holds_people_and_drops_nobody() -> None:
    failure = await failing_with(Misconfigured("535: the password is wrong"))

    assert (failure.non_retryable, failure.next_retry_delay) == (False, timedelta(minutes=5))


async def test_a_refusal_is_final_and_its_reason_is_the_failures_type() -> None:
    failure = await failing_with(Refused("550 5.1.1", reason="invalid_address"))

    assert (failure.non_retryable, failure.type) == (True, "invalid_address")


async def test_what_a_provider_cannot_do_is_final() -> None:
    failure = await failing_with(Unsupported("no SMTPUTF8"))

    assert (failure.non_retryable, failure.type) == (True, "provider_unsupported")


async def test_a_locked_store_is_tried_again() -> None:
    failure = await failing_with(StoreUnavailable("database is locked"))

    assert (failure.non_retryable, failure.type) == (False, "store_unavailable")


async def test_a_bug_is_tried_again_and_keeps_its_words_to_itself() -> None:
    failure = await failing_with(KeyError("ana@example.com"))

    assert failure.non_retryable is False
    assert failure.message == f"KeyError: {KEY}"
    assert failure.__cause__ is None


async def test_a_failure_that_was_decided_already_passes_unchanged() -> None:
    decided = ApplicationError("decided", type="duplicate", non_retryable=True)

    assert await failing_with(decided) is decided


async def test_a_bug_is_told_with_its_traceback_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    await failing_with(KeyError("ana@example.com"))

    (record,) = (record for record in caplog.records if record.name == "activities.failures")
    assert record.getMessage() == f"{KEY}: attempt 1 failed, and will be tried again"
    assert record.exc_info is not None
