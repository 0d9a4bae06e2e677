"""Erasing: nothing of them in any table or file, nobody raised from the dead, an address that stays closed."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from perennia.core.decisions import MessageTold, SurveyAnswered
from perennia.store import SqlStore
from perennia.store.port import UnknownCustomer
from perennia.store.privacy_records import Erased, Erasure
from perennia.store.records import MessageReport, Rejected
from perennia.store.survey_records import UnclaimedAnswer
from perennia.store.tables import metadata
from tests.support.posts import (
    AT,
    account_traits,
    email,
    enrolled,
    event,
    later,
    member,
    merged,
    names,
    of_device,
    settle,
    take_turn,
    traits,
    write,
)

# By what Ann is known: whatever is left of one of these is left of her.
TRACES = ("ann-17", "Ann@X.io", "ann@x.io", "Annabel", "old-ann", "dev-ann", "very private")


def order(at: datetime = AT, **how: bool) -> Erasure:
    return Erasure(at=at, by="kim", **how)


async def everything(store: SqlStore) -> str:
    """All rows of all tables, as text."""

    def dumped(connection: Connection) -> str:
        tables = metadata.sorted_tables
        return "\n".join(f"{table.name} {tuple(row)}" for table in tables for row in connection.execute(select(table)))

    return await store._driver.read("test", dumped)  # pyright: ignore[reportPrivateUsage]: a look below the store


def found_in(text: str) -> list[str]:
    return [trace for trace in TRACES if trace.lower() in text.lower()]


async def lives(store: SqlStore) -> str:
    """Ann has left traces wherever a customer can. Returns her internal id."""
    await store.accept(
        [
            traits("m1", "old-ann", email="Ann@X.io", first_name="Annabel"),
            of_device("m2", "dev-ann", who="ann-17"),
            account_traits("m3", "acme", name="Acme", billing_email="Ann@X.io"),
            member("m4", "ann-17", "acme"),
            traits("m5", "ann-17", email="ann@x.io", first_name="Annabel", roles=["admin"]),
            event("m6", "ann-17", "Noted", note="very private", by="Annabel"),
            Rejected(at=AT, reason="too long", raw=json.dumps({"userId": "ann-17", "event": "very private"})),
        ],
        AT,
    )
    await store.accept([merged("old-ann", "ann-17")], AT)
    ann = await store.find("ann-17")
    await settle(store, "acme")
    sent = email(ann)
    await store.turn(ann, lambda snapshot: write(snapshot, sent, state=enrolled(snapshot), watching=("messages",)))
    await store.claim_message(sent.key, AT)
    await store.tell_message(MessageTold(at=AT, key=sent.key, what="opened"), "told-1")
    bounced = MessageReport(
        id="r1",
        reference=sent.reference,
        provider="resend",
        what="bounced",
        bounce="hard",
        address="ann@x.io",
        raw='{"to": "ann@x.io"}',
    )
    await store.hear_report(bounced, AT)
    await store.place_order(ann, SurveyAnswered(at=AT, survey="nps", score=9, comment="very private"))
    await store.consent(ann, "news", given=True, at=AT, source="form of Annabel")
    refused = json.dumps({"refusals": [{"customer": "ann-17", "why": "no ann@x.io"}]})
    await store.keep_crm("hubspot", (), {"run": refused}, AT)
    aside = UnclaimedAnswer(id="u1", source="form", survey=None, reason="?", at=AT, body='{"email": "ann@x.io"}')
    await store.keep_unclaimed(aside)
    return ann


async def test_nothing_is_left_in_any_table(store: SqlStore) -> None:
    ann = await lives(store)
    assert found_in(await everything(store)) == list(TRACES)

    erased = await store.erase("ann-17", None, order())
    await take_turn(store, "acme", "account")

    assert found_in(await everything(store)) == []
    assert (erased.customer, erased.kind, erased.again) == (ann, "contact", False)
    assert erased.rows["inputs"] > 0
    assert erased.rows["messages"] == 1
    assert (await store.audited(1))[0].subject == ann


async def test_nothing_is_left_in_the_files(store: SqlStore, database: str) -> None:
    if not database.startswith("sqlite"):
        pytest.skip("the files of PostgreSQL are its own")
    await lives(store)
    for n in range(20):  # states and free pages of before
        await store.accept([traits(f"t{n}", "ann-17", note="very private" * 10 * n)], AT)
        await take_turn(store, "ann-17")

    await store.erase("ann-17", None, order())
    await take_turn(store, "acme", "account")
    await store.close()

    folder = Path(database.removeprefix("sqlite:///")).parent
    for file in folder.iterdir():
        assert found_in(file.read_bytes().decode("latin-1")) == [], file.name


async def test_her_account_keeps_what_happened_and_not_who(store: SqlStore) -> None:
    ann = await lives(store)

    erased = await store.erase("ann-17", None, order())

    account = await take_turn(store, "acme", "account")
    assert erased.touched == (account.customer,)
    assert (await store.history(account.customer, ["Noted"]))[0].properties == {"contact": f"erased:{ann}"}


async def test_doing_it_again_changes_nothing(store: SqlStore) -> None:
    ann = await lives(store)
    await store.erase("old-ann", None, order())
    before = await everything(store)

    again = [await store.erase(each, None, order(later(days=1))) for each in ("ann-17", "old-ann", ann)]

    nobody = Erased(customer=None, kind="contact", at=AT, again=True)
    assert again == [nobody, nobody, Erased(customer=ann, kind="contact", at=AT, again=True)]
    assert await everything(store) == before
    with pytest.raises(UnknownCustomer):
        await store.erase("never-seen", None, order())


async def test_a_dry_run_only_counts(store: SqlStore) -> None:
    await lives(store)
    before = await everything(store)

    counted = await store.erase("ann-17", None, order(only_count=True))

    assert await everything(store) == before
    assert counted.rows["responses"] == 1


# --- what comes late ----------------------------------------------------------------------------------------------------


async def test_what_comes_late_raises_nobody_from_the_dead(store: SqlStore) -> None:
    ann = await lives(store)
    reference = email(ann).reference
    await store.erase("ann-17", None, order())
    await settle(store, "acme")
    before = await everything(store)

    receipt = await store.accept(
        [
            event("late-1", "ann-17"),
            of_device("late-2", "dev-ann"),
            member("late-3", "old-ann", "acme"),
            Rejected(at=AT, reason="too long", raw='{"userId": "old-ann"}'),
            merged("dev-ann", "ann-17", "late-4"),
        ],
        AT,
    )
    late = MessageReport(id="r2", reference=reference, provider="resend", what="opened", address=None, raw='{"a": 1}')
    assert not await store.hear_report(late, AT)
    await store.keep_unclaimed(
        UnclaimedAnswer(id="u2", source="form", survey=None, reason="?", at=AT, body='{"customer": "ann-17"}')
    )

    assert (receipt.accepted, receipt.rung) == (4, ())
    assert await everything(store) == before


async def test_who_is_told_anew_is_somebody_new(store: SqlStore) -> None:
    ann = await lives(store)
    await store.erase("ann-17", None, order())

    await store.accept([event("n1", "ann-17", "Lost"), traits("n2", "ann-17"), event("n3", "ann-17", "Back")], AT)

    seen = await take_turn(store, "ann-17")
    assert (names(seen), seen.customer == ann) == (["Back"], False)
    await store.accept([event("n4", "ann-17", "Again")], AT)
    assert names(await take_turn(store, "ann-17")) == ["Again"]


# --- suppressions outlive the person ------------------------------------------------------------------------------------


async def test_an_address_that_was_suppressed_is_so_when_somebody_has_it_again(store: SqlStore) -> None:
    await lives(store)  # her mail bounced
    await store.erase("ann-17", None, order())
    assert await store.suppressions() == []
    kept = await store.suppression("ANN@x.io")
    assert kept is not None
    assert kept.reason == "bounced"

    await store.accept([traits("n1", "ann-18", email="ann@x.io")], later(days=1))

    assert (await take_turn(store, "ann-18")).recipient.suppressed
    assert [each.at for each in await store.suppressions()] == [AT]


async def test_an_address_may_be_closed_with_the_erasure_and_be_let_go(store: SqlStore) -> None:
    await store.accept([traits("m1", "ben", email="ben@x.io")], AT)
    await store.erase("ben", None, order(suppress=True))
    closed = await store.suppression("ben@x.io")
    assert closed is not None
    assert closed.reason == "erased"

    assert await store.lift_suppression("ben@x.io", AT, "kim")

    await store.accept([traits("m2", "ben", email="ben@x.io")], AT)
    assert not (await take_turn(store, "ben")).recipient.suppressed


async def test_a_complaint_that_comes_late_closes_the_address_and_leaves_nothing_else(store: SqlStore) -> None:
    await store.accept([traits("m1", "ben", email="ben@x.io")], AT)
    await store.erase("ben", None, order())
    told = MessageReport(
        id="r1", reference=None, provider="resend", what="complained", address="Ben@x.io", raw="ben@x.io"
    )

    await store.hear_report(told, AT)

    assert "ben@x.io" not in await everything(store)
    closed = await store.suppression("ben@x.io")
    assert closed is not None
    assert closed.reason == "complained"


# --- accounts -----------------------------------------------------------------------------------------------------------


async def test_the_contacts_of_an_erased_account_stay_without_it(store: SqlStore) -> None:
    await store.accept([account_traits("m1", "acme", name="Acme Ltd"), member("m2", "ben", "acme")], AT)
    await settle(store, "acme", "ben")

    await store.erase("acme", "account", order())
    left = await take_turn(store, "ben")

    assert left.account is None
    assert "Acme" not in await everything(store)


async def test_an_account_is_erased_with_its_contacts_where_that_is_ordered(store: SqlStore) -> None:
    await store.accept([account_traits("m1", "acme", name="Acme Ltd"), member("m2", "ben-1", "acme")], AT)
    ben = await store.find("ben-1")

    erased = await store.erase("acme", "account", order(members=True))

    assert erased.members == (ben,)
    assert await store.customers() == []
    assert "ben-1" not in await everything(store)


# --- everything that is held --------------------------------------------------------------------------------------------


async def test_a_dossier_holds_everything(store: SqlStore) -> None:
    await lives(store)

    held = await store.dossier("ann-17")

    assert {
        "customer",
        "identities",
        "events",
        "messages",
        "consents",
        "consent_records",
        "responses",
        "reports",
    } <= set(held)
    assert {str(each["external_id"]) for each in held["customer"]} == {"old-ann", "ann-17"}
    assert {str(each["name"]) for each in held["events"]} == {"Viewed", "Noted"}
    assert held["suppressions"] == [{"address": "ann@x.io", "reason": "bounced", "at": "2026-03-02T09:00:00Z"}]
