"""``POST /hooks/{provider}``: a real store behind the API, and what Resend posts, signed as it signs it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from deploy.simulator.hooks import AT, POSTERS, TOPIC, Posted, Telling, mailgun, sns_certificate
from perennia.api.app import create_app
from perennia.ingest.hooks import Hooks
from perennia.providers.reports import report_reader
from perennia.providers.ses_reports import SesReports
from perennia.rendering.links import Links
from perennia.store import SqlStore, open_store
from tests.support.api_world import FixedClock, HeardBells
from tests.support.posts import email, enrolled, take_turn, traits, write


@dataclass
class Site:
    store: SqlStore
    bells: HeardBells
    client: httpx.AsyncClient
    reference: str

    async def post(self, posted: Posted, provider: str = "resend") -> int:
        answer = await self.client.post(f"/hooks/{provider}", content=posted.body, headers=dict(posted.headers))
        return answer.status_code


async def certificate(_: str) -> bytes:
    return sns_certificate()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    await store.migrate()
    await store.accept([traits("m1", "ann", email="ann@x.io")], AT)
    ann = await store.find("ann")
    await store.turn(
        ann, lambda snapshot: write(snapshot, email(ann), state=enrolled(snapshot), watching=("messages",))
    )
    bells = HeardBells()
    readers = {name: report_reader(name, poster.secret) for name, poster in POSTERS.items() if name != "ses"}
    readers["ses"] = SesReports(TOPIC, fetch=certificate)
    app = Starlette(routes=Hooks(store, bells, FixedClock(), readers, real=lambda: AT).routes())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://perennia") as client:
        yield Site(store, bells, client, email(ann).reference)
    await store.close()


@pytest.mark.parametrize("provider", sorted(POSTERS))
async def test_a_bounce_is_told_closes_the_address_and_rings(site: Site, provider: str) -> None:
    telling = Telling("bounced", bounce="hard", reference=site.reference, recipient="ann@x.io")
    assert await site.post(POSTERS[provider].post(telling), provider) == 200
    assert site.bells.nudges == [[]]
    assert await site.store.rung(10) == [await site.store.find("ann")]
    turn = await take_turn(site.store, "ann")
    assert turn.recipient.suppressed
    assert [getattr(each, "what", None) for each in turn.inputs] == ["bounced"]


@pytest.mark.parametrize("provider", sorted(POSTERS))
async def test_a_call_that_comes_twice_changes_nothing_the_second_time(site: Site, provider: str) -> None:
    posted = POSTERS[provider].post(Telling("clicked", reference=site.reference))
    assert [await site.post(posted, provider) for _ in range(2)] == [200, 200]
    assert len((await take_turn(site.store, "ann")).inputs) == 1


@pytest.mark.parametrize("provider", sorted(POSTERS))
async def test_an_unsigned_call_changes_nothing(site: Site, provider: str) -> None:
    posted = POSTERS[provider].post(Telling("bounced", bounce="hard", reference=site.reference, recipient="ann@x.io"))
    body = posted.body.replace(b'"signature"', b'"signed"').replace(b'"Signature"', b'"Signed"')
    assert await site.post(Posted(body), provider) == 401
    turn = await take_turn(site.store, "ann")
    assert (turn.inputs, turn.recipient.suppressed) == ((), False)


async def test_a_token_of_mailguns_tells_one_thing_only(site: Site) -> None:
    opened = Telling("opened", reference=site.reference, recipient="ann@x.io")
    forged = Telling("complained", reference=site.reference, recipient="ann@x.io", id="forged")
    assert await site.post(mailgun(opened, token="once"), "mailgun") == 200
    assert await site.post(mailgun(forged, token="once"), "mailgun") == 200
    assert not (await take_turn(site.store, "ann")).recipient.suppressed


async def test_a_provider_whose_secret_is_not_set_is_not_known(site: Site) -> None:
    assert await site.post(Posted(b"{}"), "pigeon") == 404


async def test_a_call_that_is_much_too_large_is_refused(site: Site) -> None:
    assert await site.post(Posted(b"x" * (3 * 1024 * 1024))) == 413


async def test_the_installations_api_hears_them(site: Site) -> None:
    app = create_app(
        store=site.store,
        bells=site.bells,
        clock=FixedClock(),
        links=Links("https://acme.example", ["a key of the tests"]),
        write_keys=["w"],
        admin_key="admin-key",
        readers={"resend": report_reader("resend", POSTERS["resend"].secret)},
    )
    posted = POSTERS["resend"].post(Telling("clicked", reference=site.reference, at=datetime.now(UTC)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://perennia") as client:
        answer = await client.post("/hooks/resend", content=posted.body, headers=dict(posted.headers))
    assert answer.status_code == 200
    assert len((await take_turn(site.store, "ann")).inputs) == 1
