"""Hypothesis strategies for valid playbooks of the whole first cut of the language, and for histories to live through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, TypeAlias, get_args

import msgspec
from hypothesis import note
from hypothesis import strategies as st

from perennia.core.advance import Decision, advance, missing_history, new_customer
from perennia.core.compiled import Catalog, compile_catalog
from perennia.core.decisions import (
    AccountTraitsChanged,
    Answer,
    ApprovalEnded,
    CustomerEvent,
    Effect,
    EffectEnded,
    EnrollmentOrder,
    EnrollOrder,
    EscalateTask,
    Input,
    MessageTold,
    Outcome,
    Reason,
    Recollection,
    SendEmail,
    SurveyAnswered,
    TaskEnded,
    Told,
    TraitsChanged,
)
from perennia.core.definitions import Playbook, Track
from perennia.core.documents import Document, PlaybookBody
from perennia.core.json_values import JsonObject
from perennia.core.state import CustomerState, Recipient
from tests.support.lives import START, TOPICS, documents
from tests.support.random_steps import (
    BOOKS,
    CIRCLES,
    ENDING_EVENT,
    EVENTS,
    EXPRESSIONS,
    FLIPPING,
    LEAF_STEPS,
    LETTERS,
    LISTENING,
    LONG,
    MEMORIES,
    RIPENING,
    STEPS,
    SWINGING,
    WHERES,
    Step,
    rule,
)

# Playbooks of any form; those that many enter by any event and leave by an exit, days later; those that write much; those
# whose steps come again; that remember what they began with; that wait for other events than they begin with; that begin by
# time alone. "standing": those of any form, beside a track in which people move to and fro.
Shape: TypeAlias = Literal[
    "any", "lingering", "writing", "circling", "remembering", "listening", "ripening", "standing"
]
Order: TypeAlias = Literal["skip", "pause", "resume", "end"]

DATES = [None, "soon", "2026-03-04", "2026-03-09", "2026-03-07T15:30:00Z", "2026-03-12T09:00:00"]
TIMED: list[Mapping[str, object]] = [
    {"date": "traits.d", "at": "09:00"},
    {"date": "traits.d", "offset": "-2d"},
    {"date": "traits.d", "offset": "1d6h", "spread": "45m"},
    {"schedule": "30 */8 * * *"},
    {"schedule": "15 2 * * *", "spread": "10m"},
    {"schedule": "0 9 * * tue,sat"},
]
# Keys of events: three spellings of one, another one, one under another name, and none.
CARRIED: list[JsonObject] = [{"k": 1}, {"k": "1"}, {"k": 1.0}, {"k": 2, "n": 3}, {"j": 1}, {}]
LATE = st.sampled_from([None, "6h", "2d", "1bd"])
# Clocks go forward in New York on 2026-03-08; Kathmandu and Lord Howe are off by parts of an hour; Kiritimati is a day ahead.
ZONES = ["Europe/Madrid", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Kiritimati", "nowhere"]
CAPS = ["[]", "[{messages: 1, per: 1d}]", "[{messages: 2, per: 7h}, {messages: 3, per: 1w, topics: [tips]}]"]
QUIET_HOURS = [
    "null",
    '{window: "21:00-08:00"}',
    '{window: "12:30-13:30", days: [mon, tue]}',
    '{window: "00:00-24:00", days: [sat, sun]}',
]
COOLDOWNS = ["{}", "{any: 1d}", "{any: 3h, relational: 5d}"]
ORDERS: st.SearchStrategy[Order] = st.sampled_from(get_args(Order))

SEGMENTS = [
    'segment: s\nwhen: count("A", "1d") >= 2\n',
    'segment: s\nwhen: idle("B", "6h") && traits.x == 1\n',
    "segment: s\nwhen: traits.missing > 3\n",
]

SURVEY = "survey: q\nkind: csat\nquestion: How was it?\nrelational: true\n"
HEALTH = """
health: h
measures:
  - {id: often, weight: 3, score: {value: 'count("A", "1d")', from: 0, to: 3}}
  - {id: quiet, score: {value: 'idle("C", "6h") ? 0 : 1', from: 1, to: 0}, missing: 0}
  - {id: mood, weight: 2, score: {value: answers.q.score, from: 1, to: 5}}
bands: {red: 0, yellow: 40, green: 70}
"""

# Anybody enters by anything, as often as it happens.
OPEN: Mapping[str, object] = {"on": [{"event": "*"}], "reenter": "always"}
BY_A: Mapping[str, object] = {"on": [{"event": "A"}], "reenter": "always"}
TRIGGERS = st.lists(
    st.one_of(
        st.fixed_dictionaries({"stage": st.fixed_dictionaries({"t": st.sampled_from(["s2", "s3"])})}),
        st.fixed_dictionaries(
            {"playbook": st.fixed_dictionaries({"p1": st.sampled_from(["any", "completed", "exited"])})}
        ),
        st.fixed_dictionaries({"event": st.sampled_from([*EVENTS, "Stage *", "*"]), "where": st.sampled_from(WHERES)}),
        st.fixed_dictionaries({"when": EXPRESSIONS}),
        st.just({"segment": "s"}),
        st.sampled_from(TIMED),
    ),
    min_size=1,
    max_size=2,
)


@st.composite
def playbooks(draw: st.DrawFn, *, id_: str | None = None, goal_is_exit: bool = False, shape: Shape = "any") -> Playbook:
    """A valid playbook. ``goal_is_exit`` (of lingering ones): what is its goal is an exit, too."""
    raw: dict[str, object] = {
        "playbook": id_ or draw(st.sampled_from(["p1", "p2", "p3"])),
        "topic": "tips",
        "priority": draw(st.sampled_from([10, 50, 90])),
        "steps": draw(STEPS),
    }
    enter: dict[str, object] = {
        "on": draw(TRIGGERS),
        "reenter": draw(st.sampled_from(["once", "always", {"after": "1d"}])),
        "holdout": draw(st.sampled_from(["0%", "0%", "50%"])),
    }
    raw["enter"] = enter
    if draw(st.sampled_from([True, False, False])):
        enter["where"] = draw(EXPRESSIONS)
    if draw(st.booleans()):
        raw["while"] = draw(EXPRESSIONS)
    if draw(st.booleans()):
        raw["goal"] = draw(rule({"within": st.just("3d"), "then": st.sampled_from(["exit", "continue"])}))
    if draw(st.booleans()):
        raw["exit"] = [draw(rule({"reason": st.just("told")}))]
    key = draw(st.sampled_from([None, None, "event.k", "traits.x"]))
    if key is not None:
        raw["key"] = key
    match shape:
        case "writing":
            raw |= {"enter": OPEN, "steps": draw(LETTERS), "key": None, "while": None}
        case "lingering":
            raw |= {"enter": OPEN, "steps": [draw(LONG), *draw(LEAF_STEPS)], "while": None}
            ends = draw(st.one_of(_ended_by(FLIPPING), ENDING_EVENT))
            raw["exit"] = [{**ends, "reason": "told"}]
            raw["goal"] = ends if goal_is_exit else None
        case "circling":
            raw |= {"enter": OPEN, "steps": [draw(CIRCLES), *draw(LEAF_STEPS)], "key": None, "while": None}
        case "remembering":
            raw |= {"enter": OPEN, "steps": [{"wait": "10m"}, draw(MEMORIES), *draw(LEAF_STEPS)], "key": None}
        case "listening":
            raw |= {"enter": BY_A, "steps": [draw(LISTENING), *draw(LEAF_STEPS)], "key": None, "while": None}
        case "ripening":
            raw |= {"enter": {"on": [{"when": draw(RIPENING)}], "reenter": "always"}, "key": None}
        case "any" | "standing":
            pass
    return Playbook.model_validate({name: value for name, value in raw.items() if value is not None})


def _ended_by(conditions: st.SearchStrategy[str]) -> st.SearchStrategy[Step]:
    return st.fixed_dictionaries({"when": conditions})


@st.composite
def tracks(draw: st.DrawFn, shape: Shape = "any") -> Track:
    criteria = SWINGING if shape == "standing" else EXPRESSIONS
    return Track.model_validate(
        {
            "track": "t",
            "stages": [
                {"id": "s1", "expected": draw(LATE), "stuck": "5d"},
                {"id": "s2", "enter": draw(criteria), "expected": draw(LATE)},
                {"id": "s3", "enter": draw(criteria), "end": draw(st.booleans())},
            ],
            "move": draw(st.sampled_from(["forward", "any"])),
            "min_dwell": draw(st.sampled_from([None, "3h", "2d"])),
        }
    )


@st.composite
def drafts(draw: st.DrawFn, *, goal_is_exit: bool = False, shape: Shape = "any") -> list[Document]:
    """Everything that a workspace could publish, with one to three playbooks."""
    books = draw(st.lists(playbooks(goal_is_exit=goal_is_exit, shape=shape), min_size=1, max_size=3, unique_by=_id_of))
    strict = int(shape == "writing")
    timing = (
        f"caps: {draw(st.sampled_from(CAPS[strict:]))}\nquiet_hours: {draw(st.sampled_from(QUIET_HOURS[strict:]))}\n"
    )
    timing += f"survey_cooldown: {draw(st.sampled_from(COOLDOWNS))}\n"
    found = documents(f"{TOPICS}{timing}")
    found += [document_of(book, "v1") for book in books]
    found += documents("---\n".join((draw(st.sampled_from(SEGMENTS)), SURVEY, HEALTH)))
    track = draw(tracks(shape))
    found.append(Document(kind="track", id="t", version="v1", body=track.model_dump_json(by_alias=True)))
    for each in found:
        note(f"{each.version}: {each.body}")
    return found


def _id_of(book: Playbook) -> str:
    return book.playbook


def document_of(book: Playbook, version: str) -> Document:
    definition = book.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    body = msgspec.json.encode(PlaybookBody(definition=definition, templates={})).decode()
    return Document(kind="playbook", id=book.playbook, version=version, body=body)


def catalogs(*, goal_is_exit: bool = False, shape: Shape = "any") -> st.SearchStrategy[Catalog]:
    return drafts(goal_is_exit=goal_is_exit, shape=shape).map(_compiled)


def _compiled(published: list[Document]) -> Catalog:
    return compile_catalog("r1", published)


@st.composite
def histories(draw: st.DrawFn, days: int = 10, most: int = 15, least: int = 0, every: int = 1) -> tuple[Input, ...]:
    """Inputs over some days, at distinct instants: whole minutes and one second, so that no wake-up of a clock falls on one.

    ``every`` so many minutes at most: with many of them, pauses end where something happens.
    """
    count = draw(st.integers(least, most))
    places = draw(st.lists(st.integers(1, days * 1440 // every), min_size=count, max_size=count, unique=True))
    minutes = [place * every for place in places]
    inputs: list[Input] = [TraitsChanged(at=START, seq=1, traits={"email": "ana@example.com", "x": 0})]
    for seq, minute in enumerate(sorted(minutes), start=2):
        inputs.append(draw(_input(minute, seq)))
    return tuple(inputs)


@st.composite
def _input(draw: st.DrawFn, minute: int, seq: int) -> Input:
    at = START + timedelta(minutes=minute, seconds=1)
    match draw(
        st.sampled_from(
            ["event", "event", "late event", "traits", "account", "date", "zone", "answer", "enroll", "order", "told"]
        )
    ):
        case "event":
            name, properties = draw(st.sampled_from(EVENTS)), draw(st.sampled_from(CARRIED))
            return CustomerEvent(at=at, seq=seq, name=name, properties=properties)
        case "late event":
            own = at - timedelta(hours=draw(st.integers(0, 30)))
            return CustomerEvent(at=at, seq=seq, name=draw(st.sampled_from(EVENTS)), timestamp=own)
        case "traits":
            return TraitsChanged(at=at, seq=seq, traits={"x": draw(st.one_of(st.integers(0, 2), st.none()))})
        case "account":
            told: JsonObject = {
                "plan": draw(st.sampled_from(["pro", "free"])),
                "timezone": draw(st.sampled_from(ZONES)),
            }
            return AccountTraitsChanged(at=at, seq=seq, account=draw(st.sampled_from(["acme", None])), traits=told)
        case "date":
            return TraitsChanged(at=at, seq=seq, traits={"d": draw(st.sampled_from(DATES))})
        case "zone":
            return TraitsChanged(at=at, seq=seq, traits={"timezone": draw(st.sampled_from(ZONES))})
        case "told":
            step = draw(st.sampled_from(["email-1", "email-2", "task-1", "approve-1"]))
            key = f"c1/{draw(BOOKS)}.1/{step}/1"
            if step == "approve-1":
                return ApprovalEnded(at=at, seq=seq, key=key, decision=draw(st.sampled_from(get_args(Answer))))
            if step == "task-1":
                return TaskEnded(at=at, seq=seq, key=key, outcome="done")
            return MessageTold(at=at, seq=seq, key=key, what=draw(st.sampled_from(get_args(Told))))
        case "answer":
            return SurveyAnswered(at=at, seq=seq, survey="q", score=draw(st.integers(0, 5)))
        case "enroll":
            payload = draw(st.sampled_from(CARRIED))
            return EnrollOrder(at=at, seq=seq, playbook=draw(BOOKS), by_person=True, by="kim", payload=payload)
        case _:
            key = draw(st.sampled_from([None, "1"]))
            return EnrollmentOrder(at=at, seq=seq, order=draw(ORDERS), playbook=draw(BOOKS), by="kim", key=key)


def fresh() -> CustomerState:
    return new_customer("c1", "contact", "ana", START)


RECIPIENTS: Mapping[str, Recipient] = {"c1": Recipient(address="ana@example.com", ledger=())}
ONE_SECOND = timedelta(seconds=1)


class Person:
    """A customer who takes one turn after another. ``known``: every event so far, which a new revision may count."""

    def __init__(self) -> None:
        self.state = fresh()
        self.recipients = RECIPIENTS
        self.known: list[CustomerEvent] = []

    def turn(self, catalog: Catalog, now: datetime, inputs: Sequence[Input]) -> Decision:
        recalled: list[Input] = []
        names = missing_history(catalog, self.state)
        if names:
            events = tuple(each for each in self.known if each.name in names)
            recalled.append(Recollection(at=self.state.now, names=names, events=events))
        decision = advance(catalog, self.state, now, [*recalled, *inputs], self.recipients)
        self.known += [each for each in inputs if isinstance(each, CustomerEvent)]
        self.known += decision.heard
        self.state, self.recipients = decision.state, decision.recipients
        return decision


def live(
    catalog: Catalog, inputs: Sequence[Input], days: int, later: Sequence[tuple[datetime, Catalog]] = ()
) -> tuple[list[Decision], list[Input]]:
    """Lives through ``inputs``, woken exactly when asked for; effects end a second after their release, some in vain.

    ``later``: what is published on the way, and when. Returns the decisions, and all inputs including the effects' ends,
    in order.
    """
    person, end = Person(), START + timedelta(days=days)
    pending, unpublished = list(inputs), list(later)
    decisions: list[Decision] = []
    taken: list[Input] = []
    wake = None
    while True:
        pending.sort(key=lambda each: each.at)
        moments = [each.at for each in pending[:1]] + ([wake] if wake is not None else [])
        now = min([*moments, *(at for at, _ in unpublished), end])
        if unpublished and unpublished[0][0] == now:
            catalog = unpublished.pop(0)[1]
        batch: list[Input] = []
        while pending and pending[0].at <= now:
            batch.append(pending.pop(0))
        taken += batch
        decision = person.turn(catalog, now, batch)
        decisions.append(decision)
        wake = decision.wake_at
        pending += [_end_of(each, now + ONE_SECOND) for each in decision.effects if not isinstance(each, EscalateTask)]
        # What was taken back before it left ends no more.
        pending = [each for each in pending if not (isinstance(each, EffectEnded) and each.key in decision.withdrawn)]
        if now >= end:
            return decisions, taken


def _end_of(effect: Effect, at: datetime) -> EffectEnded:
    """Most messages are sent; some are refused for good, some came too late to leave and are to be tried anew."""
    chance = sum(effect.key.encode()) % 7
    if chance == 0:
        return EffectEnded(at=at, key=effect.key, outcome=Outcome.FAILED, reason=Reason.PROVIDER_REFUSED)
    if chance == 1 and isinstance(effect, SendEmail):
        return EffectEnded(at=at, key=effect.key, outcome=Outcome.SKIPPED, reason=Reason.QUIET_HOURS)
    return EffectEnded(at=at, key=effect.key, outcome=Outcome.SENT)
