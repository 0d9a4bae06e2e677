"""Customers who sign up over HTTP at a steady rate, each post repeated until it is acknowledged, as SDKs do."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import httpx

RETRY_SECONDS = 1.0
AT_ONCE = 8  # httpx's pool takes time in the square of who waits for it: nobody does


@dataclass
class Crowd:
    """``acknowledged``: message ids that were answered 200. ``refused``: posts that were not answered, or not so."""

    url: str
    write_key: str
    acknowledged: list[str] = field(default_factory=list[str])
    refused: int = 0
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def sign_up(self, count: int, a_second: float) -> None:
        """Returns when every customer's events are acknowledged."""
        began = time.monotonic()
        async with self.client() as client, asyncio.TaskGroup() as posts:
            for number in range(count):
                await asyncio.sleep(max(0.0, began + number / a_second - time.monotonic()))
                posts.create_task(self.post(client, f"customer-{number}"))

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, auth=(self.write_key, ""), trust_env=False)

    async def post(self, client: httpx.AsyncClient, who: str, event: str = "Signed Up") -> None:
        """Identifies ``who`` and tells the event, until that is acknowledged."""
        body = batch(who, event)
        while not await self._posted(client, body):
            self.refused += 1
            await asyncio.sleep(RETRY_SECONDS)
        self.acknowledged += [f"{who} identified", f"{who} {event}"]

    async def _posted(self, client: httpx.AsyncClient, body: dict[str, object]) -> bool:
        try:
            async with self._places:
                answer = await client.post("/v1/batch", json=body)
        except httpx.TransportError:
            return False
        assert answer.status_code in {200, 429, 503}, answer.text
        assert answer.status_code != 200 or answer.json() == {"success": True}, answer.text
        return answer.status_code == 200


def batch(who: str, event: str) -> dict[str, object]:
    """The Segment call that tells who ``who`` is and what happened."""
    traits = {"email": f"{who}@example.com", "first_name": "Ana"}
    identified = {"type": "identify", "userId": who, "messageId": f"{who} identified", "traits": traits}
    happened = {"type": "track", "userId": who, "messageId": f"{who} {event}", "event": event}
    return {"batch": [identified, happened]}
