"""Whom a publish concerns: who must look at the new revision now, because nothing else would make them look in time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

import msgspec

from perennia.core.definitions import Scope
from perennia.core.documents import Document, PlaybookBody
from perennia.core.playbook_orders import PlaybookOrder

BOTH: tuple[Scope, ...] = ("account", "contact")
# Triggers whose instant each customer must know beforehand. Of the others an event, an entered stage or another playbook's
# end tells.
FORESEEN = frozenset({"when", "segment", "date", "schedule"})
# What policies say that spans, windows and schedules are read by: it may move anybody's next instant.
CLOCKS = frozenset({"timezone", "business_hours", "holidays"})
# What may let a held message go sooner, which only somebody in a playbook has. All else is read when a message leaves or is
# written, and not before.
HOLDS = frozenset({"quiet_hours", "caps", "survey_cooldown"})


class Reach(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``kinds``: every customer of these kinds. ``enrolled``: whoever is in one of these playbooks. ``anywhere``: in any."""

    kinds: tuple[Scope, ...] = ()
    enrolled: tuple[str, ...] = ()
    anywhere: bool = False

    @property
    def is_nobody(self) -> bool:
        return not self.kinds and not self.enrolled and not self.anywhere


EVERYBODY = Reach(kinds=BOTH)
NOBODY = Reach()


def reach_of(before: Iterable[Document], after: Iterable[Document], orders: Sequence[PlaybookOrder]) -> Reach:
    """Whom it concerns that the documents ``after`` take the place of ``before``, and what is ordered with that."""
    old, new = ({(each.kind, each.id): each for each in documents} for documents in (before, after))
    kinds: set[Scope] = set()
    anywhere = False
    for name in old.keys() | new.keys():
        one, other = old.get(name), new.get(name)
        if one is None or other is None or one.version != other.version:
            kinds.update(_kinds(one, other))
            anywhere |= name[0] == "policies" and _holds(one) != _holds(other)
    enrolled = {order.playbook for order in orders if order.word != "pause"}
    return Reach(kinds=tuple(sorted(kinds)), enrolled=tuple(sorted(enrolled)), anywhere=anywhere)


def _kinds(old: Document | None, new: Document | None) -> Iterator[Scope]:
    either = new or old
    match "template" if either is None else either.kind:
        case "template" | "survey":
            return  # playbooks are pinned to those they name
        case "playbook":
            if new is not None and _foreseen(new) not in ({}, None if old is None else _foreseen(old)):
                yield _scope(_definition(new))
        case "policies":
            if _said(old, CLOCKS) != _said(new, CLOCKS):
                yield "account"
                yield "contact"
        case "track" if new is None:
            return  # nobody moves in what is gone
        case _:
            for each in (old, new):
                if each is not None:
                    yield _scope(_parsed(each))


def _foreseen(document: Document) -> Mapping[str, object]:
    """What a playbook says of entries that a customer must see coming; empty where it has none of those."""
    enter = cast("dict[str, object]", _definition(document).get("enter") or {})
    triggers = [each for each in cast("list[dict[str, object]]", enter.get("on") or []) if FORESEEN & each.keys()]
    if not triggers:
        return {}
    return {"scope": _scope(_definition(document)), **enter, "on": triggers}


def _holds(document: Document | None) -> dict[str, object]:
    """What a message may be held by, the digests of topics included."""
    topics = cast("dict[str, dict[str, object]]", _said(document, frozenset({"topics"})).get("topics") or {})
    digests = {name: topic["digest"] for name, topic in topics.items() if topic.get("digest") is not None}
    return _said(document, HOLDS) | {"digests": digests}


def _said(document: Document | None, keys: frozenset[str]) -> dict[str, object]:
    said = {} if document is None else _parsed(document)
    return {key: value for key, value in said.items() if key in keys}


def _definition(document: Document) -> dict[str, object]:
    return msgspec.json.decode(document.body, type=PlaybookBody).definition


def _parsed(document: Document) -> dict[str, object]:
    return cast("dict[str, object]", json.loads(document.body))


def _scope(definition: Mapping[str, object]) -> Scope:
    return "account" if definition.get("scope") == "account" else "contact"
