"""The simulated company: who its customers are and what they would do, drawn once from a seed. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final

from perennia.core.json_values import Json, JsonObject

CONTACTS_AN_ACCOUNT: Final = 4.2
_COMPANIES: Final = (
    *(
        "Alder Freight",
        "Bluebird Dental",
        "Cobalt Foods",
        "Dunes Travel",
        "Everly Press",
        "Fjord Energy",
        "Granite Legal",
    ),
    *(
        "Harbor Clinics",
        "Indigo Schools",
        "Juniper Homes",
        "Kestrel Air",
        "Lumen Optics",
        "Mosaic Tiles",
        "Northgate Bank",
    ),
)
_FIRST_NAMES: Final = (
    *(
        "Ana",
        "Ben",
        "Chloe",
        "Dario",
        "Elif",
        "Farid",
        "Greta",
        "Hugo",
        "Ines",
        "Jonas",
        "Katya",
        "Luis",
        "Mina",
        "Nils",
    ),
    *("Olga", "Pablo", "Quinn", "Rosa", "Samir", "Tessa", "Uwe", "Vera", "Wim", "Xenia", "Yusuf", "Zoe"),
)
_LAST_NAMES: Final = ("Abel", "Brandt", "Costa", "Dahl", "Egger", "Ferri", "Gomez", "Haas", "Iversen", "Jung", "Keller")
_ZONES: Final = (
    "Europe/Berlin",
    "Europe/Madrid",
    "Europe/London",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Tokyo",
)


class Persona(StrEnum):
    """What kind of customer somebody is. The order is the one in which a company of any size gets them."""

    ACTIVATOR = "activator"  # finds the way alone, and stays
    STALLED = "stalled"  # opens an account and gets no further, unless a mail helps
    POWER_USER = "power user"  # is there every working day and passes results on
    DROP_OUT = "drop-out"  # starts well and stops
    UNSUBSCRIBER = "unsubscriber"  # uses it, and wants no mail


_MIX: Final = (
    *(Persona.ACTIVATOR, Persona.POWER_USER, Persona.STALLED, Persona.DROP_OUT, Persona.ACTIVATOR),
    *(Persona.STALLED, Persona.POWER_USER, Persona.DROP_OUT, Persona.UNSUBSCRIBER, Persona.STALLED),
)


@dataclass(frozen=True)
class Doing:
    """Something a contact does ``after`` the demo's beginning."""

    after: timedelta
    event: str
    properties: JsonObject = field(default_factory=dict[str, Json])


@dataclass(frozen=True)
class Account:
    id: str
    name: str
    plan: str
    seats: int
    needs_implementation: bool
    use_case: str
    live: bool  # works with us already when the demo begins: who joins it joins colleagues


@dataclass(frozen=True)
class Contact:
    """``doings`` are those that no mail has a part in, in order of their times; the first one is the beginning."""

    id: str
    first_name: str
    last_name: str
    email: str
    timezone: str
    persona: Persona
    account: Account
    joins: timedelta
    doings: tuple[Doing, ...]

    def traits(self) -> JsonObject:
        return {
            "email": self.email,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "timezone": self.timezone,
            "plan": self.account.plan,
            "seats": self.account.seats,
            "use_case": self.account.use_case,
            "status": "active",
        }


def found_company(customers: int, days: int, seed: int) -> tuple[Contact, ...]:
    """``customers`` contacts in about a quarter as many accounts, who join in the first third of ``days``.

    The same numbers give the same people with the same days.
    """
    chance = random.Random(seed)  # noqa: S311 - people, not secrets
    accounts = [_account(chance, number) for number in range(max(1, round(customers / CONTACTS_AN_ACCOUNT)))]
    opening = [chance.uniform(0, days / 4) for _ in accounts]
    contacts: list[Contact] = []
    for number in range(customers):
        index = number % len(accounts)
        late = 0.0 if number < len(accounts) else chance.uniform(0, days / 10)  # the first of an account opens it
        persona = _MIX[number % len(_MIX)]
        contacts.append(_contact(chance, number, accounts[index], persona, opening[index] + late, days))
    return tuple(contacts)


def _account(chance: random.Random, number: int) -> Account:
    name = _COMPANIES[number % len(_COMPANIES)]
    name = name if number < len(_COMPANIES) else f"{name} {number // len(_COMPANIES) + 1}"
    plan = chance.choice(("free", "pro", "pro", "pro", "team", "team"))
    seats, needs_implementation = chance.choice((3, 5, 8, 12, 25, 40)), chance.random() < 0.3
    return Account(
        id=name.lower().replace(" ", "-"),
        name=name,
        plan=plan,
        seats=seats,
        needs_implementation=needs_implementation,
        use_case=("finance", "sales", "operations")[number % 3],
        live=number % 4 == 3,
    )


def _contact(
    chance: random.Random, number: int, account: Account, persona: Persona, join_day: float, days: int
) -> Contact:
    first = _FIRST_NAMES[number % len(_FIRST_NAMES)]
    last = _LAST_NAMES[number % len(_LAST_NAMES)]
    name = f"{first}.{last}{number // len(_FIRST_NAMES) or ''}".lower()
    doings = sorted(_days(chance, persona, join_day, days, live=account.live), key=lambda doing: doing.after)
    return Contact(
        id=name.replace(".", "-"),
        first_name=first,
        last_name=last,
        email=f"{name}@{account.id}.example",
        timezone=chance.choice(_ZONES),
        persona=persona,
        account=account,
        joins=timedelta(days=join_day),
        doings=tuple(doings),
    )


def _days(chance: random.Random, persona: Persona, join: float, days: int, *, live: bool) -> Iterator[Doing]:
    """All that somebody does, mails or not. Days are fractions of days from the beginning."""
    begin = "User Added" if live else "Account Created"
    yield _at(join, begin, {"source": chance.choice(("website", "partner", "invitation"))})
    match persona:
        case Persona.ACTIVATOR | Persona.UNSUBSCRIBER:
            yield from _first_steps(chance, join, at_once=persona is Persona.ACTIVATOR)
            yield from _logins(chance, join, days, a_week=4)
            yield from _reports(chance, join + 6, days, every=6)
            if persona is Persona.UNSUBSCRIBER:
                yield from _complaint(join + 15)
        case Persona.POWER_USER:
            yield from _first_steps(chance, join)
            yield from _logins(chance, join, days, a_week=6.5)
            yield from _reports(chance, join + 4, days, every=1.8)
        case Persona.STALLED:
            yield _at(join + 0.02, "Logged In")
            yield _at(join + chance.uniform(1, 2), "Logged In")
        case Persona.DROP_OUT:
            yield from _first_steps(chance, join)
            yield from _logins(chance, join, join + chance.uniform(8, 14), a_week=4)


def _first_steps(chance: random.Random, join: float, *, at_once: bool = True) -> Iterator[Doing]:
    """The way to the first shared report; ``at_once`` False: not before the first mail has been read."""
    project = join + chance.uniform(0.1 if at_once else 1, 3)
    yield _at(project, "First Project Created", {"template": chance.choice(("blank", "sales", "finance"))})
    yield _at(
        project + chance.uniform(0.5, 9), "First Report Shared", {"title": chance.choice(("Apollo", "Q3", "Team"))}
    )


def _logins(chance: random.Random, join: float, until: float, a_week: float) -> Iterator[Doing]:
    day = join + 0.02
    while day < until:
        yield _at(day, "Logged In")
        day += chance.expovariate(a_week / 7) * 0.6 + 0.4 * 7 / a_week  # regular, but nobody is a machine


def _reports(chance: random.Random, first: float, until: float, every: float) -> Iterator[Doing]:
    day = first
    while day < until:
        yield _at(day, "Report Shared", {"readers": chance.randint(1, 12)})
        day += chance.uniform(0.5, 1.5) * every


def _complaint(day: float) -> Iterator[Doing]:
    """One that is resolved within a day and a half."""
    ticket: JsonObject = {"ticket": f"T-{1000 + int(day * 10)}", "subject": "A report shows last week's numbers"}
    yield _at(day, "Complaint Raised", ticket)
    yield _at(day + 1.4, "Complaint Resolved", ticket)


def _at(day: float, event: str, properties: JsonObject | None = None) -> Doing:
    return Doing(timedelta(days=day), event, properties or {})
