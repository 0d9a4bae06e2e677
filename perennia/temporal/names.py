"""Names that Temporal knows us by: workflow ids and task queues. Built here and nowhere else."""

from __future__ import annotations

from typing import Final

from workflows.policies import effect_queue

# Customers' workflows and their turns. Each kind of effect has a queue of its own, named after this one, so that a slow
# provider delays nobody's turn: `effect_queue(CUSTOMER_QUEUE, kind)`.
CUSTOMER_QUEUE: Final = "perennia"

# One CRM an installation, compared by one run at a time.
CRM_SCHEDULE: Final = "crm"
CRM_WORKFLOW_ID: Final = "crm-sync"
_PULL: Final = "pull-"


def customer_workflow_id(customer: str) -> str:
    """The id of a customer's workflow: ``customer-contact-...`` or ``customer-account-...``.

    ``customer`` is the opaque internal id, which begins with the kind; never an address or an outside id.
    """
    return f"customer-{customer}"


def publish_workflow_id(number: int) -> str:
    """The id of the workflow that brings customers to the revision ``number``."""
    return f"publish-{number}"


def broadcast_workflow_id(name: str) -> str:
    """The id of the workflow that brings a broadcast to its audience, and of the schedule of a recurring one."""
    return f"broadcast-{name}"


def pull_id(name: str) -> str:
    """The id of the workflow that reads a database, and of its schedule."""
    return f"{_PULL}{name}"


def pull_of(id_: str) -> str | None:
    """The name in a `pull_id`; None for any other id."""
    return id_.removeprefix(_PULL) if id_.startswith(_PULL) else None


__all__ = [
    "CRM_SCHEDULE",
    "CRM_WORKFLOW_ID",
    "CUSTOMER_QUEUE",
    "broadcast_workflow_id",
    "customer_workflow_id",
    "effect_queue",
    "publish_workflow_id",
    "pull_id",
    "pull_of",
]
