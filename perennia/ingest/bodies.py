"""Request bodies of analytics senders, whatever they call them: bounded, unpacked, parsed to one envelope."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import AsyncIterable
from urllib.parse import parse_qsl, unquote_to_bytes

import msgspec

from perennia.core.json_values import Json

GZIP = 16 + zlib.MAX_WBITS
# A sender cut off in the middle of its body sees a broken connection, which SDKs retry for ever, not our answer. So a body
# that is too large is read to its end, and thrown away, if it is not much too large.
READ_ON = 16
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class BodyError(Exception):
    """Why a body is not taken. It would fail the same way again: nothing here is worth a retry.

    BodyError
    +-- TooLarge              more bytes than allowed, packed or unpacked
    +-- UnknownEncoding       packed in a way that we do not unpack
    +-- Malformed             holds no JSON object
    """


class TooLarge(BodyError):
    pass


class UnknownEncoding(BodyError):
    pass


class Malformed(BodyError):
    pass


async def read_body(chunks: AsyncIterable[bytes], encoding: str | None, limit_bytes: int) -> bytes:
    """The unpacked body. Never holds more than about twice ``limit_bytes``, whatever it unpacks to.

    ``encoding`` is the Content-Encoding. Raises `TooLarge`, `UnknownEncoding`, `Malformed`.
    """
    body = bytearray()
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size <= limit_bytes:
            body += chunk
        elif size > limit_bytes * READ_ON:
            break
    if size > limit_bytes:
        raise TooLarge(f"the body is larger than {limit_bytes} bytes; send smaller batches")
    match (encoding or "identity").strip().lower():
        case "identity":
            return bytes(body)
        case "gzip" | "x-gzip":
            return _unzip(bytes(body), limit_bytes)
        case other:
            raise UnknownEncoding(f"content encoding {other!r} is not supported; send gzip or none")


def _unzip(packed: bytes, limit_bytes: int) -> bytes:
    unpacked = bytearray()
    while packed:  # a gzip file may have several members
        member = zlib.decompressobj(GZIP)
        try:
            unpacked += member.decompress(packed, limit_bytes + 1 - len(unpacked))
        except zlib.error as error:
            raise Malformed(f"the body is not gzip: {error}") from error
        if len(unpacked) > limit_bytes:
            raise TooLarge(f"the body unpacks to more than {limit_bytes} bytes; send smaller batches")
        if not member.eof:
            raise Malformed("the gzip body ends too early")
        packed = member.unused_data
    return bytes(unpacked)


def find_json(body: bytes, content_type: str | None) -> bytes:
    """The JSON text in a body, which its content type may deny.

    axios calls a packed body form-urlencoded although it is JSON (RudderStack's Node SDK does so by default), browsers
    send text/plain from beacons, and some forms carry percent-encoded JSON, alone or as the only field.
    """
    text = body.removeprefix(BYTE_ORDER_MARK).strip()
    if text.startswith(b"{") or "form-urlencoded" not in (content_type or ""):
        return text
    if text.startswith((b"%7B", b"%7b")):
        return unquote_to_bytes(text.replace(b"+", b" "))
    fields = parse_qsl(text.decode("utf-8", "replace"), max_num_fields=2) if b"=" in text else []
    return fields[0][1].strip().encode() if len(fields) == 1 else text


def repair_json(text: bytes) -> bytes:
    """The same JSON without what makes strict parsers refuse all of it.

    Python's encoder writes ``NaN`` and ``Infinity``, JavaScript's may cut a surrogate pair, and one such value would sink a
    batch of a hundred: the first two become null, broken characters a replacement. Raises `Malformed`.
    """
    try:
        value: Json = json.loads(text.decode("utf-8", "replace"), parse_constant=_no_number, parse_float=_finite)
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the body holds no JSON: {error}") from error


def _no_number(_literal: str) -> None:
    return None


def _finite(literal: str) -> float | None:
    number = float(literal)
    return number if math.isfinite(number) else None


class SharedContext(msgspec.Struct, frozen=True, rename="camel"):
    """The part of Segment's ``context`` that means something here. What else it holds is skipped unread.

    Values are not typed: a sender that puts something odd there must not lose the event over it.
    """

    traits: Json = None
    group_id: Json = None
    timezone: Json = None


class Envelope(msgspec.Struct, frozen=True, rename="camel"):
    """What a body says about all its items. ``batch`` is None for a single call, whose body is the item itself."""

    batch: list[msgspec.Raw] | None = None
    write_key: Json = None
    sent_at: Json = None
    context: SharedContext | None = None


_envelopes = msgspec.json.Decoder(Envelope)


def open_envelope(text: bytes) -> tuple[Envelope, bytes]:
    """The envelope and the text it was read from (a repaired one where that was needed). Raises `Malformed`."""
    try:
        return _envelopes.decode(text), text
    except (msgspec.ValidationError, RecursionError) as error:
        raise Malformed(f"the body is not what Segment defines: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = repair_json(text)
    try:
        return _envelopes.decode(text), text
    except msgspec.MsgspecError as error:
        raise Malformed(f"the body is not what Segment defines: {error}") from error
