"""``POST /v1/cloudevents``: CloudEvents 1.0, binary, structured or as a batch, into the same store as the Segment calls.

What was answered 200 is stored. A sender retries what was answered 429 or 503, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from perennia.clock import Clock
from perennia.core.json_values import Json
from perennia.ingest.bodies import Malformed
from perennia.ingest.cloud_events import read_event, read_events
from perennia.ingest.endpoints import (
    BATCH_ITEMS,
    Refusal,
    commit,
    json_answer,
    must_accept,
    read_request,
)
from perennia.ingest.group_commit import GroupCommit
from perennia.ingest.write_keys import WriteKeys, basic_user
from perennia.store.records import Rejected


@dataclass(frozen=True)
class CloudEventsApi:
    """The write key comes as the Basic user name, or as a bearer token."""

    commits: GroupCommit
    write_keys: WriteKeys
    clock: Clock

    def routes(self) -> list[Route]:
        return [Route("/v1/cloudevents", self.answer, methods=["POST", "OPTIONS"], name="cloudevents")]

    async def answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return _allowed(request)
        try:
            return await self._take(request)
        except Refusal as refusal:
            return refusal.response()
        except ClientDisconnect:
            return Refusal(400, "disconnected", "the connection ended before the body did").response()

    async def _take(self, request: Request) -> Response:
        await must_accept(self.write_keys, _key(request.headers.get("authorization")))
        body = await read_request(request)
        try:
            told = read_events({name.lower(): value for name, value in request.headers.items()}, body)
        except Malformed as error:
            raise Refusal(400, "invalid_cloudevent", str(error)) from error
        if len(told.items) > BATCH_ITEMS:
            raise Refusal(413, "too_large", f"a batch may have {BATCH_ITEMS} events")
        now = self.clock.now()
        records = [read_event(each, now) for each in told.items]
        await commit(self.commits, records)
        if not told.is_batch and isinstance(records[0], Rejected):
            raise Refusal(400, "invalid_event", records[0].reason)
        rejected: list[Json] = [
            {"index": index, "reason": each.reason} for index, each in enumerate(records) if isinstance(each, Rejected)
        ]
        return json_answer({"success": True, "rejected": rejected} if rejected else {"success": True}, 200, {})


def _key(authorization: str | None) -> str | None:
    kind, _, token = (authorization or "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else basic_user(authorization)


def _allowed(request: Request) -> Response:
    """A sender that asks whether it may (CloudEvents' HTTP 1.1 Web Hooks, section 4): anybody with a key may, at any rate."""
    origin = request.headers.get("webhook-request-origin", "*")
    return Response(
        status_code=200, headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*", "Allow": "POST"}
    )
