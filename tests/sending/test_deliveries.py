"""What other systems are told, against a real store: at least once, and looked at afterwards."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import Response
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.contracts import EffectRequest, TurnRequest
from activities.deliveries import StoreCrm, StoreNotices, StoreWebhooks
from activities.turns import StoreTurns
from perennia.core.decisions import ApprovalEnded, EnrollmentOrder
from perennia.core.json_values import JsonObject
from perennia.providers.crm import RecordingCrm
from perennia.providers.failures import Misconfigured, ProviderFailure, Refused, Unavailable
from perennia.providers.notices import Channels, RecordingChannel
from perennia.providers.standard_webhooks import Signer
from perennia.providers.webhooks import Answer, Request, SignedWebhooks
from perennia.store import open_store
from perennia.store.port import Store
from perennia.store.records import Delivery
from tests.sending.conftest import ANA, START, ManualClock, event, publish, traits
from tests.support.receiver import local_http, receiving

FILES = {
    "playbooks/books.yaml": """
        policies: default
        timezone: UTC
        ---
        playbook: call
        enter: {on: [{event: Called}]}
        steps:
          - id: call
            webhook:
              url: https://example.com/{{ contact.first_name | urlencode }}
              method: put
              headers: {X-Plan: "{{ traits.plan | default('free') }}"}
              body: {who: "{{ contact.email }}", seats: 3}
          - {id: high, task: High, if: steps.call.body.score > 70}
        ---
        playbook: described
        enter: {on: [{event: Described}]}
        steps: [{id: call, webhook: {url: "https://example.com/hook"}}]
        ---
        playbook: crm
        enter: {on: [{event: Written}]}
        steps: [{id: note, crm: {set: {name: contact.first_name, seats: 3}}}]
        ---
        playbook: notice
        enter: {on: [{event: Told}]}
        steps: [{id: tell, notify: cs-team, text: "{{ contact.first_name }} is {{ traits.nowhere }}"}]
        ---
        playbook: ask
        enter: {on: [{event: Asked}]}
        steps:
          - id: ask
            approve: May {{ contact.first_name }} have it?
            by: owner
            within: 2d
            then: [{id: yes, task: Give it}]
            else: [{id: no, task: Say sorry}]
        """,
}


@dataclass
class ToldCaller:
    """Answers 200 with ``body``, unless ``answers`` holds a failure for it."""

    body: Any = None
    answers: list[ProviderFailure] = field(default_factory=list[ProviderFailure])
    asked: list[Request] = field(default_factory=list[Request])
    name: str = "told"

    async def call(self, request: Request) -> Answer:
        self.asked.append(request)
        if self.answers:
            raise self.answers.pop(0)
        return Answer(200, self.body)

    async def close(self) -> None:
        pass


@dataclass
class AtPort:
    """``example.com`` is at a port of loopback."""

    caller: SignedWebhooks
    port: str
    name: str = "http"

    async def call(self, request: Request) -> Answer:
        url = request.url.replace("https://example.com", f"http://example.com:{self.port}")
        return await self.caller.call(dataclasses.replace(request, url=url))

    async def close(self) -> None:
        await self.caller.close()


@dataclass
class Desk:
    """One customer, Ana, and everything that is told about her."""

    store: Store
    clock: ManualClock
    caller: ToldCaller = field(default_factory=ToldCaller)
    crm: RecordingCrm = field(default_factory=RecordingCrm)
    customer: str = ""

    async def open(self, happened: str) -> str:
        """Ana is identified and the event happens; the key of the effect that it opens."""
        await self.store.accept([traits("ana", START, **ANA), event("ana", happened, START)], START)
        self.customer = await self.store.find("ana")
        (key,) = await self.turn()
        return key

    async def turn(self) -> list[str]:
        reply = await ActivityEnvironment().run(StoreTurns(self.store, self.clock).take, TurnRequest(self.customer))
        return [effect.key for effect in reply.effects]

    async def call(self, key: str) -> None:
        webhooks = StoreWebhooks(self.store, self.clock, self.caller)
        await ActivityEnvironment().run(webhooks.call, EffectRequest(self.customer, key))

    async def post(self, key: str, channels: Channels) -> None:
        await ActivityEnvironment().run(StoreNotices(self.store, self.clock, channels).post, EffectRequest("", key))

    async def row(self) -> Delivery:
        (row,) = await self.store.deliveries(self.customer)
        return row

    async def ended(self, step: str) -> JsonObject:
        await self.turn()
        entries = [row.entry for row in await self.store.journal(self.customer) if row.entry.step == step]
        entry = next(entry for entry in entries if entry.act == "step_ended")
        return {"outcome": entry.code, "reason": entry.reason, **entry.detail}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    await store.migrate()
    await publish(store, tmp_path / "workspace", START, FILES)
    yield Desk(store, ManualClock(START))
    await store.close()


async def test_a_request_is_made_with_its_texts_rendered(desk: Desk) -> None:
    key = await desk.open("Called")
    await desk.call(key)

    (request,) = desk.caller.asked
    assert (request.method, request.url) == ("PUT", "https://example.com/Ana")
    assert request.headers == {"X-Plan": "free"}
    assert request.body == {"who": "ana@example.com", "seats": 3}
    assert request.idempotency_key == key


async def test_what_a_webhook_answers_is_seen_by_later_steps(desk: Desk) -> None:
    desk.caller.body = {"score": 80}
    await desk.call(await desk.open("Called"))

    await desk.turn()
    assert [task.title for task in await desk.store.tasks(desk.customer)] == ["High"]


async def test_what_was_told_can_be_looked_at(desk: Desk) -> None:
    await desk.call(await desk.open("Called"))

    row = await desk.row()
    assert (row.kind, row.status, row.provider) == ("webhook", "sent", "told")
    assert row.said is not None
    assert row.said["body"] == {"who": "ana@example.com", "seats": 3}


async def test_what_a_webhook_answers_cannot_stop_its_customer(desk: Desk) -> None:
    desk.caller.body = {"deep": json.loads("[" * 100 + "]" * 100)}
    await desk.call(await desk.open("Called"))

    ended = await desk.ended("call")
    assert (ended["outcome"], ended["status"], ended["body"]) == ("done", 200, None)


async def test_a_real_receiver_is_asked_and_what_it_says_is_known_later(desk: Desk) -> None:
    """From the step over the store to the wire and back."""
    async with receiving() as receiver:
        receiver.answers = [Response(status_code=503), Response(b'{"score":71}', media_type="application/json")]
        port = receiver.url.rpartition(":")[2]
        secret = f"whsec_{base64.b64encode(b's' * 32).decode()}"
        http = local_http(names={"example.com": ["127.0.0.1"]})
        calls = StoreWebhooks(desk.store, desk.clock, AtPort(SignedWebhooks(http, Signer([secret])), port))
        key = await desk.open("Called")
        with pytest.raises(ApplicationError, match="provider_unavailable"):
            await ActivityEnvironment().run(calls.call, EffectRequest(desk.customer, key))
        await ActivityEnvironment().run(calls.call, EffectRequest(desk.customer, key))

    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == (await desk.row()).provider_id
    assert (second.method, second.path, second.headers["x-plan"]) == ("PUT", "/Ana", "free")
    assert (await desk.ended("call"))["repeated"] is True
    assert [task.title for task in await desk.store.tasks(desk.customer)] == ["High"]


async def test_a_request_without_a_body_describes_its_step(desk: Desk) -> None:
    await desk.call(await desk.open("Described"))

    (request,) = desk.caller.asked
    assert request.body == {
        "type": "playbook.step",
        "timestamp": "2026-03-02T10:00:00Z",
        "data": {
            "customer": {"kind": "contact", "id": "ana"},
            "playbook": "described",
            "enrollment": "described.1",
            "step": "call",
        },
    }


async def test_a_request_that_ended_is_not_made_again(desk: Desk) -> None:
    key = await desk.open("Called")
    await desk.call(key)
    await desk.call(key)

    assert len(desk.caller.asked) == 1


async def test_an_interrupted_request_is_made_again_and_says_so(desk: Desk) -> None:
    key = await desk.open("Called")
    await desk.store.claim_delivery(key, START)
    await desk.call(key)

    assert (await desk.ended("call"))["repeated"] is True


async def test_a_refused_request_fails_its_step_with_the_status(desk: Desk) -> None:
    desk.caller.answers = [Refused("HTTP 410", detail={"status": 410, "body": None})]
    await desk.call(await desk.open("Called"))

    ended = await desk.ended("call")
    assert (ended["outcome"], ended["reason"], ended["status"]) == ("failed", "provider_refused", 410)


async def test_a_system_that_is_away_is_asked_again(desk: Desk) -> None:
    desk.caller.answers = [Unavailable("HTTP 503")]
    key = await desk.open("Called")
    with pytest.raises(ApplicationError, match="provider_unavailable"):
        await desk.call(key)
    await desk.call(key)

    assert (await desk.row()).status == "sent"
    assert "repeated" not in await desk.ended("call")
    tries = (await desk.store.attempts([key]))[key]
    assert [(one.provider, one.outcome, one.said) for one in tries] == [("told", "unavailable", "HTTP 503")]


async def test_a_paused_enrollment_holds_what_was_released(desk: Desk) -> None:
    key = await desk.open("Called")
    await desk.store.place_order(desk.customer, EnrollmentOrder(at=START, order="pause", playbook="call", by="kim"))
    await desk.turn()
    with pytest.raises(ApplicationError, match="playbook_paused"):
        await desk.call(key)

    assert desk.caller.asked == []


async def test_the_crm_gets_values_not_text(desk: Desk) -> None:
    key = await desk.open("Written")
    crm = StoreCrm(desk.store, desk.clock, desk.crm)
    await ActivityEnvironment().run(crm.write, EffectRequest(desk.customer, key))

    (write,) = desk.crm.writes
    assert (write.kind, write.record, write.ref, write.email) == ("set", "contact", "ana", "ana@example.com")
    assert write.fields == {"name": "Ana", "seats": 3}


async def test_a_missing_name_fails_the_step_and_posts_nothing(desk: Desk) -> None:
    await desk.post(await desk.open("Told"), Channels({}))

    ended = await desk.ended("tell")
    assert (ended["outcome"], ended["reason"]) == ("failed", "template_error")


def test_a_channel_that_is_not_among_the_teams_is_a_matter_of_the_settings() -> None:
    with pytest.raises(Misconfigured, match='"channels" has no "cs-team"; there are: sales'):
        Channels({"sales": RecordingChannel()}).provider("cs-team")


async def test_an_approval_is_a_row_that_somebody_answers(desk: Desk) -> None:
    await desk.store.accept([traits("ana", START, **ANA), event("ana", "Asked", START)], START)
    desk.customer = await desk.store.find("ana")
    await desk.turn()
    (asked,) = await desk.store.approvals(status="open")
    assert (asked.question, asked.approver) == ("May Ana have it?", "sam")
    assert await desk.store.tasks() == []

    answer = ApprovalEnded(at=START, key=asked.key, decision="approved", by="kim", comment="fine")
    await desk.store.place_order_at_task(asked.key, answer)
    await desk.turn()
    (ended,) = await desk.store.approvals()
    assert (ended.status, ended.by, ended.comment) == ("approved", "kim", "fine")
    assert [task.title for task in await desk.store.tasks()] == ["Give it"]


async def test_an_approval_that_nobody_answers_has_timed_out(desk: Desk) -> None:
    await desk.store.accept([traits("ana", START, **ANA), event("ana", "Asked", START)], START)
    desk.customer = await desk.store.find("ana")
    await desk.turn()
    desk.clock.instant = START.replace(day=5)
    await desk.turn()

    (ended,) = await desk.store.approvals()
    assert ended.status == "timed_out"
    assert [task.title for task in await desk.store.tasks()] == ["Say sorry"]


async def test_a_question_is_withdrawn_with_its_enrollment(desk: Desk) -> None:
    await desk.store.accept([traits("ana", START, **ANA), event("ana", "Asked", START)], START)
    desk.customer = await desk.store.find("ana")
    await desk.turn()
    await desk.store.place_order(desk.customer, EnrollmentOrder(at=START, order="end", playbook="ask", by="kim"))
    await desk.turn()

    (ended,) = await desk.store.approvals()
    assert ended.status == "cancelled"
