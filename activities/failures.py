"""Failures as Temporal shall see them: the only place that decides what is retried.

What leaves here ends up in a history that is kept for weeks and that an erasure does not reach. So a failure carries its
type and the opaque key of what failed, never the words of whoever failed: an SMTP server quotes the address it refuses.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from perennia.providers.failures import Misconfigured, ProviderFailure, Refused, Unavailable, Unsupported
from perennia.store.port import StoreUnavailable

log = logging.getLogger(__name__)

# A wrong key or a missing sender is repaired by a person: people are held, not dropped, and looked at again this often.
REPAIR_INTERVAL: Final = timedelta(minutes=5)
# The first failure of a run of attempts is logged, and then every thirtieth: about one a minute at a turn's 2 s.
LOG_EVERY: Final = 30


@contextmanager
def activity_failures(subject: str) -> Generator[None]:
    """Turns whatever is raised inside into an `ApplicationError` about ``subject`` (an opaque id or key).

    Cancellation and failures that are `ApplicationError`s already pass unchanged.
    """
    try:
        yield
    except ApplicationError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, only its type may leave
        _tell(subject, error)
        raise activity_failure(subject, error) from None


def activity_failure(subject: str, error: Exception) -> ApplicationError:
    """What ``error`` means for the activity. The type of a failure that is final becomes the effect's reason."""
    match error:
        case Unavailable():
            return _retried(subject, "provider_unavailable", error.retry_after)
        case StoreUnavailable():
            return _retried(subject, "store_unavailable")
        case Misconfigured():
            return _retried(subject, "provider_misconfigured", REPAIR_INTERVAL)
        case Refused():
            return ApplicationError(f"{error.reason}: {subject}", type=error.reason, non_retryable=True)
        case Unsupported():
            return ApplicationError(f"provider_unsupported: {subject}", type="provider_unsupported", non_retryable=True)
        case _:
            return _retried(subject, type(error).__name__)


def _retried(subject: str, kind: str, after: timedelta | None = None) -> ApplicationError:
    # Benign: the SDK would log each attempt with its traceback; `_tell` does it once in a while.
    return ApplicationError(
        f"{kind}: {subject}", type=kind, next_retry_delay=after, category=ApplicationErrorCategory.BENIGN
    )


def _tell(subject: str, error: Exception) -> None:
    """Says it in the log. Failures of providers are in our own words already; a bug brings its traceback."""
    attempt = activity.info().attempt
    if attempt % LOG_EVERY != 1:
        return
    if isinstance(error, (ProviderFailure, StoreUnavailable)):
        log.warning("%s: attempt %d: %s", subject, attempt, error)
    else:
        log.error("%s: attempt %d failed, and will be tried again", subject, attempt, exc_info=error)
