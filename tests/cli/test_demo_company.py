"""The simulated company is the same people every time, and knows the shipped playbooks' words."""

from __future__ import annotations

from pathlib import Path

import pytest

from perennia.catalog import load_workspace
from perennia.core.definitions import EventTrigger
from perennia.demo import reactions
from perennia.demo.company import Contact, Persona, found_company
from perennia.demo.reactions import react
from perennia.shipped import shipped_workspace


def someone(persona: Persona) -> Contact:
    return next(contact for contact in found_company(50, 60, 7) if contact.persona is persona)


def test_the_same_seed_founds_the_same_company() -> None:
    assert found_company(50, 60, 7) == found_company(50, 60, 7)


def test_another_seed_founds_another_company() -> None:
    assert found_company(50, 60, 7) != found_company(50, 60, 8)


def test_fifty_people_work_at_twelve_accounts() -> None:
    company = found_company(50, 60, 7)
    assert (len({contact.id for contact in company}), len({contact.account.id for contact in company})) == (50, 12)


def test_nobody_shares_an_address() -> None:
    assert len({contact.email for contact in found_company(400, 60, 7)}) == 400


def test_every_persona_is_there() -> None:
    assert {contact.persona for contact in found_company(50, 60, 7)} == set(Persona)


def test_everybody_first_opens_an_account_or_joins_one_that_is_live() -> None:
    company = found_company(50, 60, 7)
    assert {(contact.account.live, contact.doings[0].event) for contact in company} == {
        (False, "Account Created"),
        (True, "User Added"),
    }


def test_every_playbook_for_contacts_that_only_events_enter_is_entered_by_one_that_happens() -> None:
    playbooks = [book for book in load_workspace(shipped_workspace()).playbooks.values() if book.scope == "contact"]
    triggers = [
        book.enter.on
        for book in playbooks
        if book.enter.on and all(isinstance(each, EventTrigger) for each in book.enter.on)
    ]
    entering = [{trigger.event for trigger in each if isinstance(trigger, EventTrigger)} for each in triggers]
    happening = {doing.event for contact in found_company(50, 60, 7) for doing in contact.doings}
    assert [events for events in entering if not events & happening] == []


@pytest.mark.parametrize(
    "phrase",
    [
        *(reactions.STUCK, reactions.CHECK_IN, reactions.OFFER, reactions.ASK, reactions.REMINDER),
        *(reactions.TIP, reactions.FILM),
    ],
)
def test_each_mail_that_moves_somebody_is_one_of_the_shipped_templates(phrase: str) -> None:
    templates = Path(shipped_workspace() / "templates").rglob("*.md")
    assert any(phrase in template.read_text(encoding="utf-8") for template in templates)


def test_an_unsubscriber_says_no_to_the_first_mail() -> None:
    assert react(someone(Persona.UNSUBSCRIBER), "Welcome", 0, 7).unsubscribes


def test_the_same_mail_moves_the_same_person_the_same_way() -> None:
    contact = someone(Persona.DROP_OUT)
    assert react(contact, reactions.OFFER, 2, 7) == react(contact, reactions.OFFER, 2, 7)


def test_a_mail_without_an_ask_moves_nobody() -> None:
    assert react(someone(Persona.ACTIVATOR), "Where you stand after two weeks", 3, 7) == reactions.Reaction()
