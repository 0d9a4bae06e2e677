from __future__ import annotations

import asyncio

import pytest

from perennia.core.documents import Document, Triggers, content_hash
from perennia.store import SqlStore
from perennia.store.port import StaleRevision, UnknownVersion
from perennia.store.records import Revision
from tests.support.posts import AT, document, enrolled, event, later, settle, write

NOTHING = Triggers()


async def publish(store: SqlStore, *documents: Document, expected: Revision | None = None) -> Revision:
    return (await store.publish(documents, NOTHING, AT, "kim", None if expected is None else expected.id)).revision


async def test_before_the_first_publish_there_is_no_revision(store: SqlStore) -> None:
    assert await store.current_revision() is None


async def test_a_published_revision_is_current(store: SqlStore) -> None:
    first = await publish(store, document("a"))
    second = await publish(store, document("a", '{"v": 2}'), expected=first)

    assert await store.current_revision() == second
    assert (first.number, first.parent, first.published_by) == (1, None, "kim")
    assert (second.number, second.parent, second.published_at) == (2, first.id, AT)


async def test_publishing_what_is_current_returns_it_unchanged(store: SqlStore) -> None:
    first = await publish(store, document("a"), document("b"))

    again = await store.publish([document("b"), document("a")], NOTHING, later(days=1), "lee", None)

    assert (again.revision, again.is_new) == (first, False)


async def test_who_has_not_seen_the_current_revision_is_refused(store: SqlStore) -> None:
    first = await publish(store, document("a"))
    await publish(store, document("b"), expected=first)

    with pytest.raises(StaleRevision, match=r"kim published revision 2 .* change playbook a, playbook b"):
        await publish(store, document("c"), expected=first)


async def test_of_two_editors_at_once_the_second_is_refused(store: SqlStore, neighbour: SqlStore) -> None:
    answers = await asyncio.gather(
        publish(store, document("a")), publish(neighbour, document("b")), return_exceptions=True
    )

    assert sorted(type(answer).__name__ for answer in answers) == ["Revision", "StaleRevision"]


async def test_going_back_to_former_documents_is_a_revision_of_its_own(store: SqlStore) -> None:
    first = await publish(store, document("a"))
    second = await publish(store, document("b"), expected=first)

    third = await publish(store, document("a"), expected=second)

    assert third.number == 3
    assert third.id not in (first.id, second.id)
    assert await store.current_revision() == third
    assert [each.id for each in (await store.catalog(third.id)).current] == ["a"]


async def test_a_publish_rings_everybody(store: SqlStore) -> None:
    await store.accept([event("m1", "ann"), event("m2", "bob")], AT)
    await settle(store, "ann", "bob")

    await publish(store, document("a"))

    assert len(await store.rung(10)) == 2


async def test_a_refused_publish_rings_nobody(store: SqlStore) -> None:
    first = await publish(store, document("a"))
    await store.accept([event("m1", "ann")], AT)
    await settle(store, "ann")

    with pytest.raises(StaleRevision):
        await store.publish([document("b")], NOTHING, AT, "kim", "another")

    assert await store.current_revision() == first
    assert await store.rung(10) == []


async def test_a_catalog_is_what_was_published(store: SqlStore) -> None:
    revision = await publish(store, document("a"), document("b", '{"x": "é"}'))

    catalog = await store.catalog(revision.id)

    assert catalog.revision == revision
    assert [(each.id, each.body, each.published_at) for each in catalog.current] == [
        ("a", "{}", AT),
        ("b", '{"x": "é"}', AT),
    ]
    assert catalog.past == ()


async def test_the_past_is_what_somebody_is_still_enrolled_in(store: SqlStore) -> None:
    old = Document(kind="playbook", id="welcome", version="v1", body='{"v": 1}')
    unused = Document(kind="playbook", id="welcome", version="v2", body='{"v": 2}')
    new = Document(kind="playbook", id="welcome", version="v3", body='{"v": 3}')
    first = await publish(store, old)
    second = await publish(store, unused, expected=first)
    third = await publish(store, new, expected=second)
    await store.accept([event("m1", "ann"), event("m2", "bob"), event("m3", "cid")], AT)
    for who, version in (("ann", "v1"), ("bob", "v1"), ("cid", "v3")):
        await store.turn(
            await store.find(who),
            lambda snapshot, version=version: write(snapshot, state=enrolled(snapshot, version)),
        )

    assert [each.version for each in (await store.catalog(third.id)).past] == ["v1"]


async def test_a_document_keeps_the_instant_of_its_first_publish(store: SqlStore) -> None:
    first = await publish(store, document("a"))
    second = await store.publish([document("a"), document("b")], NOTHING, later(days=1), "kim", first.id)

    published = {each.id: each.published_at for each in (await store.catalog(second.revision.id)).current}

    assert published == {"a": AT, "b": later(days=1)}


async def test_a_template_is_found_by_its_version_also_when_it_is_past(store: SqlStore) -> None:
    body = '{"name": "hello"}'
    template = Document(kind="template", id="hello", version=content_hash(body), body=body)
    first = await publish(store, template)
    await publish(store, document("a"), expected=first)

    assert (await store.template(template.version)).body == body


async def test_an_unknown_revision_or_template_is_named(store: SqlStore) -> None:
    with pytest.raises(UnknownVersion, match="no revision 'x'"):
        await store.catalog("x")
    with pytest.raises(UnknownVersion, match="no template of version 'y'"):
        await store.template("y")


async def test_customers_made_while_somebody_publishes_are_rung_or_start_on_the_new_revision(
    store: SqlStore, neighbour: SqlStore
) -> None:
    turned: list[str | None] = []

    async def arrive() -> None:
        for n in range(20):
            await neighbour.accept([event(f"m{n}", f"contact-{n}")], AT)
            customer = await neighbour.find(f"contact-{n}")
            await neighbour.turn(customer, lambda snapshot: turned.append(snapshot.revision) or write(snapshot))

    _, revision = await asyncio.gather(arrive(), publish(store, document("a")))

    rung = set(await store.rung(100))
    late = [await store.find(f"contact-{n}") for n, seen in enumerate(turned) if seen != revision.id]
    assert set(late) <= rung


async def test_a_revision_is_found_by_its_id_and_by_its_number(store: SqlStore) -> None:
    first = await publish(store, document("a"))
    second = await publish(store, document("b"), expected=first)

    found = [await store.find_revision(each) for each in (first.id, "2", "3", "a", "9" * 30)]

    assert found == [first, second, None, None, None]


async def test_the_newest_revision_of_just_these_documents_is_found(store: SqlStore) -> None:
    first = await publish(store, document("a"))
    second = await publish(store, document("a"), document("b"), expected=first)
    third = await publish(store, document("a"), expected=second)

    assert await store.revision_of([document("a")]) == third
    assert await store.revision_of([document("b"), document("a")]) == second
    assert await store.revision_of([document("b")]) is None
    assert await store.revision_of([document("a"), document("b"), document("c")]) is None


async def test_what_is_under_way_says_how_many_are_left(store: SqlStore) -> None:
    await store.accept([event(f"m{n}", f"c{n}") for n in range(3)], AT)
    first = await publish(store, document("a"))
    outcome = await store.publish([document("b")], NOTHING, AT, "kim", first.id, at_once=1)

    (under_way,) = await store.under_way()
    await store.reach_on(outcome.revision.number, 10, AT)

    assert (under_way.revision, under_way.reached, under_way.left) == (outcome.revision, 1, 2)
    assert await store.under_way() == []
