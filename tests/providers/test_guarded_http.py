"""Requests to addresses that others chose: only the public internet is reached, and only the one that was looked at."""

from __future__ import annotations

import gzip
import socket
import ssl
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from fastapi import Response

from perennia.providers.failures import Refused, Unavailable
from perennia.providers.guarded_http import Allowed, Bounds, Forbidden, GuardedHttp
from perennia.providers.public_addresses import is_public
from tests.support.receiver import Received, local_http, receiving, receiving_securely
from tests.support.smtp_server import make_certificates

GUARDED = GuardedHttp(Allowed())

# As URLs spell them: no resolver but the system's own.
HOSTILE = [
    "https://127.0.0.1/",
    "https://127.0.0.53:8443/",
    "https://localhost/",
    "https://localhost./",
    "https://LOCALHOST/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://172.16.3.4/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://100.100.100.200/latest/meta-data",
    "https://169.254.169.254/latest/meta-data/",
    "https://169.254.170.2/v2/credentials",
    "https://168.63.129.16/machine",
    "https://192.0.0.192/opc/v2",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://198.51.100.1/",
    "https://203.0.113.9/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    # one address, spelt otherwise
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.1/",
    "https://127.0.1/",
    "https://127.0.0.1./",
    "https://00127.0.0.1/",
    "https://1.1.1.1.1/",
    "https://134744072/",
    "https://\uff11\uff12\uff17.\uff10.\uff10.\uff11/",
    "https://\u2460\u2461\u2466.0.0.1/",
    # IPv6
    "https://[::]/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::127.0.0.1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b:1::1]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a9fe:a9fe::1]/",
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "https://[2001:db8::1]/",
    "https://[3fff::1]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25lo]/",
    "https://[fec0::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fd20:ce::254]/",
    "https://[ff02::1]/",
    "https://[100::1]/",
    "https://[5f00::1]/",
    # other ways around
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "//127.0.0.1/",
    "127.0.0.1",
    "https:///etc/passwd",
    "https://example.com@127.0.0.1/",
    "https://user:password@example.com/",
    "https://127.0.0.1#@example.com/",
    "https://127.0.0.1\\@example.com/",
    "https://127.0.0.1%2f@example.com/",
    "https://exa mple.com/",
    "https://127.0.0.1\t/",
    "",
]


@pytest.mark.parametrize("url", HOSTILE)
async def test_an_address_that_is_not_public_is_not_reached(url: str) -> None:
    with pytest.raises(Forbidden):
        await GUARDED.request("POST", url, {}, b"")


@pytest.mark.parametrize("text", ["1.1.1.1", "93.184.215.14", "2606:4700::6810:84e5", "64:ff9b::101:101"])
def test_public_addresses_are_public(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize("found", [["127.0.0.1"], ["93.184.215.14", "10.0.0.1"], ["::ffff:192.168.0.1"]])
async def test_a_name_with_an_address_that_is_not_public_is_not_reached(found: list[str]) -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return found

    with pytest.raises(Forbidden, match=r"rebind\.example is .*, which is no public address"):
        await GuardedHttp(Allowed(), resolve=resolve).request("GET", "https://rebind.example/", {}, b"")


async def test_a_name_is_resolved_once_and_asked_for_at_that_address() -> None:
    asked: list[str] = []

    async def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    async with receiving() as receiver:
        port = receiver.url.rpartition(":")[2]
        http = GuardedHttp(Allowed((ip_network("127.0.0.0/8"),), http=True), resolve=resolve)
        reply = await http.request("GET", f"http://caf\u00e9.example:{port}/a?b=c", {}, b"")

    assert (reply.status, asked) == (200, ["xn--caf-dma.example"])
    (received,) = receiver.received
    assert (received.path, received.headers["host"]) == ("/a?b=c", f"xn--caf-dma.example:{port}")


async def test_networks_that_the_settings_name_are_reached_and_no_others() -> None:
    async with receiving() as receiver:
        allowed = GuardedHttp(Allowed((ip_network("127.0.0.1/32"),), http=True))
        assert (await allowed.request("GET", receiver.url, {}, b"")).status == 200
        with pytest.raises(Forbidden):
            await allowed.request("GET", receiver.url.replace("127.0.0.1", "127.0.0.2"), {}, b"")


async def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    async with receiving() as receiver:
        http = local_http(names={"two.example": ["::1", "127.0.0.1"]})
        port = receiver.url.rpartition(":")[2]
        assert (await http.request("GET", f"http://two.example:{port}/", {}, b"")).status == 200


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    async with receiving() as receiver:
        receiver.answers = [Response(status_code=302, headers={"Location": f"{receiver.url}/secret"})]
        assert (await local_http().request("GET", receiver.url, {}, b"")).status == 302
    assert [each.path for each in receiver.received] == ["/"]


async def test_cookies_are_not_kept() -> None:
    async with receiving() as receiver:
        receiver.answers = [Response(headers={"Set-Cookie": "who=us; Path=/"})]
        http = local_http()
        for _ in range(2):
            await http.request("GET", receiver.url, {}, b"")
    assert "cookie" not in receiver.received[1].headers


async def test_the_environments_proxy_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with receiving() as receiver:
        assert (await local_http().request("GET", receiver.url, {}, b"")).status == 200


@pytest.mark.parametrize(("size", "kept"), [(32 * 1024, True), (32 * 1024 + 1, False)])
async def test_of_a_longer_reply_than_32_kb_nothing_is_kept(size: int, *, kept: bool) -> None:
    async with receiving() as receiver:
        receiver.answers = [Response(b"x" * size)]
        reply = await local_http().request("GET", receiver.url, {}, b"")
    assert (reply.status, reply.content is not None) == (200, kept)


async def test_a_compressed_reply_is_not_unpacked() -> None:
    async with receiving() as receiver:
        bomb = gzip.compress(b"0" * 10_000_000)
        receiver.answers = [Response(bomb, headers={"Content-Encoding": "gzip"})]
        assert (await local_http().request("GET", receiver.url, {}, b"")).content is None


async def test_a_receiver_that_takes_too_long_may_have_got_it() -> None:
    async with receiving() as receiver:
        receiver.seconds = 1.0
        with pytest.raises(Unavailable, match="took too long") as failure:
            await local_http(Bounds(seconds=0.2)).request("POST", receiver.url, {}, b"{}")
    assert failure.value.maybe_sent


async def test_a_receiver_that_is_not_there_has_got_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(Unavailable, match="cannot be reached") as failure:
        await local_http().request("POST", f"http://127.0.0.1:{port}/", {}, b"{}")
    assert not failure.value.maybe_sent


async def test_a_name_that_nobody_knows_may_be_known_later() -> None:
    with pytest.raises(Unavailable, match="is not known"):
        await GUARDED.request("GET", "https://nowhere.invalid/", {}, b"")


async def test_a_header_cannot_break_out_of_its_line() -> None:
    async with receiving() as receiver:
        with pytest.raises(Refused, match="breaks out of its line"):
            await local_http().request("GET", receiver.url, {"X-Name": "Ana\r\nX-Admin: yes"}, b"")
    assert receiver.received == []


async def test_headers_of_the_transport_are_its_own() -> None:
    async with receiving() as receiver:
        given = {"Host": "other.example", "Content-Length": "99", "Transfer-Encoding": "chunked", "X-Name": "\u00c5sa"}
        await local_http().request("POST", receiver.url, given, b"{}")
    (received,) = receiver.received
    assert received.headers["host"] == receiver.url.removeprefix("http://")
    assert (received.headers["content-length"], "transfer-encoding" in received.headers) == ("2", False)
    assert received.headers["x-name"].encode("latin-1").decode() == "\u00c5sa"


@pytest.mark.parametrize(("said", "span"), [("7", timedelta(seconds=7)), ("999999999999", timedelta(days=1))])
async def test_a_retry_after_is_told(said: str, span: timedelta) -> None:
    async with receiving() as receiver:
        receiver.answers = [Response(status_code=503, headers={"Retry-After": said})]
        assert (await local_http().request("GET", receiver.url, {}, b"")).retry_after == span


async def test_a_certificate_is_checked_against_the_name(tmp_path: Path) -> None:
    """The receiver's is for 127.0.0.1, which is where the other name leads, too."""
    certificates = make_certificates(tmp_path)

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    tls = ssl.create_default_context(cafile=certificates.ca)
    http = GuardedHttp(Allowed((ip_network("127.0.0.0/8"),)), resolve=resolve, tls=tls)
    async with receiving_securely(certificates.server) as receiver:
        assert (await http.request("GET", receiver.url, {}, b"")).status == 200
        with pytest.raises(Unavailable, match="its certificate is not trusted"):
            await http.request("GET", receiver.url.replace("127.0.0.1", "other.example"), {}, b"")
    assert [type(each) for each in receiver.received] == [Received]
