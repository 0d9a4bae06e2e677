"""The data folder keeps keys and ports, and is held by one `up` at a time."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from pydantic import SecretStr

from perennia.settings import Settings
from perennia.up.folder import DataFolder, FolderError, choose_ports
from perennia.up.plan import make_plan


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / "var")
    folder.prepare()
    return folder


def test_keys_are_the_same_at_the_next_start(folder: DataFolder) -> None:
    assert folder.keep().write_key == folder.keep().write_key


def test_keys_are_readable_by_their_owner_alone(folder: DataFolder) -> None:
    folder.keep()
    assert (folder.path / "kept.json").stat().st_mode & 0o777 == 0o600


def test_every_part_gets_a_port_of_its_own(folder: DataFolder) -> None:
    ports = folder.keep().ports
    assert sorted(ports) == ["api", "inbox", "smtp", "temporal", "temporal_ui"]
    assert len(set(ports.values())) == 5


def test_ports_are_the_same_at_the_next_start(folder: DataFolder) -> None:
    assert folder.keep().ports == folder.keep().ports


def test_a_port_that_somebody_else_has_now_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
        assert choose_ports({"api": port})["api"] != port


def test_a_second_holder_is_refused(folder: DataFolder) -> None:
    folder.lock()
    with pytest.raises(
        FolderError, match=r"already running on .*; stop that one, or choose another folder with --data"
    ):
        folder.lock()


def test_a_run_file_that_cannot_be_read_is_no_run(folder: DataFolder) -> None:
    folder.run_file.write_text("{", encoding="utf-8")
    assert folder.running() is None


def test_a_folder_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(FolderError, match="choose another with --data DIR"):
        DataFolder(tmp_path / "file" / "var").prepare()


@pytest.mark.parametrize(("address", "parts"), [(None, 3), ("bounces@mail.example.com", 4)])
def test_a_mailbox_runs_where_there_is_an_address_to_come_back_to(
    folder: DataFolder, address: str | None, parts: int
) -> None:
    settings = Settings(bounce_address=address, mailbox="127.0.0.1:2626", email_url=SecretStr("resend:key"))
    plan = make_plan(settings, folder, folder.keep(), folder.path)
    ours = [part for part in plan.parts if part.name != "temporal"]
    assert len(ours) == parts - 1
    assert [part.command[-1] for part in ours if part.name == "mailbox"] == ["127.0.0.1:2626"] * (parts - 3)
    assert plan.parts[-1].name == "worker"
