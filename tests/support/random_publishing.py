"""Hypothesis strategies for what is published one after another while a customer lives on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

import msgspec
from hypothesis import note
from hypothesis import strategies as st

from perennia.core.compiled import Catalog, compile_catalog
from perennia.core.definitions import Playbook
from perennia.core.documents import Document, PlaybookBody
from perennia.core.playbook_orders import PlaybookOrder, PlaybookWord
from perennia.core.step_ids import place_steps
from tests.support.lives import START, documents
from tests.support.random_lives import SEGMENTS, Shape, document_of, drafts, playbooks, tracks

# The first is in force from the beginning.
Publications: TypeAlias = Sequence[tuple[datetime, Catalog]]

FOR_ALL: tuple[PlaybookWord, ...] = ("pause", "pause", "resume", "skip")
AFTER_A_PAUSE: tuple[PlaybookWord, ...] = ("pause", "resume", "resume", "skip")


@st.composite
def publications(draw: st.DrawFn, days: int = 5, most: int = 4, shape: Shape = "any") -> Publications:
    """A workspace, and one to ``most`` changes to it: every way to publish, and orders for everybody in a playbook."""
    workspace = Workspace(draw(drafts(shape=shape)))
    # Half minutes: nothing else happens at them.
    minutes = draw(st.lists(st.integers(1, days * 1440), min_size=1, max_size=most, unique=True))
    found = [(START, workspace.compiled())]
    for minute in sorted(minutes):
        workspace.at = START + timedelta(minutes=minute, seconds=30)
        workspace.number += 1
        draw(_change(workspace, shape))
        note(f"{workspace.at}: {workspace.current} {workspace.orders}")
        found.append((workspace.at, workspace.compiled()))
    return found


class Workspace:
    """What is published, was before, and was ordered so far."""

    def __init__(self, current: list[Document]) -> None:
        self.current = current
        self.past: list[Document] = []
        self.orders: list[PlaybookOrder] = []
        self.at = START
        self.number = 1

    def compiled(self) -> Catalog:
        return compile_catalog(f"r{self.number}", self.current, self.past, self.orders)

    def books(self) -> list[str]:
        return [each.id for each in self.current if each.kind == "playbook"]

    def is_paused(self, id_: str) -> bool:
        words = [order.word for order in self.orders if order.playbook == id_ and order.word in FOR_ALL]
        return words[-1:] == ["pause"]

    def steps_of(self, id_: str) -> list[str]:
        body = next(each.body for each in self.current if (each.kind, each.id) == ("playbook", id_))
        definition = msgspec.json.decode(body, type=PlaybookBody).definition
        return [placed.id for placed in place_steps(Playbook.model_validate(definition))]

    def replace(self, new: Document) -> None:
        dated = msgspec.structs.replace(new, published_at=self.at)
        self.past += [each for each in self.current if _name(each) == _name(new) and each.kind == "playbook"]
        self.current = [*(each for each in self.current if _name(each) != _name(new)), dated]

    def order(
        self, id_: str, word: PlaybookWord, version: str | None = None, map_: dict[str, str] | None = None
    ) -> None:
        order = PlaybookOrder(
            number=self.number, at=self.at, playbook=id_, word=word, by="kim", version=version, map=map_ or {}
        )
        self.orders.append(order)


def _name(document: Document) -> tuple[str, str]:
    return document.kind, document.id


@st.composite
def _change(draw: st.DrawFn, workspace: Workspace, shape: Shape) -> None:
    id_ = draw(st.sampled_from(workspace.books()))
    version = f"v{workspace.number}"
    match draw(st.sampled_from(["pin", "migrate", "migrate", "exit", "for all", "for all", "track", "segment"])):
        case "pin":
            workspace.replace(document_of(draw(playbooks(id_=id_, shape=shape)), version))
        case "migrate":
            before = workspace.steps_of(id_)
            workspace.replace(document_of(draw(playbooks(id_=id_, shape=shape)), version))
            after = workspace.steps_of(id_)
            map_ = draw(st.dictionaries(st.sampled_from(before), st.sampled_from(after), max_size=2))
            workspace.order(id_, "migrate", version, map_)
        case "exit":
            workspace.replace(document_of(draw(playbooks(id_=id_, shape=shape)), version))
            workspace.order(id_, "exit", version)
        case "for all":
            words = AFTER_A_PAUSE if workspace.is_paused(id_) else FOR_ALL
            workspace.order(id_, draw(st.sampled_from(words)))
        case "track":
            body = draw(tracks()).model_dump_json(by_alias=True)
            workspace.replace(Document(kind="track", id="t", version=version, body=body))
        case _:
            (segment,) = documents(draw(st.sampled_from(SEGMENTS)))
            workspace.replace(segment)
