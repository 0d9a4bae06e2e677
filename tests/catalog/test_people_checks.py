"""What `check` says of the people whom tasks go to."""

from __future__ import annotations

import pytest

from tests.support.workspaces import USUAL, CheckFiles


@pytest.mark.parametrize(
    ("people", "finding"),
    [
        ("people: {kim: {email: kim@example.com}}", None),
        ("people: {kim@example.com: {}}", None),
        ("people: {kim: {name: Kim}}", "error nowhere-to-tell: nobody can tell kim of a task"),
        ("people: {kim: {email: at home}}", 'error bad-address: "at home" is no email address'),
        ("people: {kim: {email: k@x.io, timezone: Mars}}", 'error unknown-zone: no time zone "Mars"'),
        ("people: {kim: {email: k@x.io, digest: '25:00'}}", 'error bad-time: "25:00" is no time of day'),
        ("channels: {cs: {}}\npeople: {kim: {tell: sc}}", 'error unknown-channel: no channel "sc"'),
        ("people: {kim: {tell: cs}}\nteams: {all: {people: [kin]}}", 'error unknown-person: no person "kin"'),
        ("people: {kim: {tell: cs}}\nteams: {kim: {people: [kim]}}", "error team-and-person"),
    ],
)
def test_people_and_teams_are_checked(check_files: CheckFiles, people: str, finding: str | None) -> None:
    policies = f"{USUAL['playbooks/policies.yaml']}{people}\n"
    found = check_files({**USUAL, "playbooks/policies.yaml": policies})
    assert [finding in line for line in found if finding is not None] == ([True] if finding else [])
    assert len(found) == (finding is not None), found
