"""Every expression knows when it could change by itself, and what could change it sooner (language, section 3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perennia.core.calendar import Span, parse_span
from perennia.core.decisions import CustomerEvent
from perennia.core.facts import set_traits
from perennia.core.json_values import Json
from tests.support.watched import Watched, days

MADRID = ZoneInfo("Europe/Madrid")
NONE: frozenset[str] = frozenset()
A = frozenset({"event:A"})

# --- the table ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value", "next_change", "watching"),
    [
        # A happened on days 1, 10, 20 and 28; now is day 30.
        ('happened("A")', True, None, NONE),
        ('happened("B")', False, None, {"event:B"}),
        ('happened("A", "5d")', True, days(33), NONE),
        ('happened("A", "1d")', False, None, A),
        ('count("A")', 4, None, A),
        ('count("A", "25d")', 3, days(35), A),
        ('count("A", "25d") + 1', 4, days(35), A),
        ('count("A", "25d") >= 3', True, days(35), NONE),
        ('count("A", "25d") >= 2', True, days(45), NONE),
        ('count("A", "25d") > 0', True, days(53), NONE),
        ('count("A", "25d") >= 0', True, None, NONE),
        ('count("A", "25d") >= 4', False, None, A),
        ('count("A", "25d") < 3', False, days(35), NONE),
        ('count("A", "25d") <= 3', True, None, A),
        ('count("A", "25d") == 3', True, days(35), A),
        ('count("A", "25d") == 2', False, days(35), NONE),
        ('count("A", "25d") != 1', True, days(45), NONE),
        ('count("A", "25d") == 4', False, None, A),
        ('count("A", "25d") == 2.5', False, None, NONE),
        ('count("A", "25d") > 1.5', True, days(45), NONE),
        ('3 > count("A", "25d")', False, days(35), NONE),
        ('count("A") >= 3', True, None, NONE),
        ('count("A") < 5', True, None, A),
        ('total("A", "amount", "25d")', 3.0, days(35), A),
        ('total("A", "amount", "25d") >= 2', True, days(45), A),
        ('total("A", "amount") >= 2', True, None, A),
        ('idle("A", "14d")', False, days(42), NONE),
        ('idle("A", "2d")', True, None, A),
        ('idle("B", "40d")', False, days(40), NONE),
        ('idle("A", "2bd")', False, days(32), A),  # day 28 is a Thursday
        ('older(traits.since, "30d")', False, days(35), {"trait:since"}),
        ('older(traits.since, "20d")', True, None, {"trait:since"}),
        ('within(traits.renewal, "10d")', False, days(50), {"trait:renewal"}),
        ('within(traits.renewal, "40d")', True, days(60), {"trait:renewal"}),
        ('within(traits.since, "40d")', False, None, {"trait:since"}),
        ('in_stage("t", "on", "30d")', False, days(50), {"stage:t"}),
        ('in_stage("t", "on", "5d")', True, None, {"stage:t"}),
        ('in_stage("t", "off", "5d")', False, None, {"stage:t"}),
        ('stage.t == "on"', True, None, {"stage:t"}),
        ('traits.plan == "pro"', True, None, {"trait:plan"}),
        ('contact.plan == "pro"', False, None, {"trait:plan"}),
        ('account.plan == "pro"', False, None, {"account:plan"}),
        ('steps.welcome.outcome == "done"', False, None, NONE),
        ("traits.gone > 3", None, None, {"trait:gone"}),
        # Only what decides matters.
        ('traits.plan == "free" && idle("A", "14d")', False, None, {"trait:plan"}),
        ('idle("A", "14d") && traits.plan == "free"', False, None, {"trait:plan"}),
        ('traits.plan == "pro" && idle("A", "14d")', False, days(42), NONE),
        ('traits.plan == "pro" && happened("A", "5d")', True, days(33), {"trait:plan"}),
        ('traits.plan == "pro" || happened("A", "5d")', True, None, {"trait:plan"}),
        ('idle("A", "14d") && idle("B", "40d")', False, days(42), NONE),
        ('happened("A", "5d") || happened("A", "9d")', True, days(37), NONE),
        ('!(happened("A", "5d"))', False, days(33), NONE),
        ('happened("A", "5d") ? traits.plan : "x"', "pro", days(33), {"trait:plan"}),
        ('traits.gone > 3 && happened("A", "5d")', None, None, {"trait:gone"}),
        ('!(traits.gone > 3 || happened("A", "5d"))', False, None, {"trait:gone"}),
        ('traits.gone > 3 && idle("A", "14d")', False, None, {"trait:gone"}),
        ('count("A") + size(traits.plan) > 9 && traits.plan == "free"', False, None, {"trait:plan"}),
        ('(traits.gone > 3 && happened("A", "5d")) ? true : true', None, days(33), {"trait:gone"}),
        ('traits.gone > 3 || happened("A", "5d")', True, days(33), NONE),
        ('older("9999-12-31", "1d")', False, None, NONE),
    ],
)
def test_the_next_change_and_what_to_watch(
    text: str, value: object, next_change: datetime | None, watching: frozenset[str]
) -> None:
    asked = Watched(
        text,
        traits={"plan": "pro", "since": days(5).isoformat(), "renewal": days(60).isoformat()},
        stages={"t": ("on", days(20))},
    ).sees(days(1), days(10), days(20), days(28))
    verdict = asked.at(days(30))
    assert (verdict.value, verdict.next_change, verdict.watching) == (value, next_change, frozenset(watching))


def test_membership_is_forward_and_half_open() -> None:
    asked = Watched('happened("A", "3d")').sees(days(1))
    assert [asked.at(at).value for at in (days(1), days(4) - timedelta(microseconds=1), days(4))] == [True, True, False]


def test_idle_is_true_at_its_instant() -> None:
    asked = Watched('idle("A", "3d")').sees(days(1))
    assert [asked.at(at).value for at in (days(4) - timedelta(microseconds=1), days(4))] == [False, True]


def test_nobody_is_idle_before_being_seen_for_the_span() -> None:
    asked = Watched('idle("A", "14d")', first_seen=days(10)).sees(days(2))
    assert asked.at(days(20)).next_change == days(24)


def test_days_of_a_window_are_the_customers() -> None:
    asked = Watched('happened("A", "1d")', zone=MADRID).sees(datetime(2026, 3, 28, 9, tzinfo=UTC))
    assert asked.at(datetime(2026, 3, 28, 10, tzinfo=UTC)).next_change == datetime(2026, 3, 29, 8, tzinfo=UTC)


def test_over_a_repeated_hour_the_later_event_may_leave_first() -> None:
    first_pass = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)  # 2:45 in Madrid
    second_pass = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)  # 2:15 again
    asked = Watched('count("A", "1d") >= 1', zone=MADRID).sees(first_pass, second_pass)
    assert asked.at(second_pass).next_change == datetime(2026, 10, 26, 1, 45, tzinfo=UTC)


def test_a_count_falls_when_the_first_of_them_leaves_whichever_that_is() -> None:
    first_pass = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)
    second_pass = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)
    asked = Watched('count("A", "1d")', zone=MADRID).sees(first_pass, second_pass)
    assert asked.at(second_pass).next_change == datetime(2026, 10, 26, 1, 15, tzinfo=UTC)


def test_in_the_repeated_hour_an_event_could_end_idleness_sooner_and_is_watched() -> None:
    first_pass = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)
    asked = Watched('idle("A", "1d")', zone=MADRID).sees(first_pass)
    assert asked.at(first_pass).watching == A


def test_a_total_with_refunds_wakes_when_it_turns() -> None:
    asked = (
        Watched('total("A", "amount", "10d") > 5')
        .sees(days(1), amount=-10)
        .sees(days(2), amount=4)
        .sees(days(3), amount=8)
    )
    assert (asked.at(days(4)).value, asked.at(days(4)).next_change) == (False, days(11))


def test_a_total_does_not_depend_on_the_order_of_additions() -> None:
    asked = Watched('total("A", "amount", "10d") == 0.6')
    asked.sees(days(1), amount=0.1).sees(days(2), amount=0.2).sees(days(3), amount=0.3)
    assert asked.at(days(4)).value is True


def test_a_total_is_exact_whatever_came_between() -> None:
    asked = Watched('total("A", "amount", "10d")')
    asked.sees(days(1), amount=1e16).sees(days(2), amount=1).sees(days(3), amount=-1e16).sees(days(4), amount=0.5)
    assert asked.at(days(5)).value == 1.5


def test_a_list_of_events_is_counted_together() -> None:
    asked = Watched('count(["A", "B"], "10d")').sees(days(1), days(2)).sees(days(3), name="B")
    assert (asked.at(days(4)).value, asked.at(days(4)).next_change) == (3, days(11))
    assert Watched('count(["A", "C"], "10d")').sees(days(1), days(2)).at(days(4)).value == 2


def test_what_leaves_after_business_days_is_outside_at_that_instant() -> None:
    thursday, monday = days(28), days(32)
    asked = Watched('count("A", "2bd")').sees(thursday)
    assert [asked.at(at).value for at in (monday - timedelta(microseconds=1), monday)] == [1, 0]


# --- laws -----------------------------------------------------------------------------------------------------------

LEAVES = [
    'traits.plan == "pro"',
    "traits.seats >= 3",
    "traits.gone > 1",
    'happened("A")',
    'happened("A", "3d")',
    'happened(["A", "B"], "20h")',
    'happened("B", "1bd")',
    'happened("A", "2d", "event.amount > 1")',
    'idle("A", "2d")',
    'idle(["A", "B"], "30h")',
    'idle("B", "1bd")',
    'idle("A", "1d", "event.amount > 1")',
    'count("A", "3d") >= 2',
    'count("A", "1d") > 0',
    'count(["A", "B"], "2d") == 2',
    'count("A", "3d") < 3',
    'count("B", "2bd") >= 2',
    'count("A", "1d12h") != 1',
    'count("A", "3d") + 1 > 2',
    'count("A") >= 4',
    'count("B") == 2',
    'total("A", "amount", "3d") >= 2',
    'total(["A", "B"], "amount", "2d") < 1',
    'total("A", "amount", "1d") == 0',
    'total("A", "amount") > 3',
    'older(traits.since, "2d")',
    'within(traits.renewal, "3d")',
    'in_stage("t", "on", "3d")',
    'stage.t == "on"',
]
SPANS = [parse_span(text) for text in ("1d", "2d", "3d", "20h", "30h", "1d12h", "1bd", "2bd")]
STARTS = [
    (datetime(2026, 10, 23, 18, tzinfo=UTC), MADRID),  # Friday before the repeated hour
    (datetime(2026, 3, 27, 18, tzinfo=UTC), MADRID),  # Friday before the gap
    (datetime(2018, 2, 16, 18, tzinfo=UTC), ZoneInfo("America/Sao_Paulo")),  # its repeated hour is before midnight
    (datetime(2026, 4, 3, 10, tzinfo=UTC), ZoneInfo("Australia/Lord_Howe")),  # its repeated half-hour
]
LIVED_MINUTES = 4 * 1440


def _joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda three: "({} {} {})".format(*three)),
        inner.map(lambda one: f"!({one})"),
        st.tuples(inner, inner, inner).map(lambda three: "({} ? {} : {})".format(*three)),
        inner.map(lambda one: f"(({one}) == true)"),
    )


leaves = st.sampled_from(LEAVES)
formulas = st.recursive(leaves, _joined, max_leaves=5)
# Arithmetic wakes whenever the count changes; a count may also jump over an exact figure at one instant.
exact_leaves = st.sampled_from(
    [text for text in LEAVES if not any(part in text for part in ("+ 1", ") == 2", ") != 1"))]
)


@st.composite
def lives(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> tuple[Watched, datetime]:
    """An expression, a customer with a few days of events, and the instant it is asked at."""
    text = draw(texts)
    start, zone = draw(st.sampled_from(STARTS))
    around_the_change = st.integers(1700, 1990)
    minutes = st.one_of(st.integers(0, LIVED_MINUTES), around_the_change)
    traits: dict[str, Json] = {
        "plan": draw(st.sampled_from(["pro", "free"])),
        "since": (start + timedelta(minutes=draw(minutes))).isoformat(),
        "renewal": (start + timedelta(minutes=2 * draw(minutes))).isoformat(),
    }
    if draw(st.booleans()):
        traits["seats"] = draw(st.integers(1, 5))
    asked = Watched(
        text,
        zone=zone,
        first_seen=start,
        traits=dict(traits),
        stages={"t": (draw(st.sampled_from(["on", "off"])), start + timedelta(minutes=draw(minutes)))},
    )
    now = start
    for minute, name, amount in draw(
        st.lists(st.tuples(minutes, st.sampled_from("AB"), st.integers(-1, 3)), max_size=7)
    ):
        at = start + timedelta(minutes=minute)
        asked.sees(at, name=name, amount=amount)
        now = max(now, at)
    return asked, now + timedelta(minutes=draw(st.one_of(st.integers(0, 90), st.integers(0, 2000))))


def moments(asked: Watched, now: datetime) -> list[datetime]:
    """All instants after now at which anything of ours could change, the microsecond before each, and some between."""
    bases = [asked.first_seen, *(since for _, since in asked.stages.values())]
    bases += [datetime.fromisoformat(str(asked.traits[name])) for name in ("since", "renewal")]
    for tally in asked.facts.tallies.values():
        bases += [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us) for us, _ in tally.recent]
        bases += [] if tally.last is None else [tally.last]
    turns = [asked.calendar.after(base, span) for base in bases for span in SPANS]
    turns += [asked.calendar.before(base, span) for base in bases for span in SPANS] + bases
    turns += [turn - timedelta(microseconds=1) for turn in turns] + [now + timedelta(hours=7 * n) for n in range(60)]
    return sorted({turn for turn in turns if turn > now})


thoroughly = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@thoroughly
@given(lives(formulas))
def test_the_next_change_is_never_late(life: tuple[Watched, datetime]) -> None:
    asked, now = life
    verdict = asked.at(now)
    assert verdict.next_change is None or verdict.next_change > now
    first = asked.first_difference(now, moments(asked, now))
    assert first is None or (verdict.next_change is not None and verdict.next_change <= first)


@thoroughly
@given(lives(exact_leaves))
def test_a_single_comparison_wakes_only_when_it_flips(life: tuple[Watched, datetime]) -> None:
    asked, now = life
    assert asked.at(now).next_change == asked.first_difference(now, moments(asked, now))


@thoroughly
@given(lives(formulas), st.data())
def test_what_is_not_watched_changes_nothing_before_the_next_change(
    life: tuple[Watched, datetime], data: st.DataObject
) -> None:
    asked, now = life
    before, verdict = asked.meant(now), asked.at(now)
    until = verdict.next_change or now + timedelta(days=6)
    comes = now + (until - now) * data.draw(st.integers(0, 99)) / 100
    for name in "AB":
        if f"event:{name}" not in verdict.watching:
            late = timedelta(minutes=data.draw(st.sampled_from([0, 0, 30, 1440, 4000])))
            asked.absorbs(CustomerEvent(at=comes, timestamp=comes - late, name=name, properties={"amount": 2}))
    changes = {"plan": "other", "seats": 0, "gone": 7, "since": comes.isoformat(), "renewal": comes.isoformat()}
    set_traits(asked.facts, {name: value for name, value in changes.items() if f"trait:{name}" not in verdict.watching})
    if "stage:t" not in verdict.watching:
        asked.stages["t"] = ("on" if asked.stages["t"][0] == "off" else "off", comes)
    for then in [comes, *(each for each in moments(asked, comes) if each < until)]:
        assert asked.meant(then) == before, then


@thoroughly
@given(lives(formulas))
def test_the_explanation_tells_the_same_value(life: tuple[Watched, datetime]) -> None:
    asked, now = life
    verdict, evidence = asked.at(now), asked.expression.explain(asked.view(now))
    assert (evidence.value, evidence.error) == (verdict.value, verdict.error)


def times_after(first: datetime) -> list[datetime]:
    """One every hour and a half, for a day."""
    return [first + timedelta(minutes=91 * number) for number in range(18)]


@thoroughly
@given(lives(leaves), st.sampled_from(SPANS))
def test_a_count_is_the_number_of_those_with_now_inside_their_span(life: tuple[Watched, datetime], span: Span) -> None:
    template, now = life
    counted = Watched(f'count("A", "{span.text}")', zone=template.zone, first_seen=template.first_seen)
    starts = [at for at in times_after(template.first_seen) if at <= now]
    counted.sees(*starts)
    assert counted.at(now).value == sum(now < counted.calendar.after(at, span) for at in starts)


@thoroughly
@given(lives(leaves), st.sampled_from(SPANS), st.integers(2, 5))
def test_so_many_are_inside_until_the_first_instant_at_which_fewer_are(
    life: tuple[Watched, datetime], span: Span, mark: int
) -> None:
    template, now = life
    asked = Watched(f'count("A", "{span.text}") >= {mark}', zone=template.zone, first_seen=template.first_seen)
    starts = [at for at in times_after(template.first_seen) if at <= now]
    asked.sees(*starts)
    ends = sorted(asked.calendar.after(at, span) for at in starts)
    holds = len(starts) >= mark and ends[-mark] > now
    assert (asked.at(now).value, asked.at(now).next_change) == (holds, ends[-mark] if holds else None)
