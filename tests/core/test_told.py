"""What is told of messages and tasks: waits for it, results that keep it, addresses that are closed by it."""

from __future__ import annotations

from perennia.core.advance import advance, new_customer
from perennia.core.decisions import CustomerEvent, EffectEnded, MessageTold, Outcome, TaskEnded, Told
from perennia.core.json_values import JsonObject
from perennia.core.nodes import MESSAGES
from perennia.simulate.outside import Fault
from tests.support.lives import START, Life, after, catalog_of

LETTER = """
playbook: p
topic: tips
enter: {on: [{event: Go}]}
steps:
  - {id: ask, email: ask}
"""
CLICKED = (
    LETTER
    + """
  - wait_for: [{clicked: ask, then: [{email: thanks}]}]
    up_to: 3d
    else: [{email: again}]
"""
)


def tell(life: Life, at: str, what: Told, step: str = "ask", visit: int = 1) -> Life:
    return life.put(at, MessageTold(at=after(at), key=f"c1/p.1/{step}/{visit}", what=what))


def mails(life: Life) -> list[tuple[str, str]]:
    return [(at, what.removeprefix("email ")) for at, what in life.timeline if what.startswith("email")]


def result_of(life: Life, step: str = "ask") -> JsonObject:
    return life.enrollment.steps[step]


# --- waits ----------------------------------------------------------------------------------------------------------


def test_a_wait_for_a_click_passes_with_the_click() -> None:
    life = tell(Life(CLICKED).event("0d", "Go"), "1d", "clicked").until("4d")
    assert mails(life) == [("0d", "ask"), ("1d", "thanks")]


def test_without_a_click_it_reaches_its_limit() -> None:
    life = tell(tell(Life(CLICKED).event("0d", "Go"), "1d", "opened"), "2d", "replied").until("4d")
    assert mails(life) == [("0d", "ask"), ("3d", "again")]


def test_a_click_of_before_the_wait_passes_at_once() -> None:
    text = CLICKED.replace("  - wait_for", "  - wait: 2d\n  - wait_for")
    life = tell(Life(text).event("0d", "Go"), "1d", "clicked").until("4d")
    assert mails(life) == [("0d", "ask"), ("2d", "thanks")]


def test_since_step_a_click_of_before_the_wait_does_not_count() -> None:
    text = CLICKED.replace("  - wait_for", "  - wait: 2d\n  - since: step\n    wait_for")
    life = tell(Life(text).event("0d", "Go"), "1d", "clicked").until("6d")
    assert mails(life) == [("0d", "ask"), ("5d", "again")]


def test_one_click_satisfies_one_wait() -> None:
    text = CLICKED + "  - wait_for: [{clicked: ask, then: [{email: twice}]}]\n    up_to: 1d\n"
    assert mails(tell(Life(text).event("0d", "Go"), "1d", "clicked").until("4d")) == [("0d", "ask"), ("1d", "thanks")]
    again = tell(tell(Life(text).event("0d", "Go"), "1d", "clicked"), "1d12h", "clicked").until("4d")
    assert mails(again) == [("0d", "ask"), ("1d", "thanks"), ("1d12h", "twice")]


def test_all_holds_a_click_until_the_rest_has_come() -> None:
    text = CLICKED.replace("{clicked: ask,", "{all: [{clicked: ask}, {event: Paid}, {when: traits.ok == true}],")
    life = tell(Life(text).event("0d", "Go"), "1h", "clicked").event("2h", "Paid").traits("1d", ok=True).until("4d")
    assert mails(life) == [("0d", "ask"), ("1d", "thanks")]


def test_a_click_in_an_earlier_round_is_stale_in_the_next() -> None:
    text = """
playbook: p
topic: tips
enter: {on: [{event: Go}]}
steps:
  - repeat:
      every: 7d
      times: 2
      steps:
        - {id: ask, email: ask}
        - wait_for: [{clicked: ask, then: [{email: thanks}]}]
          up_to: 2d
"""
    life = tell(tell(Life(text).event("0d", "Go"), "1d", "clicked"), "3d", "clicked").until("10d")
    assert mails(life) == [("0d", "ask"), ("1d", "thanks"), ("7d", "ask")]
    late = tell(Life(text).event("0d", "Go"), "8d", "clicked", visit=1).until("10d")
    assert mails(late) == [("0d", "ask"), ("7d", "ask"), ("8d", "thanks")]


TASK = """
playbook: p
topic: tips
enter: {on: [{event: Go}]}
steps:
  - {id: call, task: Call}
  - wait_for: [{task: call, then: [{email: thanks}]}]
    up_to: 3d
    else: [{email: late}]
"""


def test_a_wait_for_a_task_passes_when_it_is_closed() -> None:
    for outcome in ("done", "cancelled"):
        life = Life(TASK).event("0d", "Go")
        life.put("1d", TaskEnded(at=after("1d"), key="c1/p.1/call/1", outcome=outcome))
        assert mails(life.until("4d")) == [("1d", "thanks")]


def test_the_task_of_another_key_is_another_task() -> None:
    text = TASK.replace("topic: tips", "topic: tips\nkey: event.id")
    life = Life(text).event("0d", "Go", {"id": 1}).event("0d", "Go", {"id": 2})
    life.put("1d", TaskEnded(at=after("1d"), key="c1/p.2/call/1", outcome="done"))
    assert mails(life.until("4d")) == [("1d", "thanks"), ("3d", "late")]


# --- results --------------------------------------------------------------------------------------------------------


def test_a_message_knows_what_was_told_of_it() -> None:
    life = tell(tell(Life(CLICKED).event("0d", "Go"), "1h", "opened"), "2h", "bounced").until("3h")
    assert result_of(life) == {
        "outcome": "sent",
        "opened": True,
        "clicked": False,
        "replied": False,
        "bounced": True,
    }


def test_a_condition_over_the_result_is_looked_at_when_it_changes() -> None:
    text = LETTER + "  - wait_for: [{when: steps.ask.opened, then: [{email: thanks}]}]\n    up_to: 3d\n"
    assert mails(tell(Life(text).event("0d", "Go"), "1d", "opened").until("4d")) == [("0d", "ask"), ("1d", "thanks")]


def test_what_was_not_told_may_be_negated() -> None:
    text = LETTER + '  - wait: 1d\n  - {email: again, if: "!steps.ask.opened"}\n'
    assert mails(Life(text).event("0d", "Go").until("2d")) == [("0d", "ask"), ("1d", "again")]


def test_what_is_told_before_the_message_is_known_to_have_left_is_kept() -> None:
    life = Life(CLICKED).event("0d", "Go")
    life.world.outside.faults.append(Fault(after("0d"), refuses=False, times=1))
    life = tell(life, "0d", "opened").until("1h")
    assert (result_of(life)["outcome"], result_of(life)["opened"]) == ("sent", True)


def test_what_is_told_of_an_enrollment_that_is_over_changes_nothing() -> None:
    life = tell(Life(LETTER).event("0d", "Go"), "1d", "clicked").until("2d")
    assert life.timeline == [("0d", "email ask"), ("0d", "ended completed")]
    assert [each.act for each in life.journal if each.at == after("1d")] == []


def test_a_key_of_no_effect_changes_nothing() -> None:
    life = Life(CLICKED).event("0d", "Go").put("1d", MessageTold(at=after("1d"), key="nonsense", what="clicked"))
    life.put("1d", EffectEnded(at=after("1d"), key="nonsense", outcome=Outcome.SENT))
    assert mails(life.until("2d")) == [("0d", "ask")]


def test_what_is_told_of_a_message_is_watched_where_something_reads_it() -> None:
    def watching(goal: str) -> frozenset[str]:
        text = LETTER + f"  - wait: 5d\ngoal: {{when: {goal}}}\n"
        go = CustomerEvent(at=START, seq=1, name="Go")
        state = new_customer("c1", "contact", "ana", START)
        return advance(catalog_of(text), state, START, [go], {}).watching

    assert MESSAGES in watching("steps.ask.opened == true && traits.x == 1")
    assert MESSAGES not in watching("traits.x == 1")


def test_the_end_of_a_message_whose_enrollment_is_over_is_noted() -> None:
    life = Life(LETTER).event("0d", "Go")
    life.put("1d", EffectEnded(at=after("1d"), key="c1/p.1/ask/1", outcome=Outcome.FAILED, reason="bounced")).until(
        "2d"
    )
    (noted,) = [each for each in life.journal if each.act == "ignored"]
    assert (noted.code, noted.step, noted.reason, noted.detail) == ("failed", "ask", "bounced", {"enrollment": "p.1"})
