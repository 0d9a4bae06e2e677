"""The data folder of an installation: its lock, the keys and ports it keeps, and the run file that says what is running.

```
store.sqlite      everything remembered (SQLite; none with a store URL of its own)
temporal.sqlite   the embedded Temporal server's file
inbox/            messages the local inbox received
logs/             one file a part
kept.json         keys and ports, the same over restarts (0600)
run.json          addresses, keys and process ids of what runs now (0600); gone when nothing runs
lock              held while `perennia up` runs
ready/            one file a part that says itself when it is ready
```
"""

from __future__ import annotations

import base64
import fcntl
import os
import secrets
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

LOOPBACK: Final = "127.0.0.1"
PORTS: Final = ("api", "inbox", "smtp", "temporal", "temporal_ui")


class FolderError(Exception):
    """Why a data folder cannot be used; the message says what to do."""


class Kept(msgspec.Struct, omit_defaults=True):
    """What an installation makes up once. Ports are asked for again, and changed only where somebody else has them now."""

    write_key: str
    admin_key: str
    link_key: str
    webhook_secret: str = ""
    ports: dict[str, int] = {}


class Run(msgspec.Struct, kw_only=True):
    """What runs now: the ready line of `perennia up --json` and the content of ``run.json``.

    ``inbox``, ``smtp`` and ``temporal_ui`` are None where those are not ours. ``pids`` holds each part's present process.
    """

    api: str
    inbox: str | None
    smtp: str | None
    temporal: str
    temporal_ui: str | None
    write_key: str
    admin_key: str
    workspace: str
    data: str
    run_file: str
    time_scale: float = 1.0
    pid: int
    pids: dict[str, int] = {}


@dataclass(frozen=True)
class DataFolder:
    path: Path

    @property
    def run_file(self) -> Path:
        return self.path / "run.json"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    def prepare(self) -> None:
        """Makes the folder and what it holds. Raises `FolderError`."""
        try:
            for folder in (self.path, self.logs, self.path / "inbox", self.path / "ready"):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FolderError(
                f"cannot make {error.filename}: {error.strerror}; choose another with --data DIR"
            ) from error

    def lock(self) -> int:
        """Holds the folder for this process until it ends, however it ends. Raises `FolderError` where another has it."""
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            running = self.running()
            who = f" (process {running.pid}, API at {running.api})" if running else ""
            remedy = "stop that one, or choose another folder with --data DIR"
            raise FolderError(f"`perennia up` is already running on {self.path}{who}; {remedy}") from error
        return descriptor

    def kept(self) -> Kept | None:
        """What the installation made up; None before the first `keep`."""
        try:
            return msgspec.json.decode((self.path / "kept.json").read_bytes(), type=Kept)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            raise FolderError(f"cannot read {self.path / 'kept.json'}: {error}; repair or remove it") from error

    def keep(self) -> Kept:
        """The keys and ports of this installation, made up at the first time."""
        write, admin, link = (secrets.token_urlsafe(24) for _ in range(3))
        kept = self.kept() or Kept(write_key=write, admin_key=admin, link_key=link)
        kept.webhook_secret = kept.webhook_secret or f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
        kept.ports = choose_ports(kept.ports)
        write_private(self.path / "kept.json", msgspec.json.format(msgspec.json.encode(kept)))
        return kept

    def write_run(self, run: Run) -> None:
        write_private(self.run_file, msgspec.json.format(msgspec.json.encode(run)))

    def running(self) -> Run | None:
        """What the run file says, None without one (or with one of another version)."""
        try:
            return msgspec.json.decode(self.run_file.read_bytes(), type=Run)
        except (OSError, msgspec.MsgspecError):
            return None

    def forget_run(self) -> None:
        with suppress(FileNotFoundError):
            self.run_file.unlink()


def write_private(path: Path, content: bytes) -> None:
    """Replaces the file in one step, readable by its owner alone: nobody ever reads half of it."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    fresh.replace(path)


def choose_ports(before: dict[str, int]) -> dict[str, int]:
    """A port a name: the one it had where that is free, so that links in messages stay good, else any free one."""
    held: list[socket.socket] = []
    try:
        chosen: dict[str, int] = {}
        for name in PORTS:
            held.append(_bind(before.get(name, 0)))
            chosen[name] = held[-1].getsockname()[1]
        return chosen
    finally:
        for one in held:
            one.close()


def _bind(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free for us
    try:
        bound.bind((LOOPBACK, port))
    except OSError:
        bound.bind((LOOPBACK, 0))
    return bound
