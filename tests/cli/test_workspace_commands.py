"""`check`, `test` and what every command has in common, as processes."""

from __future__ import annotations

from pathlib import Path

from tests.support.commands import perennia


def break_playbook(workspace: Path) -> None:
    file = workspace / "playbooks" / "hello.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("wait: 2d", "wiat: 2d"), encoding="utf-8")


def test_a_workspace_without_errors_passes(workspace: Path) -> None:
    ended = perennia(workspace, "check")
    assert (ended.code, ended.out) == (0, "fine: 1 playbook, 0 tracks, 1 template, 1 scenario\n")


def test_an_error_is_a_line_with_its_place_and_exit_code_1(workspace: Path) -> None:
    break_playbook(workspace)
    ended = perennia(workspace, "check")
    assert ended.code == 1
    assert ended.out.startswith("playbooks/hello.yaml:11:")


def test_findings_come_as_json(workspace: Path) -> None:
    break_playbook(workspace)
    ended = perennia(workspace, "check", "--json")
    findings = ended.document["findings"]
    assert isinstance(findings, list)
    assert isinstance(findings[0], dict)
    assert (ended.code, findings[0]["line"], findings[0]["severity"]) == (1, 11, "error")


def test_a_workspace_elsewhere_is_named(workspace: Path) -> None:
    assert perennia(Path("/"), "check", "--workspace", str(workspace)).code == 0


def test_a_folder_that_is_no_workspace_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ended = perennia(tmp_path / "empty", "check")
    assert ended.code == 2
    assert ended.err.startswith("perennia: no playbooks/ in ")
    assert ended.err.count("\n") == 1


def test_a_scenario_that_passes_says_so(workspace: Path) -> None:
    ended = perennia(workspace, "test")
    assert ended.code == 0
    assert ended.out.startswith("passed  whoever signs up is greeted\n1 passed, 0 failed in ")


def test_a_scenario_that_fails_shows_both_timelines(workspace: Path) -> None:
    file = workspace / "playbooks" / "scenarios" / "greeted.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("plan: pro", "plan: free"), encoding="utf-8")
    ended = perennia(workspace, "test")
    assert ended.code == 1
    assert "  x 0d  Mon 2 Mar 2026 09:00:00  email hello/greet  -" in ended.out
    assert "did not enter, since Signed Up happened: the entry filter did not hold (failed_entry_filter)" in ended.out
    assert '     traits.plan == "pro"  ->  false, since traits.plan = free' in ended.out


def test_a_workspace_with_errors_is_not_tested(workspace: Path) -> None:
    break_playbook(workspace)
    ended = perennia(workspace, "test")
    assert ended.code == 1
    assert ended.err.startswith("perennia: not tested: playbooks/hello.yaml:11:")


def test_only_the_scenarios_that_are_named_run(workspace: Path) -> None:
    ended = perennia(workspace, "test", "no such")
    assert (ended.code, ended.err) == (2, "perennia: no scenario to run; write one, or name another\n")


def test_an_unknown_command_is_one_line(tmp_path: Path) -> None:
    ended = perennia(tmp_path, "chekc")
    assert ended.code == 2
    assert ended.err.startswith("perennia: No such command 'chekc'")
    assert ended.err.count("\n") == 1


def test_no_installation_is_one_line_that_says_how_to_start_one(workspace: Path) -> None:
    ended = perennia(workspace, "customers")
    assert ended.code == 3
    assert ended.err == (
        "perennia: no Perennia answers here; start it with `perennia up`, or say where it is with --url or PERENNIA_URL\n"
    )


def test_an_address_where_nothing_listens_is_named(workspace: Path) -> None:
    env = {"PERENNIA_URL": "http://127.0.0.1:9", "PERENNIA_ADMIN_KEY": "key"}
    ended = perennia(workspace, "customers", env=env)
    assert ended.code == 3
    assert ended.err.startswith("perennia: no Perennia answers at http://127.0.0.1:9 (ConnectError); start it")


def test_errors_come_as_json_where_json_is_asked_for(workspace: Path) -> None:
    ended = perennia(workspace, "customers", "--json")
    assert ended.out == ""
    assert ended.err.startswith('{"error":"no Perennia answers here","remedy":"start it')


def test_a_setting_that_cannot_be_used_is_one_line(workspace: Path) -> None:
    ended = perennia(workspace, "up", env={"PERENNIA_HTTP": "nonsense"})
    assert ended.code == 2
    assert ended.err == (
        "perennia: environment: PERENNIA_HTTP: is no host:port; write for example 127.0.0.1:8080 (port 0: any free one)\n"
    )


def test_serving_without_keys_says_which_setting_is_missing(workspace: Path) -> None:
    env = {"PERENNIA_STORE_URL": f"sqlite:///{workspace}/store.sqlite"}
    assert perennia(workspace, "migrate", env=env).code == 0
    ended = perennia(workspace, "serve", env=env)
    assert ended.code == 2
    assert "perennia: PERENNIA_ADMIN_KEY: is not set; set it to a long random secret" in ended.err


def test_working_without_temporal_says_where_it_looked(workspace: Path) -> None:
    ended = perennia(workspace, "worker", env={"TEMPORAL_ADDRESS": "127.0.0.1:9"})
    assert ended.code == 3
    assert "perennia: cannot reach Temporal at 127.0.0.1:9, namespace default" in ended.err
    assert "Traceback" not in ended.err
