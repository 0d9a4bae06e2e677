"""A definition is compiled once, however many catalogs it is in; what it depends on is all that makes it compile anew."""

from __future__ import annotations

from perennia.core.advance import advance, new_customer
from perennia.core.compiled import Catalog, compile_catalog
from perennia.core.decisions import CustomerEvent
from perennia.core.definition_compiler import compile_health
from perennia.core.definitions import Health
from perennia.core.documents import content_hash
from perennia.core.health_definitions import Measure, MeasureScore
from tests.support.lives import START, after, documents

TEXT = """
segment: busy
scope: contact
when: count("Logged In", "7d") > 3
---
track: adoption
scope: contact
stages: [{id: new}, {id: active, enter: in_segment("busy")}]
---
playbook: cheer
enter: {on: [{event: Cheered}], where: in_segment("busy")}
steps: [{milestone: cheered}]
"""


def compiled(text: str = TEXT, revision: str = "r1") -> Catalog:
    return compile_catalog(revision, documents(text))


def test_a_second_catalog_shares_what_it_has_in_common_with_the_first() -> None:
    one, other = compiled(), compiled(TEXT.replace("milestone: cheered", "milestone: heard"), "r2")
    assert one.tracks["adoption"] is other.tracks["adoption"]
    assert one.playbooks["cheer"].nodes != other.playbooks["cheer"].nodes


def test_another_criterion_of_a_segment_compiles_what_names_it_anew() -> None:
    one, other = compiled(), compiled(TEXT.replace("> 3", "> 30"), "r2")
    assert one.tracks["adoption"] is not other.tracks["adoption"]
    where = [each.playbooks["cheer"].where for each in (one, other)]
    assert [None if each is None else each.text for each in where] == ['in_segment("busy")'] * 2
    assert where[0] != where[1]


def test_an_event_that_concerns_nobody_costs_no_copy_of_the_state() -> None:
    catalog = compiled()
    known = advance(catalog, new_customer("c1", "contact", "ana", START), START, [], {}).state
    nothing = advance(catalog, known, after("1h"), [CustomerEvent(at=after("1h"), seq=1, name="Seen")], {}).state
    assert nothing.watches is known.watches


REMEMBERED = """
playbook: p
enter:
  on:
    - {event: Cheered}
    - {when: traits.n > 3}
    - {stage: {adoption: active}}
    - {playbook: {other: completed}}
    - {schedule: "0 9 * * mon"}
    - {date: traits.renewal, offset: -7d}
steps: [{milestone: cheered}]
"""


def test_states_remember_triggers_stages_and_scores_by_names_that_every_release_makes_alike() -> None:
    assert [each.key for each in compiled(REMEMBERED).playbooks["p"].triggers] == [
        "p/on/Cheered",
        "p/when/182e1e55",
        "p/stage/adoption/active",
        "p/end/other/completed",
        "p/schedule/a8063122",
        "p/date/6d2dd9be",
    ]
    assert [each.key for each in compiled().tracks["adoption"].stages] == [
        "adoption/stage/new/e3b0c442",
        "adoption/stage/active/e602bbcb",
    ]
    measure = Measure(id="m", score=MeasureScore.model_validate({"value": "1", "from": 0, "to": 2}))
    assert compile_health(Health(health="h", measures=(measure,)), "0123456789ab", {}).key == "h/health/01234567"


def test_every_release_gives_the_same_text_the_same_version() -> None:
    assert content_hash("steps: []") == "557a607701752acc545c"
