"""Webhook requests as their receivers see them: checked with the official library of Standard Webhooks."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import Response
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from perennia.core.json_values import Json
from perennia.providers.failures import Misconfigured, Refused, Unavailable
from perennia.providers.standard_webhooks import Signer
from perennia.providers.webhooks import Request, SignedWebhooks
from tests.support.receiver import Received, Receiver, local_http, receiving

OLD = f"whsec_{b64encode(b'o' * 24).decode()}"
NEW = f"whsec_{b64encode(b'n' * 64).decode()}"
STRANGE = f"whsec_{b64encode(b's' * 32).decode()}"


def request(receiver: Receiver, body: Json = None, method: str = "POST", **headers: str) -> Request:
    return Request(receiver.url, method, headers, body, "c1/welcome.1/call/1")


def caller(*secrets: str) -> SignedWebhooks:
    return SignedWebhooks(local_http(), Signer(secrets or (NEW,)))


def verified(received: Received, secret: str) -> Json:
    return Webhook(secret).verify(received.content, dict(received.headers), json_parse=received.content != b"")


async def test_the_official_library_verifies_what_was_sent() -> None:
    async with receiving() as receiver:
        await caller().call(request(receiver, {"who": "Åsa", "seats": 3}))

    assert verified(receiver.received[0], NEW) == {"who": "Åsa", "seats": 3}
    with pytest.raises(WebhookVerificationError):
        verified(receiver.received[0], STRANGE)


@pytest.mark.parametrize("secret", [OLD, NEW])
async def test_while_a_secret_is_exchanged_either_verifies(secret: str) -> None:
    async with receiving() as receiver:
        await caller(NEW, OLD).call(request(receiver, {}))
    assert verified(receiver.received[0], secret) == {}


async def test_a_request_without_a_body_is_signed_too() -> None:
    async with receiving() as receiver:
        await caller().call(request(receiver, method="GET"))
    assert receiver.received[0].content == b""
    assert verified(receiver.received[0], NEW) is None


async def test_each_attempt_has_the_same_id_and_a_fresh_signature() -> None:
    instants = [datetime.now(UTC) - timedelta(minutes=2), datetime.now(UTC)]
    async with receiving() as receiver:
        receiver.answers = [Response(status_code=503)]
        calls = SignedWebhooks(local_http(), Signer([NEW]), now=lambda: instants.pop(0))
        with pytest.raises(Unavailable):
            await calls.call(request(receiver, {}))
        answer = await calls.call(request(receiver, {}))

    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == answer.id
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]
    assert verified(first, NEW) == verified(second, NEW) == {}


async def test_the_id_tells_nothing_of_customer_and_playbook_and_has_no_dot() -> None:
    async with receiving() as receiver:
        answer = await caller().call(request(receiver, {}))
    assert answer.id == "msg_f3b55afa62d4586026fd921b6015df79"


@pytest.mark.parametrize(
    ("body", "content", "kind"),
    [
        ({"a": [1, None]}, b'{"a":[1,null]}', "application/json"),
        ("plain: yes", b"plain: yes", "text/plain; charset=utf-8"),
        ([], b"[]", "application/json"),
    ],
)
async def test_text_leaves_as_it_is_and_anything_else_as_json(body: Json, content: bytes, kind: str) -> None:
    async with receiving() as receiver:
        await caller().call(request(receiver, body))
    (received,) = receiver.received
    assert (received.content, received.headers["content-type"]) == (content, kind)


async def test_a_steps_own_headers_win_but_never_the_signature() -> None:
    async with receiving() as receiver:
        given = {"Content-Type": "application/vnd.acme+json", "X-Key": "k", "Webhook-Id": "forged"}
        await caller().call(request(receiver, {}, **given))
    headers = receiver.received[0].headers
    assert (headers["content-type"], headers["x-key"]) == ("application/vnd.acme+json", "k")
    assert verified(receiver.received[0], NEW) == {}


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_asked_again_after_the_span_that_is_named(status: int) -> None:
    async with receiving() as receiver:
        receiver.answers = [Response(status_code=status, headers={"Retry-After": "120"})]
        with pytest.raises(Unavailable, match=f"HTTP {status}") as failure:
            await caller().call(request(receiver))
    assert failure.value.retry_after == timedelta(minutes=2)


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 409, 410, 422])
async def test_anything_else_is_refused_for_good_with_what_was_said(status: int) -> None:
    async with receiving() as receiver:
        receiver.answers = [Response(b'{"why":"no"}', status, {"Location": "https://127.0.0.1/"})]
        with pytest.raises(Refused) as failure:
            await caller().call(request(receiver))
    assert failure.value.detail == {"status": status, "body": {"why": "no"}}


@pytest.mark.parametrize("said", [b"", b"<html>", b"NaN", b"\xff", b"[" * 20_000])
async def test_an_answer_that_is_no_json_is_none(said: bytes) -> None:
    async with receiving() as receiver:
        receiver.answers = [Response(said)]
        answer = await caller().call(request(receiver))
    assert (answer.status, answer.body) == (200, None)


async def test_without_a_secret_nothing_is_sent() -> None:
    async with receiving() as receiver:
        with pytest.raises(Misconfigured, match="webhook_secrets"):
            await SignedWebhooks(local_http(), Signer([])).call(request(receiver))
    assert receiver.received == []


@pytest.mark.parametrize("secret", ["", "hunter2hunter2", "whsec_aGVsbG8=", f"whsec_{'A' * 120}", "whsec_%%%"])
def test_a_secret_of_another_form_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(Misconfigured, match="24 to 64 bytes") as failure:
        Signer([secret])
    assert secret == "" or secret not in str(failure.value)
