"""`perennia simulate`: a playbook, tried out on one customer."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from perennia.core.decisions import CustomerEvent, TraitsChanged
from perennia.core.json_values import JsonObject
from perennia.store import open_store
from perennia.store.records import Accepted
from tests.support.commands import perennia
from tests.support.in_process import InProcess
from tests.support.installation import event, traits
from tests.support.stored_lives import dump

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


def test_who_is_moved_to_another_version_on_the_way_is_drawn_in_it(workspace: Path) -> None:
    book = (workspace / "playbooks/hello.yaml").read_text(encoding="utf-8")
    (workspace / "later.yaml").write_text(book.replace("id: second", "id: another"), encoding="utf-8")
    migrates = "  - {at: 2d, publish: {file: later.yaml, mode: migrate, map: {second: another}}}\n"
    (workspace / "ana.yaml").write_text(CUSTOMER + migrates, encoding="utf-8")
    ended = perennia(workspace, "simulate", "hello", "--customer", "ana.yaml", "--until", "10d", "--html", "ana.html")
    assert (ended.code, "hello / another" in ended.out) == (0, True)
    page = (workspace / "ana.html").read_text(encoding="utf-8")
    assert "; since Wed 4 Mar 2026 10:00:00 in the version " in page
    picture = page[page.index("<svg") : page.index("</svg>")]
    assert ("email · another" in picture, "email · second" in picture) == (True, False)

    (workspace / "later.yaml").unlink()
    missing = perennia(workspace, "simulate", "hello", "--customer", "ana.yaml")
    assert (missing.code, 'no file "later.yaml" to publish' in missing.err) == (2, True)


# --- customers of the store -----------------------------------------------------------------------------------------

SIGNED_UP = datetime(2026, 3, 9, 9, tzinfo=UTC)
# Time all but stands still, a day after.
FROZEN = {"PERENNIA_TIME_ORIGIN": "2026-03-10T09:00:00Z", "PERENNIA_TIME_SCALE": "0.000000001"}


@pytest.fixture
def command(workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> InProcess:
    asyncio.run(_fill(workspace / "store.sqlite"))
    return InProcess(workspace, capsys, monkeypatch)


async def _fill(file: Path) -> None:
    store = open_store(f"sqlite:///{file}")
    await store.migrate()
    for who, plan in (("ana", "pro"), ("ben", "free")):
        told = traits(who, SIGNED_UP, email=f"{who}@example.com", plan=plan, timezone="Europe/Madrid")
        await store.accept([told, event(who, "Signed Up", SIGNED_UP)], SIGNED_UP)
    company = TraitsChanged(at=SIGNED_UP, traits={"name": "Acme"})
    await store.accept([Accepted(message_id="acme", kind="account", external_id="acme", input=company)], SIGNED_UP)
    joined = TraitsChanged(at=SIGNED_UP, traits={"email": "dan@example.com", "roles": ["admin"]})
    dan = Accepted(message_id="dan", kind="contact", external_id="dan", input=joined, account="acme")
    await store.accept([dan], SIGNED_UP)
    later = SIGNED_UP + timedelta(hours=1)
    signed = CustomerEvent(at=later, name="Contract Signed")
    await store.accept([Accepted(message_id="deal", kind="account", external_id="acme", input=signed)], later)
    await store.close()


def test_a_stored_customer_goes_on_from_where_its_history_ends(command: InProcess) -> None:
    before = dump(command.file)

    ended = command.run("simulate", "hello", "--customer", "ana", "--until", "30d", **FROZEN)

    said = [line.partition(" (")[0] if "hello" in line else line for line in ended.out.splitlines()]
    assert said == [
        "ana, times in Europe/Madrid",
        "Mon 9 Mar 2026 10:00:00  hello",
        '          traits.plan == "pro"  ->  true, since traits.plan = pro',
        "Mon 9 Mar 2026 10:00:00  hello / greet",
        "Mon 9 Mar 2026 10:00:00  hello / greet",
        "-- Tue 10 Mar 2026 10:00:00 is now; what follows is if nobody does anything --",
        "Wed 11 Mar 2026 10:00:00  hello / settle",
        "Wed 11 Mar 2026 10:00:00  hello / second",
        "Wed 11 Mar 2026 10:00:00  hello / second",
        "Wed 11 Mar 2026 10:00:00  hello / second",
    ]
    assert dump(command.file) == before


def test_a_page_is_written_beside_what_is_said(command: InProcess) -> None:
    ended = command.run("simulate", "hello", "--customer", "ana", "--html", "ana.html", **FROZEN)

    page = (command.folder / "ana.html").read_text(encoding="utf-8")
    assert (ended.code, ended.err) == (0, "the picture is in ana.html\n")
    assert "<h1>ana in hello</h1>" in page
    assert "Now: Tue 10 Mar 2026 10:00:00" in page


KICKOFF = """\
playbook: kickoff
scope: account
topic: news
enter: {on: [{event: Contract Signed}]}
steps:
  - {id: invite, email: hello/greet, to: all}
  - {id: call, task: "Call {{ account.name }}"}
"""


def test_of_an_account_it_is_told_what_its_contacts_get(command: InProcess) -> None:
    (command.folder / "playbooks/kickoff.yaml").write_text(KICKOFF, encoding="utf-8")

    ended = command.run("simulate", "kickoff", "--customer", "acme", "--json", **FROZEN)
    of_dan = command.run("simulate", "kickoff", "--customer", "dan", **FROZEN)

    assert [each["what"] for each in cast("list[JsonObject]", ended.document["timeline"])] == [
        "enrolled in kickoff",
        "email hello/greet (dan)",
        'task "Call Acme"',
        "ended completed",
    ]
    assert (of_dan.code, '"kickoff" is for accounts; name one of acme' in of_dan.err) == (2, True)


def test_a_customer_of_tomorrow_is_told_to_be_one(command: InProcess) -> None:
    ended = command.run(
        "simulate", "hello", "--customer", "ana", **{**FROZEN, "PERENNIA_TIME_ORIGIN": "2026-03-01T09:00:00Z"}
    )
    assert (ended.code, "ana was first seen at 2026-03-09 09:00 UTC, which lies ahead" in ended.err) == (2, True)


def test_a_draft_can_be_published_only_now_and_a_customer_enrolled_by_hand(command: InProcess) -> None:
    now = ("--customer", "ben", "--since", "now", "--json")

    alone = command.run("simulate", "hello", *now, **FROZEN)
    enrolled = command.run("simulate", "hello", *now, "--enroll", **FROZEN)

    assert alone.document["timeline"] == []
    timeline = cast("list[JsonObject]", enrolled.document["timeline"])
    assert [(str(each["at"])[:19], each["what"]) for each in timeline] == [
        ("2026-03-10T09:00:00", "enrolled in hello"),
        ("2026-03-10T09:00:00", "email hello/greet"),
        ("2026-03-12T09:00:00", "email hello/greet"),
        ("2026-03-12T09:00:00", "ended completed"),
    ]


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("cy",), 4, "there is no file cy, and no customer of this id in the store; `perennia customers` lists them"),
        (("acme",), 2, '"hello" is for contacts; name one of dan'),
        (("ana", "--until", "soon"), 2, '--until: "soon" is no span'),
        (("ana", "--since", "2099-01-01"), 2, "--since 2099-01-01 lies ahead; name a day that is over, or `now`"),
        (("ana.yaml", "--enroll"), 2, "--since and --enroll are for stored customers; write `enroll` into"),
    ],
)
def test_whoever_cannot_be_simulated_is_told_why(
    command: InProcess, options: tuple[str, ...], code: int, said: str
) -> None:
    (command.folder / "ana.yaml").write_text(CUSTOMER, encoding="utf-8")

    ended = command.run("simulate", "hello", "--customer", *options, **FROZEN)

    assert (ended.code, said in ended.err, ended.err.count("\n")) == (code, True, 1), ended.err


def test_a_name_that_is_a_file_and_a_customer_is_neither(command: InProcess) -> None:
    (command.folder / "ana").write_text(CUSTOMER, encoding="utf-8")

    either = command.run("simulate", "hello", "--customer", "ana", **FROZEN)
    file = command.run("simulate", "hello", "--customer", "./ana", **FROZEN)

    assert (either.code, "write ./ana for the file, or contact-" in either.err) == (2, True)
    assert file.out.startswith("ana, times in Europe/Madrid\n      1d  Tue 3 Mar 2026 10:00:00  hello")


def test_a_file_needs_no_store_and_an_id_makes_none(command: InProcess) -> None:
    (command.folder / "ana").write_text(CUSTOMER, encoding="utf-8")
    command.file = command.file.with_name("nothing.sqlite")

    file = command.run("simulate", "hello", "--customer", "ana")
    id_ = command.run("simulate", "hello", "--customer", "ben")

    assert file.code == 0, file.err
    assert (id_.code, "there is no store at" in id_.err, command.file.exists()) == (3, True, False)
