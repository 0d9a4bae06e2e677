"""DNS as the checks of sending domains need it: a port, and dnspython behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, cast

from dns.asyncresolver import Resolver as AsyncResolver
from dns.exception import DNSException, Timeout
from dns.resolver import NXDOMAIN, NoAnswer
from dns.reversename import from_address as reverse_name

if TYPE_CHECKING:
    from dns.name import Name
    from dns.rdata import Rdata
    from dns.rdtypes.ANY.CNAME import CNAME
    from dns.rdtypes.ANY.MX import MX
    from dns.rdtypes.ANY.PTR import PTR
    from dns.rdtypes.ANY.TXT import TXT
    from dns.rdtypes.IN.A import A
    from dns.rdtypes.IN.AAAA import AAAA

PATIENCE_SECONDS = 5.0


class DnsFailed(Exception):
    """The question has no answer for now: nobody knows whether the record is there. May pass."""


class Resolver(Protocol):
    """What is published under a name; empty where nothing is. Each raises `DnsFailed`."""

    async def texts(self, name: str) -> Sequence[str]:
        """TXT records, the strings of each put together; aliases are followed."""
        ...

    async def alias(self, name: str) -> str | None:
        """The name that this one is another name (CNAME) of."""
        ...

    async def addresses(self, name: str) -> Sequence[str]:
        """IPv4 and IPv6."""
        ...

    async def mail_servers(self, name: str) -> Sequence[str]:
        """The hosts of its MX records; "" is a null MX (RFC 7505)."""
        ...

    async def names_of(self, address: str) -> Sequence[str]:
        """PTR."""
        ...


class DnsResolver:
    """Asks the name servers of this machine, or the one given (``host:port``)."""

    def __init__(self, server: str | None = None, patience: float = PATIENCE_SECONDS) -> None:
        self._dns = AsyncResolver(configure=server is None)
        self._patience = patience
        if server is not None:
            host, _, port = server.rpartition(":")
            self._dns.nameservers = [host.strip("[]")]
            self._dns.port = int(port)
        self._dns.lifetime = patience

    async def texts(self, name: str) -> Sequence[str]:
        found = cast("list[TXT]", await self._ask(name, "TXT"))
        return [b"".join(record.strings).decode("utf-8", "replace") for record in found]

    async def alias(self, name: str) -> str | None:
        found = cast("list[CNAME]", await self._ask(name, "CNAME"))
        return _plain(found[0].target) if found else None

    async def addresses(self, name: str) -> Sequence[str]:
        four = cast("list[A]", await self._ask(name, "A"))
        six = cast("list[AAAA]", await self._ask(name, "AAAA"))
        return [record.address for record in (*four, *six)]

    async def mail_servers(self, name: str) -> Sequence[str]:
        found = cast("list[MX]", await self._ask(name, "MX"))
        return [_plain(record.exchange) for record in sorted(found, key=lambda record: record.preference)]

    async def names_of(self, address: str) -> Sequence[str]:
        found = cast("list[PTR]", await self._ask(reverse_name(address).to_text(), "PTR"))
        return [_plain(record.target) for record in found]

    async def _ask(self, name: str, kind: str) -> list[Rdata]:
        try:
            return list(await self._dns.resolve(name, kind, search=False))
        except (NXDOMAIN, NoAnswer):
            return []
        except Timeout as error:
            raise DnsFailed(f"no name server answered for {name} within {self._patience:g} s") from error
        except (DNSException, OSError) as error:
            raise DnsFailed(f"the name servers could not answer for {name} ({type(error).__name__})") from error


def _plain(name: Name) -> str:
    return name.to_text(omit_final_dot=True).removesuffix(".").lower()
