"""What was told of messages, by calls or by mail, into the store."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from perennia.providers.reports import Report
from perennia.store.port import Store
from perennia.store.records import MessageReport

RAW_CHARS: Final = 64 * 1024


async def hear(store: Store, provider: str, reports: Iterable[Report], at: datetime, *, unsigned: bool = False) -> None:
    """Keeps them and does what follows, one after the other; what was heard before changes nothing.

    ``unsigned``: as `MessageReport` has it. Raises `StoreUnavailable`: then they are all to be told again.
    """
    for report in reports:
        told = MessageReport(
            id=report.id,
            provider=provider,
            what=report.what.value,
            reference=report.reference,
            address=report.recipient,
            raw=report.raw[:RAW_CHARS],
            bounce=report.bounce,
            machine=report.machine,
            token=report.token,
            unsigned=unsigned,
        )
        await store.hear_report(told, at)
