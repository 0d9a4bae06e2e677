"""Who is compared with whom: enrollments of playbooks that have a goal, and a holdout or a split.

Whoever is held out lives until `within` is over; the others' enrollments end with their last step, often long before. So that
both are asked the same question, an enrollment that is compared goes on being observed once it has ended, however it did: it
runs nothing, keeps nobody out and is not active for anything; but a goal that it reaches until `within` from its entry is
over is a conversion. Nothing wakes anybody for the end of that span: what is over is dropped at the next look.

A customer counts once at a time: what they enter while an enrollment of the same playbook is still counted is not counted by
itself, whether anything is done to them there or not (whoever is held out cannot enter again, so neither counts twice).
"""

from __future__ import annotations

from perennia.core.calendar import parse_span
from perennia.core.deliberation import Deliberation
from perennia.core.json_values import JsonObject
from perennia.core.nodes import CompiledPlaybook, EventTest, Rule, SplitNode
from perennia.core.state import Enrollment, Trial

# How long a goal counts that says no `within`, where enrollments are compared; and how long somebody is held out of its playbook.
USUAL_WITHIN = "90d"
HOLDOUT_LASTS = parse_span(USUAL_WITHIN)


def begin_trial(run: Deliberation, book: CompiledPlaybook, enrollment: Enrollment) -> None:
    """Counts who enters, unless an enrollment of the same playbook is being counted."""
    if not is_compared(book):
        return
    known = [each for each in (*run.state.enrollments, *run.state.observed) if each.playbook == book.id]
    if any(each.counted_until is not None and run.instant < each.counted_until for each in known):
        return
    enrollment.counted_until = run.calendar.after(enrollment.started, book.goal_within or HOLDOUT_LASTS)
    tell_trial(run, enrollment)


def is_compared(book: CompiledPlaybook) -> bool:
    return book.goal is not None and (book.holdout > 0 or any(isinstance(n, SplitNode) for n in book.nodes.values()))


def tell_trial(run: Deliberation, enrollment: Enrollment) -> None:
    """Has the store know how far the enrollment is, where it is compared with others."""
    until, reached = enrollment.counted_until, enrollment.goal_reached
    if until is None:
        return
    run.trials[enrollment.id] = Trial(
        enrollment=enrollment.id,
        playbook=enrollment.playbook,
        version=enrollment.version,
        began=enrollment.started,
        until=until,
        held_out=enrollment.held_out,
        variants=_variants(run.book_of(enrollment), enrollment),
        converted=reached if reached is not None and reached < until else None,
    )


def _variants(book: CompiledPlaybook, enrollment: Enrollment) -> dict[str, str]:
    went = {id_: enrollment.steps[id_].get("variant") for id_ in enrollment.steps if _is_split(book, id_)}
    return {id_: variant for id_, variant in went.items() if isinstance(variant, str)}


def _is_split(book: CompiledPlaybook, id_: str) -> bool:
    return isinstance(book.nodes.get(id_), SplitNode)


# --- after the end --------------------------------------------------------------------------------------------------


def observe(run: Deliberation, enrollment: Enrollment) -> None:
    """Keeps of an enrollment that has just ended what it takes to see it reach its goal, where that would still count."""
    until, book = enrollment.counted_until, run.book_of(enrollment)
    if until is None or run.instant >= until or enrollment.goal_reached is not None or book.goal is None:
        return
    goal = book.goal
    reads_steps, reads_enter = _reads(goal, "steps"), _reads(goal, "enter")
    kept = {id_: told for id_, told in enrollment.steps.items() if reads_steps or _is_split(book, id_)}
    observed = Enrollment(
        id=enrollment.id,
        playbook=enrollment.playbook,
        version=enrollment.version,
        started=enrollment.started,
        step=None,
        base=enrollment.started,
        enter=enrollment.enter if reads_enter else {},
        steps=kept,
        visits=dict(enrollment.visits) if reads_steps else {},
        watches={key: watch for key, watch in enrollment.watches.items() if key == goal.key},
        held_out=enrollment.held_out,
        key=enrollment.key,
        renamed=dict(enrollment.renamed) if reads_steps else {},
        counted_until=until,
    )
    run.state.observed = [*run.state.observed, observed]


def _reads(goal: Rule, name: str) -> bool:
    test = goal.test
    expressions = [test.where] if isinstance(test, EventTest) else [test.when]
    return any(path.split(".")[0] == name for each in expressions if each is not None for path in each.reads)


def still_observed(run: Deliberation) -> list[tuple[Enrollment, CompiledPlaybook]]:
    """Those whose goal still counts at this instant; what is over is dropped."""
    observed = run.state.observed
    left = [each for each in observed if each.counted_until is not None and run.instant < each.counted_until]
    if len(left) < len(observed):
        run.state.observed = left
    return run.observed()


def count_conversion(run: Deliberation, enrollment: Enrollment) -> JsonObject:
    """Ends the observation: the goal was reached in time. Returns what the journal says of it."""
    enrollment.goal_reached = run.instant
    tell_trial(run, enrollment)
    run.state.observed = [each for each in run.state.observed if each is not enrollment]
    return {"conversion": True, "after_end": True}
