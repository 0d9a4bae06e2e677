"""Playbooks with a key: a customer is in them once for each of its values (language, section 4)."""

from __future__ import annotations

import msgspec
import pytest

from perennia.core.advance import advance
from perennia.core.decisions import EnrollmentOrder, EnrollOrder
from perennia.core.json_values import Json
from perennia.core.keys import key_text
from tests.support.lives import Life, after

ORDERS = """
playbook: order
topic: tips
key: event.order_id
enter:
  on: [{event: Order Placed}]
steps:
  - email: thanks
  - wait_for: [{event: Order Delivered, then: [{email: rate}]}]
    up_to: 10d
    else: [{email: where-is-it}]
"""
GOAL = ORDERS.replace("steps:", "goal: {event: Order Paid, where: event.total > 10, within: 1d}\nsteps:")


def order(life: Life, at: str, number: Json, name: str = "Order Placed") -> Life:
    return life.event(at, name, {"order_id": number})


def keys_of(life: Life, act: str) -> list[Json]:
    return [each.detail.get("key") for each in life.journal if each.act == act]


def test_each_key_has_an_enrollment_of_its_own() -> None:
    life = order(order(Life(ORDERS), "0d", "a"), "1h", "b").until("2h")
    assert [(each.id, each.key) for each in life.world.state.enrollments] == [("order.1", "a"), ("order.2", "b")]
    assert keys_of(life, "entered") == ["a", "b"]


def test_a_second_enrollment_with_the_key_of_an_active_one_is_refused() -> None:
    life = order(order(Life(ORDERS), "0d", "a"), "1h", "a").until("2h")
    assert life.entries == ["0d"]
    assert life.refusals == [("1h", "already_enrolled")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        ("1", "1"),
        (1.0, "1"),
        ("1.0", "1.0"),
        (1.5, "1.5"),
        (10**15, "1000000000000000"),
        (2.0**53, "9007199254740992"),
        (2.0**54, "1.8014398509481984e+16"),
        (True, "true"),
        ("", None),
        (None, None),
        (["a"], None),
        ({"a": 1}, None),
        ("x" * 200, "x" * 200),
        ("x" * 201, None),
    ],
)
def test_keys_compare_as_text(value: Json, text: str | None) -> None:
    assert key_text(value) == text


def test_numeric_and_text_keys_are_one_key() -> None:
    life = order(order(order(Life(ORDERS), "0d", 7), "1h", "7"), "2h", "7", "Order Delivered").until("3h")
    assert life.entries == ["0d"]
    assert ("2h", "email rate") in life.timeline


@pytest.mark.parametrize("properties", [{}, {"order_id": None}, {"order_id": ""}, {"order_id": [1]}])
def test_an_event_without_the_key_starts_nothing_and_says_so(properties: dict[str, Json]) -> None:
    life = Life(ORDERS).event("0d", "Order Placed", properties).until("1h")
    assert (life.entries, life.refusals) == ([], [("0d", "missing_key")])
    (refused,) = [each for each in life.journal if each.act == "refused"]
    assert refused.evidence[0].expression == "event.order_id"


def test_an_event_reaches_only_the_enrollment_whose_key_it_carries() -> None:
    life = order(order(Life(ORDERS), "0d", "a"), "1h", "b")
    life = order(order(life, "1d", "b", "Order Delivered"), "2d", "c", "Order Delivered").until("10d")
    assert [(at, what) for at, what in life.timeline if what in ("email rate", "email where-is-it")] == [
        ("1d", "email rate"),
        ("10d", "email where-is-it"),
    ]


def test_match_says_where_an_event_carries_the_key() -> None:
    text = ORDERS.replace("{event: Order Delivered,", "{event: Order Delivered, match: event.order,")
    life = order(Life(text), "0d", "a")
    life = order(life, "1h", "a", "Order Delivered").event("2h", "Order Delivered", {"order": "a"}).until("1d")
    assert ("1h", "email rate") not in life.timeline
    assert ("2h", "email rate") in life.timeline


def test_a_trigger_has_a_match_of_its_own() -> None:
    text = ORDERS.replace("[{event: Order Placed}]", "[{event: Order Placed}, {event: Sale, match: event.order}]")
    life = order(Life(text), "0d", "a").event("1h", "Sale", {"order": "a"}).event("2h", "Sale", {"order": "b"})
    assert life.until("3h").refusals == [("1h", "already_enrolled")]
    assert life.entries == ["0d", "2h"]


def test_the_key_may_stand_under_enter() -> None:
    text = ORDERS.replace("key: event.order_id\n", "").replace("enter:\n", "enter:\n  key: event.order_id\n")
    life = order(order(Life(text), "0d", "a"), "1h", "b").until("2h")
    assert keys_of(life, "entered") == ["a", "b"]


# --- re-entry -------------------------------------------------------------------------------------------------------

BRIEF = """
playbook: brief
topic: tips
key: event.order_id
enter:
  on: [{event: Order Placed}]
  reenter: once
steps: [{wait: 1h}]
"""


def test_once_counts_per_key() -> None:
    life = order(order(order(Life(BRIEF), "0d", "a"), "2h", "a"), "2h", "b").until("3h")
    assert life.entries == ["0d", "2h"]
    assert life.refusals == [("2h", "reentry_blocked")]


def test_reenter_after_counts_from_the_end_of_the_same_key() -> None:
    text = BRIEF.replace("once", "{after: 2d}")
    life = order(order(Life(text), "0d", "a"), "1d", "b")
    life = order(order(life, "2d59m59s", "a"), "2d1h", "a")
    assert life.until("3d").refusals == [("2d59m59s", "reentry_blocked")]
    assert life.entries == ["0d", "1d", "2d1h"]


def test_whom_a_person_removed_is_kept_out_for_that_key_alone() -> None:
    text = BRIEF.replace("once", "always")
    life = order(order(Life(text), "0d", "a"), "1m", "b")
    life.put("2m", EnrollmentOrder(at=after("2m"), order="end", playbook="brief", by="kim", key="a"))
    life = order(order(life, "2h", "a"), "2h", "b").until("3h")
    assert life.refusals == [("2h", "reentry_blocked")]
    assert keys_of(life, "entered") == ["a", "b", "b"]


def test_whom_a_person_brings_back_for_a_key_rules_bring_back_for_it_too() -> None:
    life = order(order(Life(BRIEF.replace("once", "always")), "0d", "a"), "0d", "b")
    for key in ("a", "b"):
        life.put("1m", EnrollmentOrder(at=after("1m"), order="end", playbook="brief", by="kim", key=key))
    life.put("2h", EnrollOrder(at=after("2h"), playbook="brief", by_person=True, by="kim", payload={"order_id": "a"}))
    life = order(order(life, "1d", "a"), "1d1h", "b").until("2d")
    assert (keys_of(life, "entered"), life.refusals) == (["a", "b", "a", "a"], [("1d1h", "reentry_blocked")])


def test_who_came_in_before_there_was_a_key_hears_every_event() -> None:
    life = (
        Life(ORDERS.replace("key: event.order_id\n", "")).event("0d", "Order Placed").publish("1h", ORDERS, "migrate")
    )
    assert ("2h", "email rate") in order(life, "2h", 7, "Order Delivered").until("3h").timeline


def test_who_came_in_when_there_was_a_key_hears_every_event_since_there_is_none() -> None:
    life = order(Life(ORDERS), "0d", 7).publish("1h", ORDERS.replace("key: event.order_id\n", ""), "migrate")
    assert ("2h", "email rate") in life.event("2h", "Order Delivered").until("3h").timeline


def test_by_hand_a_key_comes_in_again_after_all() -> None:
    life = order(Life(BRIEF), "0d", "a")
    life.put("2h", EnrollOrder(at=after("2h"), playbook="brief", by_person=True, by="kim", payload={"order_id": "a"}))
    assert life.until("3h").entries == ["0d", "2h"]


@pytest.mark.parametrize("by_person", [True, False])
def test_an_order_without_the_key_is_refused(*, by_person: bool) -> None:
    life = Life(BRIEF).enroll("0d", "brief", by_person=by_person).until("1h")
    assert (life.entries, life.refusals) == ([], [("0d", "missing_key")])


def test_a_condition_carries_no_event_and_so_no_key() -> None:
    text = BRIEF.replace("{event: Order Placed}", "{when: traits.vip == true}")
    life = Life(text).traits("1h", vip=True).until("2h")
    assert life.refusals == [("1h", "missing_key")]


def test_a_key_of_traits_needs_no_event() -> None:
    text = BRIEF.replace("event.order_id", "traits.term").replace("{event: Order Placed}", "{when: traits.due == true}")
    life = Life(text).traits("0d", due=True, term=2026).traits("1d", due=False, term=2027).traits("2d", due=True)
    assert keys_of(life.until("3d"), "entered") == ["2026", "2027"]


def test_a_schedule_goes_on_for_other_values_of_the_key() -> None:
    text = BRIEF.replace("event.order_id", "traits.term").replace("{event: Order Placed}", '{schedule: "0 12 * * *"}')
    life = Life(text).traits("0d", term=1).traits("1d", term=2).until("3d")
    assert life.entries == ["3h", "1d3h"]


def test_what_no_policy_asks_for_is_not_remembered() -> None:
    sizes: list[int] = []
    for policy in ("always", "{after: 1d}"):
        life = Life(BRIEF.replace("once", policy))
        for day in range(60):
            order(life, f"{day * 2}d", f"order-{day}")
        sizes.append(len(life.until("120d").world.state.past["brief"].keys))
    assert sizes == [0, 1]


def test_ids_stay_unique_over_keys_and_time() -> None:
    life = Life(BRIEF.replace("once", "always"))
    for hour in range(0, 8, 2):
        order(order(life, f"{hour}h", "a"), f"{hour}h", "b")
    life.until("9h")
    ids = [each.enrollment for each in life.journal if each.act == "entered"]
    assert ids == [f"brief.{number}" for number in range(1, 9)]


# --- goals and exits ------------------------------------------------------------------------------------------------


def test_a_goal_by_event_matches_the_key_and_its_filter() -> None:
    life = order(order(Life(GOAL), "0d", "a"), "1h", "b")
    life.event("2h", "Order Paid", {"order_id": "a", "total": 5})
    life.event("3h", "Order Paid", {"order_id": "a", "total": 50}).until("4h")
    assert [(at, what) for at, what in life.timeline if what.startswith("ended")] == [("3h", "ended goal")]
    assert [each.key for each in life.world.state.enrollments] == ["b"]


def test_an_exit_by_event_comes_before_a_goal_by_the_same_event() -> None:
    text = GOAL.replace("steps:", "exit: [{event: Order Paid, reason: paid}]\nsteps:")
    life = order(Life(text), "0d", "a").event("1h", "Order Paid", {"order_id": "a", "total": 50}).until("2h")
    assert life.timeline[-1] == ("1h", "ended paid")


def test_without_a_key_any_such_event_is_the_goal() -> None:
    text = GOAL.replace("key: event.order_id\n", "")
    life = order(Life(text), "0d", "a").event("1h", "Order Paid", {"total": 50}).until("2h")
    assert life.timeline[-1] == ("1h", "ended goal")


def test_the_event_that_starts_an_enrollment_is_not_its_goal() -> None:
    text = ORDERS.replace("steps:", "goal: {event: Order Placed}\nsteps:")
    life = order(order(Life(text), "0d", "a"), "1h", "b").until("2h")
    assert [each.key for each in life.world.state.enrollments] == ["a", "b"]
    assert order(life, "3h", "a").until("4h").timeline[-1] == ("3h", "ended goal")


def test_an_event_of_before_is_no_goal_at_entry() -> None:
    life = Life(GOAL).event("0d", "Order Paid", {"order_id": "a", "total": 50})
    assert order(life, "1h", "a").until("2h").entries == ["1h"]


def test_a_goal_by_event_that_goes_on_counts_once() -> None:
    text = GOAL.replace("within: 1d", "within: 1d, then: continue")
    life = order(Life(text), "0d", "a")
    for at in ("2d", "3d"):
        life.event(at, "Order Paid", {"order_id": "a", "total": 50})
    goals = [each.detail for each in life.until("4d").journal if each.act == "goal"]
    assert goals == [{"conversion": False, "event": "Order Paid"}]


def test_events_that_may_end_an_enrollment_are_watched() -> None:
    life = order(Life(GOAL), "0d", "a").until("1h")
    state = life.world.state
    decision = advance(life.catalog, state, state.now, [], {})
    assert {"event:Order Paid", "event:Order Delivered"} <= decision.watching


def test_a_held_out_enrollment_ends_by_the_event_of_its_key() -> None:
    text = GOAL.replace("enter:", "enter:\n  holdout: 100%")
    life = order(order(Life(text), "0d", "a"), "1h", "b")
    life.event("2h", "Order Paid", {"order_id": "b", "total": 50}).until("3h")
    assert life.timeline == [("2h", "ended completed")]


# --- orders ---------------------------------------------------------------------------------------------------------


def test_an_order_steers_all_enrollments_of_the_playbook() -> None:
    life = order(order(Life(ORDERS), "0d", "a"), "1h", "b").end("2h", "order").until("3h")
    assert life.world.state.enrollments == []
    assert keys_of(life, "order") == ["a", "b"]


def test_an_order_with_a_key_steers_that_one_alone() -> None:
    life = order(order(Life(ORDERS), "0d", "a"), "1h", "b")
    life.put("2h", EnrollmentOrder(at=after("2h"), order="end", playbook="order", by="kim", key="b")).until("3h")
    assert [each.key for each in life.world.state.enrollments] == ["a"]


def test_an_order_for_a_key_that_is_not_there_is_ignored() -> None:
    life = order(Life(ORDERS), "0d", "a")
    life.put("2h", EnrollmentOrder(at=after("2h"), order="end", playbook="order", by="kim", key="b")).until("3h")
    (ignored,) = [each for each in life.journal if each.act == "ignored"]
    assert (ignored.reason, ignored.detail["key"]) == ("not_enrolled", "b")


def test_a_state_with_keys_survives_json() -> None:
    state = order(order(Life(BRIEF), "0d", "a"), "1d", "b").until("1d").world.state
    assert msgspec.json.decode(msgspec.json.encode(state), type=type(state)) == state


def test_an_event_without_the_key_may_carry_it_for_another_trigger() -> None:
    text = ORDERS.replace(
        "[{event: Order Placed}]", "[{event: Order Placed}, {event: Order Placed, match: event.number}]"
    )
    life = Life(text).event("0d", "Order Placed", {"number": 7}).until("1h")
    assert (keys_of(life, "entered"), life.refusals) == (["7"], [("0d", "missing_key")])
