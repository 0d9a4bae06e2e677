"""Addresses that are never written to: many at once, the same again, and let go."""

from __future__ import annotations

from perennia.store import SqlStore
from perennia.store.permission_records import Suppression
from tests.support.posts import AT, later, take_turn, traits


def closed(address: str, reason: str = "bounced") -> Suppression:
    return Suppression(address=address, reason=reason, at=AT)


async def test_an_import_is_idempotent_and_the_first_reason_stays(store: SqlStore) -> None:
    assert await store.suppress_all([closed("Ann@x.io"), closed("ben@x.io"), closed("ann@X.io", "other")], AT) == 2
    assert await store.suppress_all([closed("ann@x.io", "other"), closed("cleo@x.io")], later(days=1)) == 1

    assert [(each.address, each.reason) for each in await store.suppressions()] == [
        ("ann@x.io", "bounced"),
        ("ben@x.io", "bounced"),
        ("cleo@x.io", "bounced"),
    ]


async def test_more_than_a_statement_takes_are_closed_in_one_go(store: SqlStore) -> None:
    assert await store.suppress_all([closed(f"a{n:04}@x.io") for n in range(1_201)], AT) == 1_201
    assert [each.address for each in await store.suppressions(2, "a1198@x.io")] == ["a1199@x.io", "a1200@x.io"]


async def test_who_is_let_go_may_be_written_to_again(store: SqlStore) -> None:
    await store.accept([traits("m1", "ann", email="ann@x.io")], AT)
    await store.suppress("ann@x.io", "by hand", AT)
    assert (await take_turn(store, "ann")).recipient.suppressed

    assert await store.lift_suppression(" Ann@x.io", later(days=1), "kim")
    assert not await store.lift_suppression("ann@x.io", later(days=2), "kim")

    assert not (await take_turn(store, "ann")).recipient.suppressed
    (entry,) = [each for each in await store.audited() if each.action == "lift suppression"]
    assert (entry.by, entry.subject, entry.detail) == ("kim", "ann@x.io", {"reason": "by hand"})
