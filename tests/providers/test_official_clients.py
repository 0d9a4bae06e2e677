"""The clients that providers make themselves, against our fakes: a fake that they do not understand proves nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from deploy.simulator import resend
from deploy.simulator.exchange import Fault
from deploy.simulator.server import simulated


async def test_resends_client_sends_the_same_key_once(monkeypatch: pytest.MonkeyPatch) -> None:
    client: Any = pytest.importorskip("resend")
    async with simulated(resend.Resend()) as server:
        monkeypatch.setattr(client, "api_key", server.api.key)
        monkeypatch.setattr(client, "api_url", server.url)
        email = {"from": "Ana <hello@example.com>", "to": ["ben@example.org"], "subject": "Hi", "html": "<p>Hi</p>"}
        sent = [await asyncio.to_thread(client.Emails.send, email, {"idempotency_key": "k"}) for _ in range(2)]
        (letter,) = server.api.letters
    assert [each["id"] for each in sent] == [letter.id, letter.id]


async def test_resends_client_knows_the_fakes_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    client: Any = pytest.importorskip("resend")
    async with simulated(resend.Resend()) as server:
        monkeypatch.setattr(client, "api_key", server.api.key)
        monkeypatch.setattr(client, "api_url", server.url)
        server.mischief.expect(Fault.THROTTLED)
        with pytest.raises(client.exceptions.ResendError) as failure:
            await asyncio.to_thread(
                client.Emails.send, {"from": "a@example.com", "to": "b@example.org", "subject": "Hi"}
            )
    assert failure.value.error_type == "rate_limit_exceeded"
