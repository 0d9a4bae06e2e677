"""Values that an expression can do nothing with: a whole number times one with a fraction, a number against a text.

CEL makes an error of each, and a condition that ends in an error is silently false (language, section 3). Looks at what stands
in the expression; what a trait or a property holds nobody knows but that it is JSON.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from perennia.catalog.kinds import KINDS_OF_CALLS, NUMBERS, OPEN, Kind, kind_of_literal, kind_of_name
from perennia.catalog.property_filters import FILTERED, filter_of
from perennia.core.calls import FUNCTIONS
from perennia.core.cel_syntax import (
    Binary,
    Call,
    Conditional,
    Index,
    Junction,
    ListOf,
    Literal,
    MapOf,
    Member,
    Name,
    Tree,
    Unary,
    children,
    parse,
)
from perennia.core.cel_tokens import ExpressionError
from perennia.core.formulas import MACROS

ORDERINGS = frozenset({"<", "<=", ">", ">="})
EQUALITIES = frozenset({"==", "!="})
_NUMBER_IN_QUOTES = re.compile(r"-?\d+(\.\d+)?")


class How(StrEnum):
    """Whether it goes wrong for everybody, or for some."""

    ALWAYS = "types-clash"
    FOR_SOME = "may-clash"


class Clash(NamedTuple):
    """``offset``: 0-based character in the text of the expression."""

    offset: int
    how: How
    message: str
    remedy: str | None = None


def clashes(text: str, *, condition: bool) -> list[Clash]:
    """What goes wrong in it for everybody, or for some; nothing of a text that cannot be parsed.

    ``condition``: it must be true or false.
    """
    try:
        tree = parse(text)
    except ExpressionError:
        return []
    reading = _Reading(text)
    kind = reading.kind(tree)
    if condition:
        reading.must_be_truth(tree, kind)
    return reading.found


class _Reading:
    """Works out the kind of each part, and notes what clashes on the way."""

    def __init__(self, text: str) -> None:
        self.found: list[Clash] = []
        self._text = text
        self._variables: set[str] = set()

    def kind(self, tree: Tree) -> Kind:
        match tree:
            case Literal(value=value):
                return kind_of_literal(value)
            case ListOf() | MapOf():
                self._look_below(tree)
                return Kind.LIST if isinstance(tree, ListOf) else Kind.MAP
            case Junction(operands=operands):
                for operand in operands:
                    self.must_be_truth(operand, self.kind(operand))
                return Kind.TRUTH
            case Conditional(test=test, then=then, otherwise=otherwise):
                self.must_be_truth(test, self.kind(test))
                taken = {self.kind(then), self.kind(otherwise)}
                return taken.pop() if len(taken) == 1 else Kind.ANY
            case Unary():
                return self._unary(tree)
            case Binary():
                return self._binary(tree)
            case Call():
                return self._call(tree)
            case Name() | Member() | Index():
                return self._name(tree)

    def must_be_truth(self, tree: Tree, kind: Kind) -> None:
        if kind not in {Kind.TRUTH, *OPEN}:
            self._note(
                tree, How.ALWAYS, f"{self._slice(tree)} is {kind}, not true or false", "compare it with something"
            )

    # --- parts --------------------------------------------------------------------------------------------------------

    def _name(self, tree: Name | Member | Index) -> Kind:
        keys: list[str] = []
        below: Tree = tree
        while isinstance(below, Member | Index):
            if isinstance(below, Index) and not (
                isinstance(below.index, Literal) and isinstance(below.index.value, str)
            ):
                self._look_below(tree)
                return Kind.DATA
            keys.insert(0, below.name if isinstance(below, Member) else str(getattr(below.index, "value", "")))
            below = below.target
        if not isinstance(below, Name):
            self._look_below(tree)
            return Kind.ANY
        return Kind.ANY if below.name in self._variables else kind_of_name(below.name, keys)

    def _look_below(self, tree: Tree) -> None:
        for child in children(tree):
            self.kind(child)

    def _call(self, tree: Call) -> Kind:
        if tree.target is None and tree.name in FUNCTIONS:
            self._own_call(tree)
        elif tree.target is not None and tree.name in MACROS:
            self._macro(tree, tree.target)
        else:
            self._look_below(tree)
        return KINDS_OF_CALLS.get(tree.name, Kind.ANY)

    def _own_call(self, tree: Call) -> None:
        if tree.name in FILTERED:
            inner = filter_of(tree, self._text)
            for clash in () if inner is None else clashes(inner.text, condition="event." in inner.text):
                self.found.append(clash._replace(offset=(inner.offset if inner else 0) + clash.offset))
        else:
            self._look_below(tree)

    def _macro(self, tree: Call, target: Tree) -> None:
        self.kind(target)
        variable, *bodies = tree.arguments or (target,)
        name = variable.name if isinstance(variable, Name) else ""
        self._variables.add(name)
        for body in bodies:
            self.kind(body)
        self._variables.discard(name)

    def _unary(self, tree: Unary) -> Kind:
        kind = self.kind(tree.operand)
        if tree.operator == "!":
            self.must_be_truth(tree.operand, kind)
            return Kind.TRUTH
        if kind not in {*NUMBERS, *OPEN}:
            self._note(tree, How.ALWAYS, f"{self._slice(tree.operand)} is {kind}, not a number")
        return kind

    # --- two sides ------------------------------------------------------------------------------------------------------

    def _binary(self, tree: Binary) -> Kind:
        left, right = self.kind(tree.left), self.kind(tree.right)
        if tree.operator in ORDERINGS | EQUALITIES:
            self._compare(tree, left, right)
            return Kind.TRUTH
        if tree.operator == "in":
            if right not in {Kind.LIST, Kind.MAP, *OPEN}:
                self._note(tree, How.ALWAYS, f"{self._slice(tree.right)} is {right}, not a list or a map")
            return Kind.TRUTH
        return self._reckon(tree, left, right)

    def _compare(self, tree: Binary, left: Kind, right: Kind) -> None:
        if Kind.ANY in (left, right) or _alike(left, right):
            return
        kinds = {left, right}
        if tree.operator in EQUALITIES:
            if Kind.NOTHING in kinds or (Kind.DATA in kinds and not kinds & {Kind.TIMESTAMP, Kind.DURATION}):
                return
            verdict = "never equal" if tree.operator == "==" else "always unequal"
            self._note(
                tree, How.ALWAYS, f"{self._sides(tree, left, right)}: they are {verdict}", _cure(tree, left, right)
            )
        elif Kind.NOTHING in kinds:
            message = f"{self._slice(tree)} is always an error: nothing is more or less than null"
            self._note(tree, How.ALWAYS, message, "write == null, != null or has(...)")
        elif Kind.DATA not in kinds or kinds & {Kind.TIMESTAMP, Kind.DURATION, Kind.LIST, Kind.MAP}:
            self._note(
                tree, How.ALWAYS, f"{self._sides(tree, left, right)}: that is always an error", _cure(tree, left, right)
            )
        elif (quoted := _quoted_number(tree)) is not None:
            message = f"{self._slice(tree)} compares texts: an error for everybody who has a number there"
            self._note(tree, How.FOR_SOME, message, f"write {quoted} without quotes")

    def _reckon(self, tree: Binary, left: Kind, right: Kind) -> Kind:
        operator, kinds = tree.operator, {left, right}
        if Kind.ANY in kinds:
            return Kind.ANY
        if operator == "%" and kinds & {Kind.FRACTION}:
            remedy = "only whole numbers leave a remainder: write int(...)"
            self._note(tree, How.ALWAYS, f"{self._slice(tree)} is always an error", remedy)
            return Kind.WHOLE
        if kinds <= {*NUMBERS, Kind.DATA}:
            return self._reckon_numbers(tree, left, right)
        made = _MADE.get((operator, left, right))
        if made is not None:
            return made
        if Kind.DATA in kinds and operator == "+" and kinds & {Kind.TEXT, Kind.LIST}:
            return (kinds - {Kind.DATA}).pop()
        self._note(
            tree, How.ALWAYS, f"{self._sides(tree, left, right)}: that is always an error", _cure(tree, left, right)
        )
        return Kind.ANY

    def _reckon_numbers(self, tree: Binary, left: Kind, right: Kind) -> Kind:
        """CEL adds whole numbers to whole ones and fractions to fractions; what arrives as 100 is whole, 99.5 is not."""
        kinds = {left, right}
        remedy = f"write {self._as_fraction(tree.left, left)} {tree.operator} {self._as_fraction(tree.right, right)}"
        if kinds == {Kind.WHOLE, Kind.FRACTION}:
            message = f"{self._slice(tree)} mixes a whole number with one that has a fraction: that is always an error"
            self._note(tree, How.ALWAYS, message, remedy)
            return Kind.FRACTION
        if Kind.NUMBER in kinds and kinds != {Kind.NUMBER, Kind.DATA}:
            unsure = tree.left if left is Kind.NUMBER else tree.right
            message = f"{self._slice(unsure)} may be whole or not, and {self._slice(tree)} takes only one of the two"
            self._note(tree, How.FOR_SOME, message, remedy)
            return Kind.FRACTION
        if kinds == {Kind.DATA, Kind.FRACTION}:
            unsure = tree.left if left is Kind.DATA else tree.right
            message = f"{self._slice(tree)} is an error for everybody whose {self._slice(unsure)} is a whole number"
            self._note(tree, How.FOR_SOME, message, remedy)
            return Kind.FRACTION
        return Kind.WHOLE if Kind.WHOLE in kinds else left

    def _as_fraction(self, tree: Tree, kind: Kind) -> str:
        text = self._slice(tree)
        if kind is Kind.FRACTION:
            return text
        return f"{text}.0" if isinstance(tree, Literal) else f"double({text})"

    # --- words ----------------------------------------------------------------------------------------------------------

    def _sides(self, tree: Binary, left: Kind, right: Kind) -> str:
        return f"{self._slice(tree.left)} is {left}, {self._slice(tree.right)} is {right}"

    def _slice(self, tree: Tree) -> str:
        return self._text[slice(*tree.bare)]

    def _note(self, tree: Tree, how: How, message: str, remedy: str | None = None) -> None:
        self.found.append(Clash(tree.start, how, message, remedy))


_MADE: dict[tuple[str, Kind, Kind], Kind] = {
    ("+", Kind.TEXT, Kind.TEXT): Kind.TEXT,
    ("+", Kind.LIST, Kind.LIST): Kind.LIST,
    ("+", Kind.TIMESTAMP, Kind.DURATION): Kind.TIMESTAMP,
    ("+", Kind.DURATION, Kind.TIMESTAMP): Kind.TIMESTAMP,
    ("+", Kind.DURATION, Kind.DURATION): Kind.DURATION,
    ("-", Kind.TIMESTAMP, Kind.DURATION): Kind.TIMESTAMP,
    ("-", Kind.TIMESTAMP, Kind.TIMESTAMP): Kind.DURATION,
    ("-", Kind.DURATION, Kind.DURATION): Kind.DURATION,
}


def _alike(left: Kind, right: Kind) -> bool:
    return left is right or {left, right} <= NUMBERS


def _quoted_number(tree: Binary) -> str | None:
    """The text of a side that looks like a number in quotes."""
    for side in (tree.left, tree.right):
        value = side.value if isinstance(side, Literal) else None
        if isinstance(value, str) and _NUMBER_IN_QUOTES.fullmatch(value):
            return value
    return None


def _cure(tree: Binary, left: Kind, right: Kind) -> str | None:
    """What to write instead, where that can be told."""
    kinds = {left, right}
    quoted = _quoted_number(tree)
    if quoted is not None and kinds & NUMBERS:
        return f"write {quoted} without quotes"
    if Kind.TIMESTAMP in kinds and kinds & {Kind.DATA, Kind.TEXT}:
        return (
            'write timestamp(...) on both sides, or older(traits.since, "30d") and within(traits.renewal_date, "60d")'
        )
    if tree.operator == "+" and Kind.TEXT in kinds and kinds & NUMBERS:
        return "write string(...) around the number"
    return None
