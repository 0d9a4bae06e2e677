"""Who enters, who does not and why (language, section 4)."""

from __future__ import annotations

import msgspec

from perennia.core.advance import advance, new_customer
from perennia.core.compiled import compile_catalog
from perennia.core.decisions import CustomerEvent, EnrollOrder
from tests.support.lives import START, TOPICS, Life, after, documents

GREETING = """
playbook: greeting
topic: tips
enter:
  on: [{event: Signed Up}]
steps:
  - email: hello
"""


def test_an_event_starts_an_enrollment_at_its_instant() -> None:
    life = Life(GREETING).event("1h", "Signed Up").until("1d")
    assert life.timeline == [("1h", "email hello"), ("1h", "ended completed")]


def test_another_event_starts_nothing() -> None:
    life = Life(GREETING).event("1h", "Signed In").until("1d")
    assert life.timeline == []


def test_what_holds_of_everybody_takes_in_a_new_customer_at_once() -> None:
    text = GREETING.replace("event: Signed Up", "when: '!happened(\"Left\")'")
    assert Life(text).until("1d").entries == ["0d"]


def test_once_survives_the_end_for_good() -> None:
    life = Life(GREETING).event("1h", "Signed Up").event("300d", "Signed Up").until("301d")
    assert life.entries == ["1h"]
    assert life.refusals == [("300d", "reentry_blocked")]


def test_always_starts_a_full_second_run() -> None:
    text = GREETING.replace("steps:", "  reenter: always\nsteps:")
    life = Life(text).event("1h", "Signed Up").event("2h", "Signed Up").until("1d")
    assert [at for at, what in life.timeline if what == "email hello"] == ["1h", "2h"]


def test_reenter_after_counts_from_the_end_and_allows_at_that_instant() -> None:
    text = """
playbook: slow
topic: tips
enter:
  on: [{event: Signed Up}]
  reenter: {after: 10d}
steps:
  - wait: 1d
"""
    life = Life(text).event("0d", "Signed Up").event("10d23h59m59s", "Signed Up").event("11d", "Signed Up").until("12d")
    assert life.entries == ["0d", "11d"]
    assert life.refusals == [("10d23h59m59s", "reentry_blocked")]


def test_who_is_inside_is_not_enrolled_again() -> None:
    text = GREETING.replace("  - email: hello", "  - wait: 1d\n  - email: hello")
    life = Life(text).event("1h", "Signed Up").event("2h", "Signed Up").until("3d")
    assert life.refusals == [("2h", "already_enrolled")]


def test_the_entry_filter_is_evaluated_once_at_entry_and_says_what_it_saw() -> None:
    text = GREETING.replace("steps:", '  where: traits.plan == "pro"\nsteps:')
    life = Life(text, traits={"plan": "free"}).event("1h", "Signed Up").traits("2h", plan="pro").until("1d")
    assert life.refusals == [("1h", "failed_entry_filter")]
    assert life.entries == []
    (evidence,) = next(entry.evidence for entry in life.journal if entry.act == "refused")
    assert (evidence.expression, evidence.value, evidence.values) == (
        'traits.plan == "pro"',
        False,
        {"traits.plan": "free"},
    )


def test_a_trigger_filters_on_the_properties_of_its_event() -> None:
    text = GREETING.replace("{event: Signed Up}", '{event: Signed Up, where: "event.seats > 5"}')
    life = Life(text).event("1h", "Signed Up", {"seats": 3}).event("2h", "Signed Up", {"seats": 6}).until("1d")
    assert life.entries == ["2h"]


def test_properties_of_the_event_are_known_as_enter_at_once() -> None:
    text = """
playbook: orders
topic: tips
enter:
  on: [{event: Order Placed}]
steps:
  - branch:
      - if: enter.total > 100
        then: [{email: big}]
    else: [{email: small}]
"""
    life = Life(text).event("1h", "Order Placed", {"total": 150}).until("1d")
    assert life.timeline[0] == ("1h", "email big")


def test_a_prefix_trigger_takes_every_event_of_that_prefix() -> None:
    text = GREETING.replace("event: Signed Up", 'event: "Signed*"')
    life = Life(text).event("1h", "Signed Anything").until("1d")
    assert life.entries == ["1h"]


def test_two_playbooks_on_one_event_start_independently() -> None:
    life = Life(GREETING + "\n---\n" + GREETING.replace("greeting", "second")).event("1h", "Signed Up").until("1d")
    assert [entry.playbook for entry in life.journal if entry.act == "entered"] == ["greeting", "second"]


def test_an_edge_starts_at_the_instant_at_which_it_becomes_true() -> None:
    text = GREETING.replace("{event: Signed Up}", "{when: traits.seats >= 10}")
    life = Life(text, traits={"seats": 5}).traits("1d", seats=12).traits("2d", seats=20).until("3d")
    assert life.entries == ["1d"]


def test_what_goes_on_being_true_is_no_edge() -> None:
    text = GREETING.replace("{event: Signed Up}", "{when: traits.seats >= 10}").replace(
        "steps:", "  reenter: always\nsteps:"
    )
    life = Life(text, traits={"seats": 12}).traits("1d", seats=20).until("3d")
    assert life.entries == ["0d"]


def test_an_edge_over_two_traits_is_noticed_whichever_changes() -> None:
    text = GREETING.replace("{event: Signed Up}", "{when: traits.seats + traits.guests >= 3}")
    assert Life(text, traits={"seats": 1, "guests": 1}).traits("1d", seats=2).until("2d").entries == ["1d"]
    assert Life(text, traits={"seats": 1, "guests": 1}).traits("1d", guests=2).until("2d").entries == ["1d"]


def test_an_edge_by_time_alone_is_noticed_at_its_instant() -> None:
    text = GREETING.replace("{event: Signed Up}", '{when: \'idle("Logged In", "14d")\'}')
    life = Life(text).event("1d12h", "Logged In").until("30d")
    assert life.entries == ["15d12h"]


def test_a_new_customers_first_look_counts_as_false_before() -> None:
    text = GREETING.replace("{event: Signed Up}", "{when: 'traits.plan == \"pro\"'}")
    life = Life(text, traits={"plan": "pro"}).until("1d")
    assert life.entries == ["0d"]


def test_a_refused_edge_is_spent() -> None:
    text = GREETING.replace("{event: Signed Up}", "{when: traits.seats >= 10}").replace(
        "steps:", '  where: traits.plan == "pro"\nsteps:'
    )
    life = Life(text, traits={"plan": "free"}).traits("1d", seats=12).traits("2d", plan="pro").until("3d")
    assert life.refusals == [("1d", "failed_entry_filter")]
    assert life.entries == []


def test_a_goal_that_is_already_reached_refuses_the_entry_and_is_no_conversion() -> None:
    text = GREETING.replace("steps:", "goal: {when: 'happened(\"Shared\")'}\nsteps:")
    life = Life(text).event("1h", "Shared").event("2h", "Signed Up").until("1d")
    assert life.refusals == [("2h", "goal_reached")]
    assert not [entry for entry in life.journal if entry.act == "goal"]


def test_an_exit_that_already_holds_refuses_the_entry() -> None:
    text = GREETING.replace("steps:", "exit: [{when: traits.stop == true, reason: opted_out}]\nsteps:")
    life = Life(text, traits={"stop": True}).event("2h", "Signed Up").until("1d")
    assert life.refusals == [("2h", "exit_criteria")]


def test_a_persons_hand_overrides_filter_and_reentry() -> None:
    text = GREETING.replace("steps:", '  where: traits.plan == "pro"\nsteps:')
    life = Life(text, traits={"plan": "free"}).enroll("1h", "greeting").enroll("2h", "greeting").until("1d")
    assert life.entries == ["1h", "2h"]


def test_an_order_by_api_does_not_override_the_filter() -> None:
    text = GREETING.replace("steps:", '  where: traits.plan == "pro"\nsteps:')
    life = Life(text, traits={"plan": "free"}).enroll("1h", "greeting", by_person=False).until("1d")
    assert life.refusals == [("1h", "failed_entry_filter")]


def test_an_order_for_a_playbook_that_is_not_published_is_refused() -> None:
    life = Life(GREETING).enroll("1h", "greetings").until("1d")
    assert life.refusals == [("1h", "unknown_playbook")]


def test_whom_a_person_removed_no_rule_brings_back() -> None:
    text = GREETING.replace("steps:", "  reenter: always\nsteps:").replace("  - email: hello", "  - wait: 5d")
    life = Life(text).event("0d", "Signed Up").end("1d", "greeting").event("2d", "Signed Up").until("3d")
    assert life.timeline == [("1d", "ended by_person")]
    assert life.refusals == [("2d", "reentry_blocked")]


def test_a_person_may_bring_back_whom_a_person_removed() -> None:
    text = GREETING.replace("  - email: hello", "  - wait: 5d")
    life = Life(text).event("0d", "Signed Up").end("1d", "greeting").enroll("2d", "greeting").until("3d")
    assert life.entries == ["0d", "2d"]


def test_an_account_playbook_takes_no_contact() -> None:
    text = GREETING.replace("topic: tips", "topic: tips\nscope: account")
    life = Life(text).put("1h", EnrollOrder(at=after("1h"), playbook="greeting", by_person=True, by="kim")).until("1d")
    assert life.refusals == [("1h", "wrong_scope")]


def test_an_event_accepted_before_the_playbook_was_published_starts_nothing() -> None:
    published = [
        msgspec.structs.replace(document, published_at=after("2h")) for document in documents(TOPICS + "---" + GREETING)
    ]
    catalog = compile_catalog("r1", published)
    early = CustomerEvent(at=after("1h"), seq=1, name="Signed Up")
    decision = advance(catalog, new_customer("c1", "contact", "ana", START), after("3h"), [early], {})
    assert decision.state.enrollments == []
    assert decision.state.past == {}


def test_the_state_names_the_revision_that_it_was_decided_with() -> None:
    catalog = compile_catalog("r7", documents(TOPICS + "---" + GREETING))
    assert advance(catalog, new_customer("c1", "contact", "ana", START), after("1h"), [], {}).state.revision == "r7"
