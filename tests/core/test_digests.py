"""Messages of a digest topic leave as one (language, section 8). START is Monday 2 March 2026, 09:00 UTC."""

from __future__ import annotations

from perennia.core.decisions import MessageTold, SendEmail
from perennia.core.definitions import Policies
from perennia.core.digests import narrowed
from perennia.core.json_values import JsonObject
from perennia.simulate.outside import Fault
from tests.support.lives import START, Life, PlainText, after

BOOK = """
playbook: p-{mail}
topic: daily
priority: {priority}
enter: {{on: [{{event: {event}}}], reenter: always}}
while: traits.status != "gone"
exit: [{{when: traits.stop == "{mail}", reason: told}}]
steps:
  - id: first
    email: {mail}
    {keys}
  - wait: 1h
  - email: {mail}-later
    transactional: true
"""
# They go on where the topics of `tests.support.lives` end.
DAILY = '  daily: {kind: opt_out, name: Daily, digest: {at: "12:00"}}'
FRIDAYS = '  daily: {kind: opt_out, name: Fridays, digest: {at: "12:00", on: [fri]}}'


def book(mail: str, event: str = "Go", priority: int = 50, keys: str = "") -> str:
    return BOOK.format(mail=mail, event=event, priority=priority, keys=keys)


def life(policies: str, *books: str, **traits: str) -> Life:
    return Life("---".join(books), policies=policies, traits={**traits})


def mails(life: Life) -> list[tuple[str, str]]:
    """Everything visible but the ends of enrollments and the second, transactional message."""
    found = [
        (at, what.removeprefix("email ").removesuffix(" in a digest"))
        for at, what in life.timeline
        if not what.startswith("ended")
    ]
    return [(at, what) for at, what in found if not what.endswith("-later")]


def held(life: Life) -> list[tuple[str | None, str | None]]:
    return [(entry.playbook, entry.reason) for entry in life.journal if entry.act == "held"]


def digests(life: Life) -> list[list[str]]:
    """The templates of each digest that was released."""
    found: dict[str, list[str]] = {}
    for entry in life.journal:
        if entry.act == "released" and "digest" in entry.detail:
            found.setdefault(str(entry.detail["digest"]), []).append(str(entry.detail["template"]))
    return list(found.values())


# --- when it leaves -------------------------------------------------------------------------------------------------


def test_messages_of_a_digest_topic_leave_as_one_at_its_instant() -> None:
    found = life(DAILY, book("m"), book("n", "Come")).event("0d", "Go").event("1h", "Come").until("2d")
    assert mails(found) == [("3h", "m"), ("3h", "n")]
    assert digests(found) == [["m", "n"]]
    assert held(found) == [("p-m", "digest"), ("p-n", "digest")]


def test_what_follows_a_digest_counts_from_the_instant_at_which_it_left() -> None:
    found = life(DAILY, book("m"), book("n")).event("0d", "Go").until("2d")
    assert [each for each in found.timeline if each[1].endswith("-later")] == [
        ("4h", "email m-later"),
        ("4h", "email n-later"),
    ]


def test_a_message_that_is_alone_leaves_as_itself() -> None:
    found = life(DAILY, book("m")).event("0d", "Go").until("2d")
    assert (mails(found), digests(found)) == ([("3h", "m")], [])


def test_the_instant_is_the_recipients() -> None:
    # Noon in Sao Paulo is 15:00 UTC.
    found = life(DAILY, book("m"), timezone="America/Sao_Paulo").event("0d", "Go").until("2d")
    assert mails(found) == [("6h", "m")]


def test_a_customer_who_moves_takes_the_digest_along() -> None:
    found = life(DAILY, book("m")).event("0d", "Go").traits("1h", timezone="America/Sao_Paulo").until("2d")
    assert mails(found) == [("6h", "m")]


def test_a_digest_leaves_on_its_days_alone_and_nothing_expires_before() -> None:
    found = life(FRIDAYS, book("m"), book("n", "Come")).event("0d", "Go").event("3d", "Come").until("9d")
    assert (mails(found), digests(found)) == ([("4d3h", "m"), ("4d3h", "n")], [["m", "n"]])


def test_a_message_that_comes_at_the_very_instant_leaves_with_the_others() -> None:
    waits = book("w").replace("steps:\n", 'steps:\n  - wait: {until: "12:00"}\n')
    found = life(DAILY, waits, book("m")).event("0d", "Go").until("1d")
    assert digests(found) == [["m", "w"]]


def test_what_comes_after_the_digest_at_its_very_instant_waits_for_the_next() -> None:
    two = book("m").replace("  - wait: 1h\n", "  - email: again\n")
    found = life(DAILY, two).event("0d", "Go").until("3d")
    assert mails(found) == [("3h", "m"), ("1d3h", "again")]


def test_transactional_messages_wait_for_no_digest() -> None:
    found = life(DAILY, book("m", keys="transactional: true")).event("0d", "Go").until("2d")
    assert mails(found) == [("0d", "m")]


def test_a_topic_that_has_a_digest_no_more_lets_its_messages_go() -> None:
    found = life(DAILY, book("m")).event("0d", "Go")
    found.publish("1h", "policies: default\ntopics: {daily: {kind: opt_out, name: Daily}}").until("1d")
    assert mails(found) == [("1h", "m")]


# --- what keeps it --------------------------------------------------------------------------------------------------


def test_a_digest_takes_one_place_under_a_cap() -> None:
    policies = f"{DAILY}\ncaps: [{{messages: 2, per: 7d}}]"
    found = life(policies, book("m"), book("n"), book("o", "Late")).event("0d", "Go").event("1d", "Late").until("3d")
    assert mails(found) == [("3h", "m"), ("3h", "n"), ("1d3h", "o")]


def test_quiet_hours_hold_the_digest_as_a_whole() -> None:
    policies = f'{DAILY}\nquiet_hours: {{window: "11:00-13:00"}}'
    found = life(policies, book("m"), book("n")).event("0d", "Go").until("2d")
    assert (mails(found), digests(found)) == ([("4h", "m"), ("4h", "n")], [["m", "n"]])
    assert held(found)[2:] == [("p-m", "quiet_hours"), ("p-n", "quiet_hours")]


def test_a_message_that_is_not_to_wait_for_quiet_hours_is_left_out() -> None:
    policies = f'{DAILY}\nquiet_hours: {{window: "11:00-13:00"}}'
    found = life(policies, book("m", keys="on_quiet: skip"), book("n")).event("0d", "Go").until("2d")
    assert mails(found) == [("3h", "skipped first: quiet_hours"), ("4h", "n")]


def test_a_message_of_higher_priority_takes_the_place_of_a_digest() -> None:
    urgent = book("u", "Urgent", 90).replace("topic: daily", "topic: tips")
    found = life(f"{DAILY}\ncaps: [{{messages: 1, per: 1d}}]", book("m"), book("n"), urgent)
    found.event("0d", "Go").event("3h", "Urgent").until("2d")
    assert mails(found) == [("3h", "u"), ("1d3h", "m"), ("1d3h", "n")]
    assert digests(found) == [["m", "n"]]


def test_how_long_a_message_is_held_counts_from_its_digest() -> None:
    policies = f"{DAILY}\ncaps: [{{messages: 1, per: 7d}}]"
    found = life(policies, book("o", "First"), book("m", keys="hold: 1d"), book("n", keys="hold: 9d"))
    found.event("0d", "First").event("4h", "Go").until("12d")
    assert mails(found) == [("3h", "o"), ("2d3h", "skipped first: expired"), ("7d3h", "n")]


# --- who leaves it --------------------------------------------------------------------------------------------------


def test_whoever_ends_before_the_instant_is_not_in_it() -> None:
    found = life(DAILY, book("m"), book("n")).event("0d", "Go").traits("1h", stop="m").until("2d")
    assert (mails(found), digests(found)) == ([("3h", "n")], [])


def test_a_playbook_whose_condition_fails_at_the_instant_is_not_in_it() -> None:
    found = life(DAILY, book("m").replace("while: traits.status", "while: traits.plan"), book("n"))
    found.event("0d", "Go").traits("1h", plan="gone").until("2d")
    assert mails(found) == [("3h", "n")]


def test_consent_that_is_withdrawn_before_the_instant_drops_all_of_it() -> None:
    found = life(DAILY, book("m"), book("n")).event("0d", "Go")
    found.put("1h", lambda world: world.consent("daily", given=False)).until("2d")
    assert mails(found) == [("1h", "skipped first: unsubscribed_topic"), ("1h", "skipped first: unsubscribed_topic")]


def test_a_paused_message_waits_for_the_digest_after_the_pause() -> None:
    found = life(DAILY, book("m"), book("n")).event("0d", "Go").pause("1h", "p-m").resume("5h", "p-m").until("2d")
    assert mails(found) == [("3h", "n"), ("1d3h", "m")]


def test_a_message_that_moves_to_another_version_stays_in_the_digest() -> None:
    found = life(DAILY, book("m"), book("n")).event("0d", "Go")
    found.publish("1h", book("m").replace("email: m\n", "email: m2\n"), mode="migrate").until("2d")
    assert digests(found) == [["m2", "n"]]


def test_an_exit_between_release_and_leaving_takes_out_one_message_and_no_more() -> None:
    found = life(DAILY, book("m"), book("n")).event("0d", "Go").traits("3h1s", stop="m")
    found.world.outside.faults.append(Fault(START, refuses=False, times=3))
    found.until("2d")
    assert [each for each in found.timeline if each[1].endswith("-later")] == [("4h", "email n-later")]


# --- how it ends ----------------------------------------------------------------------------------------------------


class Watching(PlainText):
    """Keeps what leaves."""

    def __init__(self) -> None:
        self.sent: list[SendEmail] = []

    def message(self, effect: SendEmail, policies: Policies) -> None:
        super().message(effect, policies)
        self.sent.append(effect)


def results(life: Life) -> dict[str, JsonObject]:
    return {each.playbook: each.steps["first"] for each in life.world.state.enrollments}


def test_the_end_of_a_digest_is_the_end_of_each_message() -> None:
    found = life(DAILY, book("m"), book("n")).event("0d", "Go")
    found.world.outside.faults.append(Fault(START, refuses=True, times=1))
    found.until("3h30m")
    refused = {"outcome": "failed", "reason": "provider_refused"}
    assert results(found) == {"p-m": refused, "p-n": refused}


def test_what_is_done_with_one_message_of_a_digest_belongs_to_its_step() -> None:
    found = life(DAILY, book("m"), book("n")).event("0d", "Go")
    key = "c1/p-m.1/first/1"
    found.put("3h5m", MessageTold(at=after("3h5m"), key=key, what="clicked")).until("3h30m")
    assert {name: told["clicked"] for name, told in results(found).items()} == {"p-m": True, "p-n": False}


def test_the_key_of_a_digest_tells_it_from_the_one_before() -> None:
    found = life(DAILY, book("m"), book("n")).event("0d", "Go").event("1d", "Go").until("2d")
    keys = [
        str(entry.detail["digest"]) for entry in found.journal if "digest" in entry.detail and entry.act == "released"
    ]
    assert keys[::2] == ["c1/digest:daily.1/digest/1", "c1/digest:daily.2/digest/1"]


def test_what_all_messages_know_stands_in_a_digest_once() -> None:
    found = life(DAILY, book("m"), book("n")).event("0d", "Go")
    watching = Watching()
    found.world.outside.rendering = watching
    found.until("3h")
    (digest,) = [each for each in watching.sent if each.items]
    assert (digest.key, digest.playbook, digest.template) == (
        "c1/digest:daily.1/digest/1",
        "topic:daily",
        "built-in/digest",
    )
    assert [(item.key, item.template, list(item.context)) for item in digest.items] == [
        ("c1/p-m.1/first/1", "m", []),
        ("c1/p-n.1/first/1", "n", []),
    ]


def test_what_follows_a_digest_that_is_left_out_happens_at_its_instant() -> None:
    skips = book("m", keys="on_quiet: skip").replace("  - wait: 1h", "  - emit: Left Out\n  - wait: 1h")
    hears = "\nplaybook: q\nenter: {on: [{event: Left Out}]}\nsteps: [{milestone: heard}]\n"
    quiet = DAILY + '\nquiet_hours: {window: "11:00-13:00"}\n'
    found = life(quiet, skips, hears).event("0d", "Go").until("4h")
    assert found.world.state.milestones == {"heard": after("3h")}


def test_a_digest_goes_on_without_the_messages_that_nobody_waits_for_any_more() -> None:
    found = life(DAILY, book("m"), book("n")).event("0d", "Go")
    watching = Watching()
    found.world.outside.rendering = watching
    found.until("3h")
    (digest,) = [each for each in watching.sent if each.items]
    assert [item.template for item in narrowed(digest, ["p-n.1"]).items] == ["n"]
    assert narrowed(digest, ["p-m.1", "p-n.1"]) is digest
    assert narrowed(digest, []) is digest
