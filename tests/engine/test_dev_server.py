"""The embedded server: starts on loopback, keeps its file and its ports, and says what is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest

from perennia.temporal import DevServer, DevServerFailed, TemporalUnreachable, connect, customer_workflow_id
from perennia.temporal.dev_server import free_ports
from tests.support.memory import Memory, Send
from tests.support.temporal_runs import Rig


async def test_histories_are_kept_for_thirty_days(server: DevServer) -> None:
    client = await connect(server.address)

    described = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="default"))

    assert described.config.workflow_execution_retention_ttl.ToTimedelta().days == 30


def test_the_server_listens_on_loopback_alone(server: DevServer) -> None:
    command = server.command()

    assert command[command.index("--ip") + 1] == "127.0.0.1"


def test_the_server_is_out_of_reach_of_the_terminals_interrupt(server: DevServer) -> None:
    assert server.pid is not None
    assert os.getsid(server.pid) != os.getsid(0)


async def test_a_restarted_server_has_its_address_and_its_customers(tmp_path: Path) -> None:
    memory = Memory()
    async with DevServer(tmp_path / "temporal.sqlite") as server:
        address = server.address
        rig = Rig(await connect(address))
        memory.accept("contact-1", Send("welcome"))
        await rig.ring("contact-1")
        await server.stop()
        await server.start()
        async with rig.working(memory, memory):
            await rig.handle("contact-1").result()

        assert server.address == address
        assert memory.sent == ["welcome"]


async def test_a_stopped_server_has_no_process_and_does_not_serve(tmp_path: Path) -> None:
    server = DevServer(tmp_path / "temporal.sqlite")
    await server.start()

    await server.stop()

    assert (server.pid, await server.serves()) == (None, False)


async def test_a_server_that_cannot_open_its_file_says_where_to_look(tmp_path: Path) -> None:
    database = tmp_path / "temporal.sqlite"
    database.write_text("this is no database")

    with pytest.raises(DevServerFailed, match=r"its log is .*temporal\.log"):
        await DevServer(database).start()


def test_free_ports_differ_from_each_other() -> None:
    ports = free_ports(0, 0, 0)

    assert len(set(ports)) == 3


def test_a_wanted_port_is_kept() -> None:
    assert free_ports(7233, 0)[0] == 7233


async def test_an_address_where_nobody_answers_is_named_with_the_remedy() -> None:
    (port,) = free_ports(0)

    with pytest.raises(TemporalUnreachable, match=rf"127\.0\.0\.1:{port}, namespace team.*TEMPORAL_ADDRESS"):
        await connect(f"127.0.0.1:{port}", "team")


async def test_the_environment_says_where_temporal_is(server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", server.address)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "default")

    client = await connect()

    assert client.service_client.config.target_host == server.address


async def test_what_the_caller_says_wins_over_the_environment(
    server: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")

    client = await connect(server.address)

    assert client.service_client.config.target_host == server.address


def test_a_workflow_id_holds_the_kind_and_the_opaque_id() -> None:
    assert customer_workflow_id("contact-8f14e45f") == "customer-contact-8f14e45f"
