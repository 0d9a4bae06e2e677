"""The part of the store's interface that counts what experiments came to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from perennia.store.trial_records import TrialCount, TrialVersion


class Trials(Protocol):
    """Every method is one read."""

    async def trial_versions(self, playbook: str) -> list[TrialVersion]:
        """The versions of the playbook in which somebody is or was compared, the last begun first."""
        ...

    async def trial_counts(
        self, playbook: str, versions: Sequence[str], now: datetime, since: datetime | None = None
    ) -> list[TrialCount]:
        """Of each customer the first enrollment in any of these versions, begun at ``since`` or later.

        Who was merged into another customer since is not among them: nobody could see them reach the goal.
        """
        ...
