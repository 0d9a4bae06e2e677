"""Broadcasts: made, looked at beforehand, approved, started, held, ended, and counted."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import msgspec
from fastapi import APIRouter
from temporalio.service import RPCError

from perennia.access.scopes import KeyScope
from perennia.api.audit_log import AuditLog
from perennia.api.named_broadcast import named_broadcast
from perennia.api.needs import needs
from perennia.api.paging import Paged
from perennia.api.problems import Problem
from perennia.api.published import Published, unknown_segment
from perennia.api.publishing import nearest
from perennia.api.views import Order, View, Who
from perennia.catalog.check_messages import has_way_out
from perennia.clock import Clock
from perennia.core.audiences import MixedScopes, UnknownSegment, compile_audience
from perennia.core.broadcasts import ENDED, Broadcast, Status, begins_at, book_of
from perennia.core.cel_tokens import ExpressionError
from perennia.core.compiled import compile_catalog
from perennia.core.cron import CronError, parse_cron
from perennia.core.documents import Document, TemplateBody
from perennia.ingest.bells import Bells
from perennia.store.broadcast_records import Outcomes, StoredBroadcast
from perennia.store.cursors import cursor_of
from perennia.store.port import Store

# Before anything has left: it may still be started.
STARTABLE: Final[tuple[Status, ...]] = ("draft", "approved")


class Going(Protocol):
    """Whoever brings broadcasts to their audiences (`perennia.temporal.broadcasts`). Raises `RPCError`, `RuntimeError`."""

    async def see_to(self, stored: StoredBroadcast, *, ring: bool = False) -> None: ...


class _Nobody:
    """An API without Temporal: the sweep of another process sees to broadcasts."""

    async def see_to(self, stored: StoredBroadcast, *, ring: bool = False) -> None:
        pass


NOBODY_GOING: Final = _Nobody()


class BroadcastBody(Broadcast):
    """The document, and who asks."""

    by: Who


class SteerBroadcastBody(Order):
    by: Who


class RunView(View):
    """``looked``: customers looked at; ``entered``: who of them got it; ``left_out``: members who did not, by reason code."""

    number: int
    began_at: datetime
    done_at: datetime | None
    looked: int
    entered: int
    left_out: dict[str, int]


class BroadcastHead(View):
    """``why``: what paused it, where nobody did. ``starts_at``: when its audience is looked for first."""

    id: str
    status: Status
    created_at: datetime
    created_by: str
    approved_by: str | None
    starts_at: datetime | None
    changed_at: datetime
    changed_by: str
    ended_at: datetime | None
    why: str | None
    run: RunView | None


class BroadcastView(BroadcastHead):
    """``waiting``: held, or not decided. ``left``: customers to be looked at, ``rate`` a second: ``ready_in`` seconds."""

    broadcast: dict[str, object]
    sent: int
    waiting: int
    in_flight: int
    failed: int
    skipped: dict[str, int]
    holdout: int
    opened: int
    clicked: int
    bounced: int
    complained: int
    left: int | None
    rate: float | None
    ready_in: int | None


@dataclass(frozen=True)
class Broadcasts:
    store: Store
    bells: Bells
    clock: Clock
    audit: AuditLog
    published: Published
    going: Going

    def router(self) -> APIRouter:
        router = APIRouter(tags=["broadcasts"])
        read, write = needs(KeyScope.BROADCASTS_READ), needs(KeyScope.BROADCASTS_WRITE)
        router.get("/broadcasts", dependencies=read)(self.list)
        router.post("/broadcasts", status_code=201, dependencies=write)(self.create)
        router.get("/broadcasts/{name}", dependencies=read)(self.status)
        router.post("/broadcasts/{name}/approve", dependencies=needs(KeyScope.BROADCASTS_APPROVE))(self.approve)
        for act in (self.start, self.pause, self.resume, self.cancel):
            router.post(f"/broadcasts/{{name}}/{act.__name__}", dependencies=write)(act)
        return router

    async def list(self, page: Paged) -> list[BroadcastHead]:
        """Broadcasts, the last created first."""
        found = await page.of(self.store.broadcasts, lambda each: cursor_of(each.created_at, each.id))
        return [BroadcastHead.model_validate(each) for each in found]

    async def create(self, body: BroadcastBody) -> BroadcastView:
        """Makes a broadcast. Nothing is sent before it is started; where policies ask for it, another approves it first."""
        broadcast = Broadcast.model_validate(body.model_dump(by_alias=True, exclude={"by"}))
        versions = await self._check(broadcast)
        book = None if versions is None else book_of(broadcast, versions)
        if book is not None:
            _compile(book)
        now = self.clock.now()
        needs_approval = (await self.published.policies()).broadcasts.approval
        made = StoredBroadcast(
            id=broadcast.broadcast,
            body=broadcast.model_dump_json(by_alias=True, exclude_defaults=True),
            status="waiting" if needs_approval else "draft",
            book=broadcast.book,
            version=None if book is None else book.version,
            created_at=now,
            created_by=body.by,
            changed_at=now,
            changed_by=body.by,
        )
        await self.audit.write(body.by, "create broadcast", made.id)
        if not await self.store.create_broadcast(made, book):
            detail = f"There is a broadcast {made.id!r} already; each has a name of its own."
            raise Problem(409, "Name taken", detail)
        return await self._view(made)

    async def status(self, name: str) -> BroadcastView:
        """How far it is, and what became of everybody so far."""
        return await self._view(await named_broadcast(self.store, name))

    async def approve(self, name: str, body: SteerBroadcastBody) -> BroadcastView:
        """A second person says yes. Whoever made it cannot."""
        stored = await named_broadcast(self.store, name)
        if stored.created_by == body.by:
            raise Problem(403, "Needs another person", f"{body.by} made {name!r}; somebody else approves it.")
        return await self._move(stored, ["waiting"], "approved", body.by)

    async def start(self, name: str, body: SteerBroadcastBody) -> BroadcastView:
        """Begins it: at once, or at its instant."""
        stored = await named_broadcast(self.store, name)
        if stored.status == "waiting":
            raise Problem(
                409, "Needs approval", f"{name!r} waits for another person's yes: perennia broadcast approve {name}"
            )
        broadcast = Broadcast.model_validate_json(stored.body)
        catalog = await self.published.catalog()
        zone = (catalog or compile_catalog("none", ())).workspace_calendar.workspace
        starts_at = begins_at(broadcast, self.clock.now(), zone)
        after: Status = "running" if broadcast.every is not None else "scheduled"
        return await self._move(stored, STARTABLE, after, body.by, starts_at)

    async def pause(self, name: str, body: SteerBroadcastBody) -> BroadcastView:
        """Nothing more of it leaves until it is resumed, what is held or on its way to the provider included."""
        return await self._move(await named_broadcast(self.store, name), ["running", "scheduled"], "paused", body.by)

    async def resume(self, name: str, body: SteerBroadcastBody) -> BroadcastView:
        """It goes on where it was."""
        stored = await named_broadcast(self.store, name)
        started = stored.run is not None or stored.starts_at is None or stored.starts_at <= self.clock.now()
        return await self._move(stored, ["paused"], "running" if started else "scheduled", body.by)

    async def cancel(self, name: str, body: SteerBroadcastBody) -> BroadcastView:
        """Ends it for good: whoever has not got it yet does not."""
        stored = await named_broadcast(self.store, name)
        if stored.status in ("draft", "waiting", "approved"):
            return await self._move(stored, [stored.status], "cancelled", body.by)
        return await self._move(stored, ["scheduled", "running", "paused"], "cancelling", body.by)

    # --- what they have in common -------------------------------------------------------------------------------------

    async def _move(
        self,
        stored: StoredBroadcast,
        before: Sequence[Status],
        after: Status,
        by: str,
        starts_at: datetime | None = None,
    ) -> BroadcastView:
        """Said twice it changes nothing."""
        await self.audit.write(by, f"broadcast {after}", stored.id)
        moved = await self.store.move_broadcast(stored.id, before, after, self.clock.now(), by, starts_at=starts_at)
        now = await named_broadcast(self.store, stored.id)
        if not moved and now.status != after:
            detail = f"{stored.id!r} is {now.status}; that can be done to one that is {' or '.join(before)}."
            raise Problem(409, "Not in this state", detail)
        self.bells.nudge(())
        with contextlib.suppress(RPCError, RuntimeError):  # Temporal is away: the sweep sees to it when it is back
            await self.going.see_to(now, ring=True)
        return await self._view(now)

    async def _check(self, broadcast: Broadcast) -> dict[str, str] | None:
        """The version of each of its templates, None for a playbook's. A 422 `Problem` that says what does not fit together."""
        try:
            compile_audience(broadcast.asked, await self.published.segments())
            if broadcast.every is not None:
                parse_cron(broadcast.every)
        except UnknownSegment as error:
            raise unknown_segment(error) from None
        except (ExpressionError, MixedScopes, CronError) as error:
            raise _wrong(str(error)) from None
        if broadcast.playbook is not None:
            await self.published.must_have_playbook(broadcast.playbook)
            return None
        return await self._check_message(broadcast)

    async def _check_message(self, broadcast: Broadcast) -> dict[str, str]:
        policies = await self.published.policies()
        if broadcast.scope != "contact":
            raise _wrong("a message goes to contacts; give accounts a playbook")
        if broadcast.topic is not None:
            await self.published.must_have_topic(broadcast.topic)
        if broadcast.from_ not in (None, "owner", *policies.senders):
            raise _wrong(f"the policies have no sender {broadcast.from_!r}")
        templates = await self.published.templates()
        named = {template for template, _ in broadcast.emails.values()}
        for template in sorted(named):
            if template not in templates:
                raise _wrong(f"no template {template!r} is published{nearest(template, templates)}")
            if not broadcast.transactional and not await self._has_way_out(templates[template]):
                raise _wrong(
                    f"the template {template!r} has no {{{{ unsubscribe_url }}}} and no {{{{ preferences_url }}}}; "
                    "a message with a topic needs one of them, in itself or its layout"
                )
        return {template: templates[template] for template in named}

    async def _has_way_out(self, version: str) -> bool:
        document = await self.store.template(version)
        return has_way_out(msgspec.json.decode(document.body, type=TemplateBody))

    async def _view(self, stored: StoredBroadcast) -> BroadcastView:
        found = await self.store.outcomes(stored.book)
        left, rate = await self._ahead(stored)
        return BroadcastView(
            **BroadcastHead.model_validate(stored).model_dump(),
            broadcast=Broadcast.model_validate_json(stored.body).model_dump(
                mode="json", by_alias=True, exclude_defaults=True
            ),
            sent=found.sent,
            waiting=_waiting(found),
            in_flight=found.in_flight,
            failed=found.failed,
            skipped=_sum(found.skipped, found.refused),
            holdout=found.holdout,
            opened=found.opened,
            clicked=found.clicked,
            bounced=found.bounced,
            complained=found.complained,
            left=left,
            rate=rate,
            ready_in=None if left is None or not rate else round(left / rate),
        )

    async def _ahead(self, stored: StoredBroadcast) -> tuple[int | None, float | None]:
        """How many are still to be looked at, and how many a second were, so far."""
        run = stored.run
        if run is None or run.done_at is not None or stored.status in ENDED:
            return None, None
        scope = Broadcast.model_validate_json(stored.body).scope
        left = max(0, await self.store.count_candidates(scope) - run.looked)
        seconds = (self.clock.now() - run.began_at).total_seconds()
        return left, run.looked / seconds if run.looked and seconds > 0 else None


def _waiting(found: Outcomes) -> int:
    over = found.sent + found.failed + sum(found.skipped.values()) + sum(found.refused.values()) + found.holdout
    return max(0, found.ordered - over - found.in_flight)


def _sum(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {reason: one.get(reason, 0) + other.get(reason, 0) for reason in sorted({*one, *other})}


def _compile(book: Document) -> None:
    try:
        compile_catalog("unpublished", (), (book,))
    except (ValueError, LookupError) as error:
        raise _wrong(str(error)) from error


def _wrong(what: str) -> Problem:
    return Problem(422, "Invalid broadcast", f"This broadcast cannot be sent: {what}")
