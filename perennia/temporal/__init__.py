"""Temporal as Perennia uses it: connecting, names of workflows and queues, the embedded dev server."""

from perennia.temporal.connection import TemporalError, TemporalUnreachable, connect
from perennia.temporal.dev_server import DevServer, DevServerFailed, TemporalNotInstalled
from perennia.temporal.names import CUSTOMER_QUEUE, customer_workflow_id, effect_queue

__all__ = [
    "CUSTOMER_QUEUE",
    "DevServer",
    "DevServerFailed",
    "TemporalError",
    "TemporalNotInstalled",
    "TemporalUnreachable",
    "connect",
    "customer_workflow_id",
    "effect_queue",
]
