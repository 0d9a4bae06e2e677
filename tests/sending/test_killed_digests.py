"""kill -9 of whoever sends a digest, before and after its provider took it: never twice, and each step learns what is known."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import product
from pathlib import Path

import pytest

from perennia.providers.email import email_provider
from perennia.store import open_store
from perennia.store.port import Store
from tests.sending.conftest import START, Office
from tests.sending.test_gathered_messages import NOON, WORKSPACE, gathered
from tests.sending.test_killed_senders import ENDS, MARKETING, End, PostOffice
from tests.support.installation import event, publish
from tests.support.sending_process import AFTER_ACCEPTANCE, AFTER_CLAIM, AFTER_END, BEFORE_CLAIM

pytestmark = pytest.mark.slow


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    await store.migrate()
    await publish(store, tmp_path / "workspace", START, WORKSPACE)
    yield store
    await store.close()


@pytest.fixture
async def post_office(office: Office, tmp_path: Path) -> AsyncIterator[PostOffice]:
    async with AsyncExitStack() as servers:
        yield PostOffice(office, f"sqlite:///{tmp_path / 'store.sqlite'}", servers)


async def ended(office: Office) -> dict[str, tuple[str, bool]]:
    """By playbook how its step ended after the next turn, and whether nobody knows for sure."""
    await office.turn()
    entries = [row.entry for row in await office.store.journal(office.customer)]
    mails = [each for each in entries if each.act == "step_ended" and each.step == "mail"]
    return {each.playbook or "": (each.code, each.detail.get("uncertain") is True) for each in mails}


@pytest.mark.parametrize(
    ("provider", "moment"),
    list(product(("smtp", "resend"), (BEFORE_CLAIM, AFTER_CLAIM, AFTER_ACCEPTANCE, AFTER_END))),
)
async def test_a_digest_whose_sender_was_killed_goes_as_any_message_of_its_kind(
    post_office: PostOffice, provider: str, moment: str
) -> None:
    url, taken = await post_office.open(provider)
    status = await post_office.taken_up(url, moment, await gathered(post_office.office, plan="pro"))
    assert End(status, len(taken())) == ENDS[provider][moment, MARKETING]
    uncertain = status == "unknown"
    assert await ended(post_office.office) == {"shared": ("sent", uncertain), "liked": ("sent", uncertain)}


async def test_whoever_leaves_a_digest_after_the_kill_leaves_it_one_message_under_one_key(
    post_office: PostOffice,
) -> None:
    url, taken = await post_office.open("resend")
    office = post_office.office
    key = await gathered(office, plan="pro")
    await post_office.killed(url, AFTER_ACCEPTANCE, key)
    await office.store.accept([event("ana", "Stopped", NOON)], NOON)
    assert await office.turn() == [key]
    provider = email_provider(url)
    await office.send(key, provider)
    await provider.close()
    assert ((await office.row()).status, len(taken())) == ("sent", 1)
