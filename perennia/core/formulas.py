"""The skeleton of an expression: `&&`, `||`, `!`, `?:` and the macros over lists, with CEL's absorption of errors.

Each node answers for the smallest set of its parts that decides it: of `A && B` with A false only A matters.

**Errors as false.** A condition that ends in an error counts as false, so that on the way from the root down (through `&&`,
`||`, branches, and turned round by `!`) it does not matter whether a part is false or in error: an error decides as well
as a false does. ``error_as`` says what an error of this node counts as in the end; None: it must be told from both.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TypeAlias, cast

from perennia.core.answers import Answer, Node, View, as_json, earlier, kind_of, together
from perennia.core.decisions import Evidence
from perennia.core.json_values import Json
from perennia.core.leaves import LOCAL


class Junction:
    """``&&`` (decided by one false) or ``||`` (decided by one true) over ``parts``, in the order of the text.

    Errors are absorbed where another part decides. Parts that change seldom are asked first.
    """

    def __init__(self, text: str, parts: tuple[Node, ...], *, decides: bool, error_as: bool | None) -> None:
        self.text = text
        self.parts = parts
        self.decides = decides
        self.errors_decide = error_as is decides
        self.by_volatility = tuple(sorted(parts, key=lambda part: part.volatility))
        self.volatility = max(part.volatility for part in parts)

    def answer(self, view: View) -> Answer:
        deciders: list[Answer] = []
        errors: list[Answer] = []
        agreeing: list[Answer] = []
        for part in self.by_volatility:
            answer = part.answer(view)
            value, error, until, _ = answer
            if error is None and value is self.decides:
                if until is None:
                    return answer
                deciders.append(answer)
            elif error is None and value is (not self.decides):
                agreeing.append(answer)
            else:
                errors.append(answer if error is not None else _no_condition(part, answer))
        if deciders:
            best = _longest(deciders + errors if self.errors_decide else deciders)
            return Answer(self.decides, None, best.until, best.watching)
        if not errors:
            return together(agreeing, not self.decides)
        basis = [_longest(errors)] if self.errors_decide else errors + agreeing
        return together(basis, None, errors[0].error)

    def evidence(self, view: View) -> Evidence:
        return _evidence(self, view, self.parts)


def _longest(answers: list[Answer]) -> Answer:
    """The answer that is good for longest; of equals the one that fewer inputs can change."""
    return max(answers, key=lambda answer: (answer.until is None, answer.until or 0, -len(answer.watching)))


def _no_condition(part: Node, answer: Answer) -> Answer:
    return answer._replace(value=None, error=f"{part.text} is {kind_of(answer.value)}, not true or false")


def _evidence(node: Node, view: View, parts: tuple[Node, ...]) -> Evidence:
    answer = node.answer(view)
    return Evidence(node.text, as_json(answer.value), answer.error, parts=tuple(part.evidence(view) for part in parts))


class Not:
    def __init__(self, text: str, operand: Node) -> None:
        self.text = text
        self.operand = operand
        self.volatility = operand.volatility

    def answer(self, view: View) -> Answer:
        answer = self.operand.answer(view)
        if answer.error is not None:
            return answer
        if not isinstance(answer.value, bool):
            return _no_condition(self.operand, answer)
        return Answer(not answer.value, None, answer.until, answer.watching)

    def evidence(self, view: View) -> Evidence:
        return _evidence(self, view, (self.operand,))


class Membership:
    """``in_segment("NAME")``: whether the segment's criterion is met; one that ends in an error is not."""

    def __init__(self, text: str, criterion: Node) -> None:
        self.text = text
        self.criterion = criterion
        self.volatility = criterion.volatility

    def answer(self, view: View) -> Answer:
        answer = self.criterion.answer(view)
        return Answer(answer.error is None and answer.value is True, None, answer.until, answer.watching)

    def evidence(self, view: View) -> Evidence:
        return _evidence(self, view, (self.criterion,))


class Choice:
    """``test ? then : otherwise``: only the branch that is taken is looked at."""

    def __init__(self, text: str, test: Node, then: Node, otherwise: Node) -> None:
        self.text = text
        self.test = test
        self.then = then
        self.otherwise = otherwise
        self.volatility = max(test.volatility, then.volatility, otherwise.volatility)

    def answer(self, view: View) -> Answer:
        test = self.test.answer(view)
        if test.error is not None:
            return test
        if not isinstance(test.value, bool):
            return _no_condition(self.test, test)
        taken = (self.then if test.value else self.otherwise).answer(view)
        return Answer(taken.value, taken.error, earlier(test.until, taken.until), test.watching | taken.watching)

    def evidence(self, view: View) -> Evidence:
        test = self.test.answer(view).value
        taken = () if not isinstance(test, bool) else (self.then if test else self.otherwise,)
        return _evidence(self, view, (self.test, *taken))


# What a macro makes of the items and of the body's answers for each.
Fold: TypeAlias = Callable[[list[object], list[Answer]], tuple[object, str | None]]


class Macro:
    """``items.NAME(variable, body)``: the body is asked once an item, with the item under the variable's name."""

    def __init__(self, text: str, items: Node, variable: str, bodies: tuple[Node, ...], fold: Fold) -> None:
        self.text = text
        self.items = items
        self.variable = variable
        self.bodies = bodies
        self.fold = fold
        self.volatility = max(items.volatility, *(body.volatility for body in bodies))

    def answer(self, view: View) -> Answer:
        over = self.items.answer(view)
        if over.error is not None:
            return over
        if not isinstance(over.value, list | dict):
            return over._replace(value=None, error=f"{self.items.text} is {kind_of(over.value)}, not a list or a map")
        items = list(cast("list[object] | dict[object, object]", over.value))
        answers = [self._body(view, item) for item in items]
        value, error = self.fold(items, answers)
        return together([over, *answers], value, error)

    def _body(self, view: View, item: object) -> Answer:
        """The body's answer for one item; with two bodies (`map` with a filter) the second's, where the first holds."""
        names = {**view.names, LOCAL: {self.variable: cast("Json", item)}}
        inside = dataclasses.replace(view, names=names)
        first = self.bodies[0].answer(inside)
        if len(self.bodies) == 1 or first.error is not None or first.value is False:
            return first if len(self.bodies) == 1 or first.error is not None else first._replace(value=SKIPPED)
        if first.value is not True:
            return _no_condition(self.bodies[0], first)
        second = self.bodies[1].answer(inside)
        return together([first, second], second.value, second.error)

    def evidence(self, view: View) -> Evidence:
        return _evidence(self, view, (self.items,))


SKIPPED = object()


def _first_error(answers: list[Answer]) -> str | None:
    for answer in answers:
        if answer.error is not None:
            return answer.error
    return None


def _non_condition(answers: list[Answer]) -> str | None:
    error = _first_error(answers)
    if error is None and any(not isinstance(answer.value, bool) for answer in answers):
        return "the condition of a macro is not true or false"
    return error


def _exists(_items: list[object], answers: list[Answer]) -> tuple[object, str | None]:
    if any(answer.value is True for answer in answers):
        return True, None
    error = _non_condition(answers)
    return (False, None) if error is None else (None, error)


def _all(_items: list[object], answers: list[Answer]) -> tuple[object, str | None]:
    if any(answer.value is False for answer in answers):
        return False, None
    error = _non_condition(answers)
    return (True, None) if error is None else (None, error)


def _exists_one(_items: list[object], answers: list[Answer]) -> tuple[object, str | None]:
    error = _non_condition(answers)
    return (None, error) if error else (sum(answer.value is True for answer in answers) == 1, None)


def _map(_items: list[object], answers: list[Answer]) -> tuple[object, str | None]:
    error = _first_error(answers)
    return (None, error) if error else ([answer.value for answer in answers if answer.value is not SKIPPED], None)


def _filter(items: list[object], answers: list[Answer]) -> tuple[object, str | None]:
    error = _non_condition(answers)
    kept = [item for item, answer in zip(items, answers, strict=True) if answer.value is True]
    return (None, error) if error else (kept, None)


MACROS: dict[str, Fold] = {
    "exists": _exists,
    "all": _all,
    "exists_one": _exists_one,
    "map": _map,
    "filter": _filter,
}
