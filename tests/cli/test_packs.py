"""`perennia new` and `perennia packs`: what one begins with is sound, and stays one's own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from perennia.core.decisions import CustomerEvent
from perennia.store import open_store
from perennia.store.records import Accepted
from tests.support.commands import perennia

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


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


def test_a_pack_says_what_it_does_and_what_it_needs(tmp_path: Path) -> None:
    ended = perennia(tmp_path, "packs", "show", "renewal")
    assert ended.out.startswith("Renewal. A renewal that surprises nobody")
    assert ended.out.splitlines()[-6:-2] == [
        "traits to tell:      account.auto_renew, account.renewal, account.renewal_date, account.status",
        "roles of contacts:   champion, sponsor",
        "roles in your team:  account-executive, cs-manager",
        "senders:             leadership",
    ]


async def test_a_pack_is_held_against_what_the_data_has(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    store = open_store(url)
    try:
        await store.migrate()
        came = CustomerEvent(at=AT, name="Review Posted")
        await store.accept([Accepted(external_id="ana", kind="contact", message_id="m1", input=came)], AT)
    finally:
        await store.close()
    ended = perennia(tmp_path, "packs", "ready", "advocacy", env={"PERENNIA_STORE_URL": url})
    assert ended.code == 1
    assert "you lack the event `Reference Given`; read by advocacy-ask\n" in ended.out
    assert "you lack the trait `takes_calls` of contacts; read by advocacy-ask\n" in ended.out
    assert "Review Posted" not in ended.out


def test_senders_that_ones_own_policies_lack_are_told(tmp_path: Path) -> None:
    perennia(tmp_path, "new", "first-steps")
    policies = tmp_path / "playbooks/policies.yaml"
    kept = [line for line in policies.read_text(encoding="utf-8").splitlines() if "leadership" not in line]
    policies.write_text("\n".join(kept) + "\n", encoding="utf-8")
    added = perennia(tmp_path, "packs", "add", "renewal")
    assert "add to the senders of your policies:  leadership: {" in added.out
