"""What would start a playbook for a customer, and where it stands in a track: for whoever asks why nothing happened."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from perennia.core.compiled import Catalog
from perennia.core.deliberation import Deliberation
from perennia.core.expressions import Expression
from perennia.core.nodes import CompiledTrigger
from perennia.core.state import CustomerState, StageState
from perennia.why.changes import changes
from perennia.why.evidence import evidence_line, local_time, value_text


def outlook(catalog: Catalog, state: CustomerState | None, subject: str, zone: ZoneInfo) -> Iterator[str]:
    """Sentences about a published playbook or a track; nothing for what is neither.

    Of a playbook each trigger, its entry filter and its `while`; of a track where the customer stands.
    Looked at with what the customer's last turn knew. Expressions over the event at hand are named, not answered.
    """
    if state is None:
        return
    if (standing := state.stages.get(subject)) is not None:
        yield _standing(standing, zone)
    if subject in catalog.playbooks:
        yield from _entries(catalog, state, subject, zone)


def _standing(standing: StageState, zone: ZoneInfo) -> str:
    stands = f"stands in {standing.stage} since {local_time(standing.since, zone)}"
    if standing.lock is None:
        return stands
    until = f" until {local_time(standing.lock.until, zone)}" if standing.lock.until is not None else ""
    why = f": {standing.lock.why}" if standing.lock.why else ""
    return f"{stands}, locked{until} by {standing.lock.by}{why}"


def _entries(catalog: Catalog, state: CustomerState, playbook: str, zone: ZoneInfo) -> Iterator[str]:
    book = catalog.playbooks[playbook]
    if book.definition.scope != state.kind:
        yield f"{playbook} is for {book.definition.scope}s, and this is a {state.kind}"
        return
    if any(each.playbook == playbook for each in state.enrollments):
        yield f"is in {playbook} right now"
        return
    run = Deliberation(catalog, state, {})
    past = state.past.get(playbook)
    if past is not None and past.ended is not None:
        runs = "once" if past.runs == 1 else f"{past.runs} times"
        yield f"was in {playbook} {runs}, the last time until {value_text(past.ended.isoformat(), zone)}"
    if not book.triggers:
        yield f"{playbook} starts by hand, by the API or by an enroll step only"
    for trigger in book.triggers:
        yield from _of(run, trigger, state, zone)
    for name, expression in (("where", book.where), ("while", book.while_)):
        if expression is not None and not expression.reads & {"enter", "steps"}:
            yield from _looked_at(run, f"its `{name}` as things stand", expression, zone)


def _of(run: Deliberation, trigger: CompiledTrigger, state: CustomerState, zone: ZoneInfo) -> Iterator[str]:
    if trigger.event is not None:
        tally = state.facts.tallies.get(trigger.event)
        last = f", which last happened {value_text(tally.last.isoformat(), zone)}" if tally and tally.last else ""
        yield f"starts when {trigger.event} happens{last}{_filtered(trigger)}"
    elif trigger.when is not None:
        yield from _looked_at(run, "starts when its condition turns true", trigger.when, zone)
    elif trigger.stage is not None:
        yield f"starts when {trigger.stage[0]} comes to {trigger.stage[1]}"
    elif trigger.end is not None:
        yield f"starts when the playbook {trigger.end[0]} ends: {trigger.end[1]}"
    elif trigger.timing is not None:
        yield "starts by its date or schedule"


def _filtered(trigger: CompiledTrigger) -> str:
    return "" if trigger.where is None else f" and {trigger.where.text}"


def _looked_at(run: Deliberation, what: str, expression: Expression, zone: ZoneInfo) -> Iterator[str]:
    evidence = run.explain(expression)
    yield f"{what}: {evidence_line(evidence, zone)}"
    for each in changes(evidence, zone):
        yield f"to change that: {each}"
