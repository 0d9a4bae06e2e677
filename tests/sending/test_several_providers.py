"""One takes the place of another that is away, and no message leaves twice for it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError

from perennia.providers.email import Capabilities
from perennia.providers.failures import Unavailable
from perennia.providers.routes import EmailRoutes
from perennia.store.records import SendStatus
from perennia.store.warming_records import Place
from tests.sending.conftest import Office, ToldProvider

BUSY = Unavailable("busy", retry_after=timedelta(minutes=7))
LOST = Unavailable("the connection broke", maybe_sent=True)


@pytest.fixture
def first() -> ToldProvider:
    return ToldProvider("first")


@pytest.fixture
def spare() -> ToldProvider:
    return ToldProvider("spare")


@pytest.fixture
def routes(first: ToldProvider, spare: ToldProvider) -> EmailRoutes:
    return EmailRoutes({"first": first, "spare": spare}, {"*": ["first", "spare"], "sender:billing": ["spare"]})


def taken(*providers: ToldProvider) -> list[int]:
    return [len(provider.asked) for provider in providers]


async def test_the_spare_one_takes_what_the_first_cannot(
    office: Office, routes: EmailRoutes, first: ToldProvider, spare: ToldProvider
) -> None:
    first.answers = [BUSY]
    await office.send(await office.open("Signed Up"), routes)
    row = await office.row()
    assert (row.status, row.provider, taken(first, spare)) == (SendStatus.SENT, "spare", [1, 1])


async def test_a_sender_leaves_through_its_own(
    office: Office, routes: EmailRoutes, first: ToldProvider, spare: ToldProvider
) -> None:
    await office.send(await office.open("Paid"), routes)
    assert taken(first, spare) == [0, 1]


async def test_where_all_are_away_the_message_waits(
    office: Office, routes: EmailRoutes, first: ToldProvider, spare: ToldProvider
) -> None:
    first.answers, spare.answers = [BUSY], [BUSY]
    with pytest.raises(ApplicationError):
        await office.send(await office.open("Signed Up"), routes)
    assert (await office.row()).status is SendStatus.RESERVED
    assert taken(first, spare) == [1, 1]


async def test_nobody_takes_the_place_of_one_that_may_have_accepted(
    office: Office, routes: EmailRoutes, first: ToldProvider, spare: ToldProvider
) -> None:
    first.answers = [LOST]
    await office.send(await office.open("Signed Up"), routes)
    assert (await office.row()).status is SendStatus.UNKNOWN
    assert taken(first, spare) == [1, 0]


async def test_an_interrupted_message_is_asked_for_where_it_was_handed_over(
    office: Office, routes: EmailRoutes, first: ToldProvider, spare: ToldProvider
) -> None:
    spare.capabilities = Capabilities(idempotent=True)
    key = await office.open("Signed Up")
    await office.store.claim_message(key, office.clock.now(), lambda _: [Place("spare", "2026-03-02")])
    await office.send(key, routes)
    assert ((await office.row()).status, taken(first, spare)) == (SendStatus.SENT, [0, 1])


async def test_whom_an_attempt_asks_is_noted_before_it_is_asked(
    office: Office, routes: EmailRoutes, first: ToldProvider, spare: ToldProvider
) -> None:
    spare.capabilities = Capabilities(idempotent=True)
    first.answers, spare.answers = [BUSY], [LOST]
    key = await office.open("Signed Up")
    with pytest.raises(ApplicationError):
        await office.send(key, routes)
    await office.send(key, routes)
    assert ((await office.row()).provider, taken(first, spare)) == ("spare", [1, 2])
