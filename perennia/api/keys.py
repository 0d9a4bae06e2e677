"""API keys: made with scopes, shown once, changed, exchanged, revoked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from perennia.access.callers import CALLER
from perennia.access.ring import wall_clock
from perennia.access.scopes import KeyScope
from perennia.access.secrets import digest, hint, new_key_id, new_secret
from perennia.api.audit_log import AuditLog
from perennia.api.etags import IfMatch, changed_meanwhile, etag, wanted_version
from perennia.api.forms import Instant
from perennia.api.needs import needs
from perennia.api.paging import Paged
from perennia.api.problems import Problem
from perennia.api.views import Order, View, Who
from perennia.core.definition_forms import whole
from perennia.store.access_records import ApiKey, KeyChange
from perennia.store.port import Store

MOST_A_MINUTE = 1_000_000
Name = Annotated[str, Field(min_length=1, max_length=100, description="What it is for: it stands in the audit log")]
# JSON has a word for it, which is no member yet.
OneScope = Annotated[KeyScope, Field(strict=False)]
Scopes = Annotated[list[OneScope], Field(min_length=1)]
Rate = Annotated[
    int, Field(ge=1, le=MOST_A_MINUTE, description="Requests a minute; null: as the installation has it"), whole
]
KEPT_HOURS = 24


class KeyView(View):
    """``hint``: how its secret begins. ``former_until``: until then the secret before its last rotation is good, too."""

    id: str
    name: str
    hint: str
    scopes: tuple[str, ...]
    rate: int | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    former_until: datetime | None


class NewKeyView(View):
    """``secret`` is shown this once."""

    key: KeyView
    secret: str


class NewKeyBody(Order):
    name: Name
    scopes: Scopes
    rate: Rate | None = None
    expires_at: Instant | None = None
    by: Who = "api"


class KeyChangeBody(Order):
    """What is not named stays as it is; null takes a rate or an expiry away."""

    name: Name = ""
    scopes: Scopes = Field(default_factory=list[KeyScope])
    rate: Rate | None = None
    expires_at: Instant | None = None
    by: Who = "api"


class RotateBody(Order):
    """``keep_hours``: how long the former secret is good beside the new one."""

    keep_hours: Annotated[int, Field(ge=0, le=720), whole] = KEPT_HOURS
    by: Who = "api"


class RevokeBody(Order):
    by: Who = "api"


@dataclass(frozen=True)
class Keys:
    """``real``: the wall clock, by which keys expire."""

    store: Store
    audit: AuditLog
    real: Callable[[], datetime] = wall_clock

    def router(self) -> APIRouter:
        router = APIRouter(tags=["keys"], prefix="/keys")
        read, write = needs(KeyScope.KEYS_READ), needs(KeyScope.KEYS_WRITE)
        router.get("", dependencies=read)(self.keys)
        router.post("", status_code=201, dependencies=write)(self.create)
        router.get("/{key_id}", dependencies=read)(self.key)
        router.patch("/{key_id}", dependencies=write)(self.change)
        router.post("/{key_id}/rotate", dependencies=write)(self.rotate)
        router.post("/{key_id}/revoke", dependencies=write)(self.revoke)
        return router

    async def keys(self, page: Paged) -> list[KeyView]:
        """All API keys, by id, revoked ones included; of their secrets only how they begin."""
        found = await page.of(self.store.api_keys, lambda key: key.id)
        return [KeyView.model_validate(each) for each in found]

    async def key(self, key_id: str, response: Response) -> KeyView:
        """One of them."""
        return _view(await self._found(key_id), response)

    async def create(self, body: NewKeyBody, response: Response) -> NewKeyView:
        """Makes a key. Its secret is in the answer and nowhere else."""
        _must_have(body.scopes)
        now = self.real()
        self._must_be_ahead(body.expires_at, now)
        secret = new_secret()
        key = ApiKey(
            id=new_key_id(),
            name=body.name,
            hint=hint(secret),
            scopes=_sorted(body.scopes),
            rate=body.rate,
            created_at=now,
            created_by=body.by,
            expires_at=body.expires_at,
        )
        await self.audit.write(body.by, "create key", key.id, name=body.name, scopes=[*key.scopes])
        await self.store.add_api_key(key, digest(secret))
        return _shown_once(key, secret, response)

    async def change(self, key_id: str, body: KeyChangeBody, response: Response, if_match: IfMatch = None) -> KeyView:
        """Changes what a key may do, how often, or how long. With `If-Match` only if it is what you looked at."""
        key = await self._in_force(key_id)
        told = body.model_fields_set
        change = KeyChange(
            name=body.name or key.name,
            scopes=_sorted(body.scopes) if body.scopes else key.scopes,
            rate=body.rate if "rate" in told else key.rate,
            expires_at=body.expires_at if "expires_at" in told else key.expires_at,
            version=wanted_version(if_match),
        )
        _must_have(change.scopes)
        if "expires_at" in told:
            self._must_be_ahead(body.expires_at, self.real())
        await self.audit.write(body.by, "change key", key_id, name=change.name, scopes=[*change.scopes])
        changed = await self.store.change_api_key(key_id, change)
        if changed is None:
            raise changed_meanwhile()
        return _view(changed, response)

    async def rotate(self, key_id: str, body: RotateBody, response: Response) -> NewKeyView:
        """Gives a key a new secret, shown this once; the former one is good for a while."""
        await self._in_force(key_id)
        secret, until = new_secret(), self.real() + timedelta(hours=body.keep_hours)
        await self.audit.write(body.by, "rotate key", key_id, keep_hours=body.keep_hours)
        rotated = await self.store.rotate_api_key(key_id, digest(secret), hint(secret), until)
        if rotated is None:
            raise _revoked(key_id)
        return _shown_once(rotated, secret, response)

    async def revoke(self, key_id: str, body: RevokeBody, response: Response) -> KeyView:
        """Ends a key for good, at once."""
        _must_have((await self._found(key_id)).scopes)
        await self.audit.write(body.by, "revoke key", key_id)
        revoked = await self.store.revoke_api_key(key_id, self.real())
        return _view(revoked or await self._found(key_id), response)

    async def _found(self, key_id: str) -> ApiKey:
        key = await self.store.api_key(key_id)
        if key is None:
            raise Problem(404, "Unknown key", f"There is no key {key_id!r}. List them: GET /api/v1/keys")
        return key

    async def _in_force(self, key_id: str) -> ApiKey:
        """That the caller may change, too."""
        key = await self._found(key_id)
        _must_have(key.scopes)
        if key.revoked_at is not None:
            raise _revoked(key_id)
        return key

    def _must_be_ahead(self, expires_at: datetime | None, now: datetime) -> None:
        if expires_at is not None and expires_at <= now:
            raise Problem(422, "Expired already", f"{expires_at.isoformat()} is past.")


def _must_have(scopes: Iterable[str]) -> None:
    """Nobody makes, or takes over, a key that may do more than their own."""
    more = sorted(set(scopes) - CALLER.get().scopes)
    if more:
        raise Problem(403, "Not allowed", f"Your own key lacks the scope {', '.join(more)}.", scopes=[*more])


def _revoked(key_id: str) -> Problem:
    return Problem(409, "Revoked", f"The key {key_id} is revoked. Make a new one.")


def _sorted(scopes: Iterable[KeyScope]) -> tuple[str, ...]:
    return tuple(sorted({scope.value for scope in scopes}))


def _view(key: ApiKey, response: Response) -> KeyView:
    response.headers["ETag"] = etag(key.version)
    return KeyView.model_validate(key)


def _shown_once(key: ApiKey, secret: str, response: Response) -> NewKeyView:
    response.headers["Cache-Control"] = "no-store"
    return NewKeyView(key=_view(key, response), secret=secret)
