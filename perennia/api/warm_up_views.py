"""What the API shows of providers that are warming up."""

from __future__ import annotations

from datetime import date, datetime

from perennia.api.views import View


class WarmUpView(View):
    """A provider that is warming up. ``maximum`` null: as many as one likes by now; ``tomorrow``: the next day's."""

    provider: str
    used: int
    maximum: int | None
    tomorrow: int | None


class WarmUpsView(View):
    """``day``: in UTC. ``waiting``: messages for which no provider had a place; the first is tried again at ``next_at``."""

    day: date
    providers: list[WarmUpView]
    waiting: int
    next_at: datetime | None
