"""What the compose file says is what was run: its services, started here without containers, carry one event to an email.

A real PostgreSQL and Temporal's development server take the place of the two images; commands and environment of our own
services are the file's, with nothing changed but where the others listen.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from perennia.temporal import DevServer
from tests.support.compose_file import ROOT, Service, services
from tests.support.postgres import NoPostgres, Server, postgres_server

PERENNIA = Path(sys.executable).parent / "perennia"
VALUES = {
    "POSTGRES_PASSWORD": "administrator0123456789",
    "PERENNIA_DATABASE_PASSWORD": "perennia0123456789",
    "TEMPORAL_DATABASE_PASSWORD": "temporal0123456789",
    "PERENNIA_WRITE_KEYS": "write0123456789",
    "PERENNIA_ADMIN_KEY": "admin0123456789",
    "PERENNIA_LINK_KEYS": "link0123456789",
    "PERENNIA_PUBLIC_URL": "http://127.0.0.1:8080",
}
PATIENCE_SECONDS = 120

pytestmark = pytest.mark.timeout(400)


@dataclass
class Composition:
    """The file's services, and where on this machine what they name is. ``places``: an address of the file, ours."""

    folder: Path
    places: dict[str, str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict[str, "subprocess.Popen[bytes]"])

    def service(self, name: str) -> Service:
        return services(VALUES)[name]

    def here(self, text: str) -> str:
        for theirs, ours in self.places.items():
            text = text.replace(theirs, ours)
        return text

    def command(self, name: str) -> list[str]:
        return [str(PERENNIA), *(self.here(word) for word in self.service(name).command)]

    def environment(self, name: str, number: int) -> dict[str, str]:
        """The file's and the image's, and a PATH: nothing of the tests' own environment."""
        image = {"PATH": "/usr/bin:/bin", "PERENNIA_DATA": str(self.folder / f"data-{name}-{number}")}
        return image | {key: self.here(value) for key, value in self.service(name).environment.items()}

    def run(self, name: str) -> subprocess.CompletedProcess[str]:
        """A service that ends by itself."""
        return subprocess.run(
            self.command(name),
            env=self.environment(name, 1),
            cwd=self.folder / "workspace",
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self, name: str, number: int = 1) -> None:
        command = [word.replace("/tmp/ready", str(self.folder / f"ready-{number}")) for word in self.command(name)]
        with (self.folder / f"{name}-{number}.log").open("wb") as log:
            self.running[f"{name}-{number}"] = subprocess.Popen(
                command, env=self.environment(name, number), cwd=self.folder / "workspace", stdout=log, stderr=log
            )

    def log(self) -> str:
        return "\n".join(f"{path.name}: {path.read_text()[-2000:]}" for path in sorted(self.folder.glob("*.log")))

    def stop(self) -> dict[str, int]:
        for process in self.running.values():
            process.terminate()
        return {name: process.wait(60) for name, process in self.running.items()}


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def create_roles(server: Server) -> None:
    """Runs the very script that the PostgreSQL image runs."""
    script = ROOT / "deploy/postgres/roles.sh"
    host, port = "127.0.0.1", str(server.port)
    environment = services(VALUES)["postgres"].environment | {"PGHOST": host, "PGPORT": port, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["/bin/sh", str(script)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@contextmanager
def composed(folder: Path, database: Server, temporal: DevServer) -> Generator[Composition]:
    workspace = folder / "workspace"
    for part in ("playbooks", "templates"):
        shutil.copytree(ROOT / part, workspace / part)
    api, page, smtp = free_address(), free_address(), free_address()
    places = {
        "postgres:5432": f"127.0.0.1:{database.port}",
        "temporal:7233": temporal.address,
        "0.0.0.0:8080": api,
        "serve:8080": api,
        "0.0.0.0:8025": page,
        "0.0.0.0:1025": smtp,
        "inbox:1025": smtp,
    }
    composition = Composition(folder, places)
    try:
        yield composition
    finally:
        composition.stop()


@pytest.fixture
async def composition(tmp_path: Path) -> AsyncIterator[Composition]:
    if shutil.which("psql") is None:
        pytest.skip("no psql here, which the PostgreSQL image would bring")
    try:
        with postgres_server() as database:
            create_roles(database)
            async with DevServer(tmp_path / "temporal.sqlite") as temporal:
                with composed(tmp_path, database, temporal) as made:
                    yield made
    except NoPostgres as missing:
        pytest.skip(str(missing))


async def until(holds: Callable[[], bool], composition: Composition) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, composition.log()
        dead = {name: process.poll() for name, process in composition.running.items() if process.poll() is not None}
        assert not dead, f"{dead}\n{composition.log()}"
        await asyncio.sleep(0.1)


def answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).is_success
    except httpx.TransportError:
        return False


async def test_one_event_becomes_an_email(composition: Composition) -> None:
    migrated = composition.run("migrate")
    assert migrated.returncode == 0, migrated.stderr
    for name, number in (("inbox", 1), ("serve", 1), ("worker", 1), ("worker", 2)):
        composition.start(name, number)
    api, page = (f"http://{composition.places[each]}" for each in ("serve:8080", "0.0.0.0:8025"))
    with httpx.Client(trust_env=False) as client:
        await until(lambda: answers(client, f"{api}/readyz") and answers(client, f"{page}/health"), composition)
        await until(lambda: all((composition.folder / f"ready-{n}").exists() for n in (1, 2)), composition)
        published = composition.run("publish")
        assert published.returncode == 0, published.stderr
        happens(client, api)
        await until(lambda: "ana@example.com" in client.get(f"{page}/messages.json").text, composition)
    ended = composition.stop()
    assert [ended[name] for name in ("serve-1", "worker-1", "worker-2")] == [0, 0, 0], composition.log()


def happens(client: httpx.Client, api: str) -> None:
    """Ana opens an account. Where she lives it is noon: what ships sends nothing at night."""
    key = (VALUES["PERENNIA_WRITE_KEYS"], "")
    ahead = 12 - datetime.now(UTC).hour
    noon = f"Etc/GMT{-ahead:+d}"  # POSIX counts westward
    traits = {"email": "ana@example.com", "first_name": "Ana", "plan": "pro", "seats": 5, "timezone": noon}
    batch = [
        {"type": "identify", "messageId": "1", "userId": "ana", "traits": traits},
        {"type": "track", "messageId": "2", "userId": "ana", "event": "Account Created"},
    ]
    assert client.post(f"{api}/v1/batch", json={"batch": batch}, auth=key).status_code == 200
