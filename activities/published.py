"""What sending needs of the catalog: the current policies, and templates by version."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Final

import msgspec

from perennia.core.admission import ANY_TIME, Timing, timing_of
from perennia.core.definitions import NO_POLICIES, Policies
from perennia.core.documents import TemplateBody
from perennia.store.port import Store, UnknownVersion

# A publish shows in messages this much later at most; a busy worker asks for the revision once in that time instead of
# once a message.
REVISION_SECONDS: Final = 2.0
TEMPLATES_KEPT: Final = 256


class Published:
    """Reads the store rarely: templates never change under their version, policies only with the revision."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._templates: OrderedDict[str, TemplateBody] = OrderedDict()
        self._policies = NO_POLICIES
        self._timing = ANY_TIME
        self._newest: dict[str, str] = {}
        self._revision: str | None = None
        self._asked: float | None = None

    async def policies(self) -> Policies:
        """Of the current revision; `NO_POLICIES` before anything is published."""
        now = time.monotonic()
        if self._asked is None or now - self._asked >= REVISION_SECONDS:
            revision = await self._store.current_revision()
            if revision is not None and revision.id != self._revision:
                await self._read(revision.id)
                self._timing = timing_of(self._policies)
                self._revision = revision.id
            self._asked = now
        return self._policies

    async def timing(self) -> Timing:
        """When and how often the current policies let messages leave."""
        await self.policies()
        return self._timing

    async def newest(self, template: str) -> str:
        """The version of a template that the current revision has. Raises `UnknownVersion`."""
        await self.policies()
        if template not in self._newest:
            raise UnknownVersion(f"no template {template!r} is published")
        return self._newest[template]

    async def template(self, version: str) -> TemplateBody:
        if version not in self._templates:
            document = await self._store.template(version)
            self._templates[version] = msgspec.json.decode(document.body, type=TemplateBody)
            while len(self._templates) > TEMPLATES_KEPT:
                self._templates.popitem(last=False)
        self._templates.move_to_end(version)
        return self._templates[version]

    async def _read(self, revision: str) -> None:
        catalog = await self._store.catalog(revision)
        said = [document.body for document in catalog.current if document.kind == "policies"]
        self._policies = Policies.model_validate_json(said[0]) if said else NO_POLICIES
        self._newest = {each.id: each.version for each in catalog.current if each.kind == "template"}
