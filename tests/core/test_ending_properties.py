"""Exit criteria and goals end an enrollment at once, an exit before a goal, and nothing of it leaves afterwards (section 6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from hypothesis import given, settings

from perennia.core.advance import Decision
from perennia.core.compiled import Catalog
from perennia.core.decisions import (
    Act,
    ApprovalEnded,
    AskApproval,
    CustomerEvent,
    Effect,
    EffectEnded,
    EscalateTask,
    Input,
    Outcome,
)
from perennia.core.deliberation import Deliberation
from perennia.core.keys import key_text
from perennia.core.nodes import CompiledPlaybook, EventTest, WhenTest
from perennia.core.state import Enrollment
from tests.support.random_lives import catalogs, histories, live

DAYS = 6
HALF = settings(max_examples=settings().max_examples // 2)


@HALF
@given(catalogs(shape="lingering"), histories(days=5, most=12, least=6))
def test_nobody_stays_inside_whose_exit_criterion_or_goal_holds(catalog: Catalog, inputs: tuple[Input, ...]) -> None:
    for decision in live(catalog, inputs, DAYS)[0]:
        assert [each.id for each in decision.state.enrollments if is_over(catalog, decision, each)] == []


def is_over(catalog: Catalog, decision: Decision, enrollment: Enrollment) -> bool:
    """Asked of every expression itself, whatever anybody remembers of it."""
    book = catalog.playbook(enrollment.playbook, enrollment.version)
    rules = [*book.exits, *([book.goal] if book.goal is not None and enrollment.goal_reached is None else [])]
    run = Deliberation(catalog, decision.state, decision.recipients)
    return any(isinstance(rule.test, WhenTest) and run.holds(rule.test.when, enrollment) for rule in rules)


@HALF
@given(catalogs(goal_is_exit=True, shape="lingering"), histories(days=5, most=12, least=6))
def test_what_is_a_goal_and_an_exit_at_once_ends_as_an_exit(catalog: Catalog, inputs: tuple[Input, ...]) -> None:
    decisions, _ = live(catalog, inputs, DAYS)
    journal = [entry for decision in decisions for entry in decision.journal]
    assert not [entry for entry in journal if entry.act == Act.GOAL or entry.reason == "goal_reached"]


@given(catalogs(shape="lingering"), histories(days=5, most=12, least=6))
def test_an_event_that_is_an_exit_or_a_goal_ends_who_was_inside_before(
    catalog: Catalog, inputs: tuple[Input, ...]
) -> None:
    decisions, _ = live(catalog, inputs, DAYS)
    events = {each.at: each for each in inputs if isinstance(each, CustomerEvent)}
    for before, after in pairwise(decisions):
        event = events.get(after.state.now)
        if event is None:
            continue
        inside = {each.id for each in after.state.enrollments}
        over = [each for each in before.state.enrollments if ends_by(catalog, event, each)]
        assert not inside & {each.id for each in over}


def ends_by(catalog: Catalog, event: CustomerEvent, enrollment: Enrollment) -> bool:
    """Worked out from the definition as it is written."""
    book = catalog.playbook(enrollment.playbook, enrollment.version)
    key = None if book.key is None else book.definition.key
    if key is not None and (key != "event.k" or key_text(event.properties.get("k")) != enrollment.key):
        return False
    return any(
        test.event == event.name and (test.where is None or is_one(test.where.text, event))
        for test in ending_events(book)
    )


def ending_events(book: CompiledPlaybook) -> Iterator[EventTest]:
    goal = book.definition.goal
    ends = book.goal is not None and goal is not None and goal.then == "exit"
    for rule in (*book.exits, *((book.goal,) if ends and book.goal is not None else ())):
        if isinstance(rule.test, EventTest):
            yield rule.test


def is_one(where: str, event: CustomerEvent) -> bool:
    return where == "event.k == 1" and event.properties.get("k") in (1, 1.0)


@HALF
@given(catalogs(shape="lingering"), histories(days=5, most=12, least=6))
def test_nothing_is_on_its_way_but_what_somebody_inside_waits_for(catalog: Catalog, inputs: tuple[Input, ...]) -> None:
    decisions, taken = live(catalog, inputs, DAYS)
    under_way: dict[str, Effect] = {}
    since = None
    for decision in decisions:
        heard = [each for each in taken if (since is None or since < each.at) and each.at <= decision.state.now]
        since = decision.state.now
        over = {ended_by(each, under_way) for each in heard}
        under_way |= {each.key: each for each in decision.effects if not isinstance(each, EscalateTask)}
        under_way = {key: each for key, each in under_way.items() if key not in over | {*decision.withdrawn}}
        assert set(under_way) == {each.awaiting for each in decision.state.enrollments} - {None}


def ended_by(what: Input, under_way: Mapping[str, Effect]) -> str | None:
    """The effect that is over by this. A question that was asked is under way until somebody answers it."""
    match what:
        case EffectEnded(key=key, outcome=outcome) if key in under_way:
            return None if isinstance(under_way[key], AskApproval) and outcome is not Outcome.FAILED else key
        case ApprovalEnded(key=key) if key in under_way:
            return key
        case _:
            return None
