"""Links and pictures that tell of clicks and opens: a message that left, followed by people, machines and scanners."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from activities.letters import Letters
from activities.published import Published
from perennia.api.app import create_app
from perennia.api.published import Published as PublishedPolicies
from perennia.api.tracking import TrackedLinks
from perennia.core.decisions import EffectEnded, MessageTold, Outcome, SendEmail
from perennia.providers.addresses import Mailbox
from perennia.rendering.links import ClickLink, Links
from perennia.store import SqlStore, open_store
from perennia.store.permission_records import ConsentSaid
from perennia.store.port import Store, StoreUnavailable
from perennia.store.records import MessageReport, SendStatus
from tests.support.api_world import FixedClock, HeardBells
from tests.support.installation import publish
from tests.support.posts import AT, Turn, email, traits, write

SITE = "https://links.acme.example"
LINKS = Links("https://acme.example", ["the key of the tests"], SITE)
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
WORKSPACE = {
    "playbooks/policies.yaml": """
        policies: default
        url: https://acme.example
        senders: {hello: {email: hello@acme.example}}
        default_sender: hello
        topics: {tips: {kind: opt_out, name: Tips, tracking: {clicks: true, opens: true, consent: opt_out}}}
        """,
    "playbooks/p.yaml": """
        playbook: p
        topic: tips
        enter: {on: [{event: Go}]}
        steps: [{id: hello, email: hello}]
        """,
    "templates/hello.md": """
        ---
        subject: Hello
        ---
        [Reports](https://acme.example/reports?a=1&b=2) and [prices](https://acme.example/prices)
        """,
}


class Site:
    """A message that left, and the API that its links lead to. ``clock`` stands a minute after that."""

    def __init__(self, store: SqlStore, customer: str, effect: SendEmail) -> None:
        self.store, self.customer, self.effect = store, customer, effect
        self.clock, self.bells = FixedClock(), HeardBells()
        self.clock.instant = AT + timedelta(minutes=2)
        app = create_app(store=store, bells=self.bells, clock=self.clock, links=LINKS, write_keys=["w"], admin_key="a")
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=SITE, headers=BROWSER)

    async def told(self) -> list[str]:
        """What the customer's playbooks hear, in order."""
        turn = Turn()
        await self.store.turn(self.customer, turn)
        return [each.what for each in turn.inputs if isinstance(each, MessageTold)]

    async def reported(self) -> list[tuple[str, bool]]:
        return sorted((each.what, each.machine) for each in await self.store.reports(self.customer))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    await store.migrate()
    await publish(store, tmp_path / "workspace", AT, WORKSPACE)
    await store.accept([traits("m1", "ana", email="ana@example.com")], AT)
    ana = await store.find("ana")
    effect = email(ana)
    await store.turn(ana, Turn(lambda snapshot: write(snapshot, effect)))
    await store.claim_message(effect.key, AT)
    left = EffectEnded(at=AT + timedelta(minutes=1), key=effect.key, outcome=Outcome.SENT)
    await store.end_message(effect.key, SendStatus.SENT, left, "told", None)
    site = Site(store, ana, effect)
    yield site
    await site.client.aclose()
    await store.close()


def link(site: Site, number: int = 0) -> str:
    return LINKS.click_url(ClickLink(site.effect.reference, number, None, "https://acme.example/reports?a=1"))


async def test_a_click_leads_on_and_is_told_once(site: Site) -> None:
    for _ in range(2):
        answer = await site.client.get(link(site))
        assert (answer.status_code, answer.headers["location"]) == (302, "https://acme.example/reports?a=1")
        assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert await site.reported() == [("clicked", False)]
    assert await site.told() == ["clicked"]


async def test_an_opening_is_told_once(site: Site) -> None:
    for _ in range(2):
        answer = await site.client.get(LINKS.open_url(site.effect.reference))
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    assert await site.told() == ["opened"]


async def test_head_leads_on_and_is_heard_by_nobody(site: Site) -> None:
    answer = await site.client.head(link(site))
    assert answer.headers["location"] == "https://acme.example/reports?a=1"
    await site.client.head(LINKS.open_url(site.effect.reference))
    assert await site.reported() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": "Mozilla/5.0"},
        {"User-Agent": "Mozilla/5.0 (Windows NT 5.1) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"},
        {"User-Agent": "Mozilla/5.0 (compatible; SafeLinks)"},
        {"User-Agent": "python-requests/2.32"},
        {"User-Agent": ""},
        {"Sec-Purpose": "prefetch;prerender"},
    ],
)
async def test_what_a_machine_does_is_kept_and_told_to_nobody(site: Site, headers: dict[str, str]) -> None:
    await site.client.get(LINKS.open_url(site.effect.reference), headers=headers)
    assert (await site.client.get(link(site), headers=headers)).status_code == 302
    assert await site.reported() == [("clicked", True), ("opened", True)]
    assert await site.told() == []


async def test_a_click_seconds_after_the_message_left_is_a_scanners_and_a_later_one_a_persons(site: Site) -> None:
    site.clock.instant = AT + timedelta(minutes=1, seconds=9)
    await site.client.get(link(site))
    site.clock.instant = AT + timedelta(minutes=1, seconds=10)
    await site.client.get(link(site))
    assert await site.reported() == [("clicked", False), ("clicked", True)]
    assert await site.told() == ["clicked"]


async def test_who_does_not_want_to_be_tracked_is_not_also_by_links_that_left_before(site: Site) -> None:
    refused = ConsentSaid(topic=":tracking", given=False, at=AT, source="preferences")
    await site.store.say_consent(site.customer, refused)
    assert (await site.client.get(link(site))).status_code == 302
    await site.client.get(LINKS.open_url(site.effect.reference))
    assert await site.reported() == []


async def test_a_link_that_nobody_signed_leads_nowhere(site: Site) -> None:
    answer = await site.client.get(f"{SITE}/l/https://evil.example")
    assert answer.status_code == 404
    assert (await site.client.get(f"{link(site)}x")).status_code == 404
    assert await site.reported() == []


class Away:
    """A store that is out of reach."""

    async def hear_report(self, report: MessageReport, at: datetime) -> bool:
        raise StoreUnavailable(f"{report.what} {at}")


async def test_a_reader_comes_to_where_the_link_leads_also_while_the_store_is_away(site: Site) -> None:
    links = TrackedLinks(cast("Store", Away()), site.bells, LINKS, PublishedPolicies(site.store), site.clock)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(Starlette(routes=links.routes()))) as client:
        assert (await client.get(link(site))).status_code == 302


async def test_every_link_of_a_message_is_tracked_but_those_that_lead_to_us(site: Site) -> None:
    effect = msgspec.structs.replace(site.effect, template_version="", context={"contact": {}})
    effect = msgspec.structs.replace(site.effect, template_version="", context={"contact": {}})
    letter = await Letters(Published(site.store), LINKS).write(site.customer, effect, Mailbox("ana@example.com"), AT)
    html, text = letter.email.html or "", letter.email.text
    urls = [each.replace("&amp;", "&") for each in re.findall(r'href="([^"]+)"', html)]
    targets = [LINKS.read_click(each.rsplit("/", 1)[1]).target for each in urls if each.startswith(f"{SITE}/l/")]
    assert targets[:2] == ["https://acme.example/reports?a=1&b=2", "https://acme.example/prices"]
    assert LINKS.unsubscribe_url(site.customer, "tips") in urls
    assert set(re.findall(rf"{SITE}/l/[\w.-]+", text)) == {each for each in urls if each.startswith(f"{SITE}/l/")}
    assert html.count(LINKS.open_url(site.effect.reference)) == 1
    assert "ana@example.com" not in json.dumps([urls, targets])
