"""Lists go on where a page ended, whatever happened at one instant."""

from __future__ import annotations

import msgspec
import pytest

from perennia.store import SqlStore
from perennia.store.cursors import cursor_of
from tests.support.posts import AT, email, enrolled, event, write


async def test_messages_of_one_instant_come_once_each_over_several_pages(store: SqlStore) -> None:
    await store.accept([event("m1", "ann")], AT)
    ann = await store.find("ann")
    mails = tuple(email(ann, step=step) for step in ("a", "b", "c"))
    await store.turn(ann, lambda one: msgspec.structs.replace(write(one, state=enrolled(one)), effects=mails))
    first = await store.messages(None, 2)
    rest = await store.messages(None, 2, cursor_of(first[-1].released_at, first[-1].key))
    assert [each.step for each in (*first, *rest)] == ["a", "b", "c"]


@pytest.mark.parametrize("cursor", ["", "x", "1", "99999999999999999999-k", "-", "٣-k"])
async def test_a_cursor_that_is_none_leads_nowhere(store: SqlStore, cursor: str) -> None:
    assert await store.messages(None, 2, cursor) == []
    assert await store.find_tasks(limit=2, after=cursor) == []
