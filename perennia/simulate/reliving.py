"""What customers lived through, lived through again with a draft: what it would have decided. Nothing is touched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain

import msgspec

from perennia.core.advance import new_customer
from perennia.core.compiled import Catalog, compile_catalog
from perennia.core.decisions import (
    AccountTraitsChanged,
    ContactChanged,
    CustomerEvent,
    EffectEnded,
    EnrollOrder,
    ErrandCancelled,
    ErrandEnded,
    ErrandGiven,
    ErrandWarranted,
    Input,
    Recollection,
    SurveyAnswered,
)
from perennia.core.definitions import EmitStep, EnrollStep, Playbook, PlaybookTrigger
from perennia.core.documents import Document, PlaybookBody
from perennia.core.lateness import BEHIND, STUCK
from perennia.core.lives import Household, Life
from perennia.core.state import CustomerState, LedgerEntry
from perennia.core.step_ids import place_steps
from perennia.simulate.acceptance import as_accepted
from perennia.simulate.outside import Rendering
from perennia.simulate.surroundings import surroundings_of
from perennia.simulate.world import World

_input_of = msgspec.json.Decoder(Input).decode

# What customers tell each other, and how effects ended: the second life says so itself. Contacts who belong to another account
# by now are lived through there; the former one's second life goes on without them.
_SAID_AGAIN = (ContactChanged, EffectEnded, ErrandGiven, ErrandCancelled, ErrandWarranted, ErrandEnded, Recollection)


@dataclass(frozen=True)
class Draft:
    """A playbook as if it had been published at ``since``, with those that it names and all but playbooks of a workspace.

    ``before``: the same without playbooks. ``raises``: events that its steps and tracks raise by themselves.
    """

    playbook: str
    version: str
    before: Catalog
    catalog: Catalog
    raises: frozenset[str]
    since: datetime
    until: datetime
    rendering: Rendering


def draft_of(
    documents: Sequence[Document],
    playbook: str,
    since: datetime,
    until: datetime,
    rendering: Rendering,
    *,
    everything: bool = False,
) -> Draft:
    """Raises `KeyError` where no such playbook is among the documents.

    ``everything``: also tracks and health scores that cannot matter to the playbook.
    """
    books = {each.id: _definition(each) for each in documents if each.kind == "playbook"}
    wanted = _named_by(playbook, books)
    published = [
        msgspec.structs.replace(each, published_at=since)
        for each in documents
        if each.kind == "playbook" and each.id in wanted
    ]
    others = [each for each in documents if each.kind != "playbook"]
    if not everything:
        others = surroundings_of(published, others)
    catalog = compile_catalog("draft", [*others, *published])
    return Draft(
        playbook=playbook,
        version=catalog.playbooks[playbook].version,
        before=compile_catalog("before", others),
        catalog=catalog,
        raises=frozenset(_raised(catalog, [books[name] for name in wanted])),
        since=since,
        until=until,
        rendering=rendering,
    )


def _definition(document: Document) -> Playbook:
    return Playbook.model_validate(msgspec.json.decode(document.body, type=PlaybookBody).definition)


def _named_by(playbook: str, books: Mapping[str, Playbook]) -> frozenset[str]:
    """The playbook, those that it enrolls in, those whose end starts it, and what these name."""
    found: set[str] = set()
    open_ = [playbook]
    while open_:
        name = open_.pop()
        if name in found or (name not in books and name != playbook):
            continue
        found.add(name)
        book = books[name]
        open_ += [placed.step.enroll for placed in place_steps(book) if isinstance(placed.step, EnrollStep)]
        open_ += [ended for each in book.enter.on if isinstance(each, PlaybookTrigger) for ended in each.playbook]
    return frozenset(found)


def _raised(catalog: Catalog, books: Iterable[Playbook]) -> Iterator[str]:
    if catalog.tracks:
        yield from (BEHIND, STUCK)
    for book in books:
        yield from (placed.step.emit for placed in place_steps(book) if isinstance(placed.step, EmitStep))


def relive(draft: Draft, household: Household) -> World:
    """The world after everything that the household lived through, up to and with the draft's end.

    Messages leave and tasks are opened at the instant of their release. What people did about those of the past (answered,
    clicked, finished) happens again where the draft sends the same step's message to the same enrollment.
    """
    lived = [_Lived(draft, life, household) for life in household]
    known = min(each.begin for each in lived) < draft.since
    head = lived[0]
    world = World(draft.before if known else draft.catalog, head.newcomer(), draft.rendering)
    for other in lived[1:]:
        world.at(other.begin, partial(_arrive, other))
    for number, each in as_accepted(household, [one.heard for one in lived]):
        lived[number].happen(world, each)
    for each in lived:
        each.put_on(world)
    if known:
        world.at(draft.since, lambda there: there.publish(draft.since, draft.catalog))
    world.run(draft.until)
    return world


def _arrive(newcomer: _Lived, world: World) -> None:
    world.arrive(newcomer.newcomer())


class _Lived:
    """One customer's life, read, with what of it happens again. ``heard``: all of its inputs, in their order."""

    def __init__(self, draft: Draft, life: Life, household: Household) -> None:
        self._draft = draft
        self._life = life
        self._head = household[0]
        others = household[1:] if life is self._head else ()
        self._own_contacts = frozenset(name for each in others for name in (each.ref, *each.names))
        read = [[_input_of(text) for text in texts] for texts in (life.told, life.raised, life.copied)]
        # What a merge handed over has a later number than its time.
        self.heard = sorted(chain(*read), key=lambda each: (each.at, each.seq))
        self._again = {each.seq: each for each in self._happening_again(*read) if each.at <= draft.until}
        self.begin = min([life.first_seen, *(each.at for each in self._again.values())])
        self._is_member = False

    def newcomer(self) -> CustomerState:
        return new_customer(self._life.id, self._life.kind, self._life.ref, self.begin)

    def happen(self, world: World, heard: Input) -> None:
        """Puts the input on the world's agenda as it happens again, if it does; to be called in the order of acceptance."""
        each = self._again.get(heard.seq)
        if isinstance(each, AccountTraitsChanged):
            self._belong(world, each)
        elif each is not None:
            world.at(each.at, each, self._life.id)

    def put_on(self, world: World) -> None:
        """Puts what happens beside inputs on the world's agenda."""
        life = self._life
        for said in life.consents:
            world.at(max(said.at, self.begin), partial(_say, life.id, said.topic, said.given))
        if life.suppressed is not None:
            world.at(max(life.suppressed, self.begin), lambda there: there.suppress(life.id))
        for past in life.messages:
            if past.playbook not in self._draft.catalog.playbooks:
                world.at(max(past.place.at, self.begin), partial(_take_place, life.id, past.place))

    def _belong(self, world: World, told: AccountTraitsChanged) -> None:
        """The contact belongs to the household's account or not. What it then tells, the world says itself."""
        was_member, self._is_member = self._is_member, (self._head.kind, self._head.ref) == ("account", told.account)
        if self._is_member and not was_member:
            world.at(told.at, partial(_join, told.at, self._life.id, self._head.id))
        elif was_member and not self._is_member:
            world.at(told.at, partial(_leave, told.at, self._life.id, self._head.id))
        if not self._is_member:
            world.at(told.at, told, self._life.id)

    def _happening_again(
        self, told: Iterable[Input], raised: Iterable[Input], copied: Iterable[Input]
    ) -> Iterator[Input]:
        for each in told:
            again = self._told_again(each)
            if again is not None:
                yield again
        for event in raised:
            if isinstance(event, CustomerEvent) and event.name not in self._draft.raises:
                yield event
        for event in copied:
            if isinstance(event, CustomerEvent) and event.properties.get("contact") not in self._own_contacts:
                yield event

    def _told_again(self, told: Input) -> Input | None:
        """The input as it happens again; None for what the second life says itself."""
        if isinstance(told, _SAID_AGAIN):
            return None
        if isinstance(told, SurveyAnswered) and told.contact is not None:
            return None if told.contact in self._own_contacts else told
        if isinstance(told, EnrollOrder) and told.caused:
            by = told.by.partition("/")[0]
            return None if by in self._draft.catalog.playbooks else msgspec.structs.replace(told, errand=None)
        return told


def _say(customer: str, topic: str, given: bool, world: World) -> None:
    world.consent(topic, given=given, customer=customer)


def _take_place(customer: str, place: LedgerEntry, world: World) -> None:
    world.take_place(customer, place)


def _join(at: datetime, contact: str, account: str, world: World) -> None:
    world.join(at, contact, account)


def _leave(at: datetime, contact: str, account: str, world: World) -> None:
    world.leave(at, contact, account)
