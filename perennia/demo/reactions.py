"""What the company's customers do when a mail reaches them. Pure: the mail and the person in, what follows out."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from perennia.core.json_values import JsonObject
from perennia.demo.company import Contact, Doing, Persona

# A phrase of the subject tells the mails apart, as it does for people. A test holds them to the shipped templates.
STUCK: Final = "Can I help you get started"
CHECK_IN: Final = "How is it going"
OFFER: Final = "Can I help you with anything"
ASK: Final = "Would you write a short review"
REMINDER: Final = "A quick reminder"
TIP: Final = "Your report could send itself"
FILM: Final = "How to schedule a report, in 70 seconds"

PATIENCE: Final = 0  # mails that an unsubscriber lets pass before saying no


@dataclass(frozen=True)
class Reaction:
    """``doings`` count from the moment of reading; ``traits`` change then; ``unsubscribes`` uses the one-click link."""

    doings: Sequence[Doing] = ()
    traits: JsonObject | None = None
    unsubscribes: bool = False


def react(contact: Contact, subject: str, mails_before: int, seed: int) -> Reaction:
    """What this person does about this mail; nothing, mostly. The same mail moves the same person the same way."""
    chance = random.Random(f"{seed}:{contact.id}:{subject}")  # noqa: S311 - people, not secrets
    if contact.persona is Persona.UNSUBSCRIBER:
        return Reaction(unsubscribes=mails_before >= PATIENCE)
    if STUCK in subject and contact.persona is Persona.STALLED and chance.random() < 0.45:
        return _gets_going(chance)
    if CHECK_IN in subject and chance.random() < 0.4:
        return Reaction(_comes_back(chance, weeks=3))
    if OFFER in subject:
        return _answers_the_offer(chance)
    if (TIP in subject and chance.random() < 0.4) or (FILM in subject and chance.random() < 0.4):
        return Reaction([_after(day, "Report Scheduled") for day in (0.1, chance.uniform(1, 6), chance.uniform(6, 12))])
    if (ASK in subject and chance.random() < 0.5) or (REMINDER in subject and chance.random() < 0.5):
        return Reaction([_after(chance.uniform(0.2, 3), "Review Posted")])
    return Reaction()


def _gets_going(chance: random.Random) -> Reaction:
    first = chance.uniform(0.1, 1)
    shared = first + chance.uniform(0.5, 6)
    return Reaction([
        _after(first, "Logged In"),
        _after(first + 0.05, "First Project Created"),
        _after(shared, "First Report Shared"),
        *_comes_back(chance, weeks=4),
    ])  # fmt: skip


def _answers_the_offer(chance: random.Random) -> Reaction:
    lot = chance.random()
    if lot < 0.35:
        return Reaction(_comes_back(chance, weeks=2))
    if lot < 0.6:
        return Reaction(traits={"status": "churned"})
    return Reaction()


def _comes_back(chance: random.Random, weeks: int) -> list[Doing]:
    return [_after(day + chance.uniform(0, 1), "Logged In") for day in range(1, weeks * 7, 2)]


def _after(days: float, event: str) -> Doing:
    return Doing(timedelta(days=days), event)
