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
    *,
    only_new: bool = False,
) -> Publication:
    """Makes ``documents`` the current revision.

    ``expected``: the id or number of the revision that was looked at before, say with a plan. Raises `SaidNo` (409) where
    another one is current; ``only_new``: also where they were in force before, and others have been since.
    """
    before = await installation.revision()
    changes = compare(await installation.published(), documents)
    on = expected or (None if before is None else before.id)
    revision = await installation.publish(documents, on, by, modes, only_new=only_new)
    return Publication(revision, changes)


def compare(before: Iterable[PublishedDocument], after: Iterable[Document]) -> tuple[Change, ...]:
    """What differs, by kind and id."""
    old = {(document.kind, document.id): document.version for document in before}
    new = {(document.kind, document.id): document.version for document in after}
    changes = [Change(*name, "removed") for name in old.keys() - new.keys()]
    changes += [Change(*name, "new") for name in new.keys() - old.keys()]
    changes += [Change(*name, "changed") for name in new.keys() & old.keys() if new[name] != old[name]]
    return tuple(sorted(changes))
