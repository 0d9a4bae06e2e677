"""Errands: what a step of an account's playbook has its contacts do, each in its own life.

A message to a contact is decided where all messages to that contact are: in the contact's own turns, whoever sends it
(language, section 8). So the account hands its contacts the step as an input, and waits for what they report.
"""

from __future__ import annotations

import msgspec

from perennia.core.decisions import Act, ErrandCancelled, ErrandEnded, ErrandGiven, ErrandWarranted, Outcome, Reason
from perennia.core.deliberation import Deliberation
from perennia.core.entries import about, end
from perennia.core.json_values import Json, JsonObject
from perennia.core.nodes import AnyNode, Audience, EmailNode, EnrollNode, SurveyNode
from perennia.core.outcomes import Onward, effect_key, failed, finish, learn, skipped
from perennia.core.state import Enrollment, Errand
from perennia.core.surveys import combined, pinned_survey

# Under which name an account watches the `while` of a playbook whose step its contacts carry out.
WHILE = "while"
# What may be told of a message.
TOLD = ("opened", "clicked", "replied", "bounced")

# --- the account ----------------------------------------------------------------------------------------------------


def members(run: Deliberation, audience: Audience) -> list[str]:
    """The account's contacts (internal ids) whom a step reaches, in the order of their own ids."""
    found = [(known.ref, id_) for id_, known in run.state.contacts.items() if audience.includes(known.roles)]
    return [id_ for _, id_ in sorted(found)]


def hand_over(
    run: Deliberation, enrollment: Enrollment, node: AnyNode, audience: Audience, values: JsonObject
) -> Onward | None:
    """Gives the step to each of the contacts that it reaches, and waits for all of them."""
    contacts = members(run, audience)
    if not contacts:
        return skipped(run, enrollment, node, Reason.NO_RECIPIENT)
    run.tell_contacts()
    stages: JsonObject = {track: stage.stage for track, stage in run.state.stages.items()}
    for contact in contacts:
        given = ErrandGiven(
            at=run.instant,
            key=expect(run, enrollment, node, contact),
            playbook=enrollment.playbook,
            version=enrollment.version,
            step=node.id,
            values=values,
            enter=enrollment.enter,
            steps=dict(enrollment.steps),
            stages=stages,
        )
        run.tell(contact, given)
    enrollment.steps[node.id] = {"messages": {}}
    run.note(
        Act.HANDED_OVER,
        node.verb,
        enrollment=enrollment,
        step=node.id,
        detail={**audience.detail, "contacts": len(contacts)},
    )
    return None


def expect(run: Deliberation, enrollment: Enrollment, node: AnyNode, contact: str) -> str:
    """The key under which the contact reports; the enrollment goes on when all have."""
    key = f"{effect_key(run.state.customer, enrollment, node.id)}/{contact}"
    enrollment.awaited[key] = run.state.contacts[contact].ref
    return key


def watch_over(run: Deliberation, enrollment: Enrollment, news: tuple[str, ...]) -> None:
    """Tells those who carry out its step whenever the playbook's `while` turns: it counts when a held message could leave."""
    book = run.book_of(enrollment)
    while_ = book.while_
    if while_ is None or not enrollment.awaited or not isinstance(book.nodes[enrollment.step or ""], EmailNode):
        return
    look = run.look(enrollment.watches, WHILE, while_, about(enrollment, news), enrollment)
    if look.flipped or (look.first and not look.holds):
        for key in enrollment.awaited:
            run.tell(key.rsplit("/", 1)[1], ErrandWarranted(at=run.instant, key=key, holds=look.holds))


def take_report(run: Deliberation, enrollment: Enrollment, node: AnyNode, ended: ErrandEnded) -> Onward | None:
    """Notes what a contact reports. Where the enrollment goes once it was the last; None before."""
    contact = enrollment.awaited.pop(ended.key)
    while_ = run.book_of(enrollment).while_
    if while_ is not None and ended.result.get("reason") == Reason.NOT_WHILE:
        end(run, enrollment, Reason.NOT_WHILE, (run.explain(while_, enrollment),))
        return None
    told: Json = ended.result.get("ended") if isinstance(node, EnrollNode) else ended.result
    so_far = enrollment.steps.get(node.id, {}).get("messages")
    messages: JsonObject = {**(so_far if isinstance(so_far, dict) else {}), contact: told}
    learn(run, enrollment, node.id, {"messages": messages})
    enrollment.base = max(enrollment.base, ended.base)
    return None if enrollment.awaited else _all_ended(run, enrollment, node, messages)


def _all_ended(run: Deliberation, enrollment: Enrollment, node: AnyNode, told: JsonObject) -> Onward | None:
    if isinstance(node, EnrollNode):
        finish(run, enrollment, node, Outcome.DONE, result={"playbook": node.playbook, "contacts": told})
        return Onward(node.next, run.instant)
    reports = [each for each in told.values() if isinstance(each, dict)]
    outcomes = [each.get("outcome") for each in reports]
    result: JsonObject = {"messages": told}
    if isinstance(node, SurveyNode):
        result |= combined(pinned_survey(run, enrollment, node.survey), told)
    for outcome in (Outcome.DONE, Outcome.SENT, Outcome.TIMED_OUT):
        if outcome in outcomes:
            finish(run, enrollment, node, outcome, result=result)
            told_of: JsonObject = {what: any(each.get(what) is True for each in reports) for what in TOLD}
            enrollment.steps[node.id] = {**enrollment.steps[node.id], **told_of}
            return Onward(node.next, enrollment.base)
    outcome = Outcome.FAILED if Outcome.FAILED in outcomes else Outcome.SKIPPED
    reason = str(next(each.get("reason") for each in reports if each.get("outcome") == outcome))
    if outcome is Outcome.FAILED:
        return failed(run, enrollment, node, reason, result=result)
    finish(run, enrollment, node, outcome, reason=reason, result=result)
    return Onward(node.next, enrollment.base)


def told_of_contact(run: Deliberation, enrollment: Enrollment, step: str, contact: str, what: str) -> None:
    """Keeps what a contact did with a message of the step: for the step as a whole, and for the contact."""
    known = enrollment.steps.get(step, {})
    reports = known.get("messages")
    messages = reports if isinstance(reports, dict) else {}
    before = messages.get(contact)
    own: JsonObject = {**(before if isinstance(before, dict) else {}), what: True}
    learn(run, enrollment, step, {**known, what: True, "messages": {**messages, contact: own}})


# --- the contact ----------------------------------------------------------------------------------------------------


def key_at_account(enrollment: str) -> str | None:
    """The account's key of the step whose errand this enrollment is, or was; None where it is none."""
    parts = enrollment.rsplit(":", 3)
    return "/".join(parts) if len(parts) == 4 and parts[3].isdecimal() else None


def begin(run: Deliberation, given: ErrandGiven) -> Enrollment | None:
    """The errand as an enrollment that stands at that one step; None, and reported, where its playbook is not known."""
    if not run.catalog.knows(given.playbook, given.version):
        failure: JsonObject = {"outcome": Outcome.FAILED, "reason": Reason.UNKNOWN_PLAYBOOK}
        run.report(given.key, run.instant, failure)
        return None
    enrollment = Enrollment(
        # Unique among the customer's: a key has slashes, which effects' keys are taken apart at.
        id=given.key.rsplit("/", 1)[0].replace("/", ":"),
        playbook=given.playbook,
        version=given.version,
        started=run.instant,
        step=given.step,
        base=run.instant,
        enter=given.enter,
        steps={step: result for step, result in given.steps.items() if step != given.step},
        visits={given.step: 1},
        errand=Errand(given.key, given.values, given.stages),
    )
    run.state.enrollments.append(enrollment)
    return enrollment


def errand_cancelled(run: Deliberation, cancelled: ErrandCancelled) -> None:
    """What has not left stays here; an enrollment that was started goes on, and reports to nobody."""
    for enrollment in list(run.state.enrollments):
        if enrollment.reports_to == cancelled.key:
            enrollment.reports_to = None
        elif enrollment.errand is not None and enrollment.errand.key == cancelled.key:
            end(run, enrollment, Reason.EXIT_CRITERIA)


def errand_warranted(run: Deliberation, told: ErrandWarranted) -> None:
    """Remembers whether the account's playbook goes on."""
    for enrollment in run.state.enrollments:
        if enrollment.errand is not None and enrollment.errand.key == told.key:
            enrollment.errand = msgspec.structs.replace(enrollment.errand, warranted=told.holds)


def is_warranted(run: Deliberation, enrollment: Enrollment, node: AnyNode) -> bool:
    """Whether the account's playbook goes on; where not, the errand ends, which ends the account's enrollment, too."""
    if enrollment.errand is None or enrollment.errand.warranted:
        return True
    finish(run, enrollment, node, Outcome.SKIPPED, reason=Reason.NOT_WHILE)
    end(run, enrollment, Reason.NOT_WHILE)
    return False
