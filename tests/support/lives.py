"""Short histories for tests of the core: YAML in, a customer who lives through events, the timeline out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias, cast

import msgspec
from pydantic import BaseModel
from ruamel.yaml import YAML

from perennia.core.advance import new_customer
from perennia.core.compiled import Catalog, compile_catalog
from perennia.core.decisions import (
    AccountTraitsChanged,
    Answer,
    CustomerEvent,
    EnrollmentOrder,
    EnrollOrder,
    Input,
    JournalEntry,
    SendEmail,
    StageOrder,
    SurveyAnswered,
    TraitsChanged,
)
from perennia.core.definitions import Health, Playbook, Policies, Scope, Segment, Survey, Track
from perennia.core.documents import Document, DocumentKind, PlaybookBody, content_hash
from perennia.core.json_values import Json, JsonObject
from perennia.core.playbook_orders import PlaybookOrder, PlaybookWord
from perennia.core.state import Enrollment
from perennia.simulate.outside import Answered
from perennia.simulate.timeline import Kind, happenings
from perennia.simulate.world import Act, World

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

Load: TypeAlias = Callable[[str], Iterable[dict[str, object] | None]]

TOPICS = """
policies: default
timezone: UTC
topics:
  tips: {kind: opt_out, name: Tips}
  news: {kind: opt_in, name: News}
"""


MODELS: dict[DocumentKind, type[BaseModel]] = {
    "track": Track,
    "segment": Segment,
    "health": Health,
    "survey": Survey,
    "policies": Policies,
}


class PlainText:
    """Renders nothing: titles stay as they are written."""

    def title(self, text: str, effect: Answered, policies: Policies) -> str:
        assert effect.context, policies
        return text

    def message(self, effect: SendEmail, policies: Policies) -> None:
        assert effect.context, policies


def documents(text: str) -> list[Document]:
    """The definitions of a YAML text, as documents that could be published."""
    load = cast("Load", YAML(typ="safe", pure=True).load_all)
    return [_document(each) for each in load(text) if each is not None]


def _document(parsed: dict[str, object]) -> Document:
    kind = cast("DocumentKind", next(iter(parsed)))
    if kind == "playbook":
        body = _playbook(parsed)
    else:
        body = MODELS[kind].model_validate(parsed).model_dump_json(by_alias=True, exclude_defaults=True)
    return Document(kind=kind, id=str(parsed[kind]), version=content_hash(body), body=body)


def _playbook(parsed: dict[str, object]) -> str:
    definition = Playbook.model_validate(parsed).model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return msgspec.json.encode(PlaybookBody(definition=definition, templates={})).decode()


def catalog_of(text: str, revision: str = "r1", policies: str = "") -> Catalog:
    """``policies``: what they say besides two topics."""
    return compile_catalog(revision, documents(f"{TOPICS}{policies}\n---\n{text}"))


def after(span: str) -> datetime:
    """``START`` plus ``1d``, ``2h``, ``1d2h30m``: exact days, UTC."""
    units = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    total, number = 0, ""
    for character in span:
        if character.isdigit():
            number += character
        else:
            total += int(number) * units[character]
            number = ""
    return START + timedelta(seconds=total)


class Life:
    """One customer under some definitions. Instants are spans from ``START``."""

    def __init__(
        self, text: str, *, kind: Scope = "contact", traits: JsonObject | None = None, policies: str = ""
    ) -> None:
        self.catalog = catalog_of(text, policies=policies)
        self._documents = documents(f"{TOPICS}{policies}\n---\n{text}")
        self._past: list[Document] = []
        self._orders: list[PlaybookOrder] = []
        self.world = World(self.catalog, new_customer("c1", kind, "ana", START), PlainText())
        told: dict[str, Json] = {"email": "ana@example.com"} if kind == "contact" else {}
        told.update(traits or {})
        self.put("0d", TraitsChanged(at=START, traits=told))

    def put(self, at: str, what: Input | Act) -> Life:
        self.world.at(after(at), what)
        return self

    def event(self, at: str, name: str, properties: JsonObject | None = None, own_time: str | None = None) -> Life:
        timestamp = None if own_time is None else after(own_time)
        return self.put(at, CustomerEvent(at=after(at), name=name, properties=properties or {}, timestamp=timestamp))

    def traits(self, at: str, **traits: Json) -> Life:
        return self.put(at, TraitsChanged(at=after(at), traits=traits))

    def account(self, at: str, **traits: Json) -> Life:
        return self.put(at, AccountTraitsChanged(at=after(at), account="acme", traits=traits))

    def answer(self, at: str, survey: str, score: float, comment: str | None = None) -> Life:
        return self.put(at, SurveyAnswered(at=after(at), survey=survey, score=score, comment=comment))

    def enroll(self, at: str, playbook: str, *, by_person: bool = True) -> Life:
        return self.put(at, EnrollOrder(at=after(at), playbook=playbook, by_person=by_person, by="kim"))

    def skip(self, at: str, playbook: str) -> Life:
        return self.put(at, EnrollmentOrder(at=after(at), order="skip", playbook=playbook, by="kim"))

    def pause(self, at: str, playbook: str) -> Life:
        return self.put(at, EnrollmentOrder(at=after(at), order="pause", playbook=playbook, by="kim"))

    def resume(self, at: str, playbook: str) -> Life:
        return self.put(at, EnrollmentOrder(at=after(at), order="resume", playbook=playbook, by="kim"))

    def end(self, at: str, playbook: str) -> Life:
        return self.put(at, EnrollmentOrder(at=after(at), order="end", playbook=playbook, by="kim"))

    def stage(self, at: str, track: str, stage: str) -> Life:
        return self.put(at, StageOrder(at=after(at), track=track, stage=stage, by="kim"))

    def done(self, at: str, step: str, result: str | None = None) -> Life:
        return self.put(at, lambda world: world.finish_task(after(at), step, result))

    def decide(self, at: str, step: str, decision: Answer) -> Life:
        return self.put(at, lambda world: world.answer(after(at), step, decision, None))

    def publish(self, at: str, text: str, mode: PlaybookWord | None = None, to: dict[str, str] | None = None) -> Life:
        """Publishes definitions in place of those of the same names; no mode is ``pin``."""
        drafts = [msgspec.structs.replace(each, published_at=after(at)) for each in documents(text)]
        replaced = {(each.kind, each.id) for each in drafts}
        self._past += [each for each in self._documents if each.kind == "playbook"]
        self._documents = [*(each for each in self._documents if (each.kind, each.id) not in replaced), *drafts]
        for each in drafts:
            if mode is not None and each.kind == "playbook":
                self._order(at, each.id, mode, each.version, to)
        return self._in_force(at)

    def for_all(self, at: str, word: PlaybookWord, playbook: str) -> Life:
        """Pauses or resumes a playbook as a whole."""
        self._order(at, playbook, word)
        return self._in_force(at)

    def _order(
        self, at: str, playbook: str, word: PlaybookWord, version: str | None = None, to: dict[str, str] | None = None
    ) -> None:
        number = len(self._orders) + 2
        order = PlaybookOrder(
            number=number, at=after(at), playbook=playbook, word=word, by="kim", version=version, map=to or {}
        )
        self._orders.append(order)

    def _in_force(self, at: str) -> Life:
        """Catalogs must be put in the order of their instants."""
        catalog = compile_catalog(f"r{at}", self._documents, self._past, self._orders)
        return self.put(at, lambda world: world.publish(after(at), catalog))

    def until(self, at: str) -> Life:
        self.world.run(after(at))
        return self

    @property
    def timeline(self) -> list[tuple[str, str]]:
        """``(span from START, what)`` of everything visible but entries, which are in `entries`."""
        found = happenings(self.world.journal, self.world.outside.texts)
        return [(_span(each.at), str(each)) for each in found if each.kind is not Kind.ENROLLED]

    @property
    def journal(self) -> list[JournalEntry]:
        return self.world.journal

    @property
    def refusals(self) -> list[tuple[str, str]]:
        return [(_span(each.at), each.code) for each in self.journal if each.act == "refused"]

    @property
    def entries(self) -> list[str]:
        return [_span(each.at) for each in self.journal if each.act == "entered"]

    @property
    def enrollment(self) -> Enrollment:
        (only,) = self.world.state.enrollments
        return only


def _span(at: datetime) -> str:
    seconds = int((at - START).total_seconds())
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        amount, seconds = divmod(seconds, size)
        if amount:
            parts.append(f"{amount}{unit}")
    return "".join(parts) or "0d"
