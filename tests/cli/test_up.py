"""`perennia up` as a real process tree: ready line, restarts, an orderly end, and nothing left behind.

Starting everything takes seconds of two processors, so the tests share two runs and go through them in order.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import cast

import httpx
import psutil
import pytest

from tests.support.commands import PROGRAM, Ended, environment, perennia
from tests.support.workspace_files import write_workspace

pytestmark = pytest.mark.timeout(400)

PATIENCE = 180.0  # seconds; generous, since the machine may be busy with everything else


class Installation:
    """One run of `perennia up --json`."""

    def __init__(self, workspace: Path, data: Path) -> None:
        self.workspace = workspace
        self.data = data
        self.log = workspace / "up.err"
        command = [*PROGRAM, "up", "--data", str(data), "--json"]
        with self.log.open("ab") as errors:
            self.process = subprocess.Popen(
                command, cwd=workspace, env=environment(), stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()
        self.ready = cast("dict[str, object]", json.loads(self.line))

    @property
    def run(self) -> dict[str, object]:
        return cast("dict[str, object]", json.loads((self.data / "run.json").read_bytes()))

    @property
    def pids(self) -> dict[str, int]:
        return cast("dict[str, int]", self.run["pids"])

    def command(self, *arguments: str) -> Ended:
        return perennia(self.workspace, *arguments, "--data", str(self.data))

    def ask(self, path: str) -> bytes:
        """What the API answers, nothing while it is away."""
        key = {"Authorization": f"Bearer {self.ready['admin_key']}"}
        try:
            return httpx.get(f"{self.ready['api']}/api/v1/{path}", headers=key).content
        except httpx.TransportError:
            return b""

    def post_event(self, customer: str, event: str) -> None:
        """As a sender with retries does it: again until it is accepted."""
        body = {"userId": customer, "event": event, "messageId": f"{customer}-{event}"}
        until(lambda: self._posted(body))

    def _posted(self, body: dict[str, str]) -> bool:
        try:
            answer = httpx.post(f"{self.ready['api']}/v1/track", json=body, auth=(str(self.ready["write_key"]), ""))
        except httpx.TransportError:
            return False
        return answer.is_success

    def tree(self) -> list[psutil.Process]:
        return [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def left_of(processes: list[psutil.Process]) -> list[psutil.Process]:
    _, alive = psutil.wait_procs(processes, timeout=30)
    return alive


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("up") / "var"


@pytest.fixture(scope="module")
def shared_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_workspace(tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="module")
def up(shared_workspace: Path, data: Path) -> Generator[Installation]:
    installation = Installation(shared_workspace, data)
    yield installation
    installation.kill()


def test_the_ready_line_names_every_address_key_and_process(up: Installation) -> None:
    assert sorted(up.ready) == [
        *("admin_key", "api", "data", "inbox", "pid", "pids", "run_file", "smtp", "temporal", "temporal_ui"),
        *("time_scale", "workspace", "write_key"),
    ]
    assert sorted(cast("dict[str, int]", up.ready["pids"])) == ["api", "inbox", "temporal", "worker"]


def test_everything_is_bound_to_loopback(up: Installation) -> None:
    listening = {
        connection.laddr.ip
        for process in up.tree()
        for connection in process.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


def test_the_run_file_is_private(up: Installation) -> None:
    assert (up.data / "run.json").stat().st_mode & 0o777 == 0o600


def test_the_workspace_is_published(up: Installation) -> None:
    ended = up.command("publish")
    assert (ended.code, ended.out.startswith("nothing has changed: still revision 1 ")) == (0, True)


def test_a_second_up_on_the_same_folder_is_refused(up: Installation) -> None:
    ended = up.command("up")
    assert ended.code == 4
    assert f"`perennia up` is already running on {up.data} (process {up.process.pid}" in ended.err


def test_the_refused_one_leaves_the_run_file_of_the_first_alone(up: Installation) -> None:
    assert up.run["pid"] == up.process.pid


def test_an_event_leads_to_a_mail_in_the_inbox(up: Installation) -> None:
    assert up.command("event", "ana", "Known").code == 0
    identify = {"userId": "ana", "traits": {"email": "ana@example.com", "plan": "pro"}}
    httpx.post(f"{up.ready['api']}/v1/identify", json=identify, auth=(str(up.ready["write_key"]), ""))
    up.post_event("ana", "Signed Up")
    until(lambda: b"ana@example.com" in httpx.get(f"{up.ready['inbox']}/messages.json").content)


def test_why_tells_of_it(up: Installation) -> None:
    said = up.command("why", "ana", "hello").out
    assert "entered, since Signed Up happened" in said
    assert 'traits.plan == "pro"  ->  true, since traits.plan = pro' in said


@pytest.mark.parametrize("part", ["worker", "api", "inbox", "temporal"])
def test_a_killed_part_comes_back_at_its_address(up: Installation, part: str) -> None:
    before = up.pids[part]
    os.kill(before, signal.SIGKILL)
    until(lambda: up.pids.get(part, before) != before)
    until(lambda: f"{part} is back" in up.log.read_text(encoding="utf-8"))
    customer = f"after-{part}"
    up.post_event(customer, "Signed Up")
    until(lambda: b"failed_entry_filter" in up.ask(f"customers/{customer}/why"))


def test_the_doctor_finds_it_well(up: Installation) -> None:
    ended = up.command("doctor")
    assert ended.code == 0, ended.out


def test_sigterm_ends_it_with_every_process(up: Installation) -> None:
    processes = up.tree()
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(60) == 0
    assert left_of(processes) == []


def test_it_prints_nothing_but_the_one_line(up: Installation) -> None:
    assert up.process.stdout is not None
    assert up.process.stdout.read() == ""


def test_nobody_finds_an_installation_that_has_ended(up: Installation) -> None:
    assert up.command("customers").code == 3


def test_data_survives_a_restart_and_a_kill_leaves_no_process(shared_workspace: Path, data: Path) -> None:
    installation = Installation(shared_workspace, data)
    try:
        assert "in hello at step settle" in installation.command("show", "ana").out
        processes = installation.tree()
        assert len(processes) >= 5
        installation.process.kill()
        installation.process.wait()
        assert left_of(processes) == []
    finally:
        installation.kill()
