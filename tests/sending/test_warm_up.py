"""A provider that is warming up: what it takes a day, who takes the rest, and when what nobody takes is tried again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import httpx
import msgspec
import pytest
from temporalio.exceptions import ApplicationError

from activities.warming import next_try
from perennia.api.app import create_app
from perennia.core.decisions import Reason, SendEmail
from perennia.providers.email import Capabilities
from perennia.providers.failures import Refused, Unavailable
from perennia.providers.routes import EmailRoutes
from perennia.providers.warm_up import WarmUp
from perennia.store.records import SendStatus
from tests.sending.conftest import ANA, LINKS, START, Office, ToldProvider
from tests.support.api_world import ADMIN, HeardBells
from tests.support.installation import event, traits
from tests.support.posts import email

ONE_A_DAY = WarmUp(date(2026, 3, 2), first=1, growth=1, ceiling=1)
MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)


def warming(name: str) -> ToldProvider:
    return ToldProvider(name, Capabilities(idempotent=False, warm_up=ONE_A_DAY))


async def another(office: Office, who: str, happened: str) -> tuple[Office, str]:
    """Somebody else in the same store, and the key of the message that the event opens."""
    told = {**ANA, "email": f"{who}@example.com"}
    await office.store.accept([traits(who, START, **told), event(who, happened, START)], START)
    other = Office(office.store, office.clock, office.provider, await office.store.find(who))
    (key,) = await other.turn()
    return other, key


@dataclass
class Crowd:
    """Ana's message has taken the only place of the day; Bo's comes too late."""

    office: Office
    new: ToldProvider
    routes: EmailRoutes
    bo: Office
    key: str

    async def send(self) -> None:
        await self.bo.send(self.key, self.routes)

    async def is_late(self) -> ApplicationError:
        with pytest.raises(ApplicationError, match="warm_up") as held:
            await self.send()
        return held.value


@pytest.fixture
async def crowd(office: Office) -> Crowd:
    new = warming("new")
    routes = EmailRoutes.through(new)
    await office.send(await office.open("Signed Up"), routes)
    return Crowd(office, new, routes, *await another(office, "bo", "Signed Up"))


async def test_what_is_over_the_days_maximum_waits_and_has_not_failed(crowd: Crowd) -> None:
    assert (await crowd.is_late()).non_retryable
    row = await crowd.bo.row()
    assert (row.status, row.reason, len(crowd.new.asked)) == (SendStatus.RESERVED, None, 1)


async def test_it_is_tried_again_at_the_next_days_beginning(crowd: Crowd) -> None:
    await crowd.is_late()
    assert await crowd.bo.turn() == []
    again = (await crowd.bo.row()).waits_until
    assert again is not None
    assert MIDNIGHT + timedelta(minutes=10) <= again < MIDNIGHT + timedelta(minutes=70)
    summary, _ = await crowd.bo.store.customer(crowd.bo.customer)
    assert summary.wake_at == again
    crowd.office.clock.instant = again
    assert await crowd.bo.turn() == [crowd.key]
    await crowd.send()
    assert (await crowd.bo.row()).status is SendStatus.SENT


async def test_the_journal_says_why_it_waits(crowd: Crowd) -> None:
    await crowd.is_late()
    entry = (await crowd.bo.store.journal(crowd.bo.customer))[-1].entry
    assert (entry.act, entry.reason, entry.step, entry.detail["provider"]) == ("held", Reason.WARM_UP, "mail", "new")


async def test_a_spare_one_takes_what_is_over_the_maximum(crowd: Crowd) -> None:
    spare = ToldProvider("spare")
    crowd.routes = EmailRoutes({**crowd.routes.providers, "spare": spare}, {"*": ["new", "spare"]})
    await crowd.send()
    row = await crowd.bo.row()
    assert (row.status, row.provider, len(spare.asked)) == (SendStatus.SENT, "spare", 1)


async def test_a_senders_route_has_a_maximum_of_its_own(office: Office) -> None:
    new, other = warming("new"), warming("other")
    routes = EmailRoutes({"new": new, "other": other}, {"*": ["new"], "sender:billing": ["other"]})
    await office.send(await office.open("Signed Up"), routes)
    bo, key = await another(office, "bo", "Paid")
    await bo.send(key, routes)
    assert (len(new.asked), len(other.asked)) == (1, 1)


@pytest.mark.parametrize("failure", [Unavailable("busy"), Refused("no such address", reason="invalid_address")])
async def test_a_message_that_did_not_leave_takes_no_place(office: Office, failure: Unavailable | Refused) -> None:
    new = warming("new")
    new.answers = [failure]
    routes = EmailRoutes.through(new)
    key = await office.open("Signed Up")
    with suppress(ApplicationError):
        await office.send(key, routes)
    bo, later = await another(office, "bo", "Signed Up")
    await bo.send(later, routes)
    assert (await bo.row()).status is SendStatus.SENT


async def test_a_message_that_is_away_from_two_takes_no_place_of_either(office: Office) -> None:
    new, spare = warming("new"), warming("spare")
    new.answers, spare.answers = [Unavailable("busy")], [Unavailable("busy")]
    with pytest.raises(ApplicationError):
        await office.send(
            await office.open("Signed Up"), EmailRoutes({"new": new, "spare": spare}, {"*": ["new", "spare"]})
        )
    assert (await office.store.day_of_places("2026-03-02", START)).used == {"new": 0, "spare": 0}


def message(*, transactional: bool = False, priority: int = 50) -> SendEmail:
    return msgspec.structs.replace(email("ann"), transactional=transactional, priority=priority)


def test_transactional_mail_is_tried_first_then_what_has_the_higher_priority() -> None:
    tries = [
        next_try(each, START)
        for each in (message(transactional=True), message(priority=100), message(priority=50), message(priority=0))
    ]
    assert tries == sorted(tries)
    assert tries[0] < MIDNIGHT + timedelta(minutes=10) <= tries[1]
    assert tries[3] - tries[1] == timedelta(minutes=30)


def test_what_waits_is_spread_over_the_beginning_of_the_day() -> None:
    tries = {next_try(msgspec.structs.replace(message(), key=f"k{n}"), START) for n in range(100)}
    assert max(tries) - min(tries) > timedelta(minutes=25)


# --- what the team sees ---------------------------------------------------------------------------------------------


async def test_the_api_shows_what_was_given_and_what_waits(crowd: Crowd) -> None:
    await crowd.is_late()
    again = (await crowd.bo.row()).waits_until
    assert again is not None
    maxima = {"new": ONE_A_DAY.maximum, "idle": WarmUp(date(2026, 3, 1)).maximum}
    app = create_app(
        store=crowd.office.store,
        bells=HeardBells(),
        clock=crowd.office.clock,
        links=LINKS,
        write_keys=["w"],
        admin_key="admin-key",
        maxima=maxima,
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x", headers=ADMIN) as api:
        shown = (await api.get("/api/v1/sending/warm-ups")).json()
        messages = (await api.get("/api/v1/messages")).json()
    assert shown["providers"] == [
        {"provider": "new", "used": 1, "maximum": 1, "tomorrow": 1},
        {"provider": "idle", "used": 0, "maximum": 65, "tomorrow": 84},
    ]
    assert (shown["day"], shown["waiting"], datetime.fromisoformat(shown["next_at"])) == ("2026-03-02", 1, again)
    assert [bool(each["waits_until"]) for each in messages if each["status"] == "reserved"] == [True]
