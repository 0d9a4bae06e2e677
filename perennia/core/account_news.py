"""What an account's contacts know of it."""

from __future__ import annotations

from datetime import datetime

from perennia.core.decisions import AccountTraitsChanged
from perennia.core.state import CustomerState


def account_as_told(state: CustomerState, at: datetime) -> AccountTraitsChanged:
    """The account as ``state`` has it, for contacts to be told at ``at``."""
    stages = {track: (stage.stage, stage.since) for track, stage in state.stages.items()}
    healths = {name: health.parts for name, health in state.healths.items()}
    traits = dict(state.facts.traits)
    return AccountTraitsChanged(at=at, account=state.facts.ref, traits=traits, stages=stages, healths=healths)
