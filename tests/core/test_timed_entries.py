"""Entries by date and by schedule (language, section 4). START is Monday 2 March 2026, 09:00 UTC."""

from __future__ import annotations

import msgspec

from perennia.core.advance import advance, new_customer
from perennia.core.compiled import compile_catalog
from perennia.core.decisions import TraitsChanged
from perennia.core.json_values import Json
from tests.support.lives import START, TOPICS, Life, after, documents

BOOK = """
playbook: p
topic: tips
enter:
  on: [{trigger}]
  reenter: always
steps:
  - email: hello
"""
RENEWAL = "{date: traits.renewal}"


def life(trigger: str, more: str = "", **traits: Json) -> Life:
    return Life(
        BOOK.format(trigger=trigger).replace("  reenter: always\n", more or "  reenter: always\n"), traits=traits
    )


# --- dates ----------------------------------------------------------------------------------------------------------


def test_at_the_instant_that_the_trait_tells() -> None:
    assert life(RENEWAL, renewal="2026-03-05T12:30:00Z").until("30d").entries == ["3d3h30m"]


def test_a_date_without_a_time_is_midnight_where_the_customer_lives() -> None:
    assert life(RENEWAL, renewal="2026-03-05", timezone="Asia/Tokyo").until("30d").entries == ["2d6h"]


def test_days_before_it_at_a_time_of_that_day() -> None:
    trigger = '{date: traits.renewal, offset: -90d, at: "09:00"}'
    # 90 days before 1 July is 2 April; nine in Madrid is 07:00 UTC in summer time.
    assert life(trigger, renewal="2026-07-01", timezone="Europe/Madrid").until("99d").entries == ["30d22h"]


def test_a_time_that_the_clocks_skip_that_day_is_the_first_instant_after_the_gap() -> None:
    trigger = '{date: traits.renewal, at: "02:30"}'
    assert life(trigger, renewal="2026-03-29", timezone="Europe/Madrid").until("99d").entries == ["26d16h"]


def test_a_time_that_the_clocks_repeat_that_day_fires_in_its_first_pass_only() -> None:
    trigger = '{date: traits.renewal, at: "02:30"}'
    found = life(trigger, renewal="2026-10-25", timezone="Europe/Madrid").until("300d")
    assert found.entries == ["236d15h30m"]


def test_an_instant_that_is_past_already_never_fires() -> None:
    assert life(RENEWAL, renewal="2026-03-02T08:59:59Z").until("99d").entries == []


def test_an_instant_that_is_now_fires() -> None:
    assert life(RENEWAL, renewal="2026-03-02T09:00:00Z").until("99d").entries == ["0d"]


def test_it_is_armed_anew_when_the_trait_changes() -> None:
    found = life(RENEWAL, renewal="2026-03-05T09:00:00Z").traits("1d", renewal="2026-03-09T09:00:00Z").until("99d")
    assert found.entries == ["7d"]


def test_each_new_date_fires() -> None:
    found = life(RENEWAL, renewal="2026-03-05T09:00:00Z").traits("4d", renewal="2026-03-09T09:00:00Z").until("99d")
    assert found.entries == ["3d", "7d"]


def test_a_date_fires_once_also_where_a_move_would_bring_it_back() -> None:
    found = life('{date: traits.renewal, at: "09:00"}', renewal="2026-03-05", timezone="Asia/Tokyo")
    # Nine in Tokyo is midnight UTC; an hour later the customer is in Madrid, where nine is still to come.
    assert found.traits("2d16h", timezone="Europe/Madrid").until("99d").entries == ["2d15h"]


def test_it_follows_the_zone() -> None:
    found = life(RENEWAL, renewal="2026-03-05", timezone="Europe/Madrid").traits("1d", timezone="America/New_York")
    assert found.until("99d").entries == ["2d20h"]


def test_it_follows_the_workspace_s_zone_where_the_customer_has_none() -> None:
    tokyo = TOPICS.replace("UTC", "Asia/Tokyo")
    assert life(RENEWAL, renewal="2026-03-05").publish("1d", tokyo).until("99d").entries == ["2d6h"]


def test_a_date_that_becomes_another_one_by_time_alone_is_looked_at_then() -> None:
    ana = life(
        '{date: \'idle("A", "1d") ? traits.soon : traits.late\'}',
        soon="2026-03-04T09:00:00Z",
        late="2026-03-06T09:00:00Z",
    )
    assert ana.event("1h", "A").until("9d").entries == ["2d"]


def test_a_date_that_is_taken_back_does_not_fire() -> None:
    assert life(RENEWAL, renewal="2026-03-05").traits("1d", renewal=None).until("99d").entries == []


def test_what_is_no_date_does_not_fire() -> None:
    assert life(RENEWAL, renewal="next spring").until("99d").entries == []


def test_a_change_at_the_very_instant_comes_first() -> None:
    found = life(RENEWAL, renewal="2026-03-05T09:00:00Z").traits("3d", renewal="2026-03-09T09:00:00Z").until("99d")
    assert found.entries == ["7d"]


def test_the_filter_is_looked_at_then_and_a_refusal_is_a_decision() -> None:
    found = life(RENEWAL, '  where: traits.plan == "pro"\n', renewal="2026-03-05T09:00:00Z", plan="free")
    assert found.until("99d").refusals == [("3d", "failed_entry_filter")]


def test_a_customer_with_a_date_is_woken_for_it_once() -> None:
    found = life('{date: traits.renewal, offset: -30d, at: "09:00"}', renewal="2027-01-01").until("1d")
    turns = found.world.turns
    found.until("400d")
    assert found.world.turns == turns + 3  # its instant, the mail's end, the last instant looked at
    assert "trait:renewal" in next(iter(found.world.state.watches.values())).watching


def test_a_date_before_the_playbook_was_published_starts_nothing() -> None:
    published = [
        msgspec.structs.replace(document, published_at=after("5d"))
        for document in documents(TOPICS + "---" + BOOK.format(trigger=RENEWAL))
    ]
    told = TraitsChanged(at=START, seq=1, traits={"renewal": "2026-03-05T09:00:00Z"})
    catalog = compile_catalog("r1", published)
    decision = advance(catalog, new_customer("c1", "contact", "ana", START), after("6d"), [told], {})
    assert decision.state.past == {}


# --- schedules ------------------------------------------------------------------------------------------------------


def test_everybody_at_each_instant_of_the_schedule() -> None:
    assert life('{schedule: "0 9 * * mon"}').until("15d").entries == ["0d", "7d", "14d"]


def test_only_who_matches_at_that_moment_and_nobody_is_refused() -> None:
    found = life('{schedule: "0 9 * * mon"}', '  reenter: always\n  where: traits.plan == "pro"\n', plan="free")
    found.traits("3d", plan="pro").traits("10d", plan="free").until("30d")
    assert found.entries == ["7d"]
    assert found.refusals == []


def test_a_match_by_time_alone_counts_from_its_instant_on() -> None:
    found = life('{schedule: "0 9 * * mon"}', '  where: \'idle("Used", "10d")\'\n').event("1d", "Used").until("30d")
    assert found.entries == ["14d"]


def test_who_turns_into_a_match_at_the_very_instant_matches() -> None:
    found = life('{schedule: "0 9 * * mon"}', '  where: \'idle("Used", "7d")\'\n').event("0d", "Used").until("30d")
    assert found.entries == ["7d"]


def test_a_spread_gives_each_customer_an_instant_of_its_own() -> None:
    # The first 8 bytes of SHA-256("p:ana") / 2^64 are 0.1505..., times 600 s.
    assert life('{schedule: "0 9 * * mon", spread: 10m}').until("8d").entries == ["1m30s", "7d1m30s"]


def test_whom_the_filter_keeps_out_the_schedule_never_wakes() -> None:
    found = life('{schedule: "*/5 * * * *"}', '  where: traits.plan == "pro"\n', plan="free").until("1d")
    turns = found.world.turns
    found.until("90d")
    assert found.world.turns == turns + 1


def test_who_may_never_enter_again_is_not_woken_again() -> None:
    found = life('{schedule: "*/5 * * * *"}', "  reenter: once\n").until("1d")
    assert found.entries == ["0d"]
    turns = found.world.turns
    found.until("90d")
    assert found.world.turns == turns + 1


def test_whom_an_event_brought_in_for_good_the_schedule_does_not_mean() -> None:
    found = life('{event: Started}, {schedule: "0 9 * * tue"}', "  reenter: once\n").event("1h", "Started").until("15d")
    assert (found.entries, found.refusals) == (["1h"], [])


def test_who_is_inside_is_refused() -> None:
    text = BOOK.format(trigger='{schedule: "0 9 * * *"}').replace("email: hello", "wait: 36h")
    assert Life(text).until("1d12h").refusals == [("1d", "already_enrolled")]


def test_a_customer_known_late_is_met_from_its_first_instant_on() -> None:
    catalog = compile_catalog("r1", documents(TOPICS + "---" + BOOK.format(trigger='{schedule: "0 9 * * *"}')))
    state = new_customer("c1", "contact", "ana", after("1h"))
    decision = advance(catalog, state, after("2d1h"), [], {})
    assert [entry.at for entry in decision.journal if entry.act == "entered"] == [after("1d"), after("2d")]
    assert decision.wake_at == after("3d")


def test_nothing_is_kept_of_a_trigger_that_its_playbook_has_no_longer() -> None:
    found = life('{schedule: "0 9 * * mon"}').publish("1d", BOOK.format(trigger="{event: Started}")).until("2d")
    assert (found.world.state.fired, found.world.state.watches) == ({}, {})
