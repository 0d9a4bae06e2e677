"""What expressions mean (language, section 3), and what is refused before anybody meets it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import cel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perennia.core.decisions import CustomerEvent
from perennia.core.expressions import ExpressionError, compile_expression
from perennia.core.json_values import Json
from tests.support.watched import ALL_NAMES, Watched, days, expression

TRAITS: dict[str, Json] = {
    "plan": "pro",
    "seats": 5,
    "rate": 2.5,
    "active": True,
    "tags": ["new", "vip"],
    "address": {"city": "Bilbao", "zip": None},
    "name": "Élodie",
    "orders": [{"total": 40}, {"total": 120}],
    "mixed": ["a", 7],
}
NOW = days(30)


def value_of(text: str) -> Json:
    verdict = Watched(text, traits=TRAITS).at(NOW)
    assert verdict.error is None, verdict.error
    return verdict.value


def error_of(text: str) -> str | None:
    return Watched(text, traits=TRAITS).at(NOW).error


# --- values ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('traits.plan == "pro"', True),
        ('"free" == traits.plan', False),
        ("traits.seats >= 5", True),
        ("4.5 < traits.seats", True),
        ("traits.seats == 5.0", True),
        ("traits.rate > 2", True),
        ("traits.active == 1", False),
        ("traits.active", True),
        ("!traits.active", False),
        ('traits.plan in ["free", "pro"]', True),
        ("traits.seats in [1, 5.0]", True),
        ("traits.seats in [traits.rate, 5]", True),
        ("traits.seats in [traits.seats, 7]", True),
        ('"vip" in traits.tags', True),
        ('"city" in traits.address', True),
        ('b"vip" in traits.tags', False),
        ('traits.plan in [b"pro", "pro"]', True),
        ('traits.address.city == "Bilbao"', True),
        ('traits["plan"] == "pro"', True),
        ("traits.tags[0]", "new"),
        ("traits.seats + 1", 6),
        ("traits.seats * 2 - 1 == 9", True),
        ('traits.plan + "-" + traits.tags[1]', "pro-vip"),
        ("size(traits.name)", 6),
        ("traits.name.size() == 6", True),
        ('traits.plan.startsWith("p") && traits.plan.matches("^p.o$")', True),
        ("int(traits.rate)", 2),
        ('bool("true")', True),
        ('traits.seats > 3 ? "large" : "small"', "large"),
        ("[traits.seats, 1]", [5, 1]),
        ('{"seats": traits.seats}', {"seats": 5}),
        ('timestamp("2026-03-02T10:00:00Z").getFullYear()', 2026),
        ('timestamp("2026-03-02T10:00:00Z") + duration("1h")', "2026-03-02T11:00:00Z"),
        ("traits.orders.exists(o, o.total > 100)", True),
        ("traits.orders.exists(o, o.total > 200)", False),
        ("traits.orders.all(o, o.total > 100)", False),
        ("traits.orders.all(o, o.total > 10)", True),
        ("traits.orders.exists_one(o, o.total > 100)", True),
        ("traits.orders.map(o, o.total)", [40, 120]),
        ("traits.orders.map(o, o.total > 100, o.total * 2)", [240]),
        ("traits.tags.filter(t, t != traits.plan).size()", 2),
        ("traits.address.exists(key, key == 'city')", True),
    ],
)
def test_a_value(text: str, value: Json) -> None:
    assert value_of(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("traits.gone == null", True),
        ("traits.gone != null", False),
        ('traits.gone != "churned"', True),
        ("traits.gone == traits.lost", True),
        ("has(traits.gone)", False),
        ("has(traits.plan)", True),
        ("has(traits.address.zip)", False),
        ("has(traits.plan.deeper)", False),
        ("traits.address.zip == null", True),
        ("has(traits.gone) ? traits.gone : 0", 0),
        ("(has(traits.gone) ? traits.gone : 3) >= 3", True),
        ("account.plan == null", True),
    ],
)
def test_a_missing_name_is_null_for_equality_and_has(text: str, value: Json) -> None:
    assert value_of(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "traits.gone",
        "traits.gone > 3",
        "!traits.gone",
        "traits.gone + 1",
        'traits.gone in ["a"]',
        '"a" in traits.gone',
        'traits.gone.startsWith("a")',
        "size(traits.gone)",
        "[traits.gone] == [null]",
        "traits.gone ? 1 : 2",
        "traits.gone.exists(i, i == 1)",
        'older(traits.gone, "3d")',
    ],
)
def test_any_other_use_of_a_missing_name_is_an_error_that_names_it(text: str) -> None:
    assert error_of(text) == "traits.gone is missing"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('traits.seats > "a"', "types clash: traits.seats is a number"),
        ('traits.plan + 1 == "x"', 'types clash in traits.plan + 1 == "x": traits.plan is text'),
        ("traits.seats / 0", "division by zero in traits.seats / 0: traits.seats is a number"),
        ("traits.tags[7]", "no such key or place in traits.tags[7]: traits.tags is a list"),
        ("traits.seats && true", "traits.seats is a number, not true or false"),
        ("traits.plan ? 1 : 2", "traits.plan is text, not true or false"),
        ("traits.plan.exists(i, true)", "traits.plan is text, not a list or a map"),
        ('older(traits.plan, "3d")', 'traits.plan is text ("pro"), not an instant such as 2026-03-02T10:00:00Z'),
    ],
)
def test_a_clash_is_an_error_that_says_what_clashed(text: str, error: str) -> None:
    assert error_of(text) == error


def test_a_condition_in_error_does_not_hold() -> None:
    assert not Watched("traits.gone > 3").at(NOW).holds


@pytest.mark.parametrize(
    "text",
    [
        "true || traits.gone > 3",
        "traits.gone > 3 || true",
        "!(traits.gone > 3 && false)",
        "!(false && traits.gone > 3)",
    ],
)
def test_an_error_is_absorbed_where_the_other_side_decides(text: str) -> None:
    assert value_of(text) is True


def test_a_macro_absorbs_errors_as_the_operators_do() -> None:
    assert value_of("traits.mixed.exists(m, m > 3)") is True


def test_only_the_branch_that_is_taken_is_looked_at() -> None:
    assert value_of("traits.active ? 1 : traits.gone") == 1


_TRUTHS = st.sampled_from([("traits.yes", "true"), ("traits.no", "false"), ("traits.gone", "(1 / 0 > 0)")])


def _joined(inner: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[tuple[str, str]]:
    def both(template: str, *parts: tuple[str, str]) -> tuple[str, str]:
        return template.format(*(part[0] for part in parts)), template.format(*(part[1] for part in parts))

    return st.one_of(
        st.tuples(inner, inner).map(lambda two: both("({} && {})", *two)),
        st.tuples(inner, inner).map(lambda two: both("({} || {})", *two)),
        inner.map(lambda one: both("!{}", one)),
        st.tuples(inner, inner, inner).map(lambda three: both("({} ? {} : {})", *three)),
    )


@settings(deadline=None, max_examples=200)
@given(st.recursive(_TRUTHS, _joined, max_leaves=8))
def test_errors_are_absorbed_exactly_as_by_cel(formula: tuple[str, str]) -> None:
    ours, cels = formula
    verdict = Watched(ours, traits={"yes": True, "no": False}).at(NOW)
    try:
        expected = cel.evaluate(cels)
    except ZeroDivisionError:
        assert verdict.error == "traits.gone is missing"
    else:
        assert (verdict.value, verdict.error) == (expected, None)


# --- comparisons that we make ourselves are the library's -------------------------------------------------------------

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-9, 9),
    st.sampled_from([0.5, 1.0, -2.0]),
    st.sampled_from(["", "a", "b", "1"]),
)
_SOURCES = st.sampled_from(["null", "true", "false", "1", "-2", "0.5", "1.0", '"a"', '"1"', '""'])


@settings(deadline=None, max_examples=300)
@given(_SCALARS, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), _SOURCES, st.booleans())
def test_a_name_beside_a_constant_compares_as_in_cel(value: Json, operator: str, constant: str, reverse: bool) -> None:
    ours, cels = (
        f"{constant} {operator} {name}" if reverse else f"{name} {operator} {constant}" for name in ("traits.x", "x")
    )
    verdict = Watched(ours, traits={} if value is None else {"x": value}).at(NOW)
    try:
        expected = cel.evaluate(cels, {"x": value})
    except TypeError:
        assert verdict.error is not None
    else:
        assert (verdict.value, verdict.error) == (expected, None)


@settings(deadline=None, max_examples=200)
@given(_SCALARS.filter(lambda value: value is not None), st.lists(_SOURCES, max_size=3))
def test_membership_in_a_list_of_constants_is_cels(value: Json, constants: list[str]) -> None:
    items = ", ".join(constants)
    assert Watched(f"traits.x in [{items}]", traits={"x": value}).at(NOW).value == cel.evaluate(
        f"x in [{items}]", {"x": value}
    )


@settings(deadline=None, max_examples=200)
@given(_SOURCES.filter(lambda source: source != "null"), st.lists(_SCALARS, max_size=3))
def test_membership_of_a_constant_is_cels(constant: str, values: list[Json]) -> None:
    assert Watched(f"{constant} in traits.x", traits={"x": values}).at(NOW).value == cel.evaluate(
        f"{constant} in x", {"x": values}
    )


# --- other names ----------------------------------------------------------------------------------------------------


def test_steps_with_hyphens_are_named_in_brackets() -> None:
    asked = Watched('steps["first-project"].outcome == "done"', names={"steps": {"first-project": {"outcome": "done"}}})
    assert asked.at(NOW).holds


def test_the_properties_of_the_entry_are_seen() -> None:
    assert Watched("enter.order.total > 3", names={"enter": {"order": {"total": 4}}}).at(NOW).holds


def test_the_stage_of_a_track_is_its_id() -> None:
    assert Watched('stage.adoption == "onboarding"', stages={"adoption": ("onboarding", days(1))}).at(NOW).holds


def test_no_stage_yet_is_missing() -> None:
    assert Watched("stage.adoption == null").at(NOW).holds


# --- functions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('happened("A")', True),
        ('happened("B")', False),
        ('happened(["B", "A"])', True),
        ('happened("A", "5d")', True),
        ('happened("A", "1d")', False),
        ('count("A")', 4),
        ('count("A", "10d")', 2),
        ('count("A", "10d") + 1', 3),
        ('count("A", "event.amount > 3")', 1),
        ('count("A", "10d", "event.amount > 3")', 1),
        ('count(["A", "B"], "10d")', 2),
        ('count("A") != "4"', True),
        ('total("A", "amount")', 13.0),
        ('total("A", "amount", "10d")', 11.0),
        ('total("A", "amount", "event.amount > 3")', 10.0),
        ('total("A", "amount", "10d", "event.amount < 3")', 1.0),
        ('idle("A", "3d")', False),
        ('idle("A", "2d")', True),
        ('idle("A", "3d", "event.amount > 3")', True),
    ],
)
def test_events_are_counted(text: str, value: Json) -> None:
    asked = Watched(text).sees(days(1), days(2)).sees(days(25), amount=10).sees(days(28))
    assert asked.at(NOW).value == value


@pytest.mark.parametrize(
    ("when", "older", "within"),
    [
        ("2026-01-10T00:00:00Z", True, False),
        ("2026-01-30T12:00:00Z", False, False),
        ("2026-02-03T00:00:00Z", False, True),
        ("2026-03-15T00:00:00Z", False, False),
        ("2026-01-10", True, False),
        ("2026-01-10T00:00:00", True, False),
        ("2026-01-10T02:00:00+02:00", True, False),
        (1_768_003_200, True, False),
        (1_768_003_200_000, True, False),
        (1_768_003_200.5, True, False),
        ("0001-01-01", True, False),
        ("9999-12-31T23:59:59Z", False, False),
    ],
)
def test_instants_are_read_in_each_of_their_forms(when: Json, older: bool, within: bool) -> None:
    assert Watched('older(traits.t, "10d")', traits={"t": when}).at(NOW).value is older
    assert Watched('within(traits.t, "10d")', traits={"t": when}).at(NOW).value is within


@pytest.mark.parametrize("when", ["soon", "20260110", "1768003200", "2026-13-01", True, [], "2026-01-10Tx"])
def test_what_is_no_instant_is_an_error(when: Json) -> None:
    error = Watched('older(traits.t, "10d")', traits={"t": when}).at(NOW).error
    assert error is not None
    assert "not an instant" in error


def test_a_date_means_midnight_in_the_customers_zone() -> None:
    asked = Watched('older(traits.t, "0d")', zone=ZoneInfo("Europe/Madrid"), traits={"t": "2026-01-31"})
    assert asked.at(datetime(2026, 1, 30, 22, 59, 59, tzinfo=UTC)).next_change == datetime(2026, 1, 30, 23, tzinfo=UTC)


def test_a_timestamp_of_cels_is_an_instant() -> None:
    assert Watched('older(timestamp("2026-01-01T00:00:00Z") + duration("1h"), "29d")').at(NOW).value is True


def test_being_in_a_stage_for_a_span() -> None:
    asked = Watched('in_stage("adoption", "onboarding", "30d")', stages={"adoption": ("onboarding", days(2))})
    assert [asked.at(days(31)).value, asked.at(days(32)).value] == [False, True]


def test_a_filter_in_error_does_not_count_the_event() -> None:
    asked = Watched('count("A", "event.amount > 3")')
    asked.absorbs(
        CustomerEvent(at=days(1), name="A", properties={"amount": "many"}), CustomerEvent(at=days(1), name="A")
    )
    assert asked.at(NOW).value == 0


# --- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("trait.plan == 1", 0, 'unknown name "trait"; did you mean "traits"?'),
        ("traits.a == pro", 12, 'unknown name "pro"; for a text, write "pro" in quotes; for a trait, traits.pro'),
        ('coun("A") > 1', 0, 'unknown function "coun"; did you mean "count"?'),
        ('traits.a.startWith("x")', 9, 'unknown method "startWith"; did you mean "startsWith"?'),
        ('traits.t.older("3d")', 9, 'older is no method; write older(traits.since, "30d")'),
        (
            'matches(traits.a, "x")',
            0,
            'unknown function "matches"; it is written behind a value, as in traits.name.matches(...)',
        ),
        (
            "now > 3",
            0,
            'there is no "now"; time enters through functions, as in older(traits.since, "30d") or '
            'within(traits.renewal_date, "60d")',
        ),
        ("traits == null", 0, '"traits" alone is not a value; name one of its values; as in traits.plan'),
        ("health.adoption.logins.last > 50", 0, "health.adoption.logins is a number; nothing lies below it"),
        ("answers.nps.label.x > 8", 0, "answers.nps.label is a value; nothing lies below it"),
        ('true && in_segment("x")', 8, "in_segment() is not supported yet"),
        (
            'steps.first-project.outcome == "x"',
            12,
            'unknown name "project"; a name with a hyphen is written in brackets, as in steps["first-project"].outcome',
        ),
        ('count("A", "3x") > 1', 11, '"3x" is no span; write 90s, 30m, 12h, 3d, 2w, 1d12h, 2bd or P3D'),
        ('count("A", "401d") > 1', 11, '"401d": a span in an expression is at most 400d'),
        ('count("A", "399d48h") > 1', 11, '"399d48h": a span in an expression is at most 400d'),
        (
            "count(traits.a) > 1",
            6,
            'an event\'s name in count() is a literal text in quotes; write count("E"), count("E", '
            '"30d") or count("E", "30d", "event.total > 100")',
        ),
        (
            'happened("Page*")',
            9,
            '"Page*": functions count events by their whole names; write happened("E"), happened("E", '
            '"30d") or happened("E", "30d", "event.total > 100")',
        ),
        ('idle("A")', 0, 'idle() has 1 arguments; write idle("E", "14d") or idle("E", "14d", "event.total > 100")'),
        (
            'idle("A", "event.x")',
            0,
            'idle() needs a span; write idle("E", "14d") or idle("E", "14d", "event.total > 100")',
        ),
        ('count("A", "30d", "evnt.x > 1")', 19, 'in the property filter: unknown name "evnt"; did you mean "event"?'),
        (
            'count("A", "happened(\'B\')")',
            12,
            "in the property filter: happened() has no place in a property filter, which sees only "
            "event; join it to the outer expression with &&",
        ),
        (
            'traits.t > duration("20d")',
            11,
            "this is always an error: Function 'duration' error: Parsing Error: Error { input: \"d\", "
            'code: Char } in duration("20d")',
        ),
        (
            'traits.a.matches("[")',
            17,
            "this is always an error: Function 'matches' error: '[' not a valid regex: in traits.a.matches(\"[\")",
        ),
        (
            "traits.a.exists(x, traits.b.exists(y, y == x))",
            19,
            'a macro inside a macro ("exists") is not allowed; split the expression',
        ),
        (
            "traits.a.exists(3)",
            0,
            'exists() takes a variable and what to do with it; as in traits.tags.exists(tag, tag != "new")',
        ),
        ("has(3)", 0, "has() takes one name; as in has(traits.plan)"),
        ('stage.adoption.since == "x"', 0, "stage.adoption is the id of a stage; nothing lies below it"),
        ("5 > 'a'", 0, "this is always an error: types clash in 5 > 'a'"),
    ],
)
def test_a_mistake_is_refused_with_its_place_and_a_remedy(text: str, offset: int, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        expression(text)
    assert (str(caught.value), caught.value.offset) == (message, offset)


def test_a_name_that_is_not_known_here_is_refused_with_those_that_are() -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression("event.total > 3", names=frozenset({"traits", "stage"}))
    assert str(caught.value) == '"event" is not known here; known here: stage, traits'


@pytest.mark.parametrize("text", ["in_segment(3)", "in_segment(traits.plan)", 'in_segment("on", "off")'])
def test_a_segment_is_named_by_one_literal_text(text: str) -> None:
    with pytest.raises(ExpressionError, match="takes the name of a segment"):
        compile_expression(text, names=ALL_NAMES, segments={"on": "true"})
