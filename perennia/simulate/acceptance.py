"""In which order a household's inputs were accepted, across its members.

The store numbers the inputs of each customer by itself. But an account hears of whatever its contacts do that concerns it:
the word of it has a number among the account's own inputs, and that is the contact's place among them. What no account
hears of may come at any place between, since nobody can tell.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypeAlias

from perennia.core.contacts import ROLES
from perennia.core.decisions import AccountTraitsChanged, ContactChanged, CustomerEvent, Input, TraitsChanged
from perennia.core.lives import Household, Life

# What an account hears of at an instant: an event by its name, that somebody is its contact with some roles, or is no more.
_Word: TypeAlias = tuple[datetime, str | bool]
# Behind everything that the account heard.
_LAST = float("inf")


def as_accepted(household: Household, inputs: Sequence[Sequence[Input]]) -> list[tuple[int, Input]]:
    """The inputs in the order of acceptance, each with the place in the household of whose it is.

    ``inputs``: of each of them everything, in its own order, what others told it included.
    """
    ordered = [(float(place), 0, each) for place, each in enumerate(inputs[0])]
    for number, life in enumerate(household[1:], start=1):
        places = _places(household[0], life, inputs[0], inputs[number])
        ordered += [(place, number, each) for place, each in zip(places, inputs[number], strict=True)]
    # A stable sort: at one place each contact's own order stays.
    return [(number, each) for _, number, each in sorted(ordered, key=lambda one: one[0])]


def _places(account: Life, contact: Life, heard: Sequence[Input], own: Sequence[Input]) -> list[float]:
    """Where among the account's inputs each of the contact's belongs; what it did not hear of, right before the next one."""
    words = _words_of(contact, heard)
    places: list[float] = []
    for said in _said(account, own):
        known = words.get(said) if said is not None else None
        places.append(known.popleft() if known else _LAST)
    for index in reversed(range(len(places) - 1)):
        places[index] = min(places[index], places[index + 1])
    return places


def _words_of(contact: Life, heard: Sequence[Input]) -> dict[_Word, deque[float]]:
    names = {contact.ref, *contact.names}
    found: dict[_Word, deque[float]] = defaultdict(deque)
    for place, each in enumerate(heard):
        if isinstance(each, ContactChanged) and each.contact == contact.id and not each.answers:
            found[each.at, each.roles is not None].append(float(place))
        elif isinstance(each, CustomerEvent) and each.properties.get("contact") in names:
            found[each.at, each.name].append(float(place))
    return found


def _said(account: Life, own: Sequence[Input]) -> Iterator[_Word | None]:
    """What the account heard of each of the contact's inputs."""
    is_member = False
    for each in own:
        match each:
            case AccountTraitsChanged():
                was_member, is_member = is_member, each.account == account.ref
                yield (each.at, is_member) if was_member != is_member else None
            case TraitsChanged() if is_member and ROLES in each.traits:
                yield each.at, True
            case CustomerEvent() if is_member:
                yield each.at, each.name
            case _:
                yield None
