"""An account's contacts: who they are, which roles they have, and how the account learns of both.

A contact's roles are its ``roles`` trait: a list of names, or one name. The account keeps who its contacts are by inputs of
its own, so that whom a step reaches is decided as everything else is: as of its instant, however late it is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from perennia.core.account_answers import answers_brought, answers_taken_away
from perennia.core.decisions import ContactChanged
from perennia.core.deliberation import Deliberation
from perennia.core.enrolling import welcome
from perennia.core.json_values import Json
from perennia.core.nodes import EnrollNode
from perennia.core.state import Enrollment, KnownContact

ROLES = "roles"
# Watched where a contact that joins, leaves or changes its roles could change something.
CONTACTS = "contacts"


def roles_in(traits: Mapping[str, Json]) -> tuple[str, ...]:
    """The roles that traits tell of; none where they tell nothing that could be names."""
    told = traits.get(ROLES)
    if isinstance(told, str):
        return (told,) if told else ()
    if not isinstance(told, list):
        return ()
    return tuple(dict.fromkeys(name for name in cast("list[object]", told) if isinstance(name, str) and name))


def tell_roles(run: Deliberation, changed: Mapping[str, Json]) -> None:
    """Tells the contact's account of roles that a step has changed; those told from outside it learns as they come in."""
    if ROLES in changed and run.state.kind == "contact":
        state = run.state
        roles = roles_in(state.facts.traits)
        run.tell(None, ContactChanged(at=run.instant, contact=state.customer, ref=state.facts.ref, roles=roles))


def tell_answers(run: Deliberation) -> None:
    """Tells the account that the contact has joined what it has answered before."""
    state = run.state
    latest = state.facts.answers.items()
    answers = {name: response.score for name, response in latest if response.score is not None}
    if answers:
        roles = roles_in(state.facts.traits)
        told = ContactChanged(at=run.instant, contact=state.customer, ref=state.facts.ref, roles=roles, answers=answers)
        run.tell(None, told)


def contact_changed(run: Deliberation, told: ContactChanged) -> None:
    """A contact joins its account, leaves it, or has other roles."""
    if run.state.kind != "account":
        return
    before = run.state.contacts.pop(told.contact, None)
    if told.roles is None:
        answers_taken_away(run, told.ref)
        return
    answers_brought(run, told)
    now = KnownContact(told.ref, told.roles)
    run.state.contacts[told.contact] = now
    for enrollment in run.in_order():
        for node in run.book_of(enrollment).welcoming:
            if _is_late_joiner(enrollment, node, before, now):
                welcome(run, enrollment, node, told.contact)


def _is_late_joiner(enrollment: Enrollment, node: EnrollNode, before: KnownContact | None, now: KnownContact) -> bool:
    """Whether the contact belongs to those whom the step enrolls only since now, and the step has been there."""
    to = node.audience
    if to is None or not enrollment.visits.get(node.id):
        return False
    return to.includes(now.roles) and not (before is not None and to.includes(before.roles))


def watches_contacts(run: Deliberation) -> bool:
    """Whether a contact that joins, leaves or changes its roles could change anything by that."""
    return any(
        enrollment.awaited or any(enrollment.visits.get(node.id) for node in run.book_of(enrollment).welcoming)
        for enrollment in run.state.enrollments
    )
