"""The grammar is CEL's: what the library takes, we take; errors have places."""

from __future__ import annotations

import cel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perennia.core.cel_syntax import ListOf, Literal, parse
from perennia.core.cel_tokens import ExpressionError


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("1", 1),
        ("-1", -1),
        ("0x1F", 31),
        ("3u", 3),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-2.5e-1", -0.25),
        ("true", True),
        ("null", None),
        ("'single'", "single"),
        ('"dou\\"ble"', 'dou"ble'),
        ('"""of "two"\nlines"""', 'of "two"\nlines'),
        (r"r'raw\d'", r"raw\d"),
        (r'"tab\t \x41 \u00e9 \U0001F600 \101"', "tab\t A é 😀 A"),
        ("b'bytes'", b"bytes"),
        ("-9223372036854775808", -(2**63)),
    ],
)
def test_a_literal_has_the_value_that_cel_gives_it(source: str, value: object) -> None:
    tree = parse(source)
    assert isinstance(tree, Literal)
    assert tree.value == value
    assert cel.evaluate(source) == value


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("", 0, "an empty expression"),
        ("a.b ==", 6, "found the end where a value should be"),
        ("a and b", 2, 'found "and" where an operator or the end should be; write "&&"'),
        ("a = 3", 2, 'unexpected character "="; to compare, write "=="'),
        ('a == "x', 5, 'a string that begins with " does not end; close it with "'),
        ("(a", 2, 'found the end where ")" should be'),
        ("[1 2]", 3, 'found "2" where "," or "]" should be'),
        ("{1 2}", 3, 'found "2" where ":" should be'),
        ("a ? b", 5, 'found the end where ":" should be'),
        ("a.", 2, "found the end where a name should be"),
        ('"\\q"', 1, 'unknown escape "\\q" in a string; for a backslash itself, write two'),
        ("9223372036854775808", 0, "the number 9223372036854775808 does not fit into 64 bits"),
        ("if", 0, '"if" is a reserved word; write TEST ? VALUE : OTHER'),
        ("Point{x: 1}", 0, "CEL's message types are not part of the language"),
        ("a" * 1001, 1000, "an expression has at most 1000 characters; this one has 1001"),
        ("(" * 60 + "1" + ")" * 60, 50, "more than 50 operations deep; split the expression"),
        ("1" + " + 1" * 60, 0, "more than 50 operations deep; split the expression"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, offset: int, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert (caught.value.offset, str(caught.value)) == (offset, message)


def test_only_what_lies_inside_each_other_is_deep() -> None:
    assert isinstance(parse(f"[{', '.join(['(1)'] * 60)}]"), ListOf)


_VALUES = st.sampled_from(["1", "-2", "1.5", "true", "null", '"a"', "'b'", "x", "[1, 2]", '{"k": 1}', "y.z", "size(x)"])


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||"])
    return st.one_of(
        st.tuples(inner, operators, inner).map(" ".join),
        inner.map(lambda one: f"({one})"),
        inner.map(lambda one: f"!({one})"),
        st.tuples(inner, inner, inner).map(lambda three: f"({three[0]}) ? ({three[1]}) : ({three[2]})"),
        inner.map(lambda one: f"[{one}].exists(i, i == {one})"),
    )


@settings(deadline=None, max_examples=150)
@given(st.recursive(_VALUES, _larger, max_leaves=8))
def test_what_the_library_takes_we_take(text: str) -> None:
    cel.compile(text)
    parse(text)


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet="ab1. ()[]{}\"'+-!&|?:,=<>in", max_size=14))
def test_what_the_library_refuses_we_refuse(text: str) -> None:
    try:
        parse(text)
    except ExpressionError:
        return
    cel.compile(text)
