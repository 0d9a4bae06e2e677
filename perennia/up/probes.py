"""Is a part ready? Questions that never raise: an error is a no."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from perennia.up.supervisor import Probe


def answers_http(url: str) -> Probe:
    """GET ``url`` is answered with a 2xx within two seconds."""

    async def ask(_: int) -> bool:
        try:
            # Loading the certificates for TLS, which is not spoken here, would take 40 ms of a processor at each look.
            async with httpx.AsyncClient(timeout=2, trust_env=False, verify=False) as client:  # noqa: S501
                return (await client.get(url)).is_success
        except httpx.HTTPError:
            return False

    return ask


def accepts(host: str, *ports: int) -> Probe:
    """Every one of the ports accepts a connection within two seconds."""

    async def ask(_: int) -> bool:
        try:
            for port in ports:
                _reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), 2)
                writer.close()
        except (OSError, TimeoutError):
            return False
        return True

    return ask


def says_so_in(path: Path) -> Probe:
    """The ready file names this very process: one that a predecessor left says nothing."""

    async def ask(pid: int) -> bool:
        try:
            return path.read_text(encoding="ascii").strip() == str(pid)
        except OSError:
            return False

    return ask
