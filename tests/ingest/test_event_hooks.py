"""Webhooks of other systems become events: signed, said by a mapping, taken once, and kept aside where they say nothing."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from perennia.api.app import create_app
from perennia.catalog.one_document import FileWrong
from perennia.core.decisions import CustomerEvent, TraitsChanged
from perennia.core.json_values import JsonObject
from perennia.ingest.event_hooks import EventHook
from perennia.ingest.hook_mappings import HmacSignature, HookMapping, read_call, read_hooks_file
from perennia.providers.signed_calls import signed
from perennia.rendering.links import Links
from perennia.store import SqlStore, open_store
from perennia.store.records import Accepted, Rejected
from tests.support.api_world import ADMIN, NOW, FixedClock, HeardBells

SECRET = f"whsec_{b64encode(b's' * 32).decode()}"
HOOKS = """
hooks:
  billing:
    event: type
    names: {invoice.paid: Invoice Paid}
    customer: data.customer.id
    id: id
    time: data.paid_at
    properties: {amount: data.amount, first: "data.lines[0].sku"}
    traits: {plan: data.plan}
  shop:
    signature: {header: X-Shop-Hmac, encoding: base64}
    each: orders
    name: Order Placed
    customer: buyer
    kind: account
    properties: of
  repo:
    signature: {header: X-Hub-Signature-256, prefix: "sha256="}
    event: header:X-GitHub-Event
    customer: sender.login
    id: header:X-GitHub-Delivery
"""
PAID = {
    "id": "evt_1",
    "type": "invoice.paid",
    "data": {
        "customer": {"id": 7},
        "amount": 30,
        "plan": "pro",
        "lines": [{"sku": "seat"}],
        "paid_at": "2026-03-02T09:00:00Z",
    },
}


@dataclass
class Border:
    store: SqlStore
    client: httpx.AsyncClient

    async def post(self, source: str, body: bytes, **headers: str) -> httpx.Response:
        return await self.client.post(
            f"/hooks/events/{source}", content=body, headers={name.replace("_", "-"): v for name, v in headers.items()}
        )

    async def billing(self, told: object, name: str = "msg_1") -> httpx.Response:
        """Posted and signed as the official library does it."""
        body, at = json.dumps(told), datetime.now(UTC)
        mark = Webhook(SECRET).sign(name, at, body)
        stamp = str(int(at.timestamp()))
        return await self.post(
            "billing", body.encode(), webhook_id=name, webhook_timestamp=stamp, webhook_signature=mark
        )


@pytest.fixture
async def border(tmp_path: Path) -> AsyncIterator[Border]:
    mappings = mapped(tmp_path, HOOKS)
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    await store.migrate()
    secrets = {"billing": SECRET, "shop": "old new", "repo": "It's_a_secret"}
    app = create_app(
        store=store,
        bells=HeardBells(),
        clock=FixedClock(),
        links=Links("https://perennia.example", ["secret"]),
        write_keys=["write-key"],
        admin_key="admin-key",
        event_hooks={source: EventHook(mappings[source], secret) for source, secret in secrets.items()},
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://perennia.example") as client:
        yield Border(store, client)
    await store.close()


def mapped(folder: Path, text: str) -> Mapping[str, HookMapping]:
    path = folder / "hooks.yaml"
    path.write_text(text, encoding="utf-8")
    return read_hooks_file(path)


async def test_a_call_signed_by_standard_webhooks_is_an_event_once(border: Border) -> None:
    answer = await border.billing(PAID)
    assert (answer.status_code, answer.json()) == (200, {"success": True, "passed_over": 0, "rejected": []})
    await border.billing(PAID, name="msg_2")  # its own id says that it is the same
    assert [each.external_id for each in await border.store.customers()] == ["7"]
    assert (await border.store.totals()).events == 2  # its traits, and what happened


async def test_it_means_what_the_mapping_says(tmp_path: Path) -> None:
    told = read_call("billing", mapped(tmp_path, HOOKS)["billing"], json.dumps(PAID).encode(), {}, "msg_1", NOW)
    happened = datetime(2026, 3, 2, 9, tzinfo=UTC)
    properties: JsonObject = {"amount": 30, "first": "seat"}
    assert told.records == [
        Accepted(
            message_id="hooks/billing#evt_1#traits",
            kind="contact",
            external_id="7",
            input=TraitsChanged(at=NOW, traits={"plan": "pro"}),
        ),
        Accepted(
            message_id="hooks/billing#evt_1",
            kind="contact",
            external_id="7",
            input=CustomerEvent(at=NOW, name="Invoice Paid", properties=properties, timestamp=happened),
        ),
    ]


async def test_events_that_the_mapping_does_not_name_are_passed_over(border: Border) -> None:
    answer = await border.billing({**PAID, "type": "invoice.drafted"})
    assert answer.json() == {"success": True, "passed_over": 1, "rejected": []}
    assert await border.store.customers() == []


@pytest.mark.parametrize("secret", ["old", "new"])
async def test_each_item_of_a_body_signed_by_an_hmac_is_an_event(border: Border, secret: str) -> None:
    body = json.dumps({"orders": [{"buyer": "acme", "of": {"total": 1}}, {"buyer": "beta", "of": {}}]}).encode()
    mark = signed(HmacSignature(header="X-Shop-Hmac", encoding="base64"), secret, body)
    assert (await border.post("shop", body, x_shop_hmac=mark)).status_code == 200
    assert sorted(each.external_id for each in await border.store.customers()) == ["acme", "beta"]


def test_an_hmac_is_that_of_githubs_own_example() -> None:
    # https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries (2026-11)
    form = HmacSignature(header="X-Hub-Signature-256", prefix="sha256=")
    mark = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert signed(form, "It's a Secret to Everybody", b"Hello, World!") == mark


@pytest.mark.parametrize(
    ("source", "status"), [("billing", 401), ("shop", 401), ("repo", 401), ("unknown", 404)], ids=str
)
async def test_what_is_not_signed_changes_nothing(border: Border, source: str, status: int) -> None:
    answer = await border.post(source, b'{"sender": {"login": "ana"}}', x_github_event="push")
    assert answer.status_code == status
    assert (await border.store.customers(), await border.store.rejected_items()) == ([], [])


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"type": "invoice.paid", "data": {}}, "hooks/billing: customer (data.customer.id) leads to nothing"),
        ({"data": {}}, "hooks/billing: event (type) leads to no text"),
        (
            {**PAID, "data": {"customer": {"id": "7"}, "paid_at": "soon"}},
            "hooks/billing: time (data.paid_at) leads to no instant",
        ),
    ],
)
async def test_what_means_nothing_is_answered_and_kept_with_its_reason(
    border: Border, told: dict[str, object], reason: str
) -> None:
    assert (await border.billing(told)).json()["rejected"] == [reason]
    (kept,) = (await border.client.get("/api/v1/rejected-items", headers=ADMIN)).json()
    assert (kept["reason"], json.loads(kept["raw"])) == (reason, told)


def test_a_body_that_is_no_json_is_kept_too(tmp_path: Path) -> None:
    told = read_call("billing", mapped(tmp_path, HOOKS)["billing"], b"<xml/>", {}, "msg_1", NOW)
    assert told.records == [Rejected(at=NOW, reason="hooks/billing: the body is no JSON", raw="<xml/>")]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("hooks: {x: {customer: a, event: b, propertys: {}}}", 'no key "propertys"'),
        ("hooks: {x: {customer: a}}", "either `event`"),
        ('hooks: {x: {customer: "a..b", name: B}}', "'a..b' is no path"),
    ],
)
def test_a_wrong_mapping_is_told_with_its_place(tmp_path: Path, text: str, wrong: str) -> None:
    with pytest.raises(FileWrong, match=r"hooks\.yaml:1:\d+") as error:
        mapped(tmp_path, text)
    assert wrong in str(error.value)
