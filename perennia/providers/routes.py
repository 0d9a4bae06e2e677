"""Several email providers at once: which one a message leaves through, and which takes its place while that one is away."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from perennia.providers.email import EmailProvider
from perennia.providers.failures import Misconfigured

EVERYTHING = "*"
# How long one that was away is left alone before it is asked again, where it named no time itself.
REST = timedelta(seconds=30)
LONGEST_REST = timedelta(minutes=10)


@dataclass(frozen=True)
class NamedProvider:
    """``name``: how the installation calls it, and the send ledger."""

    name: str
    provider: EmailProvider


@dataclass
class EmailRoutes:
    """``routes``: from ``sender:NAME``, ``topic:NAME`` or ``*`` to providers' names, the first one first.

    A sender's route goes before a topic's. Raises `Misconfigured`.
    """

    providers: Mapping[str, EmailProvider]
    routes: Mapping[str, Sequence[str]]
    monotonic: Callable[[], float] = time.monotonic
    _rests: dict[str, float] = field(default_factory=dict[str, float])

    def __post_init__(self) -> None:
        if not self.routes.get(EVERYTHING):
            raise Misconfigured('email_routes has no "*", the way of whatever has no other')
        for route, names in self.routes.items():
            if not names:
                raise Misconfigured(f"email_routes: {route} names nobody")
            if route != EVERYTHING and not route.startswith(("sender:", "topic:")):
                raise Misconfigured(f'email_routes: a route is "sender:NAME", "topic:NAME" or "*", not {route!r}')
            for name in names:
                if name not in self.providers:
                    raise Misconfigured(f"email_routes: {route} names {name!r}, which email_providers does not have")

    @classmethod
    def through(cls, provider: EmailProvider) -> EmailRoutes:
        """Everything through one."""
        return cls({provider.name: provider}, {EVERYTHING: [provider.name]})

    def chain(self, sender: str | None, topic: str | None) -> list[NamedProvider]:
        """Those that may take such a message, in order; one that rests comes after those that do not."""
        now = self.monotonic()
        names = sorted(dict.fromkeys(self._route(sender, topic)), key=lambda name: self._rests.get(name, now) > now)
        return [self.named(name) for name in names]

    def named(self, name: str) -> NamedProvider:
        return NamedProvider(name, self.providers[name])

    def lane(self, sender: str | None, topic: str | None) -> str:
        """The provider whose rate such a message is under; nothing for the first of all."""
        leader = self._route(sender, topic)[0]
        return "" if leader == self.routes[EVERYTHING][0] else leader

    def lanes(self) -> dict[str, NamedProvider]:
        """By lane, the provider that leads it."""
        first = self.routes[EVERYTHING][0]
        leaders = dict.fromkeys(names[0] for names in self.routes.values())
        return {"" if name == first else name: self.named(name) for name in leaders}

    def rest(self, name: str, retry_after: timedelta | None) -> None:
        """The provider was away just now."""
        span = min(retry_after or REST, LONGEST_REST)
        self._rests[name] = self.monotonic() + span.total_seconds()

    def _route(self, sender: str | None, topic: str | None) -> Sequence[str]:
        keys = (f"sender:{sender}", f"topic:{topic}", EVERYTHING)
        return next(self.routes[key] for key in keys if key in self.routes)

    async def close(self) -> None:
        for provider in self.providers.values():
            await provider.close()
