"""How far back decisions look: what must not be deleted before."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from perennia.core.calendar import parse_span
from perennia.core.compiled import Catalog
from perennia.core.reputation import counted_over
from perennia.core.retention import Kept, longest

# As long as soft bounces of an address are counted.
REPORTS_COUNT: Final = timedelta(days=30)


def looked_back(catalog: Catalog) -> dict[Kept, timedelta]:
    """How far back what is published looks: windows of expressions, caps, how senders stand."""
    windows = (window for needs in catalog.needs.by_event.values() for need in needs for window in need.windows)
    over = counted_over(catalog.policies.sending_limits)
    caps = (longest(parse_span(cap.per)) for cap in catalog.policies.caps)
    return {
        Kept.EVENTS: max((longest(window) for window in windows), default=timedelta()),
        Kept.MESSAGES: max([over, *caps]),
        Kept.REPORTS: max(over, REPORTS_COUNT),
    }
