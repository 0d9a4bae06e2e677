"""What workflows are told at their start, and what they answer when asked.

In a module of its own, which the sandbox passes through: a dataclass in a workflow's module is made anew for every customer
that a worker takes up, and two of them were a tenth of all that a worker's Python did. Annotations are no text here for
the reason that `activities.contracts` gives.
"""

from dataclasses import dataclass
from datetime import datetime

from temporalio.workflow import unsafe

with unsafe.imports_passed_through():
    from workflows.policies import HISTORY_LIMIT


@dataclass(frozen=True)
class CustomerStart:
    """``customer``: the opaque internal id. ``history_limit``: events of a run after which it continues as a new one."""

    customer: str
    history_limit: int = HISTORY_LIMIT


@dataclass(frozen=True)
class LiveCustomer:
    """What the process is doing right now: keys being carried out, when it wakes by itself, turns taken in this run."""

    in_flight: tuple[str, ...]
    wake_at: datetime | None
    turns: int


@dataclass(frozen=True)
class PublishStart:
    """``number`` of the revision; ``rate``: customers a second; ``size``: most customers a page; ``paused``: waits to be resumed.

    ``reached`` counts those of earlier runs; a run has at most some ``history_limit`` events.
    """

    number: int
    rate: int = 100
    size: int = 200
    paused: bool = False
    reached: int = 0
    history_limit: int = 2_000


@dataclass(frozen=True)
class PublishProgress:
    """How many customers were rung so far, how fast, and whether it stands still."""

    reached: int
    rate: int
    paused: bool


@dataclass(frozen=True)
class CrmSyncStart:
    """``position``: from where an earlier run of the same comparison goes on; nothing for a new one."""

    position: str = ""


@dataclass(frozen=True)
class BroadcastStart:
    """``entered`` counts the customers of earlier runs; a run has at most some ``history_limit`` events."""

    broadcast: str
    entered: int = 0
    history_limit: int = 2_000


@dataclass(frozen=True)
class PullStart:
    """``name``: of the pull, as the workspace's file has it."""

    name: str
