"""The installation that is measured: the processes of `perennia up`, in a folder that is thrown away."""

from __future__ import annotations

import dataclasses
import os
import sqlite3
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

from bench.tally import read_tally
from perennia.catalog import load_workspace, release
from perennia.installation import Installation
from perennia.opening import opened_store
from perennia.publishing import publish_documents
from perennia.settings import Settings
from perennia.up.folder import DataFolder, Run
from perennia.up.plan import make_plan
from perennia.up.supervisor import Part, Supervisor

WORKSPACE = Path(__file__).parent / "workspace"


@dataclass(frozen=True)
class Site:
    """A running installation: where it answers, its process ids by part, its files."""

    run: Run
    pids: dict[str, int]
    folder: Path

    @property
    def store_file(self) -> Path:
        return self.folder / "store.sqlite"

    @property
    def _inbox(self) -> Path:
        return self.folder / "inbox" / "inbox.sqlite"

    def statements(self) -> int:
        """SQL statements that the API and the worker have sent so far."""
        return sum(read_tally(self.folder / f"{part}.statements") for part in ("api", "worker"))

    def store_bytes(self) -> int:
        """What the store holds: pages in use, wherever they lie."""
        (pages,), (unused,), (size,) = (
            self.ask(f"PRAGMA {what}")[0] for what in ("page_count", "freelist_count", "page_size")
        )
        return (int(pages) - int(unused)) * int(size)

    def ask(self, statement: str, *values: object) -> list[tuple[str | int, ...]]:
        """Reads the store's file, past the engine."""
        return _ask(self.store_file, statement, values)

    def mail_count(self) -> int:
        (count,) = _ask(self._inbox, "SELECT count(*) FROM messages", ())[0]
        return int(count)

    def mail(self, after: int = 0) -> list[tuple[str, str]]:
        """Recipient and instant of arrival of each message since the ``after``th."""
        found = _ask(
            self._inbox,
            "SELECT json_extract(recipients, '$[0]'), received_at FROM messages WHERE id > ? ORDER BY id",
            (after,),
        )
        return [(str(recipient), str(at)) for recipient, at in found]


def _ask(file: Path, statement: str, values: tuple[object, ...]) -> list[tuple[str | int, ...]]:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as connection:
        return connection.execute(statement, values).fetchall()


@asynccontextmanager
async def running_site(path: Path, tell: Callable[[str], None]) -> AsyncGenerator[Site]:
    """An installation with the bench's workspace published, stopped at the end."""
    os.environ.pop("TEMPORAL_ADDRESS", None)  # its own server, always
    folder = DataFolder(path)
    folder.prepare()
    kept = folder.keep()
    settings = Settings().model_copy(
        update={
            "data": path,
            "store_url": None,
            "smtp_url": None,
            "email_url": None,
            "email_providers": {},
            "email_routes": {},
            "http": "127.0.0.1:0",
            "time_scale": 1.0,
        }
    )
    plan = make_plan(settings, folder, kept, WORKSPACE)
    async with opened_store(settings) as store:
        await store.migrate()
    supervisor = Supervisor(folder.logs, tell, lambda _: None)
    try:
        for part in plan.parts:
            tell(f"starting {part.name}")
            await supervisor.start(_counted(part, path))
        async with Installation(plan.run.api, plan.run.admin_key) as installation:
            await publish_documents(installation, release(load_workspace(WORKSPACE)).documents, "bench")
        yield Site(plan.run, supervisor.pids(), path)
    finally:
        await supervisor.stop()


def _counted(part: Part, folder: Path) -> Part:
    """The same process with its statements counted."""
    if part.name not in {"api", "worker"}:
        return part
    command = part.command[part.command.index("perennia.cli") + 1 :]
    tally = folder / f"{part.name}.statements"
    return dataclasses.replace(part, command=(sys.executable, "-m", "bench.part", str(tally), *command))
