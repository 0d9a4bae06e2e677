"""The Segment-compatible HTTP calls: ``POST /v1/batch``, ``/v1/track`` and their kin.

What SDKs do with an answer decides which one they get: they drop what was answered 400, 401 or 413 and send again what was
answered 429 or 503. So 4xx is only for what would fail the same way for ever.
"""

from __future__ import annotations

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from perennia.clock import Clock
from perennia.core.json_values import Json, JsonObject
from perennia.ingest.bodies import Malformed, TooLarge, UnknownEncoding, find_json, open_envelope, read_body
from perennia.ingest.group_commit import GroupCommit, TooMuchWaiting
from perennia.ingest.segment import ITEM_BYTES, Reception, Record, parse_item
from perennia.ingest.write_keys import WriteKeys, basic_user
from perennia.store.port import StoreUnavailable
from perennia.store.records import Rejected

# 500 KB, as Segment has it. Its Python SDK closes a batch at 475,000 bytes *after* an item of up to 32 KB: 507,968 bytes and
# more, so the larger kilobyte is meant.
BATCH_BYTES = 500 * 1024
BATCH_ITEMS = 2_500

# One letter: what Segment's browser and mobile SDKs call. `import` is Segment's name for a batch from the past.
PATHS = {
    "batch": None,
    "b": None,
    "import": None,
    "identify": "identify",
    "i": "identify",
    "track": "track",
    "t": "track",
    "group": "group",
    "g": "group",
    "page": "page",
    "p": "page",
    "screen": "screen",
    "s": "screen",
    "alias": "alias",
    "a": "alias",
}

ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}


class Refusal(Exception):
    """An answer other than 200. ``code`` and ``message`` are what Segment's and RudderStack's SDKs read from it."""

    def __init__(self, status: int, code: str, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after

    def response(self) -> Response:
        headers = dict(ANY_ORIGIN)
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        if self.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="write key"'
        return json_answer({"success": False, "code": self.code, "message": self.message}, self.status, headers)


class SegmentApi:
    """The calls of one installation, as routes. The write key opens all of them."""

    def __init__(self, commits: GroupCommit, write_keys: WriteKeys, clock: Clock) -> None:
        self._commits = commits
        self._write_keys = write_keys
        self._clock = clock

    def routes(self) -> list[Route]:
        return [
            Route(f"/v1/{path}", self._answer, methods=["POST", "OPTIONS"], name=f"segment {path}") for path in PATHS
        ]

    async def _answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return _preflight(request)
        try:
            return await self._take(request, PATHS[request.url.path.rsplit("/", 1)[-1]])
        except Refusal as refusal:
            return refusal.response()
        except ClientDisconnect:
            return Refusal(400, "disconnected", "the connection ended before the body did").response()

    async def _take(self, request: Request, call: str | None) -> Response:
        header_key = basic_user(request.headers.get("authorization"))
        if header_key is not None:
            await must_accept(self._write_keys, header_key)
        text = find_json(await read_request(request), request.headers.get("content-type"))
        try:
            envelope, text = open_envelope(text)
        except Malformed as error:
            raise Refusal(400, "invalid_json", str(error)) from error
        if header_key is None:
            await must_accept(self._write_keys, envelope.write_key)
        reception = Reception(received=self._clock.now(), envelope=envelope)
        if call is not None:
            return await self._take_one(text, reception, call)
        if envelope.batch is None:
            raise Refusal(400, "invalid_batch", "the body has no batch")
        return await self._take_batch([bytes(item) for item in envelope.batch], reception)

    async def _authenticate(self, key: object) -> None:
        try:
            accepted = isinstance(key, str) and await self._write_keys.accept(key)
        except StoreUnavailable as error:
            raise Refusal(
                503, "unavailable", "keys cannot be looked up right now; send again", retry_after=2
            ) from error
        if not accepted:
            raise Refusal(
                401, "invalid_write_key", "the write key is missing or unknown; send it as the Basic user name"
            )

    async def _take_one(self, text: bytes, reception: Reception, call: str) -> Response:
        if len(text) > ITEM_BYTES:
            raise Refusal(413, "too_large", f"an event may have {ITEM_BYTES} bytes")
        records = parse_item(text, reception, call)
        await commit(self._commits, records)
        match records:
            case [Rejected(reason=reason)]:
                raise Refusal(400, "invalid_event", reason)
            case _:
                return json_answer({"success": True}, 200, ANY_ORIGIN)

    async def _take_batch(self, items: list[bytes], reception: Reception) -> Response:
        if len(items) > BATCH_ITEMS:
            raise Refusal(413, "too_large", f"a batch may have {BATCH_ITEMS} events")
        records: list[Record] = []
        rejected: list[Json] = []
        for index, item in enumerate(items):
            parsed = parse_item(item, reception)
            records += parsed
            if isinstance(parsed[0], Rejected):
                rejected.append({"index": index, "reason": parsed[0].reason})
        await commit(self._commits, records)
        return json_answer({"success": True, "rejected": rejected} if rejected else {"success": True}, 200, ANY_ORIGIN)


async def must_accept(write_keys: WriteKeys, key: Json) -> None:
    """Raises `Refusal` for a key that may not send."""
    try:
        accepted = await write_keys.accept(key)
    except StoreUnavailable as error:
        raise Refusal(503, "unavailable", "keys cannot be looked up right now; send again", retry_after=2) from error
    if not accepted:
        raise Refusal(401, "invalid_write_key", "the write key is missing or unknown; send it as the Basic user name")


async def commit(commits: GroupCommit, records: list[Record]) -> None:
    """Returns when they are durable. Raises `Refusal` for what may pass."""
    try:
        await commits.commit(records)
    except TooMuchWaiting as error:
        raise Refusal(429, "busy", "too many events wait to be stored; send again", retry_after=1) from error
    except StoreUnavailable as error:
        raise Refusal(503, "unavailable", "nothing can be stored right now; send again", retry_after=2) from error


async def read_request(request: Request) -> bytes:
    """The body, unpacked. Raises `Refusal`."""
    try:
        return await read_body(request.stream(), request.headers.get("content-encoding"), BATCH_BYTES)
    except TooLarge as error:
        raise Refusal(413, "too_large", str(error)) from error
    except UnknownEncoding as error:
        raise Refusal(415, "unknown_encoding", str(error)) from error
    except Malformed as error:
        raise Refusal(400, "invalid_gzip", str(error)) from error


def _preflight(request: Request) -> Response:
    """Browsers may send from anywhere: the write key is public by nature and no cookie is read."""
    wanted = request.headers.get("access-control-request-headers", "authorization, content-type")
    headers = {
        **ANY_ORIGIN,
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": wanted,
        "Access-Control-Max-Age": "86400",
        "Vary": "Access-Control-Request-Headers",
    }
    return Response(status_code=204, headers=headers)


def json_answer(content: JsonObject, status: int, headers: dict[str, str]) -> Response:
    return Response(msgspec.json.encode(content), status, headers, media_type="application/json")
