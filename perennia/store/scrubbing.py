"""Overwriting what one customer's rows say of another who was erased: an account of its contact, a contact of its account.

What happened and when stays, since the account counts it; who it was does not. The erased one's outside id becomes the one
that its empty row has, which leads nowhere. Addresses and names are overwritten as words inside texts, in everything that
came from outside or was made of it; ids of playbooks, steps and the like stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import Column, Connection, and_, select, update

from perennia.core.json_values import Json, JsonObject
from perennia.store.bodies import body, object_of
from perennia.store.crm_tables import crm_notes
from perennia.store.customer_ids import kind_of
from perennia.store.desk_tables import task_notes
from perennia.store.tables import customers, deliveries, effects, inputs, journal, tasks

BLANK: Final = "[erased]"
# Of inputs, effects and journal entries: what holds values from outside. All else is ids, codes and instants.
_VALUES: Final = frozenset(
    {"answers", "body", "comment", "context", "customer", "detail", "enter", "evidence", "fields", "headers", "payload"}
    | {"properties", "question", "result", "steps", "text", "title", "url", "values"}
)
# Of an enrollment: what may name people.
_OF_RUN: Final = ("enter", "steps", "awaited", "errand", "key")
# Of what a step left: words of the language.
_CODES: Final = frozenset({"outcome", "reason", "variant"})


@dataclass(frozen=True)
class Traces:
    """By what somebody is known. ``refs``: outside ids; ``addresses`` and ``names`` (of three letters or more): words."""

    customer: str
    refs: frozenset[str]
    addresses: frozenset[str]
    names: frozenset[str]

    @property
    def is_account(self) -> bool:
        return kind_of(self.customer) == "account"

    @property
    def ref(self) -> str:
        """What they are called from here on."""
        return f"erased:{self.customer}"


class Scrubber:
    """``traces`` of whoever is erased; each method returns the value without them."""

    def __init__(self, traces: Traces) -> None:
        self._traces = traces
        self._addresses = _pattern(traces.addresses)
        self._words = _pattern(traces.addresses, traces.names)

    def text(self, text: str) -> str:
        if text in self._traces.refs:
            return self._traces.ref
        return text if self._words is None else self._words.sub(BLANK, text)

    def value(self, value: Json) -> Json:
        match value:
            case str():
                return self.text(value)
            case list():
                return [self.value(each) for each in cast("list[Json]", value)]
            case dict():
                found = cast("JsonObject", value).items()
                return {self.ref(key): each if key in _CODES else self.value(each) for key, each in found}
            case _:
                return value

    def ref(self, text: str) -> str:
        return self._traces.ref if text in self._traces.refs else text

    def record(self, record: JsonObject) -> JsonObject:
        """An input, an effect, an entry of the journal. Of an event of theirs nothing stays but that it happened."""
        properties = record.get("properties")
        is_event = record.get("type") == "event" and isinstance(properties, dict)
        if is_event and cast("JsonObject", properties).get("contact") in self._traces.refs:
            told: JsonObject = {"contact": self._traces.ref}
            return {**record, "properties": told}
        if record.get("type") == "account_traits" and record.get("account") in self._traces.refs:
            kept = {key: each for key, each in record.items() if key in ("type", "at", "seq")}
            return kept | {"account": self._traces.ref, "traits": {}}
        if record.get("type") == "answer" and record.get("contact") in self._traces.refs:
            record = {key: each for key, each in record.items() if key not in ("comment", "answers")}
        return {key: self._part(key, each) for key, each in record.items()}

    def _part(self, key: str, value: Json) -> Json:
        match key:
            case "context" if isinstance(value, dict):
                return self._context(value)
            case "evidence" if isinstance(value, list):
                return [self._evidence(_object(each)) for each in value]
            case "contact" | "ref" | "account" if isinstance(value, str):
                return self.ref(value)
            case "traits":
                return self.told(value)
            case _:
                return self.value(value) if key in _VALUES else value

    def _context(self, context: JsonObject) -> Json:
        """What a message was made of: nothing of an account that is erased."""
        told = dict(context)
        if _object(context.get("account")).get("id") in self._traces.refs:
            told["account"] = {}
        return self.value(told)

    def _evidence(self, evidence: JsonObject) -> Json:
        """What an expression saw. Which account it was is not told there: an erased one's contacts keep no such values."""
        seen = _object(evidence.get("values"))
        if self._traces.is_account:
            seen = {name: BLANK if name.split(".")[0] == "account" else each for name, each in seen.items()}
        parts = [self._evidence(_object(each)) for each in cast("list[Json]", evidence.get("parts") or [])]
        told: JsonObject = {name: self.value(each) for name, each in evidence.items()}
        if seen:
            told["values"] = self.value(seen)
        if parts:
            told["parts"] = parts
        return told

    def told(self, value: Json) -> Json:
        """Traits of somebody else: only an address is certainly the erased one's."""
        match value:
            case str() if self._addresses is not None:
                return self._addresses.sub(BLANK, value)
            case list():
                return [self.told(each) for each in cast("list[Json]", value)]
            case dict():
                return {key: self.told(each) for key, each in cast("JsonObject", value).items()}
            case _:
                return value

    def state(self, state: JsonObject) -> JsonObject:
        """A customer's state: enrollments, answers, contacts and past keys name people."""
        facts = _object(state.get("facts"))
        facts |= {"traits": self.told(facts.get("traits", {})), "answers": self.value(facts.get("answers", {}))}
        scrubbed: JsonObject = {**state, "facts": facts}
        for key, scrub in (("enrollments", self._enrollments), ("past", self.value), ("late_tasks", self.value)):
            if key in state:
                scrubbed[key] = scrub(state[key])
        if "contacts" in state:
            scrubbed["contacts"] = {id_: self._contact(known) for id_, known in _object(state["contacts"]).items()}
        return scrubbed

    def _contact(self, known: Json) -> Json:
        return _object(known) | {"ref": self.ref(str(_object(known).get("ref", "")))}

    def _enrollments(self, enrollments: Json) -> Json:
        found = cast("list[JsonObject]", enrollments)
        return [each | {part: self._run(part, each[part]) for part in _OF_RUN if part in each} for each in found]

    def _run(self, part: str, value: Json) -> Json:
        if part == "errand" and isinstance(value, dict):
            return value | {"values": self.value(value.get("values", {}))}
        return self.value(value)


def _pattern(addresses: frozenset[str], names: frozenset[str] = frozenset()) -> re.Pattern[str] | None:
    """The words where they stand for themselves, the longest first; addresses however they are written."""
    words = {address: f"(?i:{re.escape(address)})" for address in addresses}
    words |= {name: re.escape(name) for name in names}
    found = "|".join(words[word] for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{found})(?!\w)") if found else None


def _object(value: Json) -> JsonObject:
    return dict(value) if isinstance(value, dict) else {}


def scrub(connection: Connection, other: str, traces: Traces) -> None:
    """Everything that is held of the customer ``other`` (internal id, its row locked)."""
    scrubber = Scrubber(traces)
    of_other = (
        (inputs.c.body, inputs.c.customer, (inputs.c.customer, inputs.c.seq), _of_json(scrubber.record)),
        (journal.c.body, journal.c.customer, (journal.c.id,), _of_json(scrubber.record)),
        (effects.c.body, effects.c.customer, (effects.c.key,), _of_json(scrubber.record)),
        (customers.c.state, customers.c.id, (customers.c.id,), _of_json(scrubber.state)),
        *((column, tasks.c.customer, (tasks.c.key,), scrubber.text) for column in _TASK_TEXTS),
        (task_notes.c.text, task_notes.c.customer, (task_notes.c.id,), scrubber.text),
        (deliveries.c.target, deliveries.c.customer, (deliveries.c.key,), scrubber.text),
        (deliveries.c.said, deliveries.c.customer, (deliveries.c.key,), _of_json(_all_of(scrubber))),
    )
    for column, owner, key, change in of_other:
        _overwrite(connection, column, owner == other, key, change)


def scrub_notes(connection: Connection, traces: Traces) -> None:
    """What is noted of the CRM's last run names customers whom it refused."""
    scrubber = Scrubber(traces)
    is_report = crm_notes.c.value.startswith("{")
    _overwrite(
        connection, crm_notes.c.value, is_report, (crm_notes.c.crm, crm_notes.c.name), _of_json(_all_of(scrubber))
    )


_TASK_TEXTS: Final = (tasks.c.title, tasks.c.body, tasks.c.result)


def _of_json(change: Callable[[JsonObject], JsonObject]) -> Callable[[str], str]:
    return lambda text: body(change(object_of(text)))


def _all_of(scrubber: Scrubber) -> Callable[[JsonObject], JsonObject]:
    return lambda said: _object(scrubber.value(said))


def _overwrite(
    connection: Connection,
    column: Column[Any],
    is_theirs: Any,
    key: tuple[Column[Any], ...],
    change: Callable[[str], str],
) -> None:
    found = connection.execute(select(column, *key).where(is_theirs, column.is_not(None))).all()
    for text, *values in found:
        changed = change(text)
        if changed != text:
            is_it = and_(*(each == value for each, value in zip(key, values, strict=True)))
            connection.execute(update(column.table).where(is_it).values({column.key: changed}))
