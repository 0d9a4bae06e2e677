"""Who is responsible for a customer: the ``owner`` trait of the account, else the customer's own."""

from __future__ import annotations

from typing import NamedTuple

from perennia.core.facts import Facts
from perennia.core.json_values import Json, JsonObject
from perennia.core.outward_definitions import ROLE


class Owner(NamedTuple):
    """``id`` is what tasks are assigned to; ``email`` where internal mail goes, None where nobody told us."""

    id: str
    email: str | None
    name: str | None

    def described(self) -> JsonObject:
        return {"id": self.id, "email": self.email, "name": self.name}


def owner_of(facts: Facts) -> Owner | None:
    """The account's owner, else the customer's own; None without one. The trait is an id or address, or an object of both."""
    from_account = None if facts.account is None else _owner(facts.account.get("owner"))
    return from_account or _owner(facts.traits.get("owner"))


def person_of(facts: Facts, asked: str | None) -> str | None:
    """Who is meant by ``owner``, by ``role:NAME``, or by a person's own id. None: nobody, or nobody was found.

    A role's holder stands in the trait ``team`` of the account, else in the customer's own: ``{csm: kim, sales: {id: sam}}``.
    """
    if asked == "owner":
        owner = owner_of(facts)
        return None if owner is None else owner.id
    if asked is None or not asked.startswith(ROLE):
        return asked
    for traits in (facts.account or {}, facts.traits):
        team = traits.get("team")
        found = _owner(team.get(asked.removeprefix(ROLE))) if isinstance(team, dict) else None
        if found is not None:
            return found.id
    return None


def _owner(told: Json) -> Owner | None:
    match told:
        case str() if told:
            return Owner(id=told, email=told if "@" in told else None, name=None)
        case dict():
            email, name = told.get("email"), told.get("name")
            id_ = told.get("id") or email
            if not isinstance(id_, str | int):
                return None
            return Owner(str(id_), email if isinstance(email, str) else None, name if isinstance(name, str) else None)
        case _:
            return None
