"""Bodies as senders really write them."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import AsyncIterator
from urllib.parse import quote, quote_plus

import pytest

from perennia.ingest.bodies import (
    Malformed,
    TooLarge,
    UnknownEncoding,
    find_json,
    open_envelope,
    read_body,
)

JSON = b'{"userId": "ana+1@example.com", "event": "100% & more"}'
FORM = "application/x-www-form-urlencoded"


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_a_body_comes_in_pieces() -> None:
    assert await read_body(chunks(b"ab", b"cd"), None, 4) == b"abcd"


async def test_a_body_over_the_limit_is_too_large() -> None:
    with pytest.raises(TooLarge):
        await read_body(chunks(b"ab", b"cde"), "identity", 4)


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
async def test_a_packed_body_is_unpacked(encoding: str) -> None:
    assert await read_body(chunks(gzip.compress(JSON)), encoding, 1000) == JSON


async def test_a_packed_body_may_have_several_members() -> None:
    assert await read_body(chunks(gzip.compress(b"ab") + gzip.compress(b"cd")), "gzip", 1000) == b"abcd"


async def test_a_body_of_exactly_the_limit_passes() -> None:
    assert await read_body(chunks(gzip.compress(b"x" * 4096)), "gzip", 4096) == b"x" * 4096


async def test_a_zip_bomb_is_too_large() -> None:
    bomb = gzip.compress(bytes(200_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            await read_body(chunks(bomb), "gzip", 500_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3_000_000


async def test_bombs_in_a_row_are_too_large() -> None:
    with pytest.raises(TooLarge):
        await read_body(chunks(gzip.compress(bytes(400_000)) * 100), "gzip", 500_000)


@pytest.mark.parametrize(
    "body",
    [b"not gzip", gzip.compress(JSON, mtime=0)[:-3], gzip.compress(JSON, mtime=0) + b"rest"],
    ids=["other", "torn", "followed"],
)
async def test_what_only_claims_to_be_gzip_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        await read_body(chunks(body), "gzip", 1000)


async def test_other_packings_are_named() -> None:
    with pytest.raises(UnknownEncoding, match="'br' is not supported; send gzip or none"):
        await read_body(chunks(b""), "br", 1000)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (JSON, "application/json"),
        (JSON, "text/plain;charset=UTF-8"),
        (JSON, None),
        (b"\xef\xbb\xbf \n" + JSON + b"\n", "application/json; charset=utf-8"),
        (JSON, FORM),
        (quote(JSON).encode(), FORM),
        (quote_plus(JSON).encode(), FORM + "; charset=UTF-8"),
        (b"data=" + quote_plus(JSON).encode(), FORM),
    ],
)
def test_there_is_json_in_each_of_these(body: bytes, content_type: str | None) -> None:
    assert find_json(body, content_type) == JSON


def test_a_form_that_holds_no_json_stays_what_it_is() -> None:
    assert find_json(b"a=1&b=2", FORM) == b"a=1&b=2"


def test_the_envelope_is_read_and_items_are_left_alone() -> None:
    envelope, _ = open_envelope(
        b'{"batch": [{"a": 1}, 7], "writeKey": "k", "sentAt": "2026-03-02T12:00:00Z", "more": {}}'
    )
    assert [bytes(item) for item in envelope.batch or []] == [b'{"a": 1}', b"7"]
    assert (envelope.write_key, envelope.sent_at) == ("k", "2026-03-02T12:00:00Z")


@pytest.mark.parametrize(
    ("text", "item"),
    [
        (b'{"batch": [{"a": NaN, "b": 1}]}', b'{"a": null, "b": 1}'),
        (b'{"batch": [{"a": -Infinity, "b": 1e999}]}', b'{"a": null, "b": null}'),
        (b'{"batch": [{"a": "\\ud83d cut"}]}', b'{"a": "? cut"}'),
    ],
)
def test_one_odd_value_does_not_sink_a_batch(text: bytes, item: bytes) -> None:
    envelope, _ = open_envelope(text)
    assert [bytes(one) for one in envelope.batch or []] == [item]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b'{"batch": {}}',
        b'{"batch": ',
        b"<html>",
        b'{"a":' * 5000,
        b'{"batch": [' + b"9" * 5000 + b"x]}",
    ],
)
def test_what_is_no_envelope_is_malformed(text: bytes) -> None:
    with pytest.raises(Malformed):
        open_envelope(text)
