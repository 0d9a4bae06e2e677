"""What one call of each kind becomes, whichever SDK makes it."""

from __future__ import annotations

from perennia.core.decisions import CustomerEvent, TraitsChanged
from perennia.ingest.segment import Record
from perennia.store.records import Accepted, Merge


def content(record: Record) -> object:
    """What a record says, without ids and times that differ from run to run."""
    match record:
        case Merge(previous_id=previous, external_id=external):
            return "merge", previous, external
        case Accepted(external_id=external, input=CustomerEvent(name=name, properties=properties)):
            return "event", external, name, properties
        case Accepted(external_id=external, input=TraitsChanged(traits=traits)):
            return "traits", external, traits
        case Accepted(external_id=external, account=account):
            return "member", external, account
        case _:
            return record


EVERY_CALL = [
    ("traits", "ana", {"email": "ana@example.com", "trial": None}),
    ("traits", "acme", {"seats": 20}),
    ("member", "ana", "acme"),
    ("event", "ana", "Signed Up", {"plan": "pro"}),
    ("event", "ana", "Viewed Docs Index Page", {"category": "Docs", "name": "Index", "path": "/docs"}),
    ("event", "ana", "Viewed Inbox Screen", {"name": "Inbox"}),
    ("merge", "a0", "ana"),
]
