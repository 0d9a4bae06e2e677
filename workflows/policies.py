"""How long each kind of activity may take, how often it is tried, and on which queue: one entry per kind.

What is *not* retried is decided in `activities.failures`, where provider failures become activity failures.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from temporalio.common import RetryPolicy
from temporalio.workflow import unsafe

with unsafe.imports_passed_through():
    from activities.contracts import EffectKind

# A turn takes milliseconds; SQLite waits at most 5 s for its lock. Retried without limit, because a customer whose turn
# cannot be taken (a locked store, a bug that the next release repairs) must find its way back by itself.
TURN_TIMEOUT: Final = timedelta(seconds=10)
TURN_RETRY: Final = RetryPolicy(initial_interval=timedelta(milliseconds=100), maximum_interval=timedelta(seconds=2))

# A page of customers is one statement and one write; retried like a turn.
PAGE_TIMEOUT: Final = timedelta(seconds=30)

# Most history events of a run that is about to wait. 20 events are a customer's way through a wait: five such rounds.
HISTORY_LIMIT: Final = 100


@dataclass(frozen=True)
class EffectPolicy:
    """``attempt``: longest for one try. ``overall``: longest for all of them, waiting included; then the effect failed.

    ``silence``: longest without a sign of life from a try; then it is taken for lost, and the next one begins.
    """

    attempt: timedelta
    silence: timedelta
    overall: timedelta
    retry: RetryPolicy


# Other systems are down for a night, not for longer. A request may take half a minute.
_SYSTEM: Final = EffectPolicy(
    attempt=timedelta(minutes=2),
    silence=timedelta(seconds=30),
    overall=timedelta(days=1),
    retry=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5)),
)

EFFECTS: Final[dict[EffectKind, EffectPolicy]] = {
    # A provider that is away comes back within two days, or the message is too old to be welcome. A provider's own
    # Retry-After takes the place of the interval.
    EffectKind.EMAIL: EffectPolicy(
        attempt=timedelta(minutes=2),
        # Its worker was killed, or an overloaded server lost the task on the way to it (context deadline exceeded).
        silence=timedelta(seconds=30),
        overall=timedelta(days=2),
        retry=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5)),
    ),
    EffectKind.CRM: _SYSTEM,
    EffectKind.WEBHOOK: _SYSTEM,
    EffectKind.NOTIFY: _SYSTEM,
}


# A page is some calls of the CRM and one write: seconds. What the CRM wants later waits here, so that the next run need not.
CRM_STEP: Final = EffectPolicy(
    attempt=timedelta(minutes=5),
    silence=timedelta(seconds=30),
    overall=timedelta(hours=6),
    retry=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5)),
)


# All that a database has may take hours the first time. What is read is in, so a try that is broken off costs its last batch.
PULL: Final = EffectPolicy(
    attempt=timedelta(hours=12),
    silence=timedelta(seconds=30),
    overall=timedelta(days=1),
    retry=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5)),
)


def pull_queue(customers: str) -> str:
    """The task queue of what reads databases, beside the queue ``customers``."""
    return f"{customers}-pull"


def effect_queue(customers: str, kind: EffectKind, lane: str = "") -> str:
    """The task queue of one kind of effect, beside the queue ``customers`` of the workflows that ask for them."""
    return f"{customers}-{kind.value}-{lane}" if lane else f"{customers}-{kind.value}"
