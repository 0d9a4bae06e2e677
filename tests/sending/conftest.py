"""A published workspace in a real store, turns that open effects, and a provider that does as it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.contracts import EffectRequest, TurnRequest
from activities.messages import StoreMessages
from activities.turns import StoreTurns
from perennia.core.json_values import Json
from perennia.providers.email import Capabilities, EmailProvider, OutgoingEmail, SentEmail
from perennia.providers.failures import ProviderFailure
from perennia.providers.return_paths import ReturnPaths
from perennia.providers.routes import EmailRoutes
from perennia.rendering.links import Links
from perennia.store import open_store
from perennia.store.port import Store
from perennia.store.records import Message
from tests.support.installation import event, publish, traits
from tests.support.time_skipping import ManualClock

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
LINKS = Links("https://acme.example", ["a key of the tests"])

POLICIES = """
        policies: default
        timezone: Europe/Amsterdam
        url: https://acme.example
        name: Acme
        address: 1 Main Street, Utrecht
        senders: {hello: {email: hello@acme.example, name: Ana at Acme}, billing: {email: billing@acme.example}}
        default_sender: hello
        topics: {tips: {kind: opt_out, name: Tips}}
        """

FILES = {
    "playbooks/policies.yaml": POLICIES,
    "playbooks/tips.yaml": """
        playbook: tips
        topic: tips
        enter: {on: [{event: Signed Up}]}
        steps: [{id: mail, email: mail}]
        """,
    "playbooks/receipt.yaml": """
        playbook: receipt
        enter: {on: [{event: Paid}]}
        steps: [{id: mail, email: mail, transactional: true, from: billing}]
        """,
    "playbooks/alarm.yaml": """
        playbook: alarm
        enter: {on: [{event: Went Quiet}]}
        steps: [{id: mail, email: mail, to: owner}]
        """,
    "playbooks/urgent.yaml": """
        playbook: urgent
        topic: tips
        priority: 90
        enter: {on: [{event: Almost Left}]}
        steps: [{id: mail, email: mail}]
        """,
    "playbooks/checked.yaml": """
        playbook: checked
        topic: tips
        enter: {on: [{event: Joined}]}
        steps:
          - {id: mail, email: mail}
          - {id: patience, wait: 1h}
          - branch: [{if: steps.mail.bounced, then: [{id: call, task: Ask for another address}]}]
        """,
    "playbooks/personal.yaml": """
        playbook: personal
        topic: tips
        enter: {on: [{event: Asked}]}
        steps: [{id: mail, email: mail, from: owner}]
        """,
    "templates/mail.md": """
        ---
        subject: Hello {{ contact.first_name }}
        ---
        Hi {{ contact.first_name }}
        """,
    "templates/mail.de.md": """
        ---
        subject: Hallo {{ contact.first_name }}
        ---
        Hallo {{ contact.first_name }}: {{ 1234.5 | money("EUR") }}, {{ "2026-05-05T22:30:00Z" | date("long") }}
        """,
}

ANA: dict[str, Json] = {
    "email": "ana@example.com",
    "first_name": "Ana",
    "owner": {"id": "sam", "email": "sam@acme.example", "name": "Sam Smith"},
}


NOT_IDEMPOTENT = Capabilities(idempotent=False)


@dataclass
class ToldProvider:
    """Accepts what it is given, unless ``answers`` holds a failure for it."""

    name: str = "told"
    capabilities: Capabilities = NOT_IDEMPOTENT
    answers: list[ProviderFailure | None] = field(default_factory=list[ProviderFailure | None])
    asked: list[OutgoingEmail] = field(default_factory=list[OutgoingEmail])

    async def send(self, message: OutgoingEmail) -> SentEmail:
        self.asked.append(message)
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        return SentEmail(provider_id=f"queue-{len(self.asked)}")

    async def examine(self) -> str:
        return "told to be well"

    async def close(self) -> None:
        pass


@dataclass
class Office:
    """One customer, Ana, and everything that writes to her."""

    store: Store
    clock: ManualClock
    provider: ToldProvider
    customer: str = ""
    return_paths: ReturnPaths | None = None

    async def open(self, happened: str, **told: Json) -> str:
        """Ana is identified (``told`` over `ANA`) and the event happens; the key of the message that it opens."""
        known = {name: value for name, value in {**ANA, **told}.items() if value is not None}
        await self.store.accept([traits("ana", START, **known), event("ana", happened, START)], START)
        self.customer = await self.store.find("ana")
        reply = await self.turn()
        assert len(reply) == 1
        return reply[0]

    async def turn(self) -> list[str]:
        """The keys that are open after a turn."""
        turns = StoreTurns(self.store, self.clock)
        reply = await ActivityEnvironment().run(turns.take, TurnRequest(self.customer))
        return [effect.key for effect in reply.effects]

    async def send(
        self, key: str, provider: EmailProvider | EmailRoutes | None = None, store: Store | None = None
    ) -> None:
        messages = StoreMessages(store or self.store, provider or self.provider, LINKS, self.clock, self.return_paths)
        await ActivityEnvironment().run(messages.send, EffectRequest(self.customer, key))

    async def row(self) -> Message:
        (message,) = await self.store.messages(self.customer)
        return message

    async def result(self) -> dict[str, Json]:
        """The result of the step ``mail``, as the enrollment's later steps see it."""
        await self.turn()
        entries = [row.entry for row in await self.store.journal(self.customer) if row.entry.step == "mail"]
        ended = next(entry for entry in entries if entry.act == "step_ended")
        return {"outcome": ended.code, "reason": ended.reason, **ended.detail}


@pytest.fixture
def policies() -> str:
    """What the workspace's policies say; a module may say something else."""
    return POLICIES


@pytest.fixture
async def store(tmp_path: Path, policies: str) -> AsyncIterator[Store]:
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    await store.migrate()
    await publish(store, tmp_path / "workspace", START, {**FILES, "playbooks/policies.yaml": policies})
    yield store
    await store.close()


@pytest.fixture
def office(store: Store) -> Office:
    return Office(store, ManualClock(START), ToldProvider())
