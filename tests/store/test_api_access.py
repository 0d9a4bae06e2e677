"""API keys and repeated requests in the store, on both databases."""

from __future__ import annotations

from datetime import timedelta

from perennia.store import SqlStore
from perennia.store.access_records import ApiKey, GivenReply, KeyChange
from tests.support.posts import AT


def key(id_: str) -> ApiKey:
    return ApiKey(
        id=id_,
        name=id_,
        hint="prn_",
        scopes=("tasks:read",),
        rate=None,
        created_at=AT,
        created_by="kim",
        expires_at=None,
    )


async def test_a_key_lives_from_its_making_to_its_end(store: SqlStore) -> None:
    await store.add_api_key(key("k1"), "d1")
    assert (await store.use_api_key("d1", AT)) == key("k1")
    change = KeyChange(name="n", scopes=("tasks:write",), rate=9, expires_at=None, version=1)
    changed = await store.change_api_key("k1", change)
    assert changed is not None
    assert (changed.name, changed.scopes, changed.rate, changed.last_used_at) == ("n", ("tasks:write",), 9, AT)
    assert await store.change_api_key("k1", change) is None
    await store.rotate_api_key("k1", "d2", "prn_2", AT + timedelta(hours=1))
    assert [await store.use_api_key("d1", AT + timedelta(hours=h)) is None for h in (0, 1)] == [False, True]
    revoked = await store.revoke_api_key("k1", AT)
    assert (revoked is not None and revoked.revoked_at, await store.use_api_key("d2", AT)) == (AT, None)
    assert [each.id for each in await store.api_keys()] == ["k1"]


async def test_a_request_is_begun_once_and_answered_alike(store: SqlStore, neighbour: SqlStore) -> None:
    reply = GivenReply(status=201, headers={"etag": '"1"'}, body="{}")
    assert (await store.begin_request("c", "k", "f", AT)).fresh
    assert (await neighbour.begin_request("c", "k", "f", AT)).fresh is False
    await store.end_request("c", "k", reply)
    assert (await neighbour.begin_request("c", "k", "f", AT)).reply == reply
    assert (await neighbour.begin_request("c", "k", "other", AT)).differs
    await store.end_request("c", "k", None)
    assert (await store.begin_request("c", "k", "other", AT)).fresh
