"""The leaves of an expression: names, comparisons with a constant, and whatever else CEL's library evaluates.

A leaf is CEL source in which every name and every call of ours is a flat variable that we fill: handing whole maps of traits
to the library costs twenty times the evaluation. Comparisons of a name with a constant do not need it at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from perennia.core.answers import Answer, Node, View, as_json, kind_of, together
from perennia.core.cel_library import cel
from perennia.core.cel_tokens import Scalar
from perennia.core.decisions import Evidence
from perennia.core.json_values import Json

# None: missing. To be missing and to be null are the same (language, section 3).
Read: TypeAlias = Callable[[View], Json]

# True, False, or None for a clash of types.
Test: TypeAlias = Callable[[Json], bool | None]

LOCAL = ""  # under this name, `View.names` holds the variable of a macro


def reader(root: str, keys: tuple[str, ...]) -> Read:
    """How to get at ``root.key.key``. What lies below something that is no map is missing."""
    if root == "health":
        return _health_reader(keys)
    first, *rest = keys
    top = _top_reader(root, first)
    if not rest:
        return top

    def read(view: View) -> Json:
        value = top(view)
        for key in rest:
            if not isinstance(value, dict):
                return None
            value = value.get(key)
        return value

    return read


def _top_reader(root: str, key: str) -> Read:
    match root:
        case "traits":
            return lambda view: view.facts.traits.get(key)
        case "account":
            return lambda view: None if view.facts.account is None else view.facts.account.get(key)
        case "stage":
            return lambda view: view.stages[key][0] if key in view.stages else None
        case "answers":
            return lambda view: _answer(view, key)
        case _:
            return lambda view: view.names[root].get(key) if root in view.names else None


def _answer(view: View, survey: str) -> Json:
    response = view.facts.answers.get(survey)
    return None if response is None else response.told()


def _health_reader(keys: tuple[str, ...]) -> Read:
    """``health``: the only one; ``health.ID``: that one; ``health.ID.MEASURE``: a measure of it, or its band.

    A contact sees its account's by their ids, too.
    """
    measure = keys[1] if len(keys) == 2 else ""

    def read(view: View) -> Json:
        known = view.names.get("health", {})
        if keys:
            found = known[keys[0]] if keys[0] in known else view.names.get("account health", {}).get(keys[0])
        else:
            found = next(iter(known.values())) if len(known) == 1 else None
        return found.get(measure) if isinstance(found, dict) else None

    return read


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    text: str
    value: object
    volatility: int = 0

    def answer(self, view: View) -> Answer:  # noqa: ARG002 (a constant looks at nothing)
        return Answer(self.value)

    def evidence(self, view: View) -> Evidence:  # noqa: ARG002 (a constant looks at nothing)
        return Evidence(self.text, as_json(self.value))


class Path:
    """A name such as ``traits.plan``. Its bare value must be there; ``soft`` reading is for ``==``, ``!=`` and ``has``."""

    volatility = 0

    def __init__(self, text: str, read: Read, watching: frozenset[str]) -> None:
        self.text = text
        self.read = read
        self.watching = watching
        self.missing = Answer(None, f"{text} is missing", None, watching)

    def answer(self, view: View) -> Answer:
        value = self.read(view)
        return self.missing if value is None else Answer(value, None, None, self.watching)

    def soft(self, view: View) -> Answer:
        return Answer(self.read(view), None, None, self.watching)

    def evidence(self, view: View) -> Evidence:
        value = self.read(view)
        return Evidence(self.text, value, self.missing.error if value is None else None, {self.text: value})


class PathTest:
    """A name against a constant, in Python: ``traits.plan == "pro"``, ``traits.seats >= 20``, ``has(traits.plan)``."""

    volatility = 0

    def __init__(self, text: str, path: Path, test: Test, *, soft: bool) -> None:
        self.text = text
        self.path = path
        self.test = test
        self.soft = soft
        self.true = Answer(True, None, None, path.watching)
        self.false = Answer(False, None, None, path.watching)

    def answer(self, view: View) -> Answer:
        value = self.path.read(view)
        if value is None and not self.soft:
            return self.path.missing
        holds = self.test(value)
        if holds is None:
            return Answer(None, f"types clash: {self.path.text} is {kind_of(value)}", None, self.path.watching)
        return self.true if holds else self.false

    def evidence(self, view: View) -> Evidence:
        answer = self.answer(view)
        return Evidence(self.text, as_json(answer.value), answer.error, {self.path.text: self.path.read(view)})


def comparison(operator: str, constant: Scalar) -> Test | None:
    """The test ``name OPERATOR constant``, None where the library had better do it."""
    if operator in {"==", "!="}:
        return _equality(constant, wanted=operator == "==")
    if isinstance(constant, str):
        return _ordering(operator, constant, lambda value: isinstance(value, str))
    if _is_number(constant):
        return _ordering(operator, constant, _is_number)
    return None


def _equality(constant: Scalar, *, wanted: bool) -> Test | None:
    if constant is None or isinstance(constant, bool):
        return lambda value: (value is constant) is wanted
    if isinstance(constant, str):
        return lambda value: (value == constant) is wanted
    if _is_number(constant):
        # Python holds true for a number, CEL does not.
        return lambda value: (value == constant and not isinstance(value, bool)) is wanted
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ordering(operator: str, constant: object, comparable: Callable[[object], bool]) -> Test | None:
    compare = ORDERINGS.get(operator)
    if compare is None:
        return None
    return lambda value: compare(value, constant) if comparable(value) else None


# Both sides are numbers or both are text: `comparable` looked.
ORDERINGS: Mapping[str, Callable[[object, object], bool]] = {
    "<": lambda one, other: one < other,  # pyright: ignore[reportOperatorIssue, reportUnknownLambdaType] (two numbers or two texts)
    "<=": lambda one, other: one <= other,  # pyright: ignore[reportOperatorIssue, reportUnknownLambdaType] (two numbers or two texts)
    ">": lambda one, other: one > other,  # pyright: ignore[reportOperatorIssue, reportUnknownLambdaType] (two numbers or two texts)
    ">=": lambda one, other: one >= other,  # pyright: ignore[reportOperatorIssue, reportUnknownLambdaType] (two numbers or two texts)
}


def one_of(constants: tuple[Scalar, ...]) -> Test:
    """The test ``name in [constants]``. Bytes among them are nobody's value."""
    if all(isinstance(constant, str) for constant in constants):
        texts = frozenset(constants)
        return lambda value: isinstance(value, str) and value in texts
    tests = [_equality(constant, wanted=True) for constant in constants]
    return lambda value: any(test is not None and test(value) for test in tests)


def contains(constant: Scalar) -> Test | None:
    """The test ``constant in name``, for lists, and maps with text as keys."""
    equal = _equality(constant, wanted=True)
    if equal is None or constant is None:
        return None

    def test(value: Json) -> bool | None:
        if isinstance(value, list):
            return any(equal(item) for item in value)
        if isinstance(value, dict):
            return isinstance(constant, str) and constant in value
        return None

    return test


# --- the library ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Hole:
    """A variable of a leaf, and what fills it. ``soft``: a name that may be missing here."""

    variable: str
    node: Node
    soft: bool

    def answer(self, view: View) -> Answer:
        if self.soft and isinstance(self.node, Path):
            return self.node.soft(view)
        return self.node.answer(view)


class CelLeaf:
    """CEL source over holes. Raises `ValueError` where the library does not take it."""

    def __init__(self, text: str, source: str, holes: tuple[Hole, ...]) -> None:
        self.text = text
        self.holes = holes
        self.program = cel.compile(source)
        self.volatility = max((hole.node.volatility for hole in holes), default=0)

    def answer(self, view: View) -> Answer:
        variables: dict[str, object] = {}
        answers: list[Answer] = []
        for hole in self.holes:
            answer = hole.answer(view)
            if answer.error is not None:
                return answer
            answers.append(answer)
            variables[hole.variable] = answer.value
        try:
            value: object = self.program.execute(variables)
        except LIBRARY_ERRORS as error:
            return together(answers, None, self._clash(error, answers))
        return together(answers, value)

    def _clash(self, error: Exception, answers: list[Answer]) -> str:
        match error:
            case ZeroDivisionError():
                what = "division by zero"
            case OverflowError():
                what = "a number is too large"
            case LookupError():
                what = "no such key or place"
            case TypeError():
                what = "types clash"
            case _:
                what = str(error).split(". ")[0].splitlines()[0]
        seen = (
            f"{hole.node.text} is {kind_of(answer.value)}" for hole, answer in zip(self.holes, answers, strict=True)
        )
        return f"{what} in {self.text}: {', '.join(seen)}".removesuffix(": ")

    def evidence(self, view: View) -> Evidence:
        answer = self.answer(view)
        values = {hole.node.text: as_json(hole.answer(view).value) for hole in self.holes}
        parts = tuple(hole.node.evidence(view) for hole in self.holes if not isinstance(hole.node, Path))
        return Evidence(self.text, as_json(answer.value), answer.error, values, parts)


# What `Program.execute` raises for CEL's errors (common-expression-language 0.10.0): RuntimeError for a function's own.
LIBRARY_ERRORS = (TypeError, ValueError, RuntimeError, LookupError, ArithmeticError)


class OwnFunction:
    """A function of CEL's that the library has wrong (``size`` counts bytes of a text) or not at all (``bool``)."""

    def __init__(self, text: str, operand: Node, function: Callable[[object], object]) -> None:
        self.text = text
        self.operand = operand
        self.function = function
        self.volatility = operand.volatility

    def answer(self, view: View) -> Answer:
        answer = self.operand.answer(view)
        if answer.error is not None:
            return answer
        value = self.function(answer.value)
        if value is None:
            return answer._replace(value=None, error=f"types clash in {self.text}: it is given {kind_of(answer.value)}")
        return answer._replace(value=value)

    def evidence(self, view: View) -> Evidence:
        answer = self.answer(view)
        return Evidence(self.text, as_json(answer.value), answer.error, parts=(self.operand.evidence(view),))


def _size(value: object) -> int | None:
    if isinstance(value, str | bytes | list | dict):
        return len(value)  # pyright: ignore[reportUnknownArgumentType] (a length has no element type)
    return None


def _bool(value: object) -> bool | None:
    match value:
        case bool():
            return value
        case "true" | "false":
            return value == "true"
        case _:
            return None


OWN_FUNCTIONS: Mapping[str, Callable[[object], object]] = {"size": _size, "bool": _bool}
