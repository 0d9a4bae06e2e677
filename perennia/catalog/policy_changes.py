"""The policies that a scenario changes."""

from __future__ import annotations

from perennia.core.definitions import (
    BroadcastRules,
    BusinessHours,
    FrequencyCap,
    Holiday,
    Model,
    Pages,
    Policies,
    QuietHours,
    Sender,
    SendingLimits,
    SurveyCooldown,
    Topic,
)


class PolicyChanges(Model):
    """Keys that replace those of the workspace's policies."""

    timezone: str | None = None
    locale: str | None = None
    url: str | None = None
    name: str | None = None
    address: str | None = None
    senders: dict[str, Sender] | None = None
    default_sender: str | None = None
    topics: dict[str, Topic] | None = None
    quiet_hours: QuietHours | None = None
    business_hours: BusinessHours | None = None
    holidays: tuple[Holiday, ...] | None = None
    caps: tuple[FrequencyCap, ...] | None = None
    survey_cooldown: SurveyCooldown | None = None
    sending_limits: SendingLimits | None = None
    broadcasts: BroadcastRules | None = None
    pages: Pages | None = None

    def over(self, policies: Policies) -> Policies:
        """``policies`` with the keys that are written here replaced; ``null`` is what holds where nobody says anything."""
        told = {name: getattr(self, name) for name in self.model_fields_set}
        unsaid = {name: Policies.model_fields[name].get_default(call_default_factory=True) for name in told}
        return policies.model_copy(
            update={name: unsaid[name] if value is None else value for name, value in told.items()}
        )
