"""What caps and quiet hours promise, for every playbook and every history (language, section 8)."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given

from perennia.core.admission import objection
from perennia.core.advance import Decision
from perennia.core.calendar import Calendar
from perennia.core.compiled import Catalog
from perennia.core.decisions import Input, SendEmail
from perennia.core.facts import zones_told
from perennia.core.nodes import EmailNode
from perennia.core.state import LedgerEntry
from tests.support.random_lives import catalogs, histories, live

DAYS = 12


def calendar(catalog: Catalog, decision: Decision) -> Calendar:
    return catalog.calendar(*zones_told(decision.state.facts))


def released(decision: Decision) -> list[SendEmail]:
    return [each for each in decision.effects if isinstance(each, SendEmail) and each.key not in decision.withdrawn]


def ledger(decision: Decision) -> tuple[LedgerEntry, ...]:
    found = decision.recipients["c1"].ledger
    assert found is not None
    return found


@given(catalogs(shape="writing"), histories(least=5))
def test_nobody_gets_more_than_a_cap_allows(catalog: Catalog, inputs: tuple[Input, ...]) -> None:
    for decision in live(catalog, inputs, DAYS)[0]:
        for effect in released(decision):
            for cap in catalog.timing.caps_on(effect.topic):
                ends = [calendar(catalog, decision).after(entry.at, cap.per) for entry in ledger(decision)]
                assert sum(end > effect.at for end in ends) <= cap.messages


@given(catalogs(shape="writing"), histories(least=5))
def test_nothing_leaves_in_quiet_hours(catalog: Catalog, inputs: tuple[Input, ...]) -> None:
    quiet = catalog.timing.quiet
    for decision in live(catalog, inputs, DAYS)[0]:
        for effect in released(decision):
            assert quiet is None or quiet.over(effect.at, calendar(catalog, decision).zone) == effect.at


@given(catalogs(shape="writing"), histories(least=5))
def test_nothing_is_held_that_could_leave_also_by_taking_a_lower_priority_s_place(
    catalog: Catalog, inputs: tuple[Input, ...]
) -> None:
    for decision in live(catalog, inputs, DAYS)[0]:
        for enrollment in decision.state.enrollments:
            if not enrollment.is_held or enrollment.paused or enrollment.step is None:
                continue
            node = catalog.playbook(enrollment.playbook, enrollment.version).nodes[enrollment.step]
            assert isinstance(node, EmailNode)
            in_its_way = [each for each in ledger(decision) if each.left or each.priority >= node.priority]
            now = decision.state.now
            assert objection(catalog.timing, in_its_way, node.topic, now, calendar(catalog, decision)) is not None


@given(catalogs(shape="writing"), histories(least=5))
def test_nothing_is_held_longer_than_it_may_be(catalog: Catalog, inputs: tuple[Input, ...]) -> None:
    for decision in live(catalog, inputs, DAYS)[0]:
        for enrollment in decision.state.enrollments:
            if enrollment.is_held and enrollment.held is not None:
                assert enrollment.due is not None
                assert decision.state.now < enrollment.due <= enrollment.held.until
                assert enrollment.held.until - enrollment.held.since <= timedelta(days=5, hours=26)
