"""Messages that may not leave yet: held, tried again at the first instant they may, skipped when their time is up.

A place under a cap goes to the highest priority, then to whoever waits longest. A message that was released and has not left
yet gives its place up to a higher priority: at the same instant as if it had never been released (whichever playbook's turn
came first), later it is taken back (``lower_priority``) and held as long as is left of its `hold`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from perennia.core.admission import DigestTimes, Objection, objection
from perennia.core.caps import LedgerMissing, Rank, reach_of
from perennia.core.decisions import Act, Reason
from perennia.core.deliberation import PERMISSION, ZONE_TRAIT, Deliberation
from perennia.core.json_values import JsonObject
from perennia.core.nodes import EmailNode, SurveyNode
from perennia.core.outcomes import Onward, effect_key
from perennia.core.state import Enrollment, Hold, LedgerEntry, Watch
from perennia.core.surveys import turned_down

# What a held message follows besides its instants.
WATCHED = (PERMISSION, "trait:email", ZONE_TRAIT)


class Kept(NamedTuple):
    """A message that does not leave now. ``onward``: where the enrollment goes instead, None: it waits."""

    onward: Onward | None


def keep_back(run: Deliberation, node: EmailNode, enrollment: Enrollment) -> Kept | None:
    """What becomes of a message that may not leave now; None: it may, and has its place."""
    if not node.waits:
        return None
    found = find_objection(run, node, enrollment)
    if found is None:
        take_place(run, node, enrollment, effect_key(run.state.customer, enrollment, node.id))
        return None
    return Kept(hold_back(run, node, enrollment, found))


def hold_back(run: Deliberation, node: EmailNode, enrollment: Enrollment, found: Objection) -> Onward | None:
    """Holds the message, or skips it where its step says so; where the enrollment goes then, None: it waits."""
    action = node.step.on_quiet if found.reason is Reason.QUIET_HOURS else node.step.on_cap
    if action == "skip":
        return give_up(run, node, enrollment, _told(enrollment, found.reason))
    return _hold(run, node, enrollment, found)


def find_objection(run: Deliberation, node: EmailNode, enrollment: Enrollment) -> Objection | None:
    """What speaks against leaving now, where also nobody has to make room."""
    entries = _entries(run, node)
    found = objection(run.catalog.timing, entries, node.topic, run.instant, run.calendar)
    if found is None or found.reason is not Reason.FREQUENCY_CAP:
        return found
    yielding = {entry.key for entry in _yielding(run, node, enrollment)}
    if not yielding:
        return found
    left = [entry for entry in entries if entry.key not in yielding]
    return objection(run.catalog.timing, left, node.topic, run.instant, run.calendar)


def give_up(run: Deliberation, node: EmailNode, enrollment: Enrollment, reason: str) -> Onward | None:
    """Skips the message, of a reminder only itself; what follows one that was held counts from now."""
    if enrollment.held is not None:
        enrollment.base = run.instant
    return turned_down(run, enrollment, node, reason)


def _told(enrollment: Enrollment, reason: Reason) -> str:
    """The reason to name: a message that had to make room is not told that the room is taken."""
    held = enrollment.held
    if held is not None and held.reason == Reason.LOWER_PRIORITY and reason is Reason.FREQUENCY_CAP:
        return held.reason
    return reason


def begin_hold(run: Deliberation, node: EmailNode, since: datetime) -> Hold:
    """A hold that begins then, of as long as the step allows; nothing has kept the message yet."""
    return Hold(since, run.calendar.after(since, node.hold), "")


def _hold(run: Deliberation, node: EmailNode, enrollment: Enrollment, found: Objection) -> Onward | None:
    hold = enrollment.held or begin_hold(run, node, run.instant)
    if run.passed(hold.until):
        return give_up(run, node, enrollment, Reason.EXPIRED)
    reason = _told(enrollment, found.reason)
    enrollment.held = Hold(hold.since, hold.until, reason)
    enrollment.due = min(found.place_at if node.step.on_quiet == "skip" else found.clear_at, hold.until)
    enrollment.watches[_key(node)] = Watch(watching=WATCHED)
    if reason != hold.reason:
        _note(run, node, enrollment)
    return None


def _note(run: Deliberation, node: EmailNode, enrollment: Enrollment) -> None:
    held = enrollment.held
    assert held is not None  # noqa: S101 (both callers have just set it)
    detail = {"template": node.step.email, "until": held.until.isoformat()}
    run.note(Act.HELD, held.reason, enrollment=enrollment, step=node.id, reason=held.reason, detail={**detail})


def _key(node: EmailNode) -> str:
    return f"{node.id}.held"


# --- digests ----------------------------------------------------------------------------------------------------------


def digest_of(run: Deliberation, node: EmailNode) -> DigestTimes | None:
    """When the messages of its topic are gathered; None where it leaves by itself, as surveys do."""
    return run.catalog.timing.digests.get(node.topic or "") if node.waits and not isinstance(node, SurveyNode) else None


def wait_for_digest(run: Deliberation, node: EmailNode, enrollment: Enrollment, times: DigestTimes) -> None:
    """Holds the message until the first digest that has not been gathered; how long it may be held then counts from there.

    Nothing changes for one whose digest has come, and which something else keeps.
    """
    held = enrollment.held
    if held is not None and held.reason != Reason.DIGEST:
        return
    since = run.instant if held is None else held.since
    last = run.state.digests.get(node.topic or "")
    earliest = since if last is None else max(since, last.last + timedelta(microseconds=1))
    enrollment.due = times.first(earliest, run.calendar.zone)
    enrollment.held = Hold(since, run.calendar.after(enrollment.due, node.hold), Reason.DIGEST)
    enrollment.watches[_key(node)] = Watch(watching=WATCHED)
    if held is None:
        detail: JsonObject = {"template": node.step.email, "digest": node.topic, "leaves": enrollment.due.isoformat()}
        run.note(Act.HELD, Reason.DIGEST, enrollment=enrollment, step=node.id, reason=Reason.DIGEST, detail=detail)


# --- places ---------------------------------------------------------------------------------------------------------


def _entries(run: Deliberation, node: EmailNode) -> tuple[LedgerEntry, ...]:
    caps = run.catalog.timing.caps_on(node.topic)
    if not caps:
        return ()
    if run.ledger is None:
        raise LedgerMissing(reach_of(run.catalog.timing.caps, run.instant, run.calendar))
    return run.ledger.entries


def take_place(run: Deliberation, node: EmailNode, enrollment: Enrollment, key: str) -> None:
    """Takes its place for the message ``key``, which leaves now; whoever must make room for it waits again."""
    for entry in _yielding(run, node, enrollment):
        _take_back(run, entry)
    since = run.instant if enrollment.held is None else enrollment.held.since
    let_go(node, enrollment)
    if run.ledger is not None:
        run.ledger.reserve(LedgerEntry(key=key, at=run.instant, topic=node.topic, priority=node.priority), since)


def let_go(node: EmailNode, enrollment: Enrollment) -> None:
    """Nothing holds its message any more."""
    if enrollment.held is not None:
        enrollment.due = None
        enrollment.watches.pop(_key(node), None)


def _yielding(run: Deliberation, node: EmailNode, enrollment: Enrollment) -> list[LedgerEntry]:
    """The messages of this customer's playbooks that must make room for this one; none where that would not help."""
    if run.ledger is None:
        return []
    entries = run.ledger.entries
    caps = run.catalog.timing.caps_on(node.topic)
    full = [cap for cap in caps if cap.free_at(entries, run.instant, run.calendar) > run.instant]
    rank = Rank(node.priority, run.instant if enrollment.held is None else enrollment.held.since)
    own = {each.awaiting for each in run.state.enrollments}
    yielding: list[LedgerEntry] = []
    for entry in run.ledger.lower(rank, full, run.instant):
        left = [each for each in entries if each not in yielding]
        full = [cap for cap in full if cap.free_at(left, run.instant, run.calendar) > run.instant]
        if entry.key in own and any(cap.counts(entry.topic) for cap in full):
            yielding.append(entry)
    left = [each for each in entries if each not in yielding]
    return [] if any(cap.free_at(left, run.instant, run.calendar) > run.instant for cap in caps) else yielding


def _take_back(run: Deliberation, entry: LedgerEntry) -> None:
    """Back to waiting, of a digest each of its messages: in the next round it is looked at as if it came second."""
    losers = [each for each in run.state.enrollments if each.awaiting == entry.key]
    unreleased = run.unrelease(entry.key)
    if not unreleased:
        run.withdraw(entry.key)
    elif run.ledger is not None:
        run.ledger.give_back(entry.key)
    for loser in losers:
        node = run.book_of(loser).nodes[loser.step or ""]
        assert isinstance(node, EmailNode)  # noqa: S101 (only messages are in the ledger)
        loser.awaiting = None
        loser.held = loser.held or begin_hold(run, node, entry.at)
        if not unreleased:
            # The key is spent: what is released again is another effect.
            loser.visits[node.id] += 1
            loser.held = Hold(loser.held.since, loser.held.until, Reason.LOWER_PRIORITY)
            _note(run, node, loser)
