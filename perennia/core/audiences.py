"""Who belongs to an audience at one instant, and who of them could be written to: decided on what the store remembers.

A look changes nothing. Of whom something waits to be decided (unread inputs, an instant that has come), the look decides it
first, as the next turn will, and throws the decision away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from perennia.core.admission import objection, refusal
from perennia.core.advance import Decision, advance, missing_history, new_customer, uncounted
from perennia.core.caps import reach_of
from perennia.core.compiled import Catalog
from perennia.core.decisions import CustomerEvent, EnrollOrder, Evidence, Input, Reason, Recollection
from perennia.core.definition_compiler import CUSTOMER_NAMES
from perennia.core.definitions import Scope, Segment
from perennia.core.deliberation import Deliberation
from perennia.core.documents import Document
from perennia.core.expressions import Expression, compile_expression
from perennia.core.facts import Facts, TallyNeeds, TallySpec, absorb, tally_needs
from perennia.core.state import CustomerState, LedgerEntry, Recipient

_input_of = msgspec.json.Decoder(Input).decode
_state_of = msgspec.json.Decoder(CustomerState).decode


class _Head(msgspec.Struct):
    """The part of a state that says which catalog it was decided with: a tenth of the time that all of it takes."""

    revision: str | None = None
    tallied: str | None = None


_head_of = msgspec.json.Decoder(_Head).decode


class UnknownSegment(Exception):
    """``known``: the segments that there are."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"no segment {name!r} is published")
        self.name = name
        self.known = tuple(known)


class MixedScopes(Exception):
    """Contacts and accounts in one audience."""

    def __init__(self, name: str, scope: Scope) -> None:
        super().__init__(f"the segment {name!r} is not one of {scope}s, as the others are")


class Asked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who is meant: members of all of ``segments`` of whom also ``where`` holds, but of none of ``without``, nor ``unless``.

    Nobody is left out where nothing is said: then it is everybody of ``scope``, which segments say themselves.
    """

    segments: tuple[str, ...] = ()
    where: str | None = None
    without: tuple[str, ...] = ()
    unless: str | None = None
    scope: Scope = "contact"


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A customer as the store has it: ``state`` and unread ``inputs`` are JSON, the last input that was read is ``cursor``.

    ``ref`` and ``account``: ids that the outside uses. The rest is what admission asks for; ``ledger`` None: nobody has looked.
    """

    id: str
    kind: Scope
    ref: str
    account: str | None
    first_seen: datetime
    cursor: int
    wake_at: datetime | None = None
    state: str | None = None
    inputs: tuple[str, ...] = ()
    closed: frozenset[str] = frozenset()
    consents: dict[str, bool] = {}
    pending: dict[str, datetime] = {}
    ledger: tuple[LedgerEntry, ...] | None = None


@dataclass(frozen=True)
class Audience:
    """What is asked for, compiled. ``needs``: what its expressions count."""

    asked: Asked
    scope: Scope
    include: tuple[Expression, ...]
    exclude: tuple[Expression, ...]
    needs: TallyNeeds = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "needs", tally_needs(self.expressions))

    @property
    def expressions(self) -> tuple[Expression, ...]:
        return (*self.include, *self.exclude)

    @property
    def reads_standing(self) -> bool:
        """Whether it asks where customers stand, in tracks or health scores."""
        return any(each.tracks or each.healths for each in self.expressions)


def segments_in(documents: Iterable[Document]) -> dict[str, Segment]:
    return {each.id: Segment.model_validate_json(each.body) for each in documents if each.kind == "segment"}


def compile_audience(asked: Asked, segments: Mapping[str, Segment]) -> Audience:
    """Raises `ExpressionError`, `UnknownSegment` and `MixedScopes`."""
    named = (*asked.segments, *asked.without)
    for name in named:
        if name not in segments:
            raise UnknownSegment(name, segments)
    scope = segments[named[0]].scope if named else asked.scope
    for name in named:
        if segments[name].scope != scope:
            raise MixedScopes(name, scope)
    criteria = {each.segment: each.when for each in segments.values() if each.scope == scope}

    def compiled(names: Iterable[str], text: str | None) -> tuple[Expression, ...]:
        texts = [*(f'in_segment("{name}")' for name in names), *([] if text is None else [text])]
        return tuple(compile_expression(each, names=CUSTOMER_NAMES[scope], segments=criteria) for each in texts)

    return Audience(asked, scope, compiled(asked.segments, asked.where), compiled(asked.without, asked.unless))


@dataclass(frozen=True)
class Seen:
    """A customer as the look found it. ``recipient``: for messages to it."""

    candidate: Candidate
    state: CustomerState
    recipient: Recipient
    run: Deliberation

    @property
    def address(self) -> str | None:
        return self.recipient.address


@dataclass(frozen=True)
class Look:
    """One look with one catalog, at the instant ``now``: any number of customers.

    ``thorough``: everybody is decided first, as `enrolled` needs it; else only those of whom something waits to be decided.
    """

    catalog: Catalog
    audience: Audience
    now: datetime
    thorough: bool = False
    recounts: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "recounts", not _covers(self.catalog.needs, self.audience.expressions))

    @property
    def ledger_since(self) -> datetime:
        """How far back messages count under caps."""
        calendar = self.catalog.workspace_calendar
        return reach_of(self.catalog.timing.caps, self.now, calendar)

    def history_for(self, candidate: Candidate) -> tuple[str, ...]:
        """Names of events whose past must be read before the look can be taken."""
        names = set(self.audience.needs.events) if self.recounts else set[str]()
        if candidate.state is not None:
            head = _head_of(candidate.state)
            if self._is_due(candidate, head.revision) or self.audience.needs.events:
                names |= set(uncounted(self.catalog, head.tallied))
        return tuple(sorted(names))

    def see(self, candidate: Candidate, history: tuple[CustomerEvent, ...] = ()) -> Seen | None:
        """The customer, where it belongs to the audience. ``history``: events that `history_for` names, in their order."""
        seen = self.take_in(candidate, history)
        return seen if self._belongs(seen) else None

    def explain(self, seen: Seen) -> tuple[bool, tuple[Evidence, ...]]:
        """Whether the customer belongs to the audience, and what each part of it saw."""
        return self._belongs(seen), tuple(seen.run.explain(each) for each in self.audience.expressions)

    def _belongs(self, seen: Seen) -> bool:
        if seen.candidate.kind != self.audience.scope:
            return False
        run = seen.run
        return all(run.holds(each, None) for each in self.audience.include) and not any(
            run.holds(each, None) for each in self.audience.exclude
        )

    def take_in(self, candidate: Candidate, history: tuple[CustomerEvent, ...] = ()) -> Seen:
        """The customer at this instant, whether it belongs to the audience or not."""
        state = (
            new_customer(candidate.id, candidate.kind, candidate.ref, candidate.first_seen)
            if candidate.state is None
            else _state_of(candidate.state)
        )
        inputs = tuple(_input_of(text) for text in candidate.inputs)
        if self._is_due(candidate, state.revision):
            state = self._decide(candidate, state, inputs, history).state
        elif missing_history(self.catalog, state):
            state = self._counted(state, self.catalog.needs, history)
        if self.recounts:
            unread = (each for each in inputs if isinstance(each, CustomerEvent))
            state = self._counted(state, self.audience.needs, (*history, *unread))
        run = Deliberation(self.catalog, state, {})
        run.instant = max(self.now, state.now)
        return Seen(candidate, state, self._recipient(candidate, state), run)

    def _is_due(self, candidate: Candidate, revision: str | None) -> bool:
        """Whether something waits to be decided of the customer that the audience may ask for."""
        has_come = candidate.wake_at is not None and candidate.wake_at <= self.now
        is_behind = revision != self.catalog.revision and self.audience.reads_standing
        return self.thorough or bool(candidate.inputs) or has_come or is_behind

    def _decide(
        self,
        candidate: Candidate,
        state: CustomerState,
        inputs: tuple[Input, ...],
        history: tuple[CustomerEvent, ...],
    ) -> Decision:
        names = missing_history(self.catalog, state)
        recalled = (Recollection(at=state.now, names=names, events=_named(history, names)),) if names else ()
        now = max(self.now, state.now, *(each.at for each in inputs))
        recipient = self._recipient(candidate, state)
        if recipient.ledger is None:
            recipient = msgspec.structs.replace(recipient, ledger=())
        return advance(self.catalog, state, now, (*recalled, *inputs), {state.customer: recipient})

    def _counted(self, state: CustomerState, needs: TallyNeeds, events: Iterable[CustomerEvent]) -> CustomerState:
        """The state with the events counted anew for ``needs``, beside what else it counts."""
        facts = Facts(ref=state.facts.ref, first_seen=state.facts.first_seen)
        calendar = Deliberation(self.catalog, state, {}).calendar
        for event in events:
            absorb(facts, event, needs, calendar)
        kept = {key: tally for key, tally in state.facts.tallies.items() if key not in needs.keys}
        return msgspec.structs.replace(
            state, facts=msgspec.structs.replace(state.facts, tallies={**kept, **facts.tallies})
        )

    def _recipient(self, candidate: Candidate, state: CustomerState) -> Recipient:
        email = state.facts.traits.get("email")
        address = email.strip() or None if isinstance(email, str) else None
        return Recipient(
            address=address,
            suppressed=address is not None and address.lower() in candidate.closed,
            consents=candidate.consents,
            pending=candidate.pending,
            ledger=candidate.ledger,
        )

    # --- what would come of it ----------------------------------------------------------------------------------------

    def left_out(self, seen: Seen, topic: str | None) -> Reason | None:
        """Why a message of this topic could not leave for the customer now; None where nothing speaks against it.

        ``topic`` None: a transactional one, which needs no consent and knows no caps.
        """
        is_transactional = topic is None
        refused = refusal(
            seen.recipient,
            topic=topic,
            transactional=is_transactional,
            internal=False,
            policies=self.catalog.policies,
            at=self.now,
        )
        if refused is not None or is_transactional:
            return refused
        entries = seen.recipient.ledger or ()
        found = objection(self.catalog.timing, entries, topic, self.now, seen.run.calendar)
        return None if found is None else found.reason

    def enrolled(self, seen: Seen, order: EnrollOrder) -> Decision:
        """What the next turn would decide if the order came in now."""
        at = max(self.now, seen.state.now)
        recipient = msgspec.structs.replace(seen.recipient, ledger=seen.recipient.ledger or ())
        given = msgspec.structs.replace(order, at=at)
        return advance(self.catalog, seen.state, at, (given,), {seen.state.customer: recipient})


def _named(events: Iterable[CustomerEvent], names: Iterable[str]) -> tuple[CustomerEvent, ...]:
    wanted = frozenset(names)
    return tuple(event for event in events if event.name in wanted)


def _covers(needs: TallyNeeds, expressions: Iterable[Expression]) -> bool:
    """Whether what a catalog has counted is all that the expressions look at."""
    return all(_is_counted(needs, spec) for expression in expressions for spec in expression.tallies)


def _is_counted(needs: TallyNeeds, spec: TallySpec) -> bool:
    for need in needs.by_event.get(spec.event, ()):
        if need.key == spec.key:
            enough = need.newest is None or (spec.newest is not None and spec.newest <= need.newest)
            return spec.window is None or (spec.window in need.windows and enough)
    return False
