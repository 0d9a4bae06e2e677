"""Publishing: a release becomes the current revision, and whoever it concerns looks at it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec
from fastapi import APIRouter, Response

from perennia.access.scopes import KeyScope
from perennia.api.audit_log import AuditLog
from perennia.api.needs import needs
from perennia.api.paging import Paged
from perennia.api.problems import Problem
from perennia.api.views import (
    DocumentHead,
    ModeBody,
    PauseBody,
    ReleaseBody,
    ResumeBody,
    RevisionProgressView,
    RevisionView,
    RollbackBody,
)
from perennia.clock import Clock
from perennia.core.compiled import Catalog, compile_catalog
from perennia.core.documents import Document, content_hash
from perennia.core.json_values import Json
from perennia.core.playbook_orders import PlaybookOrder
from perennia.core.reach import reach_of
from perennia.ingest.bells import Bells
from perennia.store.port import StaleRevision, Store
from perennia.store.records import Revision, StoredCatalog

LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Somebody publishes at the moment of a pause: it is tried again on what is current then.
TRIES: Final = 5


@dataclass(frozen=True)
class Publishing:
    store: Store
    bells: Bells
    clock: Clock
    audit: AuditLog

    def router(self) -> APIRouter:
        router = APIRouter(tags=["publishing"])
        read, write = needs(KeyScope.PLAYBOOKS_READ), needs(KeyScope.PLAYBOOKS_WRITE)
        router.get("/revision", dependencies=read)(self.current)
        router.get("/revision/documents", dependencies=read)(self.documents)
        router.get("/revisions", dependencies=read)(self.revisions)
        router.post(
            "/revisions",
            status_code=201,
            dependencies=write,
            responses={200: {"model": RevisionView, "description": "This release is current already"}},
        )(self.publish)
        router.post("/revisions/rollback", status_code=201, dependencies=write)(self.roll_back)
        router.post("/playbooks/{playbook}/pause", status_code=201, dependencies=write)(self.pause)
        router.post("/playbooks/{playbook}/resume", status_code=201, dependencies=write)(self.resume)
        return router

    async def current(self) -> RevisionView:
        """The current revision."""
        revision = await self.store.current_revision()
        if revision is None:
            raise Problem(404, "Nothing published", "Nothing is published yet. Run: perennia publish")
        return RevisionView.model_validate(revision)

    async def documents(self) -> list[DocumentHead]:
        """What the current revision consists of, without the bodies; nothing before anything was published."""
        stored = await self._current()
        return [] if stored is None else [DocumentHead.model_validate(document) for document in stored.current]

    async def revisions(self, page: Paged) -> list[RevisionProgressView]:
        """Revisions, newest first, with what was ordered for people in flight and how far each has reached customers."""
        found = await page.of_numbered(self.store.revisions, lambda each: each.revision.number)
        return [RevisionProgressView.model_validate(each) for each in found]

    async def publish(self, body: ReleaseBody, response: Response) -> RevisionView:
        """Makes these documents the current revision, if ``expected`` still is (else 409)."""
        documents = [Document(kind=one.kind, id=one.id, version=one.version, body=one.body) for one in body.documents]
        before = await self._current()
        if body.only_new and before is not None:
            await self._must_be_new(documents, before.revision)
        catalog = compile_release(documents)
        orders = orders_of(body.modes, catalog, before)
        expected = None if body.expected is None else await self._id_of(body.expected)
        revision, is_new = await self._publish(documents, catalog, before, orders, body.by, expected, "publish")
        if not is_new:
            response.status_code = 200
        return RevisionView.model_validate(revision)

    async def roll_back(self, body: RollbackBody) -> RevisionView:
        """Makes the documents of a former revision current again, as a revision of their own."""
        found = await self.store.find_revision(body.revision)
        if found is None:
            raise Problem(404, "Unknown revision", f"There is no revision {body.revision!r}. Run: perennia revisions")
        documents = (await self.store.catalog(found.id)).current
        before = await self._current()
        catalog = compile_release(documents)
        orders = orders_of(body.modes, catalog, before)
        expected = await self._id_of(body.expected)
        revision, _ = await self._publish(documents, catalog, before, orders, body.by, expected, "rollback")
        return RevisionView.model_validate(revision)

    async def pause(self, playbook: str, body: PauseBody) -> RevisionView:
        """Holds everybody in the playbook before their next outward step, and lets nobody in. Timers run on."""
        return await self._steer(playbook, "pause", body.by)

    async def resume(self, playbook: str, body: ResumeBody) -> RevisionView:
        """Lets everybody in the paused playbook go on, with what fell due meanwhile or without it."""
        return await self._steer(playbook, "skip" if body.skip else "resume", body.by)

    async def _steer(self, playbook: str, word: Literal["pause", "resume", "skip"], by: str) -> RevisionView:
        """A pause is for everybody at once, so it is part of a revision. Said twice it changes nothing."""
        for attempt in range(TRIES):
            before = await self._current()
            known = set[str]() if before is None else {each.id for each in before.current if each.kind == "playbook"}
            if before is None or playbook not in known:
                detail = f"No playbook {playbook!r} is published{nearest(playbook, known)}"
                raise Problem(404, "Unknown playbook", detail)
            catalog = compile_catalog("current", before.current, before.past, before.orders)
            if catalog.is_paused(playbook, self.clock.now()) == (word == "pause"):
                return RevisionView.model_validate(before.revision)
            order = PlaybookOrder(number=0, at=self.clock.now(), playbook=playbook, word=word, by=by)
            try:
                expected = before.revision.id
                revision, _ = await self._publish(before.current, catalog, before, [order], by, expected, word)
            except StaleRevision:
                if attempt == TRIES - 1:
                    raise
            else:
                return RevisionView.model_validate(revision)
        raise AssertionError

    async def _publish(
        self,
        documents: Sequence[Document],
        catalog: Catalog,
        before: StoredCatalog | None,
        orders: Sequence[PlaybookOrder],
        by: str,
        expected: str | None,
        action: str,
    ) -> tuple[Revision, bool]:
        """The revision, and whether it is a new one."""
        detail: dict[str, Json] = {f"{order.word} {order.playbook}": {**order.map} for order in orders}
        await self.audit.write(by, action, expected or "", documents=len(documents), **detail)
        reach = reach_of(() if before is None else before.current, documents, orders)
        outcome = await self.store.publish(documents, catalog.triggers(), self.clock.now(), by, expected, orders, reach)
        if outcome.rung or not outcome.reached:
            self.bells.nudge(outcome.rung if outcome.reached else ())
        return outcome.revision, outcome.is_new

    async def _id_of(self, reference: str) -> str:
        """A revision's id, where its number was given; what names none stays as it is, and is refused as such."""
        found = await self.store.find_revision(reference)
        return reference if found is None else found.id

    async def _must_be_new(self, documents: Sequence[Document], current: Revision) -> None:
        """Where several revisions have the same documents, the newest counts: what is in force is not former."""
        former = await self.store.revision_of(documents)
        if former is not None and former.number != current.number:
            detail = (
                f"The files are as they were published as revision {former.number}, and {current.published_by} has put "
                f"revision {current.number} in force since; perennia publish puts the files in force again."
            )
            raise Problem(409, "In force before", detail)

    async def _current(self) -> StoredCatalog | None:
        revision = await self.store.current_revision()
        return None if revision is None else await self.store.catalog(revision.id)


def compile_release(documents: Sequence[Document]) -> Catalog:
    """The catalog of a release. A 422 `Problem` for what `perennia check` would have refused."""
    for document in documents:
        if content_hash(document.body) != document.version:
            detail = f"The version of {document.kind} {document.id!r} is not the hash of its body."
            raise Problem(422, "Invalid release", detail)
    try:
        return compile_catalog("unpublished", documents)
    except (ValueError, LookupError, msgspec.MsgspecError) as error:
        raise Problem(
            422, "Invalid release", f"The definitions do not compile: {error}. Run: perennia check"
        ) from error


def orders_of(modes: Iterable[ModeBody], catalog: Catalog, before: StoredCatalog | None) -> list[PlaybookOrder]:
    """What is ordered for people in flight; the store fills in number, instant and author. A 422 `Problem` where it cannot be."""
    former = set[str]() if before is None else {each.id for each in before.current if each.kind == "playbook"}
    known = former | catalog.playbooks.keys()
    orders: dict[str, PlaybookOrder] = {}
    for mode in modes:
        book = catalog.playbooks.get(mode.playbook)
        left = _steps_of(mode.playbook, before) if mode.map else frozenset[str]()
        if mode.playbook not in known:
            raise _no_such("playbook", mode.playbook, known)
        if mode.playbook in orders:
            raise Problem(422, "Two modes", f"The playbook {mode.playbook!r} is given two modes; say one.")
        if mode.mode == "migrate" and book is None:
            detail = f"The playbook {mode.playbook!r} is not in this release: nobody can go on in it; say exit."
            raise Problem(422, "Nothing to migrate to", detail)
        for old, target in mode.map.items():
            if old not in left:
                raise _no_such("step", old, left, f" in any version of {mode.playbook!r} that is or was in force")
            if book is not None and target not in book.nodes:
                raise _no_such("step", target, book.nodes, f" in the {mode.playbook!r} of this release")
        orders[mode.playbook] = PlaybookOrder(
            number=0,
            at=LONG_AGO,
            playbook=mode.playbook,
            word=mode.mode,
            by="",
            version=None if book is None else book.version,
            map=mode.map,
        )
    return list(orders.values())


def _steps_of(playbook: str, before: StoredCatalog | None) -> frozenset[str]:
    """The steps that somebody who is in the playbook may stand at."""
    if before is None:
        return frozenset()
    versions = [each for each in (*before.current, *before.past) if (each.kind, each.id) == ("playbook", playbook)]
    books = [compile_catalog("former", [each]).playbooks[playbook] for each in versions]
    return frozenset(step for book in books for step in book.nodes)


def _no_such(noun: str, name: str, known: Iterable[str], where: str = "") -> Problem:
    return Problem(422, f"Unknown {noun}", f"There is no {noun} {name!r}{where}{nearest(name, known)}")


def nearest(name: str, known: Iterable[str]) -> str:
    """How a sentence about an unknown name ends: with the nearest known one, where there is one."""
    match difflib.get_close_matches(name, list(known), n=1):
        case [near]:
            return f"; did you mean {near!r}?"
        case _:
            return "."
