"""A test send of a broadcast: the real message through a real SMTP conversation, marked, and written down nowhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from activities.trying_out import TestLetters
from perennia.api.app import create_app
from perennia.core.json_values import JsonObject
from perennia.inbox import running_inbox
from perennia.providers.email import email_provider
from perennia.providers.failures import Refused
from perennia.providers.routes import EmailRoutes
from tests.sending.conftest import FILES, LINKS, START, Office
from tests.support.api_world import ADMIN, HeardBells
from tests.support.installation import publish, traits

SPRING: JsonObject = {"broadcast": "spring", "where": "true", "email": "mail", "topic": "tips", "by": "sam"}
VARIANTS: JsonObject = {
    "variants": {"a": {"share": 50}, "b": {"share": 50}},
    "goal": {"event": "Bought", "within": "7d"},
    "holdout": "100%",
    "at": "2026-05-05T09:00",
    "zone": "customer",
}
TO: JsonObject = {"by": "sam", "to": ["kim@acme.example"]}


def api(office: Office, routes: EmailRoutes) -> httpx.AsyncClient:
    app = create_app(
        store=office.store,
        bells=HeardBells(),
        clock=office.clock,
        links=LINKS,
        write_keys=["write-key"],
        admin_key="admin-key",
        trying=TestLetters(office.store, lambda: routes, LINKS, office.clock),
    )
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="https://p.example/api/v1", headers=ADMIN)


@pytest.fixture
async def there(office: Office) -> AsyncIterator[httpx.AsyncClient]:
    await office.store.accept([traits("ana", START, email="ana@example.com", first_name="Ana")], START)
    async with api(office, EmailRoutes.through(office.provider)) as client:
        yield client


async def test_colleagues_get_what_the_audience_would_get_marked_as_a_test(office: Office, tmp_path: Path) -> None:
    await office.store.accept([traits("ana", START, email="ana@example.com", first_name="Ana")], START)
    async with running_inbox("127.0.0.1:0", "127.0.0.1:0", tmp_path / "inbox") as addresses:
        provider = email_provider(addresses.smtp_url)
        async with api(office, EmailRoutes.through(provider)) as client:
            await client.post("/broadcasts", json=SPRING)
            sent = await client.post("/broadcasts/spring/test", json=TO)
        await provider.close()
        async with httpx.AsyncClient(base_url=addresses.url) as http:
            message = (await http.get("/messages/1.json")).json()

    assert sent.json() == [{"to": "kim@acme.example", "variant": "message", "template": "mail", "error": None}]
    assert (message["recipients"], message["subject"]) == (["kim@acme.example"], "[Test] Hello Ana")
    assert "List-Unsubscribe" not in dict(message["headers"])


async def test_every_variant_is_sent_whatever_the_hour_the_holdout_and_what_ana_said(
    there: httpx.AsyncClient, office: Office
) -> None:
    await office.store.unsubscribe(await office.store.find("ana"), "tips", START, "test")
    await there.post("/broadcasts", json={**SPRING, **VARIANTS})
    sent = (await there.post("/broadcasts/spring/test", json=TO)).json()
    assert [(each["variant"], each["error"]) for each in sent] == [("a", None), ("b", None)]
    assert len(office.provider.asked) == 2


async def test_it_is_written_down_nowhere_but_in_the_audit_log(there: httpx.AsyncClient, office: Office) -> None:
    await there.post("/broadcasts", json=SPRING)
    await there.post("/broadcasts/spring/test", json=TO)
    ana = await office.store.find("ana")
    assert (await office.store.messages(), await office.store.journal(ana)) == ([], [])
    assert (await office.store.broadcast("spring")) is not None
    assert "test broadcast" in [each.action for each in await office.store.audited()]


async def test_it_is_the_template_that_the_broadcast_was_made_with(
    there: httpx.AsyncClient, office: Office, tmp_path: Path
) -> None:
    await there.post("/broadcasts", json=SPRING)
    later = {**FILES, "templates/mail.md": FILES["templates/mail.md"].replace("Hello", "Goodbye")}
    await publish(office.store, tmp_path / "later", START, later)
    await there.post("/broadcasts/spring/test", json=TO)
    assert office.provider.asked[0].subject == "[Test] Hello Ana"


async def test_what_the_provider_says_is_said(there: httpx.AsyncClient, office: Office) -> None:
    office.provider.answers.append(Refused("no such mailbox", reason="invalid_address"))
    await there.post("/broadcasts", json=SPRING)
    (sent,) = (await there.post("/broadcasts/spring/test", json=TO)).json()
    assert sent["error"] == "no such mailbox"


async def test_nobody_can_be_written_as_where_nobody_is_in_the_audience(there: httpx.AsyncClient) -> None:
    await there.post("/broadcasts", json={**SPRING, "where": "false"})
    nobody = await there.post("/broadcasts/spring/test", json=TO)
    as_ana = await there.post("/broadcasts/spring/test", json={**TO, "customer": "ana"})
    assert (nobody.status_code, as_ana.status_code) == (409, 200)


async def test_a_preview_says_what_would_become_of_everybody(there: httpx.AsyncClient, office: Office) -> None:
    await office.store.accept([traits("bo", START, email="bo@example.com"), traits("cy", START)], START)
    await office.store.unsubscribe(await office.store.find("bo"), "tips", START, "test")
    await there.post("/broadcasts", json=SPRING)
    found = (await there.get("/broadcasts/spring/preview")).json()
    assert (found["looked"], found["audience"], found["next"]) == (3, 3, None)
    fates = {(each["what"], each["why"]): each["count"] for each in found["fates"]}
    assert fates == {("sent", ""): 1, ("skipped", "unsubscribed_topic"): 1, ("skipped", "missing_address"): 1}
