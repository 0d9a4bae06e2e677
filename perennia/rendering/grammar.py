"""What a template may be made of: checked on its tree before it is compiled, and its loops and joins bounded there."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import cast

from jinja2 import Environment, nodes

TEXT_METHODS = frozenset(
    {"capitalize", "endswith", "lower", "lstrip", "rstrip", "split", "startswith", "strip", "title", "upper"}
)
LOOP_NAMES = frozenset(
    {"index", "index0", "revindex", "revindex0", "first", "last", "length", "cycle", "changed", "previtem", "nextitem"}
)
FUNCTIONS = frozenset({"range"})

# Those of `formats`, which is only read where one of them is used: Babel takes 70 ms.
FORMATS = frozenset({"number", "percent", "money", "date", "time", "datetime", "relative", "span", "listed", "isolate"})

# Filters that `bounded` puts in; their names hold a blank, so that no template can call them itself.
COUNTED, JOINED, CHOSEN, WEIGHED = "counted iterations", "joined texts", "chosen member", "weighed value"

# A value, a tag or a comment, as it is written.
JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)

# Compiling takes 0.1 ms a tag.
MAX_SOURCE_CHARS = 200_000
MAX_TAGS = 3_000
MAX_TAGS_CHARS = 50_000
_TAG = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)

_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.If,
    nodes.For,
    nodes.Assign,
    nodes.With,
    nodes.Name,
    nodes.Const,
    nodes.List,
    nodes.Tuple,
    nodes.Dict,
    nodes.Pair,
    nodes.Keyword,
    nodes.CondExpr,
    nodes.Filter,
    nodes.Test,
    nodes.Call,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Slice,
    nodes.Compare,
    nodes.Operand,
    nodes.Concat,
    nodes.BinExpr,
    nodes.UnaryExpr,
)


class Forbidden(Exception):
    """A construct that templates do not have; ``line`` is that of the template's text, ``word`` what stands there."""

    def __init__(self, line: int, message: str, word: str | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.word = word


def parse(environment: Environment, source: str) -> nodes.Template:
    """The template's tree, checked and with its loops and joins bounded. Raises `Forbidden` and Jinja's syntax errors."""
    _check_length(source)
    tree = environment.parse(source)
    _check(environment, tree)
    bounded = cast("nodes.Template", _bounded(tree))
    bounded.set_environment(environment)
    return bounded


def _check_length(source: str) -> None:
    if len(source) > MAX_SOURCE_CHARS:
        raise Forbidden(1, f"is longer than {MAX_SOURCE_CHARS} characters")
    tags = _TAG.findall(source)
    if len(tags) > MAX_TAGS or sum(map(len, tags)) > MAX_TAGS_CHARS:
        raise Forbidden(1, f"has more than {MAX_TAGS} tags, or {MAX_TAGS_CHARS} characters in them")


def printed_names(node: nodes.Node) -> Iterator[str]:
    """Names that are printed as they are, unless what stands around them asks for them first (``if``)."""
    if isinstance(node, nodes.Output):
        yield from (child.name for child in node.nodes if isinstance(child, nodes.Name))
    asked = _asked_by(node.test) if isinstance(node, nodes.If) else frozenset[str]()
    for child in node.iter_child_nodes():
        yield from (name for name in printed_names(child) if name not in asked)


def _asked_by(test: nodes.Node) -> frozenset[str]:
    own = {test.name} if isinstance(test, nodes.Name) else set[str]()
    return frozenset(own | {name.name for name in test.find_all(nodes.Name)})


def _check(environment: Environment, node: nodes.Node) -> None:
    if not isinstance(node, _ALLOWED):
        line = cast("int | None", node.lineno) or 1  # Jinja gives what it puts in itself none
        if isinstance(node, nodes.Include):
            message = "an include names a partial in quotes, stands in a template's body, and says nothing else"
            raise Forbidden(line, f'{message}; write {{% include "partials/footer" %}}', "include")
        raise Forbidden(line, f"templates have no {_spoken(node)} (only values, if, for, set and with)")
    match node:
        case nodes.For(recursive=True):
            raise Forbidden(node.lineno, "templates have no recursive loops")
        case nodes.Name(name=name) | nodes.Getattr(attr=name) if name.startswith("_"):
            raise Forbidden(node.lineno, f'names in templates do not begin with "_", as "{name}" does', name)
        case nodes.Filter(name=name) if name not in environment.filters:
            raise Forbidden(node.lineno, f'there is no filter "{name}"{_nearest(name, environment.filters)}', name)
        case nodes.Filter(name=name) if name in FORMATS:
            _check_format(node)
        case nodes.Test(name=name) if name not in environment.tests:
            raise Forbidden(node.lineno, f'there is no test "{name}"{_nearest(name, environment.tests)}', name)
        case nodes.Call():
            _check_call(node)
        case _:
            pass
    for child in node.iter_child_nodes():
        _check(environment, child)


def _check_format(node: nodes.Filter) -> None:
    if node.dyn_args or node.dyn_kwargs:
        raise Forbidden(node.lineno, "* and ** do not exist in filters", node.name)
    from perennia.rendering import formats  # noqa: PLC0415  # see FORMATS

    def told(argument: nodes.Expr) -> object:
        return argument.value if isinstance(argument, nodes.Const) else formats.UNKNOWN

    given, named = [told(each) for each in node.args], {str(each.key): told(each.value) for each in node.kwargs}
    if wrong := formats.complaint(node.name, given, named):
        raise Forbidden(node.lineno, wrong, node.name)


def _check_call(call: nodes.Call) -> None:
    match call.node:
        case nodes.Name(name="survey"):
            raise Forbidden(call.lineno, "survey() is not supported yet")
        case nodes.Name(name=name) if name not in FUNCTIONS:
            raise Forbidden(call.lineno, f'there is no function "{name}"{_nearest(name, FUNCTIONS)}', name)
        case nodes.Getattr(attr=name) if name not in TEXT_METHODS | {"cycle", "changed"}:
            message = f'nothing in a template has a method "{name}"{_nearest(name, TEXT_METHODS)}'
            raise Forbidden(call.lineno, message, name)
        case nodes.Name() | nodes.Getattr():
            pass
        case _:
            raise Forbidden(call.lineno, "only range() and a few methods of texts can be called")
    if call.dyn_args or call.dyn_kwargs:
        raise Forbidden(call.lineno, "* and ** do not exist in calls")


def _bounded(node: nodes.Node) -> nodes.Node:
    for name, value in list(node.iter_fields()):
        if isinstance(value, nodes.Node):
            setattr(node, name, _bounded(value))
        elif isinstance(value, list):
            items = cast("list[object]", value)
            setattr(node, name, [_bounded(item) if isinstance(item, nodes.Node) else item for item in items])
    match node:
        case nodes.For():
            node.iter = _filter(COUNTED, cast("nodes.Expr", node.iter), [nodes.Const(_size(node))])
        case nodes.Getitem(arg=nodes.Slice()):
            node.node = _filter(WEIGHED, node.node, [])
        case nodes.Getitem(arg=nodes.Expr() as key) if not isinstance(key, nodes.Const):
            return _filter(CHOSEN, node.node, [key])
        case nodes.Compare():
            node.expr = _filter(WEIGHED, node.expr, [])
            for operand in node.ops:
                operand.expr = _filter(WEIGHED, operand.expr, [])
        case nodes.Concat(nodes=[first, *rest]):
            return _filter(JOINED, first, rest)
        case _:
            pass
    return node


def _size(loop: nodes.For) -> int:
    """Of how many nodes one round of the loop is. Loops inside count their own rounds."""
    inside: list[nodes.Node] = [loop]
    size = 1
    while inside:
        for child in inside.pop().iter_child_nodes(exclude=("iter", "target")):
            size += 1
            if not isinstance(child, nodes.For):
                inside.append(child)
    return size


def _filter(name: str, on: nodes.Expr, arguments: list[nodes.Expr]) -> nodes.Filter:
    return nodes.Filter(on, name, arguments, [], None, None, lineno=on.lineno)


def _spoken(node: nodes.Node) -> str:
    kind = type(node).__name__
    known = {"Macro": "macros", "Extends": "extends", "AssignBlock": "set blocks"}
    return known.get(kind, "autoescape" if kind == "Scope" else f"{kind.lower()} tags")


def _nearest(name: str, known: Iterable[str]) -> str:
    nearest = difflib.get_close_matches(name, [word for word in known if " " not in word], n=1)
    return f'; did you mean "{nearest[0]}"?' if nearest else ""
