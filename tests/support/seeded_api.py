"""The whole HTTP API on a real server over SQLite, with a small company in it whose customers take their turns at once."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import httpx

from perennia.access.scopes import KeyScope
from perennia.api.app import create_app
from perennia.rendering.links import Links
from perennia.store import open_store
from perennia.store.port import Store
from perennia.store.records import Accepted
from tests.support.installation import arrival, event, publish, traits
from tests.support.posts import account_traits, member
from tests.support.serving import served
from tests.support.stored_lives import StoredLives
from tests.support.turning import TurningBells

NOW: Final = datetime(2026, 3, 2, 10, tzinfo=UTC)
ADMIN_KEY: Final = "admin-key"

COMPANY: Final = {
    "playbooks/policies.yaml": """
        policies: default
        timezone: Europe/Amsterdam
        url: https://acme.example
        name: Acme
        address: 1 Main Street, Utrecht
        senders: {hello: {email: hello@acme.example, name: Ana at Acme}}
        default_sender: hello
        topics: {tips: {kind: opt_out, name: Tips}, news: {kind: opt_in, name: News}}
        people: {kim: {name: Kim Lee, email: kim@acme.example}, sam: {email: sam@acme.example}}
        teams: {cs: {people: [kim, sam]}}
        """,
    "playbooks/welcome.yaml": """
        playbook: welcome
        topic: tips
        enter: {on: [{event: Signed Up}], reenter: always}
        steps:
          - {id: hello, email: hello}
          - {id: call, task: "Call {{ contact.first_name }}", assign: cs}
          - {id: ask, approve: "A discount?", by: kim, on_timeout: deny}
          - {id: told, notify: cs-team, text: Welcomed}
          - {id: later, wait: 30d}
        """,
    "playbooks/adoption.yaml": """
        track: adoption
        stages: [{id: trial}, {id: live, enter: "count('Signed Up') > 0"}]
        """,
    "playbooks/nps.yaml": """
        survey: nps
        kind: nps
        question: Would you recommend us?
        """,
    "playbooks/pros.yaml": """
        segment: pros
        name: Professionals
        when: traits.plan == 'pro'
        """,
    "templates/hello.md": """
        ---
        subject: Hello
        ---
        Hello {{ contact.first_name | default("there") }}
        """,
}


@dataclass(frozen=True)
class SeededApi:
    """``secret``: of an API key that may do everything."""

    url: str
    secret: str
    store: Store


@asynccontextmanager
async def seeded_api(folder: Path) -> AsyncGenerator[SeededApi]:
    store = open_store(f"sqlite:///{folder / 'store.sqlite'}")
    await store.migrate()
    await publish(store, folder / "workspace", NOW, COMPANY)
    lives = StoredLives(store, NOW)
    await lives.happen(NOW, *_customers())
    app = create_app(
        store=store,
        bells=TurningBells(store, lives.clock),
        clock=lives.clock,
        links=Links("https://acme.example", ["a key of the tests"]),
        write_keys=["write-key"],
        admin_key=ADMIN_KEY,
        patience=timedelta(seconds=1),
        api_rate=1_000_000,
    )
    async with served(app) as url:
        yield SeededApi(url, await _key(url), store)
    await store.close()


def _customers() -> list[Accepted]:
    found = [account_traits("acme", "acme", name="Acme", plan="pro")]
    for who, plan in {"ana": "pro", "bo": "free", "cy": "pro"}.items():
        found += [
            *arrival(who, "Signed Up", NOW),
            traits(who, NOW, plan=plan, first_name=who.title()),
            event(who, "Logged In", NOW, device="phone"),
            member(f"{who}-of-acme", who, "acme"),
        ]
    return found


async def _key(url: str) -> str:
    body = {"name": "everything", "scopes": [scope.value for scope in KeyScope], "rate": 1_000_000}
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {ADMIN_KEY}"}) as client:
        return (await client.post("/api/v1/keys", json=body)).raise_for_status().json()["secret"]
