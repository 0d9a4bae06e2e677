"""What ingest and the API ask of whoever rings customers' bells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Bells(Protocol):
    def nudge(self, customers: Sequence[str]) -> None:
        """Says that these customers' bell flags (internal ids) were set just now. Returns at once and raises nothing.

        A hint only: the flags are in the store, so a nudge that gets lost costs time, never a customer. An empty
        sequence: many were set, look for them.
        """
        ...
