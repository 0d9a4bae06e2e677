"""`perennia new` and `perennia packs`: what one begins with is sound, and stays one's own."""

from __future__ import annotations

from pathlib import Path

from tests.support.commands import perennia


def test_a_new_playbook_passes_check_and_test_with_every_step_reached(tmp_path: Path) -> None:
    assert perennia(tmp_path, "new", "first-steps").code == 0
    assert perennia(tmp_path, "check", "--strict").code == 0
    assert perennia(tmp_path, "test", "--min-coverage", "100").code == 0


def test_a_new_playbook_overwrites_nothing(tmp_path: Path) -> None:
    perennia(tmp_path, "new", "first-steps")
    ended = perennia(tmp_path, "new", "first-steps")
    assert (ended.code, ended.err) == (
        4,
        "perennia: playbooks/first-steps/first-steps.yaml exists already; choose another id\n",
    )


def test_a_pack_is_put_into_an_empty_folder_with_what_it_needs(tmp_path: Path) -> None:
    added = perennia(tmp_path, "packs", "add", "onboarding")
    assert added.code == 0
    assert "written    playbooks/policies.yaml" in added.out
    assert perennia(tmp_path, "check").code == 0
    assert perennia(tmp_path, "test").code == 0


def test_what_people_changed_is_kept_when_a_pack_is_added_again(tmp_path: Path) -> None:
    perennia(tmp_path, "packs", "add", "retention")
    mine = tmp_path / "playbooks/retention/usage-check-in.yaml"
    mine.write_text(mine.read_text(encoding="utf-8") + "# ours\n", encoding="utf-8")
    again = perennia(tmp_path, "packs", "add", "retention")
    assert "kept       playbooks/retention/usage-check-in.yaml (you changed it)" in again.out
    assert mine.read_text(encoding="utf-8").endswith("# ours\n")


def test_packs_are_listed_with_what_they_read(tmp_path: Path) -> None:
    ended = perennia(tmp_path, "packs", "list", "--json")
    assert '"name":"onboarding"' in ended.out
    assert '"Account Created"' in ended.out
