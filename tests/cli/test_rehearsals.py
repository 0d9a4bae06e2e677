"""`perennia simulate`: a playbook, tried out on one customer."""

from __future__ import annotations

from pathlib import Path

from tests.support.commands import perennia

CUSTOMER = """\
customer: {id: ana, timezone: Europe/Madrid, traits: {email: ana@example.com, plan: pro}}
start: 2026-03-02T10:00:00+01:00
when:
  - {at: 1d, event: Signed Up}
"""


def test_a_customer_of_a_file_lives_through_a_playbook(workspace: Path) -> None:
    (workspace / "ana.yaml").write_text(CUSTOMER, encoding="utf-8")
    ended = perennia(workspace, "simulate", "hello", "--customer", "ana.yaml", "--until", "10d")
    assert ended.code == 0
    assert ended.out.startswith("ana, times in Europe/Madrid\n      1d  Tue 3 Mar 2026 10:00:00  hello")
    assert "\n      3d  Thu 5 Mar 2026 10:00:00  hello / second" in ended.out


def test_a_simulation_says_what_kept_somebody_out(workspace: Path) -> None:
    (workspace / "ana.yaml").write_text(CUSTOMER.replace("pro", "free"), encoding="utf-8")
    ended = perennia(workspace, "simulate", "hello", "--customer", "ana.yaml")
    assert "          to change that: traits.plan is free; it would have to be pro\n" in ended.out
