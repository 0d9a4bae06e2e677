"""Which installation a command talks to, and with which key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from perennia.cli.exits import CommandError, Exit
from perennia.installation import Installation, NotReachable
from perennia.settings import Settings, load_settings
from perennia.up.folder import DataFolder

T = TypeVar("T")


def ask(workspace: Path, url: str | None, data: Path | None, question: Callable[[Installation], Awaitable[T]]) -> T:
    """What the installation that `reach` finds answers. Raises as `reach` does, and `InstallationError`."""

    async def answer() -> T:
        async with reach(workspace, url, data) as installation:
            return await question(installation)

    return asyncio.run(answer())


def reach(workspace: Path, url: str | None, data: Path | None) -> Installation:
    """The installation of ``--url``, else the one that runs on the data folder, else the one at PERENNIA_HTTP.

    Raises `NotReachable` where nothing says where one is, `CommandError` where the key is missing.
    """
    settings = load_settings(workspace, data)
    run = DataFolder(settings.data).running()
    if url is None and run is not None:
        return Installation(run.api, run.admin_key)
    address = url or _listening(settings)
    if address is None:
        raise NotReachable(None)
    if run is not None and run.api == address.rstrip("/"):
        return Installation(address, run.admin_key)
    if settings.admin_key is None:
        raise CommandError(f"no admin key for {address}", "set PERENNIA_ADMIN_KEY", Exit.USAGE)
    return Installation(address, settings.admin_key.get_secret_value())


def _listening(settings: Settings) -> str | None:
    host, _, port = settings.http.rpartition(":")
    return None if port == "0" else f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104 - read, not bound
