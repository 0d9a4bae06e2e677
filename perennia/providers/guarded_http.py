"""HTTP to addresses that others chose: a playbook's author, a template over what customers told us, a subscriber to events.

Server-side request forgery is what this guards against. A name is resolved once, every address it has must be public (or in a
network that the settings allow), and the connection goes to one of those very addresses: a name that answers otherwise a
moment later changes nothing. Certificates are checked against the name. Redirects are not followed, cookies not kept,
proxies not asked; each request has a connection of its own, which ends with it.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import AddressValueError, IPv4Address, ip_address
from typing import Final, TypeAlias

import httpx

from perennia.providers.failures import Refused, Unavailable
from perennia.providers.public_addresses import Address, Network, is_in, is_public
from perennia.providers.retry_after import retry_after

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]

# Of a name with many addresses no more are tried than fit into the time.
MOST_ADDRESSES: Final = 3
# As WHATWG's URL standard has it: what ends in a number is an IPv4 address, however it is spelt.
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")


class Forbidden(Refused):
    """The address may not be reached. Nothing was connected to."""


@dataclass(frozen=True)
class Allowed:
    """What may be reached beside public addresses over https: ``networks`` of our own, and plain ``http``."""

    networks: tuple[Network, ...] = ()
    http: bool = False


@dataclass(frozen=True)
class Bounds:
    """``seconds``: for all of a request. ``reply_bytes``: of a longer reply nothing is kept."""

    seconds: float = 30.0
    connect_seconds: float = 5.0
    reply_bytes: int = 32 * 1024


@dataclass(frozen=True)
class Reply:
    """``content`` None: it was longer than allowed, or compressed though nobody had asked for that."""

    status: int
    content: bytes | None
    retry_after: timedelta | None


async def system_resolve(host: str, port: int) -> list[str]:
    """Every address that the system knows of the name. Raises `OSError`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class GuardedHttp:
    """``tls``: a context of the caller's own, in place of the system's authorities."""

    def __init__(
        self,
        allowed: Allowed,
        *,
        resolve: Resolve = system_resolve,
        tls: ssl.SSLContext | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._bounds = bounds or Bounds()
        # None of them is kept for another request: two names may share an address, and not trust each other.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        self._transport = httpx.AsyncHTTPTransport(verify=tls or True, limits=limits)

    async def request(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> Reply:
        """Whatever the receiver answers. Raises `Forbidden`, `Refused` for headers that cannot be sent, `Unavailable`."""
        target = self._target(url)
        wire = _Wire(method, target, _headers(target, headers), content)
        try:
            async with asyncio.timeout(self._bounds.seconds):
                return await self._ask(wire, await self._addresses(wire))
        except TimeoutError as error:
            raise Unavailable(f"{wire.host} took too long", maybe_sent=wire.connected) from error
        except httpx.LocalProtocolError as error:
            raise Refused(f"this cannot be sent to {wire.host}: a header breaks out of its line") from error
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unavailable(f"{wire.host} cannot be reached ({_cause(error)})") from error
        except httpx.TransportError as error:
            message = f"{wire.host} broke off ({type(error).__name__})"
            raise Unavailable(message, maybe_sent=True) from error

    async def close(self) -> None:
        await self._transport.aclose()

    # --- where to ---

    def _target(self, url: str) -> httpx.URL:
        try:
            target = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise Forbidden("the URL is none") from error
        if target.scheme != "https" and not (target.scheme == "http" and self._allowed.http):
            raise Forbidden(f'only https is allowed, not "{target.scheme}"')
        if not target.raw_host:
            raise Forbidden("the URL names no host")
        if target.userinfo:
            raise Forbidden("a URL may not hold a user or password; write a header")
        if "%" in target.host:
            raise Forbidden(f"{target.host} is an address of one machine's own network")
        last = target.host.rstrip(".").rpartition(".")[2]
        if _NUMBER.fullmatch(last) and not _is_dotted(target.host):
            raise Forbidden(f"{target.host} is an IPv4 address in disguise")
        return target

    async def _addresses(self, wire: _Wire) -> list[Address]:
        """All of the name's addresses, each of which may be reached."""
        port = wire.target.port or (443 if wire.target.scheme == "https" else 80)
        try:
            found = [ip_address(text) for text in await self._resolve(wire.host, port)]
        except (OSError, UnicodeError) as error:
            raise Unavailable(f"{wire.host} is not known ({type(error).__name__})") from error
        for address in found:
            if not (is_public(address) or is_in(address, self._allowed.networks)):
                raise Forbidden(f"{wire.host} is {address}, which is no public address")
        if not found:
            raise Unavailable(f"{wire.host} has no address")
        return found[:MOST_ADDRESSES]

    # --- asking ---

    async def _ask(self, wire: _Wire, addresses: Sequence[Address]) -> Reply:
        for address in addresses[:-1]:
            try:
                return await self._ask_at(wire, address)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._ask_at(wire, addresses[-1])

    async def _ask_at(self, wire: _Wire, address: Address) -> Reply:
        answer = await self._transport.handle_async_request(wire.request_to(address, self._bounds))
        try:
            content = await self._read(answer)
        finally:
            await answer.aclose()
        return Reply(answer.status_code, content, retry_after(answer.headers))

    async def _read(self, answer: httpx.Response) -> bytes | None:
        """As it comes: what was compressed could be any size once it is not."""
        if answer.headers.get("content-encoding", "identity").lower() != "identity":
            return None
        content = b""
        async for part in answer.aiter_raw():
            content += part
            if len(content) > self._bounds.reply_bytes:
                return None
        return content


@dataclass
class _Wire:
    """One request, whichever address it goes to. ``connected``: the receiver may have seen some of it."""

    method: str
    target: httpx.URL
    headers: httpx.Headers
    content: bytes
    connected: bool = False

    @property
    def host(self) -> str:
        """The name in ASCII, as certificates have it."""
        return self.target.raw_host.decode("ascii").rstrip(".")

    def request_to(self, address: Address, bounds: Bounds) -> httpx.Request:
        seconds = bounds.seconds
        timeouts = {"connect": bounds.connect_seconds, "read": seconds, "write": seconds, "pool": seconds}
        return httpx.Request(
            self.method,
            self.target.copy_with(host=str(address)),
            headers=self.headers,
            content=self.content,
            extensions={"timeout": timeouts, "sni_hostname": self.host, "trace": self._note},
        )

    async def _note(self, event: str, _: object) -> None:
        if event == "http11.send_request_headers.started":
            self.connected = True


def _headers(target: httpx.URL, given: Mapping[str, str]) -> httpx.Headers:
    """Of the message itself only what the transport writes; the name, not the address, is whom we ask for."""
    own = {"host", "content-length", "transfer-encoding", "connection", "accept-encoding"}
    told = [
        (name.encode("ascii", "replace"), value.encode()) for name, value in given.items() if name.lower() not in own
    ]
    return httpx.Headers([(b"Host", target.netloc), *told, (b"Accept-Encoding", b"identity")])


def _is_dotted(host: str) -> bool:
    try:
        IPv4Address(host)
    except AddressValueError:
        return False
    return True


def _cause(error: BaseException) -> str:
    """What lies beneath: a refused connection, a certificate that is not trusted."""
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__ or error
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {error.verify_message}"
    return type(error).__name__
