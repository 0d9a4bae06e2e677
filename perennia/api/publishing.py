"""Publishing: a release becomes the current revision, and everybody looks at it."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from fastapi import APIRouter, Response

from perennia.api.audit_log import AuditLog
from perennia.api.problems import Problem
from perennia.api.views import DocumentHead, ReleaseBody, RevisionView
from perennia.clock import Clock
from perennia.core.compiled import Catalog, compile_catalog
from perennia.core.documents import Document, content_hash
from perennia.ingest.bells import Bells
from perennia.store.port import Store


@dataclass(frozen=True)
class Publishing:
    store: Store
    bells: Bells
    clock: Clock
    audit: AuditLog

    def router(self) -> APIRouter:
        router = APIRouter(tags=["publishing"])
        router.get("/revision")(self.current)
        router.get("/revision/documents")(self.documents)
        router.post(
            "/revisions",
            status_code=201,
            responses={200: {"model": RevisionView, "description": "This release is current already"}},
        )(self.publish)
        return router

    async def current(self) -> RevisionView:
        """The current revision."""
        revision = await self.store.current_revision()
        if revision is None:
            raise Problem(404, "Nothing published", "Nothing is published yet. Run: perennia publish")
        return RevisionView.model_validate(revision)

    async def documents(self) -> list[DocumentHead]:
        """What the current revision consists of, without the bodies; nothing before anything was published."""
        revision = await self.store.current_revision()
        if revision is None:
            return []
        stored = await self.store.catalog(revision.id)
        return [DocumentHead.model_validate(document) for document in stored.current]

    async def publish(self, body: ReleaseBody, response: Response) -> RevisionView:
        """Makes these documents the current revision, if ``expected`` still is (else 409)."""
        documents = [Document(kind=one.kind, id=one.id, version=one.version, body=one.body) for one in body.documents]
        triggers = _compile(documents).triggers()
        before = await self.store.current_revision()
        await self.audit.write(body.by, "publish", body.expected or "", documents=len(documents))
        revision = await self.store.publish(documents, triggers, self.clock.now(), body.by, body.expected)
        if before is not None and before.id == revision.id:
            response.status_code = 200
        else:
            await self.store.ring_all()
            self.bells.nudge([])
        return RevisionView.model_validate(revision)


def _compile(documents: list[Document]) -> Catalog:
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
