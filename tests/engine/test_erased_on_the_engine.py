"""Somebody who waits in the engine is erased: the workflow ends, and Temporal's own files say nothing of them."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime

from perennia.store.port import Store
from perennia.store.privacy_records import Erasure
from perennia.temporal import DevServer
from tests.support.installation import event, traits
from tests.support.installed import installed
from tests.support.temporal_runs import Rig


async def test_their_workflow_ends_and_temporals_files_never_knew_them(
    server: DevServer, rig: Rig, store: Store
) -> None:
    who, now = f"outside-{uuid.uuid4().hex}", datetime.now(UTC)
    address = f"{uuid.uuid4().hex}@example.com"
    async with installed(rig, store) as installation:
        told = traits(who, now, email=address, first_name="Ana-Lucia")
        await installation.accept(told, event(who, "Account Created", now), event(who, "Contract Signed", now))
        await installation.sent(1)
        customer = await store.find(who)
        async with asyncio.timeout(30):
            while (await store.customer(customer))[0].wake_at is None:  # noqa: ASYNC110 - see `temporal_runs.until`
                await asyncio.sleep(0.02)

        await store.erase(who, None, Erasure(at=datetime.now(UTC), by="kim"))
        installation.dispatcher.nudge([customer])

        await rig.handle(customer).result()
        assert await store.rung(10) == []
    files = [path for path in server.database.parent.glob(f"{server.database.name}*") if path.is_file()]
    words = b"".join(path.read_bytes() for path in files)
    assert customer.encode() in words
    assert [each for each in (who, address, "Ana-Lucia") if each.encode() in words] == []
