"""What "supported" means for a CRM: every adapter passes all of this, against a real server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

import pytest

from perennia.providers.crm import CrmProvider, CrmRecord, CrmUpsert, CrmWrite, Kind
from perennia.providers.crm_tasks import CrmTask, CrmTasks, Ending
from perennia.providers.failures import Misconfigured, Refused, Unavailable


class Trouble(StrEnum):
    """What the server does to one request about records."""

    THROTTLED = "asks to come back in 7 seconds"
    OVERLOADED = "is down for the moment, and says so"
    SILENT = "takes the request and never answers"
    DROPPED_LATE = "closes the connection after it has done what was asked"
    GARBLED = "is a proxy's page"


@dataclass(frozen=True)
class Kept:
    """A record, a note or a task as the CRM's people see it. ``about``: ids of the records it hangs on."""

    id: str
    ref: str | None
    fields: Mapping[str, Any]
    about: Sequence[str] = ()


class CrmRig(Protocol):
    """An adapter joined to a real server, and the CRM's people.

    ``impatient`` waits for an answer a second at most, ``stranger`` has wrong credentials, ``unreachable`` the address of
    nobody. ``names``: what the CRM calls email, first_name, seats, trial, renewal, company_name, title (of a note or task).
    """

    provider: CrmProvider
    impatient: CrmProvider
    stranger: CrmProvider
    unreachable: CrmProvider
    names: Mapping[str, str]

    def expect(self, *troubles: Trouble) -> None: ...

    def records(self, kind: Kind) -> Sequence[Kept]: ...

    def notes(self) -> Sequence[Kept]: ...

    def tasks(self) -> Sequence[Kept]: ...

    def stage_of(self, ref: str) -> str | None: ...

    def make(self, kind: Kind, fields: Mapping[str, Any]) -> str:
        """A person makes a record; its id."""
        ...

    def edit(self, id_: str, fields: Mapping[str, Any]) -> None: ...

    def delete(self, id_: str) -> None: ...

    def merge(self, winner: str, loser: str) -> None: ...


AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def ana(rig: CrmRig, **fields: Any) -> CrmUpsert:
    named = {rig.names.get(name, name): value for name, value in ({"first_name": "Ana"} | fields).items()}
    return CrmUpsert("contact", "ana", named, email="ana@example.com")


def about_ana(
    kind: Any, text: str | None = None, fields: Mapping[str, Any] | None = None, key: str = "c1/p/s/1"
) -> CrmWrite:
    return CrmWrite(kind, "contact", "ana", "ana@example.com", fields or {}, text, key, AT)


def task_about(record: str, key: str = "c1/p/s/1") -> CrmTask:
    return CrmTask(key, "contact", record, "Call Ana", "about the renewal", AT + timedelta(days=1), True, None, AT)


def tasks_of(rig: CrmRig) -> CrmTasks:
    if rig.provider.tasks is None:
        pytest.skip("keeps no tasks equal")
    return rig.provider.tasks


FIELDS: dict[Kind, tuple[str, ...]] = {
    "contact": ("email", "first_name", "seats", "trial", "renewal"),
    "account": ("company_name",),
}


def fields_of(rig: CrmRig, kind: Kind) -> list[str]:
    return [rig.names[name] for name in FIELDS[kind]]


async def all_changes(rig: CrmRig, cursor: str | None = None, kind: Kind = "contact") -> tuple[list[CrmRecord], str]:
    found: list[CrmRecord] = []
    for _ in range(1_000):
        page = await rig.provider.changes(kind, fields_of(rig, kind), cursor)
        found += page.records
        cursor = page.cursor
        if page.done:
            return found, cursor
    raise AssertionError("no end of changes")


class CrmConformance:
    """Subclass it and give it a fixture ``rig``."""

    # --- writing ---

    async def test_a_record_is_made_once_and_changed_afterwards(self, rig: CrmRig) -> None:
        first = await rig.provider.upsert([ana(rig)])
        second = await rig.provider.upsert([ana(rig, first_name="Anna")])
        (kept,) = rig.records("contact")
        assert (kept.id, kept.ref, kept.fields[rig.names["first_name"]]) == (first[0].id, "ana", "Anna")
        assert first == second

    async def test_a_batch_is_answered_in_its_order(self, rig: CrmRig) -> None:
        records = [CrmUpsert("contact", f"c{n}", {}, email=f"c{n}@example.com") for n in range(5)]
        done = await rig.provider.upsert(records)
        ids = {kept.ref: kept.id for kept in rig.records("contact")}
        assert [each.id for each in done] == [ids[f"c{n}"] for n in range(5)]

    async def test_a_record_without_our_key_that_has_the_address_becomes_ours(self, rig: CrmRig) -> None:
        id_ = rig.make("contact", {rig.names["email"]: "ana@example.com"})
        (done,) = await rig.provider.upsert([ana(rig)])
        (kept,) = rig.records("contact")
        assert (done.id, kept.id, kept.ref) == (id_, id_, "ana")

    async def test_an_address_of_another_customer_refuses_this_record_and_no_other(self, rig: CrmRig) -> None:
        await rig.provider.upsert([ana(rig)])
        twin = replace(ana(rig), ref="twin")
        ben = CrmUpsert("contact", "ben", {}, email="ben@example.com")
        refused, taken = await rig.provider.upsert([twin, ben])
        assert isinstance(refused.refused, Refused)
        assert taken.id is not None
        assert sorted(kept.ref or "" for kept in rig.records("contact")) == ["ana", "ben"]

    async def test_an_unknown_field_is_refused_by_its_name(self, rig: CrmRig) -> None:
        (done,) = await rig.provider.upsert([replace(ana(rig), fields={"nowhere": 1})])
        assert isinstance(done.refused, Refused)
        assert "nowhere" in str(done.refused)
        with pytest.raises(Refused, match="nowhere"):
            await rig.provider.write(about_ana("set", fields={"nowhere": 1}))

    async def test_values_come_back_as_they_were_given(self, rig: CrmRig) -> None:
        given: dict[str, Any] = {
            "first_name": "Zoë 株式会社 «Пример» 👋",
            "seats": 20,
            "trial": True,
            "renewal": "2026-05-01",
        }
        await rig.provider.upsert([ana(rig, **given)])
        (read,) = await rig.provider.read("contact", fields_of(rig, "contact"), refs=["ana"])
        assert {name: read.fields[rig.names[name]] for name in given} == given

    async def test_none_empties_a_field(self, rig: CrmRig) -> None:
        await rig.provider.upsert([ana(rig, seats=20)])
        await rig.provider.upsert([ana(rig, seats=None)])
        (read,) = await rig.provider.read("contact", [rig.names["seats"]], refs=["ana"])
        assert rig.names["seats"] not in read.fields

    async def test_a_contact_belongs_to_its_company(self, rig: CrmRig) -> None:
        (acme,) = await rig.provider.upsert([CrmUpsert("account", "acme", {rig.names["company_name"]: "Acme"})])
        await rig.provider.upsert([replace(ana(rig), company=acme.id)])
        (read,) = await rig.provider.read("contact", [], refs=["ana"])
        assert read.company == acme.id

    # --- steps ---

    async def test_set_makes_a_record_that_is_not_there(self, rig: CrmRig) -> None:
        await rig.provider.write(about_ana("set", fields={rig.names["seats"]: 3}))
        assert rig.records("contact")[0].ref == "ana"

    @pytest.mark.parametrize("kind", ["note", "task", "stage"])
    async def test_the_other_steps_are_refused_where_no_record_is(self, rig: CrmRig, kind: str) -> None:
        with pytest.raises(Refused):
            await rig.provider.write(about_ana(kind, "customer"))
        assert not [*rig.notes(), *rig.tasks()]

    @pytest.mark.parametrize("kind", ["note", "task"])
    async def test_a_note_or_task_with_the_same_key_is_made_once(self, rig: CrmRig, kind: str) -> None:
        (made,) = await rig.provider.upsert([ana(rig)])
        rig.expect(Trouble.DROPPED_LATE)
        write = about_ana(kind, "Call Žofie 🐎 about <rollout>")
        ids = {await _at_last(rig, write) for _ in range(2)}
        (kept,) = rig.notes() if kind == "note" else rig.tasks()
        assert ids == {kept.id}
        assert "Call Žofie 🐎 about" in kept.fields[rig.names[f"{kind}_title"]]
        assert list(kept.about) == [made.id]
        await rig.provider.write(about_ana(kind, "Another", key="c1/p/s/2"))
        assert len([*rig.notes(), *rig.tasks()]) == 2

    async def test_a_note_finds_the_record_by_address_where_it_has_no_key(self, rig: CrmRig) -> None:
        id_ = rig.make("contact", {rig.names["email"]: "ana@example.com"})
        await rig.provider.write(about_ana("note", "Hello"))
        assert list(rig.notes()[0].about) == [id_]

    async def test_a_stage_moves_forward_and_back(self, rig: CrmRig) -> None:
        await rig.provider.upsert([ana(rig)])
        for stage in ("customer", "lead"):
            await rig.provider.write(about_ana("stage", stage))
            assert rig.stage_of("ana") == stage

    async def test_a_note_on_a_record_that_is_gone_is_refused_and_set_makes_another(self, rig: CrmRig) -> None:
        (made,) = await rig.provider.upsert([ana(rig)])
        rig.delete(made.id or "")
        with pytest.raises(Refused):
            await rig.provider.write(about_ana("note", "Hello"))
        await rig.provider.write(about_ana("set", fields={rig.names["seats"]: 3}))
        assert rig.records("contact")[0].id != made.id

    # --- reading ---

    async def test_records_are_read_by_id_and_by_key_and_missing_ones_left_out(self, rig: CrmRig) -> None:
        (made,) = await rig.provider.upsert([ana(rig)])
        other = rig.make("contact", {rig.names["email"]: "ben@example.com"})
        by_key = await rig.provider.read("contact", [rig.names["email"]], refs=["ana", "nobody"])
        by_id = await rig.provider.read("contact", [rig.names["email"]], ids=[other, made.id or ""])
        assert [(each.id, each.fields[rig.names["email"]]) for each in by_key] == [(made.id, "ana@example.com")]
        assert {each.id: each.ref for each in by_id} == {other: None, made.id: "ana"}

    async def test_changes_come_oldest_first_and_only_behind_the_cursor(self, rig: CrmRig) -> None:
        first, second = (rig.make("contact", {rig.names["email"]: f"{name}@example.com"}) for name in ("ana", "ben"))
        found, cursor = await all_changes(rig)
        assert [each.id for each in found] == [first, second]
        rig.edit(first, {rig.names["first_name"]: "Anna"})
        found, cursor = await all_changes(rig, cursor)
        assert [(each.id, each.fields[rig.names["first_name"]]) for each in found] == [(first, "Anna")]
        assert await all_changes(rig, cursor) == ([], cursor)
        again, _ = await all_changes(rig, rig.provider.rewound(cursor))
        assert first in {each.id for each in again}

    async def test_many_changes_of_one_instant_are_all_told(self, rig: CrmRig) -> None:
        size = rig.provider.capabilities.batch
        for start in (0, size, 2 * size):
            records = [CrmUpsert("contact", f"c{n}", {}, email=f"c{n}@example.com") for n in range(start, start + size)]
            await rig.provider.upsert(records)
        found, _ = await all_changes(rig)
        assert {each.ref for each in found} == {f"c{n}" for n in range(3 * size)}

    async def test_accounts_have_changes_of_their_own(self, rig: CrmRig) -> None:
        rig.make("contact", {rig.names["email"]: "ana@example.com"})
        id_ = rig.make("account", {rig.names["company_name"]: "Acme"})
        found, _ = await all_changes(rig, kind="account")
        assert [(each.record, each.id, each.fields[rig.names["company_name"]]) for each in found] == [
            ("account", id_, "Acme")
        ]

    async def test_a_deleted_record_is_told_as_gone(self, rig: CrmRig) -> None:
        if not rig.provider.capabilities.deletions:
            pytest.skip("tells of no deletions")
        id_ = rig.make("contact", {rig.names["email"]: "ana@example.com"})
        _, cursor = await all_changes(rig)
        rig.delete(id_)
        found, _ = await all_changes(rig, cursor)
        page = await rig.provider.gone("contact", None)
        assert [(each.id, each.gone) for each in (*found, *page.records)] == [(id_, True)]
        assert page.done

    async def test_a_merged_record_is_told_by_what_it_became(self, rig: CrmRig) -> None:
        if not rig.provider.capabilities.deletions:
            pytest.skip("tells of no merges")
        winner, loser = (rig.make("contact", {rig.names["email"]: f"{name}@example.com"}) for name in ("ana", "ben"))
        _, cursor = await all_changes(rig)
        rig.merge(winner, loser)
        found, _ = await all_changes(rig, cursor)
        assert [(each.id, each.merged) for each in found if not each.gone] == [(winner, (loser,))]

    async def test_owners_are_told_with_their_addresses(self, rig: CrmRig) -> None:
        if not rig.provider.capabilities.owners:
            pytest.skip("knows no owners")
        assert ("kim@example.com", "Kim Ito") in {
            (each.email, each.name) for each in (await rig.provider.owners()).values()
        }

    @pytest.mark.parametrize("kind", ["contact", "account"])
    async def test_an_erased_record_holds_nothing_of_whom_it_was_about(self, rig: CrmRig, kind: Kind) -> None:
        if kind not in rig.provider.capabilities.erasure:
            pytest.skip("erases no such records")
        name = rig.names["first_name" if kind == "contact" else "company_name"]
        (made,) = await rig.provider.upsert([CrmUpsert(kind, "ana", {name: "Ana Bell"}, email="ana@example.com")])
        for _ in range(2):
            await rig.provider.erase(kind, made.id or "")
        left = str([(kept.ref, kept.fields) for kept in rig.records(kind)])
        assert "Ana" not in left
        assert "ana" not in left
        assert await rig.provider.read(kind, [name], refs=["ana"]) == []

    # --- people's tasks ---

    async def test_a_task_that_somebody_completes_is_told_with_what_it_says_then(self, rig: CrmRig) -> None:
        theirs = tasks_of(rig)
        (made,) = await rig.provider.upsert([ana(rig)])
        ids = {await theirs.open(task_about(made.id or "")) for _ in range(2)}
        (kept,) = rig.tasks()
        assert (ids, list(kept.about)) == ({kept.id}, [made.id])
        before = await theirs.ended(None)
        assert before.ended == ()
        rig.edit(kept.id, {rig.names["task_body"]: "renews", rig.names["task_status"]: rig.names["task_completed"]})

        page = await theirs.ended(before.cursor)

        assert [(each.id, each.text) for each in page.ended] == [(kept.id, "renews")]
        assert (await theirs.ended(page.cursor)).ended == ()
        assert len((await theirs.ended(theirs.rewound(page.cursor))).ended) == 1

    async def test_tasks_of_one_instant_are_all_told(self, rig: CrmRig) -> None:
        theirs = tasks_of(rig)
        (made,) = await rig.provider.upsert([ana(rig)])
        ids = [await theirs.open(task_about(made.id or "", f"c1/p/s/{n}")) for n in range(130)]
        for id_ in ids:
            rig.edit(id_, {rig.names["task_status"]: rig.names["task_completed"]})
        told: set[str] = set()
        cursor, done = None, False
        while not done:
            page = await theirs.ended(cursor)
            told |= {each.id for each in page.ended}
            cursor, done = page.cursor, page.done
        assert told == set(ids)

    @pytest.mark.parametrize("ending", ["done", "cancelled"])
    async def test_a_task_is_ended_and_a_second_time_does_no_harm(self, rig: CrmRig, ending: Ending) -> None:
        theirs = tasks_of(rig)
        (made,) = await rig.provider.upsert([ana(rig)])
        id_ = await theirs.open(task_about(made.id or ""))
        for _ in range(2):
            await theirs.end(id_, ending)
        assert rig.tasks() == [] or rig.tasks()[0].fields[rig.names["task_status"]] == rig.names["task_completed"]
        assert [each.id for each in (await theirs.ended(None)).ended] == ([id_] if ending == "done" else [])

    # --- trouble ---

    async def test_a_throttled_call_is_tried_again_when_the_crm_said(self, rig: CrmRig) -> None:
        rig.expect(Trouble.THROTTLED)
        with pytest.raises(Unavailable) as failure:
            await rig.provider.upsert([ana(rig)])
        assert failure.value.retry_after == timedelta(seconds=7)
        assert not rig.records("contact")
        await rig.provider.upsert([ana(rig)])
        assert len(rig.records("contact")) == 1

    @pytest.mark.parametrize("trouble", [Trouble.OVERLOADED, Trouble.DROPPED_LATE, Trouble.GARBLED])
    async def test_what_may_pass_is_unavailable_and_repeating_it_does_no_harm(
        self, rig: CrmRig, trouble: Trouble
    ) -> None:
        rig.expect(trouble)
        with pytest.raises(Unavailable):
            await rig.provider.upsert([ana(rig)])
        await rig.provider.upsert([ana(rig)])
        assert len(rig.records("contact")) == 1

    async def test_silence_is_unavailable(self, rig: CrmRig) -> None:
        rig.expect(Trouble.SILENT)
        with pytest.raises(Unavailable):
            await rig.impatient.upsert([ana(rig)])

    async def test_a_crm_out_of_reach_is_unavailable(self, rig: CrmRig) -> None:
        with pytest.raises(Unavailable):
            await rig.unreachable.upsert([ana(rig)])

    async def test_bad_credentials_are_a_misconfiguration(self, rig: CrmRig) -> None:
        with pytest.raises(Misconfigured):
            await rig.stranger.upsert([ana(rig)])
        with pytest.raises(Misconfigured) as failure:
            await rig.stranger.examine()
        assert "wrong" not in str(failure.value)

    async def test_an_examination_says_that_all_is_well_and_writes_nothing(self, rig: CrmRig) -> None:
        assert await rig.provider.examine()
        assert not rig.records("contact")

    async def test_what_a_failure_says_holds_no_address(self, rig: CrmRig) -> None:
        await rig.provider.upsert([ana(rig)])
        (done,) = await rig.provider.upsert([replace(ana(rig), ref="twin")])
        assert "ana" not in str(done.refused)

    async def test_a_provider_that_was_closed_can_be_used_again(self, rig: CrmRig) -> None:
        await rig.provider.upsert([ana(rig)])
        await rig.provider.close()
        assert await rig.provider.read("contact", [], refs=["ana"])


async def _at_last(rig: CrmRig, write: CrmWrite) -> str | None:
    """As the engine does it: again until it is answered."""
    for _ in range(5):
        try:
            return await rig.provider.write(write)
        except Unavailable:
            continue
    raise AssertionError("no answer")
