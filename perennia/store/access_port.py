"""The part of the store's interface that is about who may use the API, and about requests that come twice."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from perennia.store.access_records import ApiKey, Asked, GivenReply, KeyChange


class Access(Protocol):
    """Every method is one transaction, as all of `Store`'s. Instants are real time: keys expire on the wall."""

    async def add_api_key(self, key: ApiKey, digest: str) -> None:
        """``digest``: of its secret."""
        ...

    async def use_api_key(self, digest: str, at: datetime) -> ApiKey | None:
        """The key whose secret has this digest, if it is good at that instant. Notes the use, at most once a minute."""
        ...

    async def api_key(self, id_: str) -> ApiKey | None: ...

    async def api_keys(self, limit: int = 100, after: str | None = None) -> list[ApiKey]:
        """By id, revoked ones included."""
        ...

    async def change_api_key(self, id_: str, change: KeyChange) -> ApiKey | None:
        """None: it is of another version by now, revoked, or unknown."""
        ...

    async def rotate_api_key(self, id_: str, digest: str, hint: str, former_until: datetime) -> ApiKey | None:
        """Gives it a new secret; the former one is good until then. None: it is revoked or unknown."""
        ...

    async def revoke_api_key(self, id_: str, at: datetime) -> ApiKey | None:
        """For good; one that is revoked stays as it is. None: it is unknown."""
        ...

    async def begin_request(self, caller: str, key: str, fingerprint: str, at: datetime) -> Asked:
        """A request came with this idempotency key of the caller's; ``fingerprint`` says which request it is.

        One that began more than a minute ago and was never answered is taken to be lost with its process.
        """
        ...

    async def end_request(self, caller: str, key: str, reply: GivenReply | None) -> None:
        """Keeps the answer for a day. None: it was none, and the request may be made again."""
        ...
