"""A name server on a port of its own, with the records that a test gives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


@dataclass
class Zone(asyncio.DatagramProtocol):
    """``records``: by name and type, as zone files write them. ``silent``: names that are never answered for."""

    records: dict[tuple[str, str], list[str]]
    silent: set[str] = field(default_factory=set[str])
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        name = query.question[0].name.to_text(omit_final_dot=True)
        kind = dns.rdatatype.to_text(query.question[0].rdtype)
        self.asked.append((name, kind))
        if name not in self.silent:
            self.transport.sendto(self._answer(query, name, kind).to_wire(max_size=4096), addr)

    def _answer(self, query: dns.message.Message, name: str, kind: str) -> dns.message.Message:
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        while kind != "CNAME" and (name, "CNAME") in self.records:
            target = self.records[name, "CNAME"]
            answer.answer.append(dns.rrset.from_text_list(f"{name}.", 60, "IN", "CNAME", target))
            name = target[0].rstrip(".")
        if (name, kind) in self.records:
            answer.answer.append(dns.rrset.from_text_list(f"{name}.", 60, "IN", kind, self.records[name, kind]))
        elif not any(known == name for known, _ in self.records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer


@asynccontextmanager
async def name_server(
    records: dict[tuple[str, str], list[str]], silent: set[str] | None = None
) -> AsyncGenerator[tuple[str, Zone]]:
    """Its address (``host:port``) and its zone, while the block runs."""
    loop = asyncio.get_running_loop()
    transport, zone = await loop.create_datagram_endpoint(
        lambda: Zone(records, silent or set()), local_addr=("127.0.0.1", 0)
    )
    try:
        yield f"127.0.0.1:{transport.get_extra_info('sockname')[1]}", zone
    finally:
        transport.close()
