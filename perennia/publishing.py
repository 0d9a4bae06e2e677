"""From a checked workspace to the installation's current revision, and what that changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from perennia.core.documents import Document
from perennia.installation import Installation, Mode, PublishedDocument
from perennia.store.records import Revision


class Change(msgspec.Struct, frozen=True, order=True):
    """What a publish does to one definition."""

    kind: str
    id: str
    what: Literal["new", "changed", "removed"]


class Publication(msgspec.Struct, frozen=True):
    """``changes`` is empty where the release was current already."""

    revision: Revision
    changes: tuple[Change, ...]


async def publish_documents(
    installation: Installation,
    documents: Sequence[Document],
    by: str,
    modes: Sequence[Mode] = (),
    expected: str | None = None,
) -> Publication:
    """Makes ``documents`` the current revision.

    ``expected``: the id or number of the revision that was looked at before, say with a plan. Raises `SaidNo` (409) where
    another one is current.
    """
    before = await installation.revision()
    changes = compare(await installation.published(), documents)
    revision = await installation.publish(documents, seen(before, expected), by, modes)
    return Publication(revision, changes)


def seen(before: Revision | None, expected: str | None) -> str | None:
    """The id of the revision to publish on: the current one, unless another was named."""
    if before is None or expected in (None, before.id, str(before.number)):
        return before.id if before else None
    return expected


def compare(before: Iterable[PublishedDocument], after: Iterable[Document]) -> tuple[Change, ...]:
    """What differs, by kind and id."""
    old = {(document.kind, document.id): document.version for document in before}
    new = {(document.kind, document.id): document.version for document in after}
    changes = [Change(*name, "removed") for name in old.keys() - new.keys()]
    changes += [Change(*name, "new") for name in new.keys() - old.keys()]
    changes += [Change(*name, "changed") for name in new.keys() & old.keys() if new[name] != old[name]]
    return tuple(sorted(changes))
