"""Jinja for texts that people write: values go in, text comes out, and nothing else can happen.

Jinja's own sandbox keeps templates away from Python's inside; this one also keeps them small and quick. A template may
print, decide and repeat. What could carry state or run deep (macros, imports, blocks, namespaces) does not exist, and no
attribute is ever read: a dot looks into data, calls a handful of text methods, or asks ``loop``.

What could run away is bounded by counting, not by a clock: nothing interrupts Python in mid-thought, and a scenario must
come out on every machine as it does in production. A round of a loop costs as many units of `MAX_WORK` as its body has
nodes, a filter, a test, a method or a comparison as many as the values it looks at have characters and items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast

from jinja2 import Undefined, pass_context, pass_eval_context
from jinja2.filters import FILTERS, do_replace, do_round, sync_do_join
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS
from markupsafe import Markup

from perennia.rendering.grammar import CHOSEN, COUNTED, FORMATS, JOINED, LOOP_NAMES, TEXT_METHODS, WEIGHED
from perennia.rendering.names import Members, Missing, UnknownName, WrongValue, printable
from perennia.rendering.reader import Reader

MAX_OUTPUT_CHARS = 500_000  # Gmail clips at 102 KB; more than this is a mistake or an attack
MAX_ROUNDS = 5_000  # of all loops of one rendering together
MAX_WORK = 1_000_000  # a second at the very most; a long newsletter needs ten thousand
MAX_TAGGED_CHARS = 20_000  # `striptags` copies the whole text at every tag
MAX_RANGE = 1_000
MAX_INTEGER_BITS = 128
MAX_POWER = 32

Escaping: TypeAlias = Literal["none", "html", "values"]

FILTER_NAMES = (
    *("abs", "float", "int", "max", "min", "round", "sum"),
    *("capitalize", "lower", "replace", "string", "striptags", "title", "trim", "truncate", "upper", "urlencode"),
    *("count", "d", "default", "first", "join", "last", "length", "list", "reverse", "sort", "unique", "wordcount"),
    *("dictsort", "groupby", "items", "map", "reject", "rejectattr", "select", "selectattr"),
)
TEST_NAMES = (
    *("boolean", "float", "integer", "iterable", "mapping", "none", "number", "sequence", "string"),
    *("defined", "undefined", "true", "false", "even", "odd", "divisibleby", "in", "lower", "upper"),
    *("eq", "equalto", "ne", "lt", "le", "gt", "ge", "==", "!=", "<", "<=", ">", ">="),
)


class LimitExceeded(Exception):
    """A template that wants more than anything sensible needs. The message says what of."""


class Sandbox(ImmutableSandboxedEnvironment):
    """``escaping``: of printed values. ``values`` puts a mark in place of each (see `marks`) and keeps it aside."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, escaping: Escaping) -> None:
        super().__init__(
            undefined=UnknownName,
            autoescape=escaping == "html",
            finalize=_set_aside if escaping == "values" else printable,
            keep_trailing_newline=True,
            cache_size=0,  # compiled templates are kept by their source, not by name
        )
        html_only = ["e", "escape"] if escaping == "html" else []
        filters = {name: FILTERS[name] for name in [*FILTER_NAMES, *html_only] if name in FILTERS}
        filters |= {"join": _join, "replace": _replace, "round": _round, "striptags": _striptags}
        filters |= {JOINED: _joined, CHOSEN: _chosen, WEIGHED: _same}
        filters |= {name: _as_read(name) for name in FORMATS}
        self.filters = {name: _at_a_price(each) for name, each in filters.items()} | {COUNTED: _counted}
        tests = {name: TESTS[name] for name in TEST_NAMES if name in TESTS} | {"none": _is_none}
        self.tests = {name: _at_a_price(each) for name, each in tests.items()}
        self.globals = {"range": _range}

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, str) and attribute in TEXT_METHODS:
            return getattr(obj, attribute)
        if isinstance(obj, LoopContext) and attribute in LOOP_NAMES:
            return getattr(obj, attribute)
        if isinstance(obj, UnknownName):
            obj.fail()
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        match obj:
            case Missing() | Members():
                return obj.member(argument)
            case list() | tuple() | str() if isinstance(argument, int | slice):
                return _element(cast("Sequence[object]", obj), cast("int | slice[int]", argument))
            case dict():
                return cast("dict[object, object]", obj).get(argument, Missing(name=str(argument)))
            case _:
                return Missing(name=str(argument))  # an unknown name too: its filters have let it through

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        rendering = rendering_of(context)
        rendering.spend(getattr(obj, "__self__", None), *args, *kwargs.values())
        result = super().call(context, obj, *args, **kwargs)
        rendering.spend(result)
        return result

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if isinstance(left, Missing | UnknownName) or isinstance(right, Missing | UnknownName):
            return super().call_binop(context, operator, left, right)
        if operator == "+":
            rendering_of(context).spend(left, right)
            return _sum(left, right)
        if not isinstance(left, int | float) or not isinstance(right, int | float):
            raise WrongValue(f"{operator} is for numbers")
        if operator == "**" and abs(right) > MAX_POWER:
            raise LimitExceeded(f"a power above {MAX_POWER}")
        return _small(super().call_binop(context, operator, left, right))

    def is_safe_callable(self, obj: Any) -> bool:
        # Reached only through what `getattr` and the globals give out.
        return callable(obj)


# --- bounded operations ---------------------------------------------------------------------------------------------


class Rendering:
    """Whom one rendering is for, what it has used up, and the values it set aside."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.rounds = 0
        self.work = 0
        self.printed = 0
        self.values: list[str] = []
        self.mark: Callable[[int], str] = str

    def spend(self, *values: object) -> None:
        """One unit for each value and for each character and item in it, however deep. Raises `LimitExceeded`."""
        left: list[object] = list(values)
        while left:
            value = left.pop()
            self.work += 1
            match value:
                case str():
                    self.work += len(value)
                case list() | tuple():
                    left += cast("Sequence[object]", value)
                case dict():
                    left += cast("dict[str, object]", value).values()
                case _:
                    pass
            if self.work > MAX_WORK:
                raise LimitExceeded(f"more than {MAX_WORK} steps")

    def begin_round(self, size: int) -> None:
        """One more round of a loop whose body is of ``size``. Raises `LimitExceeded`."""
        self.rounds += 1
        self.work += size
        if self.rounds > MAX_ROUNDS:
            raise LimitExceeded(f"more than {MAX_ROUNDS} rounds of loops")
        if self.work > MAX_WORK:
            raise LimitExceeded(f"more than {MAX_WORK} steps")


RENDERING = "_rendering"


def rendering_of(context: Context) -> Rendering:
    return cast("Rendering", context.parent[RENDERING])


def _at_a_price(act: Callable[..., Any]) -> Callable[..., Any]:
    """The filter or test, paid for by what goes in and what comes out."""
    wants: Any = getattr(act, "jinja_pass_arg", None)

    @pass_context
    def paid(context: Context, /, *given: object, **named: object) -> object:
        rendering = rendering_of(context)
        rendering.spend(*given, *named.values())
        first = {"context": context, "eval_context": context.eval_ctx, "environment": context.environment}
        result = act(*given, **named) if wants is None else act(first[wants.name], *given, **named)
        rendering.spend(result)
        return result

    return paid


@pass_context
def _counted(context: Context, items: Iterable[object], size: int) -> Iterator[object]:
    rendering = rendering_of(context)
    # A missing list is an error; Jinja would only find out inside the generator, on the wrong line.
    for item in iter(items):
        rendering.begin_round(size)
        yield item


@pass_context
def _set_aside(context: Context, value: object) -> str:
    text = str(printable(value))
    if not text:
        return text
    rendering = rendering_of(context)
    rendering.printed += len(text)
    _limit(rendering.printed)
    rendering.values.append(text)
    return rendering.mark(len(rendering.values) - 1)


def _as_read(name: str) -> Callable[..., str]:
    """The filter of that name in `formats`, for whom the rendering is for."""

    @pass_context
    def write(context: Context, value: object, *given: object, **named: object) -> str:
        for each in (value, *given, *named.values()):
            if isinstance(each, Undefined):
                str(each)  # raises, and names it
        from perennia.rendering import formats  # noqa: PLC0415  # see FORMATS

        return formats.FILTERS[name](rendering_of(context).reader, value, *given, **named)

    return write


def _chosen(holder: object, key: object) -> object:
    """``holder[key]`` with a key that the template computed: it is a value, so what is missing is not called by it."""
    match holder:
        case Members() if isinstance(key, str):
            return holder.get(key, Missing(name=f"{holder.path}[...]"))
        case Missing():
            return holder.member("[...]")
        case list() | tuple() | str() if isinstance(key, int):
            return _element(cast("Sequence[object]", holder), key)
        case _:
            return Missing(name="[...]")


def _joined(first: object, *rest: object) -> str:
    texts = [printable(value) for value in (first, *rest)]
    if any(isinstance(text, Markup) for text in texts):
        return Markup("").join(_bounded_texts(texts))
    return "".join(_bounded_texts(texts))


def _bounded_texts(values: Iterable[object]) -> list[str]:
    texts = [value if isinstance(value, str) else str(value) for value in values]
    _limit(sum(len(text) for text in texts))
    return texts


@pass_eval_context
def _join(eval_ctx: EvalContext, value: Iterable[object], d: str = "", attribute: str | int | None = None) -> str:
    items = list(value)
    _limit(len(items) * len(str(d)))
    return sync_do_join(eval_ctx, (printable(item) if attribute is None else item for item in items), d, attribute)


@pass_eval_context
def _replace(eval_ctx: EvalContext, s: object, old: str, new: str) -> str:
    text = s if isinstance(s, str) else str(printable(s))
    _limit(len(text) + (text.count(old) if old else len(text) + 1) * len(new))
    return do_replace(eval_ctx, text, old, new)


def _striptags(value: str) -> str:
    if len(value) > MAX_TAGGED_CHARS:
        raise LimitExceeded(f"a text of more than {MAX_TAGGED_CHARS} characters without its tags")
    return str(Markup(value).striptags())  # noqa: S704  # only to take its tags away


def _same(value: object) -> object:
    return value


def _round(value: float, precision: int = 0, method: Literal["common", "ceil", "floor"] = "common") -> float:
    if abs(precision) > MAX_POWER:
        raise LimitExceeded(f"more than {MAX_POWER} digits")
    return do_round(value, precision, method)


def _sum(left: object, right: object) -> object:
    match left, right:
        case int() | float(), int() | float():
            return _small(left + right)
        case (str(), str()) | (list(), list()):
            _limit(len(cast("str", left)) + len(cast("str", right)))
            return cast("str", left) + cast("str", right)
        case _:
            raise WrongValue("+ is for two numbers, two texts or two lists; ~ joins what is not text")


def _small(number: object) -> object:
    if isinstance(number, int) and number.bit_length() > MAX_INTEGER_BITS:
        raise LimitExceeded(f"a number of more than {MAX_INTEGER_BITS} bits")
    return number


def _limit(chars: int) -> None:
    if chars > MAX_OUTPUT_CHARS:
        raise LimitExceeded(f"a text of more than {MAX_OUTPUT_CHARS} characters")


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > MAX_RANGE:
        raise LimitExceeded(f"a range of more than {MAX_RANGE} numbers")
    return numbers


def _is_none(value: object) -> bool:
    return value is None or isinstance(value, Missing)


def _element(items: Sequence[object], position: int | slice[int]) -> object:
    try:
        return items[position]
    except IndexError:
        return Missing(name="[...]")


def start_rendering(
    names: Mapping[str, object], reader: Reader, mark: Callable[[int], str]
) -> tuple[Rendering, dict[str, object]]:
    """The names of one rendering together with what counts its work."""
    rendering = Rendering(reader)
    rendering.mark = mark
    return rendering, {**names, RENDERING: rendering}
