"""Where settings come from, which wins, and what is said of one that cannot be used."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from perennia.settings import SettingsError, load_settings


@pytest.fixture(autouse=True)
def quiet_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PERENNIA_HTTP", "PERENNIA_WRITE_KEYS", "PERENNIA_SMTP_URL", "PERENNIA_STORE_URL", "PERENNIA_DATA"):
        monkeypatch.delenv(name, raising=False)


def write(folder: Path, content: str) -> None:
    (folder / "perennia.toml").write_text(content, encoding="utf-8")


def test_without_any_setting_the_store_is_a_file_in_the_workspace(tmp_path: Path) -> None:
    assert load_settings(tmp_path).store_address() == f"sqlite:///{tmp_path}/var/store.sqlite"


def test_the_file_in_the_workspace_is_read(tmp_path: Path) -> None:
    write(tmp_path, 'http = "127.0.0.1:8080"\nwrite_keys = ["one", "two"]\n')
    settings = load_settings(tmp_path)
    assert (settings.http, settings.write_keys) == ("127.0.0.1:8080", ("one", "two"))


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, 'http = "127.0.0.1:8080"\n')
    monkeypatch.setenv("PERENNIA_HTTP", "127.0.0.1:9090")
    assert load_settings(tmp_path).http == "127.0.0.1:9090"


def test_keys_in_the_environment_are_comma_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERENNIA_WRITE_KEYS", "one, two,")
    assert load_settings(tmp_path).write_keys == ("one", "two")


def test_an_empty_variable_is_no_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERENNIA_SMTP_URL", "")
    assert load_settings(tmp_path).smtp_url is None


def test_a_data_folder_given_on_the_command_line_wins_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 'data = "from-file"\n')
    monkeypatch.setenv("PERENNIA_DATA", "from-environment")
    assert load_settings(tmp_path, tmp_path / "given").data == tmp_path / "given"


def test_a_time_origin_becomes_utc(tmp_path: Path) -> None:
    write(tmp_path, 'time_origin = "2026-03-02T10:00:00+01:00"\n')
    assert load_settings(tmp_path).time_origin == datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_an_unknown_key_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    write(tmp_path, "time_scal = 2\n")
    with pytest.raises(SettingsError, match=r"perennia.toml: no setting time_scal; did you mean time_scale\?"):
        load_settings(tmp_path)


def test_a_misspelt_variable_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERENNIA_SMPT_URL", "smtp://localhost")
    with pytest.raises(SettingsError, match=r"no setting PERENNIA_SMPT_URL; did you mean PERENNIA_SMTP_URL\?"):
        load_settings(tmp_path)


def test_a_variable_that_resembles_no_setting_is_somebody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERENNIA_TEAM_NAME", "blue")
    assert load_settings(tmp_path).time_scale == 1.0


def test_an_error_names_the_variable_that_it_came_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERENNIA_HTTP", "8080")
    with pytest.raises(SettingsError, match=r"environment: PERENNIA_HTTP: is no host:port; write for example 127"):
        load_settings(tmp_path)


def test_an_error_names_the_file_that_it_came_from(tmp_path: Path) -> None:
    write(tmp_path, 'smtp_url = "imap://localhost"\n')
    with pytest.raises(SettingsError, match=r"perennia.toml: smtp_url: must begin with smtp://"):
        load_settings(tmp_path)


def test_broken_toml_says_where(tmp_path: Path) -> None:
    write(tmp_path, "http = \n")
    with pytest.raises(SettingsError, match=r"no valid TOML: .*line 1"):
        load_settings(tmp_path)


def test_secrets_do_not_show_when_settings_are_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERENNIA_SMTP_URL", "smtp://ana:hunter2@mail.example.com")
    assert "hunter2" not in repr(load_settings(tmp_path))


def test_kept_keys_fill_in_only_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERENNIA_WRITE_KEYS", "given")
    settings = load_settings(tmp_path).completed("kept-write", "kept-admin", "kept-link", "kept-secret")
    assert settings.write_keys == ("given",)
    assert settings.link_keys == ("kept-link",)
