"""A real HTTP server for an application, on a free port of loopback, in the test's own event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI


@asynccontextmanager
async def served(app: FastAPI, certificates: Path | None = None) -> AsyncGenerator[str]:
    """Yields the address. Clients that block belong into a thread. ``certificates``: what `make_certificates` has made there."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
        if certificates is not None:
            config.ssl_certfile, config.ssl_keyfile = certificates / "server.pem", certificates / "server.key"
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http{'s' if certificates else ''}://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving
