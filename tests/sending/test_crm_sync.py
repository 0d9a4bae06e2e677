"""Customers and a CRM's records kept equal, over real HTTP and on a real store."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.simulator.exchange import Fault
from perennia.providers.failures import Unavailable
from perennia.store import open_store
from perennia.store.privacy_records import Erasure
from tests.support.crm_world import MAP, START, CrmWorld, crm_world


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("crm") / "template.db"

    async def migrate() -> None:
        store = open_store(f"sqlite:///{path}")
        await store.migrate()
        await store.close()

    asyncio.run(migrate())
    return path


@pytest.fixture
def store_url(template: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(template, tmp_path / 'store.db')}"


@pytest.fixture
async def world(store_url: str) -> AsyncGenerator[CrmWorld]:
    async with crm_world(store_url) as world:
        yield world


async def test_a_customer_is_made_there_and_followed_in_both_directions(world: CrmWorld) -> None:
    await world.tell("ana", email="ana@example.com", first_name="Ana", seats=3)
    report = await world.run()
    ana = world.record("ana")
    assert (ana.fields["email"], ana.fields["seats"], report.counts["contact"].made_there) == (
        "ana@example.com",
        "3",
        1,
    )

    world.edit(ana, seats="20")
    await world.tell("ana", first_name="Anna")
    await world.run()
    assert ((await world.traits("ana"))["seats"], ana.fields["firstname"]) == (20, "Anna")


async def test_what_came_from_the_crm_is_not_written_back(world: CrmWorld) -> None:
    await world.tell("ana", email="ana@example.com", seats=3)
    await world.run()
    world.edit(world.record("ana"), seats="20")
    before = world.writes()
    for _ in range(3):
        await world.run()
    assert (world.writes() - before, (await world.traits("ana"))["seats"]) == (0, 20)


async def test_an_address_that_the_crm_writes_in_small_letters_comes_to_rest(world: CrmWorld) -> None:
    await world.tell("ana", email="Ana@Example.com")
    for _ in range(2):
        await world.run()
    before = world.writes()
    await world.run()
    assert (world.writes() - before, world.record("ana").fields["email"]) == (0, "ana@example.com")


async def test_where_both_sides_have_changed_the_map_says_who_wins(world: CrmWorld) -> None:
    await world.tell("ana", email="ana@example.com", seats=3, plan="free")
    await world.run()
    world.edit(world.record("ana"), seats="20", plan="trial")
    await world.tell("ana", seats=5, plan="pro")
    await world.run()
    traits, record = await world.traits("ana"), world.record("ana")
    assert (traits["seats"], record.fields["seats"]) == (20, "20")
    assert (traits["plan"], record.fields["plan"]) == ("pro", "pro")


async def test_what_was_told_and_no_turn_has_read_yet_counts(world: CrmWorld) -> None:
    await world.tell("ana", email="ana@example.com", plan="free")
    await world.run()
    world.edit(world.record("ana"), seats="20")
    await world.run()
    world.edit(world.record("ana"), seats="30")
    world.lives.clock.instant += timedelta(minutes=1)
    position: str | None = ""
    while position is not None:  # a run, and another, before the customer takes a turn
        position = await world.sync.step(position)
    await world.run()
    assert (world.record("ana").fields["seats"], (await world.traits("ana"))["seats"]) == ("30", 30)


async def test_a_record_of_the_same_address_becomes_the_customers(world: CrmWorld) -> None:
    record = world.tables.make("contacts", {"email": "ana@example.com", "firstname": "Ana", "seats": "7"})
    await world.tell("ana", email="ana@example.com", plan="pro")
    await world.run()
    assert [each.id for each in world.tables.living("contacts")] == [record.id]
    assert (record.fields["perennia_id"], record.fields["plan"]) == ("ana", "pro")
    assert ((await world.traits("ana"))["first_name"], (await world.traits("ana"))["seats"]) == ("Ana", 7)


async def test_records_of_strangers_are_left_alone(world: CrmWorld) -> None:
    world.tables.make("contacts", {"email": "ben@example.com"})
    assert (await world.run()).counts["contact"].unknown == 1
    assert await world.store.customers() == []


async def test_records_of_strangers_become_customers_where_the_map_says_so(store_url: str) -> None:
    create = {**MAP, "contacts": {**MAP["contacts"], "missing_here": "create"}}
    async with crm_world(store_url, create) as world:
        record = world.tables.make("contacts", {"email": "ben@example.com", "firstname": "Ben"})
        await world.run()
        await world.run()
        assert (await world.traits(f"hubspot-{record.id}"))["first_name"] == "Ben"
        assert record.fields["perennia_id"] == f"hubspot-{record.id}"
        assert len(await world.store.customers()) == 1


async def test_contacts_belong_to_the_same_account_on_both_sides(world: CrmWorld) -> None:
    await world.tell("acme", kind="account", name="Acme")
    await world.tell("ana", account="acme", email="ana@example.com")
    await world.tell("ben", email="ben@example.com")
    await world.run()
    acme = world.record("acme", "companies")
    assert world.record("ana").fields["associatedcompanyid"] == acme.id
    world.edit(world.record("ben"), associatedcompanyid=acme.id)
    await world.run()
    (ben, _) = await world.store.customer(await world.store.find("ben"))
    assert ben.account == "acme"


async def test_the_owner_of_a_company_becomes_the_accounts(world: CrmWorld) -> None:
    await world.tell("acme", kind="account", name="Acme")
    await world.run()
    world.edit(world.record("acme", "companies"), hubspot_owner_id="77")
    await world.run()
    assert (await world.traits("acme"))["owner"] == {
        "id": "kim@example.com",
        "email": "kim@example.com",
        "name": "Kim Ito",
    }


async def erase(world: CrmWorld, ref: str, *, crm: bool) -> None:
    order = Erasure(at=world.lives.clock.now(), by="test", crm=crm)
    await world.store.erase(ref, None, order)


async def test_who_is_erased_with_a_word_about_the_crm_is_erased_there_and_does_not_come_back(store_url: str) -> None:
    map_ = {"contacts": {"missing_here": "create", "fields": {"email": "email", "seats": "seats"}}}
    async with crm_world(store_url, map_) as world:
        await world.tell("ana", email="ana@example.com")
        await world.run()
        ana = world.record("ana")
        await erase(world, "ana", crm=True)
        assert await world.store.crm_erasures("hubspot", "contact", 1, ordered=True)

        report = await world.run()

        assert (report.counts["contact"].erased, world.tables.purged) == (1, [ana.id])
        await world.store.crm_told("hubspot", "contact", [ana.id], START)  # its call comes late
        assert (await world.run()).counts["contact"].erased == 0
        assert await world.store.customers(10, None) == []


async def test_without_a_word_the_record_stays_unless_the_map_says_otherwise(store_url: str) -> None:
    for erased, left in (("leave", 1), ("erase", 0)):
        async with crm_world(store_url, {"erased": erased, "contacts": {"fields": {"email": "email"}}}) as world:
            await world.tell("ana", email="ana@example.com")
            await world.run()
            await erase(world, "ana", crm=False)
            await world.run()
            assert len(world.tables.living("contacts")) == left
            assert await world.store.crm_erasures("hubspot", "contact", 1) == []


@pytest.mark.parametrize("fault", [Fault.OVERLOADED, Fault.DROPPED_LATE])
async def test_an_erasure_is_carried_out_when_the_crm_is_there_again(world: CrmWorld, fault: Fault) -> None:
    await world.tell("ana", email="ana@example.com")
    await world.run()
    await erase(world, "ana", crm=True)
    world.server.mischief.expect(fault)
    with pytest.raises(Unavailable):
        await world.run()
    world.server.mischief.faults.clear()
    await world.run()
    assert (len(world.tables.purged), world.tables.living("contacts")) == (1, [])


async def test_what_was_deleted_there_is_not_made_again_and_playbooks_hear_of_it(world: CrmWorld) -> None:
    await world.tell("ana", email="ana@example.com")
    await world.run()
    world.tables.delete(world.record("ana"))
    world.lives.clock.instant += timedelta(hours=2)
    await world.run()
    await world.tell("ana", first_name="Anna")
    await world.run()
    assert world.tables.living("contacts") == []
    (deleted,) = await world.store.history(await world.store.find("ana"), ["CRM Record Deleted"])
    assert deleted.properties == {"crm": "hubspot", "record": "contact"}


async def test_contacts_that_were_merged_there_are_one_here(world: CrmWorld) -> None:
    await world.tell("ana", email="ana@example.com")
    await world.tell("twin", email="twin@example.com", seats=9)
    await world.run()
    ana, twin = world.record("ana"), world.record("twin")
    world.tables.now += timedelta(minutes=2)
    world.tables.merge(ana, twin)
    report = await world.run()
    assert (report.counts["contact"].merged, await world.store.find("twin")) == (1, await world.store.find("ana"))
    await world.run()
    assert [each.id for each in world.tables.living("contacts")] == [ana.id]
    assert (await world.traits("ana"))["seats"] == 9


async def test_a_refusal_is_told_and_not_repeated_before_something_changes(world: CrmWorld) -> None:
    await world.tell("ana", email="ana@example.com", seats="many")
    report = await world.run()
    assert (report.counts["contact"].refused, report.refusals[0].customer) == (1, "ana")
    before = world.writes()
    await world.run()
    assert world.writes() == before
    await world.tell("ana", seats=4)
    await world.run()
    assert world.record("ana").fields["seats"] == "4"


@pytest.mark.parametrize("fault", [Fault.OVERLOADED, Fault.DROPPED_LATE, Fault.THROTTLED, Fault.GARBLED])
async def test_a_step_that_failed_is_taken_again_and_nothing_is_there_twice(world: CrmWorld, fault: Fault) -> None:
    for number in range(5):
        await world.tell(f"c{number}", email=f"c{number}@example.com")
    position: str | None = ""
    failures = 0
    while position is not None:
        world.server.mischief.expect(*([fault] if failures < 12 else []))
        try:
            position = await world.sync.step(position)
        except Unavailable:
            failures += 1
            assert "Unavailable" in ((await world.report()).failure or "")
        world.server.mischief.faults.clear()
    assert sorted(each.fields["perennia_id"] for each in world.tables.living("contacts")) == [
        f"c{number}" for number in range(5)
    ]
    assert (failures, (await world.report()).failure) == (12, None)


async def test_a_field_that_the_crm_lacks_refuses_customers_and_the_report_says_which(store_url: str) -> None:
    async with crm_world(store_url, {"contacts": {"fields": {"email": "email", "x": "nowhere"}}}) as world:
        await world.tell("ana", email="ana@example.com", x=1)
        report = await world.run()
        assert [each.why for each in report.refusals] == ["HubSpot has no property nowhere"]


async def test_a_record_of_which_the_crm_told_is_read_at_once(world: CrmWorld) -> None:
    await world.tell("ana", email="ana@example.com")
    await world.run()
    ana = world.record("ana")
    ana.fields["seats"] = "8"  # the search does not see it yet
    await world.store.crm_told("hubspot", "contact", [ana.id], START)
    await world.run()
    assert (await world.traits("ana"))["seats"] == 8
    assert await world.store.crm_untold("hubspot", "contact", 10) == []


async def test_a_hundred_customers_are_equal_after_changes_on_both_sides(world: CrmWorld) -> None:
    for number in range(100):
        await world.tell(f"c{number}", email=f"c{number}@example.com", seats=number)
    await world.run()
    for number in range(0, 100, 2):
        world.edit(world.record(f"c{number}"), seats=str(number + 1000))
    for number in range(1, 100, 2):
        await world.tell(f"c{number}", seats=number + 2000)
    await world.run()
    for number in range(100):
        right = number + (2000 if number % 2 else 1000)
        assert (await world.traits(f"c{number}"))["seats"] == right
        assert world.record(f"c{number}").fields["seats"] == str(right)
    assert len(world.tables.living("contacts")) == 100
