"""Hypothesis strategies for accounts with contacts: their playbooks, and what happens to all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TypeAlias

from hypothesis import strategies as st

from perennia.core.advance import new_customer
from perennia.core.compiled import compile_catalog
from perennia.core.decisions import CustomerEvent, EnrollmentOrder, EnrollOrder, Input, SurveyAnswered, TraitsChanged
from perennia.core.definitions import Playbook
from perennia.core.documents import Document
from perennia.core.json_values import Json, JsonObject
from perennia.simulate.world import World
from tests.support.lives import START, PlainText, documents
from tests.support.random_lives import CARRIED, ORDERS, document_of, drafts
from tests.support.random_steps import SPANS

CONTACTS = ["ana", "bo", "cy"]
EVERYBODY = ["acme", *CONTACTS]
ROLES: list[Json] = [["admin"], ["admin", "champion"], "champion", []]
TO: st.SearchStrategy[object] = st.sampled_from(["all", {"role": "admin"}, {"role": "champion"}])
WHENS = [
    "traits.x == 1",
    'count("A", "1d") >= 2',
    'happened("B", "6h")',
    "answers.q.score >= 4",
    'in_stage("standing", "warm")',
]
TRACK = """
track: standing
scope: account
stages: [{id: cold, stuck: 2d}, {id: warm, enter: 'count("A", "1d") >= 1'}]
move: any
"""

# Who it happens to, and what.
Happening: TypeAlias = tuple[str, Input]

STEPS: st.SearchStrategy[Mapping[str, object]] = st.one_of(
    st.fixed_dictionaries({"email": st.just("m1"), "to": TO, "hold": st.sampled_from(["0m", "5h", "2d"])}),
    st.fixed_dictionaries({"email": st.just("m2"), "to": TO, "on_failure": st.just("exit")}),
    st.just({"email": "report", "to": "owner"}),
    st.fixed_dictionaries(
        {
            "enroll": st.sampled_from(["p1", "p2"]),
            "to": TO,
            "wait": st.booleans(),
            "late_joiners": st.booleans(),
            "with": st.just({"k": "traits.x"}),
        }
    ),
    st.fixed_dictionaries({"wait": st.sampled_from(SPANS)}),
    st.fixed_dictionaries(
        {
            "wait_for": st.lists(st.fixed_dictionaries({"event": st.sampled_from(["A", "B"])}), min_size=1, max_size=2),
            "up_to": st.sampled_from(SPANS),
        }
    ),
    st.fixed_dictionaries({"task": st.just("Call"), "wait": st.booleans(), "due": st.sampled_from(SPANS)}),
    st.just({"emit": "Account Touched"}),
    st.fixed_dictionaries({"update": st.just({"x": "1"})}),
)


@st.composite
def account_books(draw: st.DrawFn, id_: str) -> Playbook:
    """A playbook of accounts whose steps reach contacts."""
    triggers = st.one_of(
        st.fixed_dictionaries({"event": st.sampled_from(["A", "B"])}),
        st.fixed_dictionaries({"when": st.sampled_from(WHENS)}),
    )
    raw: dict[str, object] = {
        "playbook": id_,
        "scope": "account",
        "topic": "tips",
        "enter": {"on": draw(st.lists(triggers, min_size=1, max_size=2)), "reenter": "always"},
        "steps": draw(st.lists(STEPS, min_size=1, max_size=4)),
    }
    if draw(st.booleans()):
        raw["exit"] = [{"when": draw(st.sampled_from(WHENS)), "reason": "told"}]
    if draw(st.booleans()):
        raw["goal"] = {"event": "B"}
    return Playbook.model_validate(raw)


@st.composite
def account_drafts(draw: st.DrawFn) -> list[Document]:
    """A workspace with one or two playbooks of accounts besides its playbooks of contacts."""
    found = [*draw(drafts()), *documents(TRACK), document_of(draw(account_books("a1")), "v1")]
    if draw(st.booleans()):
        found.append(document_of(draw(account_books("a2")), "v1"))
    return found


@st.composite
def happenings(draw: st.DrawFn, days: int = 5, most: int = 15) -> Sequence[Happening]:
    """Inputs of an account and its contacts, each at a second of its own."""
    minutes = draw(st.lists(st.integers(1, days * 1440), max_size=most, unique=True))
    return [draw(_happening(minute)) for minute in sorted(minutes)]


@st.composite
def _happening(draw: st.DrawFn, minute: int) -> Happening:
    at = START + timedelta(minutes=minute, seconds=1)
    who = draw(st.sampled_from(EVERYBODY))
    match draw(st.sampled_from(["event", "event", "traits", "roles", "answer", "enroll", "order"])):
        case "event":
            properties = draw(st.sampled_from(CARRIED))
            return who, CustomerEvent(at=at, name=draw(st.sampled_from(["A", "B", "C"])), properties=properties)
        case "traits":
            return who, TraitsChanged(at=at, traits={"x": draw(st.integers(0, 2))})
        case "roles":
            told = draw(st.sampled_from(ROLES))
            return draw(st.sampled_from(CONTACTS)), TraitsChanged(at=at, traits={"roles": told})
        case "answer":
            answer = SurveyAnswered(at=at, survey="q", score=draw(st.integers(1, 5)))
            return draw(st.sampled_from(CONTACTS)), answer
        case "enroll":
            book = draw(st.sampled_from(["a1", "a2"] if who == "acme" else ["p1", "p2"]))
            return who, EnrollOrder(at=at, playbook=book, by_person=True, by="kim")
        case _:
            book = draw(st.sampled_from(["a1", "p1", "p2"]))
            return who, EnrollmentOrder(at=at, order=draw(ORDERS), playbook=book, by="kim")


def account_world(published: Sequence[Document], happened: Sequence[Happening]) -> World:
    """An account of three contacts to whom all that will happen; nobody has lived through any of it."""
    world = World(compile_catalog("r1", published), new_customer("acme", "account", "acme", START), PlainText())
    for contact, roles in zip(CONTACTS, (("admin",), ("champion",), ()), strict=True):
        world.settle(new_customer(contact, "contact", contact, START), roles)
    told: JsonObject = {"x": 0, "owner": {"id": "sam", "email": "sam@example.com"}}
    world.at(START, TraitsChanged(at=START, traits=told))
    for contact in CONTACTS:
        world.at(START, TraitsChanged(at=START, traits={"email": f"{contact}@example.com"}), contact)
    for who, each in happened:
        world.at(each.at, each, who)
    return world
