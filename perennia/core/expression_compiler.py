"""From syntax to nodes: which names and functions an expression may use, and which part of it is evaluated how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import TypeAlias

from perennia.core.answers import Node
from perennia.core.calls import FUNCTIONS, NO_VIEW, UNSUPPORTED_FUNCTIONS, CallCompiler, compared_call, counted_to
from perennia.core.cel_syntax import (
    MIRRORED,
    Binary,
    Call,
    Conditional,
    Index,
    Junction,
    ListOf,
    Literal,
    Member,
    Name,
    Tree,
    Unary,
    children,
    parse,
)
from perennia.core.cel_tokens import ExpressionError
from perennia.core.facts import TallySpec
from perennia.core.formulas import MACROS, Choice, Macro, Membership, Not
from perennia.core.formulas import Junction as JunctionNode
from perennia.core.functions import Count, Total
from perennia.core.json_values import JsonObject
from perennia.core.leaves import (
    LOCAL,
    OWN_FUNCTIONS,
    CelLeaf,
    Constant,
    Hole,
    OwnFunction,
    Path,
    PathTest,
    comparison,
    contains,
    one_of,
    reader,
)

ROOTS = frozenset({"traits", "account", "contact", "enter", "event", "steps", "stage", "health", "answers"})
# Known only to one enrollment or at one event.
PASSING_NAMES = frozenset({"enter", "event", "steps"})
ANSWER_FIELDS = ("score", "label", "comment", "at")
TYPES = frozenset({"int", "uint", "double", "string", "bool", "bytes", "list", "map", "null_type", "type"})

CEL_FUNCTIONS = frozenset(
    {"size", "int", "uint", "double", "string", "bool", "bytes", "timestamp", "duration", "type", "dyn"}
)
CEL_METHODS = frozenset(
    {
        "size", "startsWith", "endsWith", "contains", "matches", "getFullYear", "getMonth", "getDate", "getDayOfMonth",
        "getDayOfWeek", "getDayOfYear", "getHours", "getMinutes", "getSeconds", "getMilliseconds",
    }
)  # fmt: skip


# A text over `event` to the test it is.
Filters: TypeAlias = Callable[[str], Callable[[JsonObject], bool]]


class Compiler:
    """Compiles one expression, and collects what it reads. ``filters`` None: it is a property filter itself."""

    def __init__(
        self,
        text: str,
        names: frozenset[str],
        filters: Filters | None,
        segments: Mapping[str, str] | None = None,
        inside: frozenset[str] = frozenset(),
    ) -> None:
        self.text = text
        self.segments = segments
        self.inside = inside  # the segments that we are the criterion of
        self.names = names
        self.filters = filters
        self.variable: str | None = None  # of the macro we are in
        self.paths: set[str] = set()
        self.traits: set[str] = set()
        self.tracks: set[str] = set()
        self.tallies: dict[TallySpec, None] = {}
        self.follows_zone = False

    def node(self, tree: Tree, error_as: bool | None = None) -> Node:
        """The node for ``tree``; ``error_as`` as in `perennia.core.formulas`."""
        match tree:
            case Junction(operator=operator, operands=operands):
                parts = tuple(self.node(operand, error_as) for operand in operands)
                return JunctionNode(self.slice(tree), parts, decides=operator == "||", error_as=error_as)
            case Unary(operator="!", operand=operand):
                return Not(self.slice(tree), self.node(operand, None if error_as is None else not error_as))
            case Conditional(test=test, then=then, otherwise=otherwise):
                branches = self.node(then, error_as), self.node(otherwise, error_as)
                return Choice(self.slice(tree), self.node(test), *branches)
            case Literal(value=value):
                return self.constant(tree) if isinstance(value, bytes) else Constant(self.slice(tree), value)
            case Binary():
                return self.comparison(tree) or self.leaf(tree)
            case Call():
                return self.call(tree)
            case _:
                return self.path(tree) or self.leaf(tree)

    def slice(self, tree: Tree) -> str:
        """The node's own text, without parentheses around it."""
        start, end = tree.bare
        return self.text[start:end]

    def filter(self, text: str, offset: int) -> Callable[[JsonObject], bool]:
        """A property filter whose text begins at ``offset`` of ours."""
        if self.filters is None:
            raise ExpressionError("a property filter inside a property filter", offset)
        try:
            return self.filters(text)
        except ExpressionError as error:
            raise ExpressionError(
                f"in the property filter: {error.message}", offset + error.offset, error.hint
            ) from error

    # --- names ------------------------------------------------------------------------------------------------------

    def path(self, tree: Tree) -> Path | None:
        """``traits.plan``, ``steps["first-project"].outcome``, or the variable of a macro; None where it is no name."""
        keys: list[str] = []
        below = tree
        while True:
            match below:
                case Member(target=target, name=name):
                    keys.append(name)
                    below = target
                case Index(target=target, index=Literal(value=str() as key)):
                    keys.append(key)
                    below = target
                case Name():
                    return self.named(tree, below, keys[::-1])
                case _:
                    return None

    def named(self, tree: Tree, root: Name, keys: list[str]) -> Path | None:
        if root.name == self.variable:
            read = reader(LOCAL, (root.name, *keys))
            return Path(self.slice(tree), read, frozenset())
        if not keys and root.name in TYPES:
            return None
        self.check_root(root)
        if not keys and root.name != "health":
            kind = "properties" if root.name in {"event", "enter"} else "values"
            message = f'"{root.name}" alone is not a value; name one of its {kind}'
            raise ExpressionError(message, root.start, f"as in {root.name}.{_EXAMPLES[root.name]}")
        return self.known_path(tree, root.name, keys)

    def known_path(self, tree: Tree, root: str, keys: list[str]) -> Path:
        self.paths.add(".".join((root, *keys)))
        if root == "stage":
            if len(keys) > 1:
                raise ExpressionError(f"stage.{keys[0]} is the id of a stage; nothing lies below it", tree.start)
            self.tracks.add(keys[0])
        if root == "health" and len(keys) > 2:
            raise ExpressionError(f"health.{keys[0]}.{keys[1]} is a number; nothing lies below it", tree.start)
        if root == "answers":
            self.check_answer(tree, keys)
        if root == "traits" or (root == "contact" and keys[0] != "id"):
            self.traits.add(keys[0])
        return Path(self.slice(tree), reader(root, tuple(keys)), _tokens(root, keys[0] if keys else ""))

    def check_answer(self, tree: Tree, keys: list[str]) -> None:
        """Whether the survey has a question of this name is for whoever knows the surveys."""
        if (len(keys) > 2 and keys[1] in ANSWER_FIELDS) or len(keys) > 3:
            message = f"answers.{keys[0]}.{'.'.join(keys[1:-1])} is a value; nothing lies below it"
            raise ExpressionError(message, tree.start)

    def check_root(self, root: Name) -> None:
        name = root.name
        if name in self.names:
            return
        if name == "now":
            hint = (
                'time enters through functions, as in older(traits.since, "30d") or within(traits.renewal_date, "60d")'
            )
            raise ExpressionError('there is no "now"', root.start, hint)
        if name in ROOTS:
            here = ", ".join(sorted(self.names)) or "no names"
            raise ExpressionError(f'"{name}" is not known here', root.start, f"known here: {here}")
        raise ExpressionError(f'unknown name "{name}"', root.start, self.hint_for(root))

    def hint_for(self, root: Name) -> str | None:
        before = self.text[: root.start]
        if before.endswith("-") and before[:-1].strip():
            return 'a name with a hyphen is written in brackets, as in steps["first-project"].outcome'
        close = get_close_matches(root.name, sorted(self.names | FUNCTIONS.keys()), 1)
        if close:
            return f'did you mean "{close[0]}"?'
        return f'for a text, write "{root.name}" in quotes; for a trait, traits.{root.name}'

    # --- comparisons ------------------------------------------------------------------------------------------------

    def comparison(self, tree: Binary) -> Node | None:
        """A name or a call of ours beside a constant, evaluated without the library."""
        text, operator = self.slice(tree), tree.operator
        if operator == "in":
            return self.membership(tree)
        if operator not in MIRRORED:
            return None
        for side, other, sign in ((tree.left, tree.right, operator), (tree.right, tree.left, MIRRORED[operator])):
            if not isinstance(other, Literal):
                continue
            if path := self.path(side):
                test = comparison(sign, other.value)
                return test and PathTest(text, path, test, soft=operator in {"==", "!="})
            if isinstance(side, Call) and side.target is None and side.name in {"count", "total"}:
                call = self.own_call(side, newest=counted_to(sign, other.value))
                if isinstance(call, Count | Total):
                    return compared_call(text, call, sign, other.value)
        return None

    def membership(self, tree: Binary) -> Node | None:
        if isinstance(tree.right, ListOf) and (path := self.path(tree.left)):
            constants = tuple(item.value for item in tree.right.items if isinstance(item, Literal))
            test = one_of(constants) if len(constants) == len(tree.right.items) else None
            return test and PathTest(self.slice(tree), path, test, soft=False)
        if isinstance(tree.left, Literal) and (path := self.path(tree.right)):
            test = contains(tree.left.value)
            return test and PathTest(self.slice(tree), path, test, soft=False)
        return None

    # --- calls ------------------------------------------------------------------------------------------------------

    def call(self, tree: Call) -> Node:
        return self.own_call(tree) or self.leaf(tree)

    def own_call(self, tree: Call, *, newest: int | None = None) -> Node | None:
        """The node of a call that is not the library's to evaluate; None where it is. Unknown functions end here.

        ``newest``: as many occurrences are enough (`counted_to`).
        """
        if tree.target is not None:
            return self.method(tree, tree.target)
        if tree.name == "has":
            return self.has(tree)
        if tree.name == "in_segment" and self.segments is not None:
            return self.segment(tree, self.segments)
        if tree.name in UNSUPPORTED_FUNCTIONS:
            raise ExpressionError(f"{tree.name}() is not supported yet", tree.start)
        if tree.name in FUNCTIONS:
            if self.filters is None:
                raise self.no_place(tree)
            return CallCompiler(self, tree, newest).compile()
        if tree.name not in CEL_FUNCTIONS:
            raise self.unknown_function(tree)
        if tree.name in OWN_FUNCTIONS and len(tree.arguments) == 1:
            return OwnFunction(self.slice(tree), self.node(tree.arguments[0]), OWN_FUNCTIONS[tree.name])
        return None

    def no_place(self, tree: Call) -> ExpressionError:
        """For a function of time and events where one map is all that is seen."""
        if "event" in self.names:
            message = f"{tree.name}() has no place in a property filter, which sees only event"
            return ExpressionError(message, tree.start, "join it to the outer expression with &&")
        seen = ", ".join(sorted(self.names))
        return ExpressionError(f"{tree.name}() has no place here: all that is known is {seen}", tree.start)

    def segment(self, tree: Call, segments: Mapping[str, str]) -> Node:
        """The segment's own criterion in place of the call, so that time and inputs reach it as they reach the rest."""
        named = tree.arguments[0] if len(tree.arguments) == 1 else None
        if not isinstance(named, Literal) or not isinstance(named.value, str):
            raise ExpressionError(
                "in_segment() takes the name of a segment", tree.start, 'write in_segment("power-users")'
            )
        name = named.value
        if name in self.inside:
            raise ExpressionError(
                f'the segment "{name}" is made of itself', tree.start, "let one decide without the other"
            )
        if name not in segments:
            close = get_close_matches(name, sorted(segments), 1)
            raise ExpressionError(f'no segment "{name}"', named.start, f'did you mean "{close[0]}"?' if close else None)
        inner = Compiler(segments[name], self.names - PASSING_NAMES, self.filters, segments, self.inside | {name})
        try:
            node = inner.node(parse(segments[name]), error_as=False)
        except ExpressionError as error:
            raise ExpressionError(f'in the segment "{name}": {error.message}', tree.start, error.hint) from error
        self.paths |= inner.paths
        self.traits |= inner.traits
        self.tracks |= inner.tracks
        self.tallies.update(inner.tallies)
        self.follows_zone |= inner.follows_zone
        return Membership(self.slice(tree), node)

    def unknown_function(self, tree: Call) -> ExpressionError:
        close = get_close_matches(tree.name, sorted(FUNCTIONS.keys() | CEL_FUNCTIONS | {"has"}), 1)
        hint = f'did you mean "{close[0]}"?' if close else None
        if tree.name in CEL_METHODS | MACROS.keys():
            hint = f"it is written behind a value, as in traits.name.{tree.name}(...)"
        return ExpressionError(f'unknown function "{tree.name}"', tree.start, hint)

    def method(self, tree: Call, target: Tree) -> Node | None:
        if tree.name in MACROS:
            return self.macro(tree, target)
        if tree.name not in CEL_METHODS:
            at = self.text.rfind(tree.name, target.end, tree.end)
            if tree.name in FUNCTIONS:
                raise ExpressionError(f"{tree.name} is no method", at, f"write {FUNCTIONS[tree.name]}")
            close = get_close_matches(tree.name, sorted(CEL_METHODS | MACROS.keys()), 1)
            raise ExpressionError(f'unknown method "{tree.name}"', at, f'did you mean "{close[0]}"?' if close else None)
        if tree.name == "size" and not tree.arguments:
            return OwnFunction(self.slice(tree), self.node(target), OWN_FUNCTIONS["size"])
        return None

    def has(self, tree: Call) -> Node:
        path = self.path(tree.arguments[0]) if len(tree.arguments) == 1 else None
        if path is None or isinstance(tree.arguments[0], Name):
            raise ExpressionError("has() takes one name", tree.start, "as in has(traits.plan)")
        return PathTest(self.slice(tree), path, lambda value: value is not None, soft=True)

    def macro(self, tree: Call, target: Tree) -> Node:
        if self.variable is not None:
            raise ExpressionError(
                f'a macro inside a macro ("{tree.name}") is not allowed', tree.start, "split the expression"
            )
        wanted = (2, 3) if tree.name == "map" else (2,)
        variable = tree.arguments[0] if tree.arguments else None
        if len(tree.arguments) not in wanted or not isinstance(variable, Name):
            example = f'as in traits.tags.{tree.name}(tag, tag != "new")'
            raise ExpressionError(f"{tree.name}() takes a variable and what to do with it", tree.start, example)
        if variable.name in ROOTS | TYPES:
            raise ExpressionError(f'"{variable.name}" is taken; give the variable another name', variable.start)
        items = self.node(target)
        self.variable = variable.name
        bodies = tuple(self.node(argument) for argument in tree.arguments[1:])
        self.variable = None
        return Macro(self.slice(tree), items, variable.name, bodies, MACROS[tree.name])

    # --- leaves -----------------------------------------------------------------------------------------------------

    def leaf(self, tree: Tree) -> Node:
        """Everything else: CEL source with holes. Without holes it is a constant, worked out now."""
        holes: dict[tuple[int, int], Hole] = {}
        self.collect_below(tree, holes)
        pieces: list[str] = []
        position = tree.start
        for (start, end), hole in sorted(holes.items(), key=lambda item: item[0]):
            pieces += [self.text[position:start], hole.variable]
            position = end
        source = "".join((*pieces, self.text[position : tree.end]))
        try:
            leaf = CelLeaf(self.slice(tree), source, tuple(holes[place] for place in sorted(holes)))
        except ValueError as error:
            raise ExpressionError(f"CEL does not take this: {_first_line(error)}", tree.start) from error
        return leaf if holes else self.worked_out(tree, leaf)

    def constant(self, tree: Tree) -> Node:
        return self.worked_out(tree, CelLeaf(self.slice(tree), self.text[tree.start : tree.end], ()))

    def worked_out(self, tree: Tree, leaf: CelLeaf) -> Node:
        answer = leaf.answer(NO_VIEW)
        if answer.error is not None:
            raise ExpressionError(f"this is always an error: {answer.error}", tree.start)
        return Constant(leaf.text, answer.value)

    def collect(self, tree: Tree, soft: bool, holes: dict[tuple[int, int], Hole]) -> None:
        """Makes holes of whatever in ``tree`` is not the library's to evaluate."""
        node = self.path(tree) if isinstance(tree, Name | Member | Index) else self.own_part(tree)
        if node is not None:
            holes[tree.start, tree.end] = Hole(f"v{len(holes)}", node, soft and isinstance(node, Path))
        else:
            self.collect_below(tree, holes)

    def collect_below(self, tree: Tree, holes: dict[tuple[int, int], Hole]) -> None:
        soft = isinstance(tree, Binary) and tree.operator in {"==", "!="}
        for child in children(tree):
            self.collect(child, soft, holes)
        if isinstance(tree, Call):
            self.check_library_call(tree)

    def own_part(self, tree: Tree) -> Node | None:
        """The node of a part that is evaluated by us inside a leaf: formulas, macros, calls of ours."""
        if isinstance(tree, Junction | Conditional) or (isinstance(tree, Unary) and tree.operator == "!"):
            return self.node(tree)
        return self.own_call(tree) if isinstance(tree, Call) else None

    def check_library_call(self, tree: Call) -> None:
        """What goes wrong for everybody is found here, not at the first customer: `duration("20d")`, a broken pattern."""
        arguments = tree.arguments
        if tree.target is None and all(isinstance(argument, Literal) for argument in arguments):
            self.worked_out(tree, CelLeaf(self.slice(tree), self.slice(tree), ()))
        if tree.name == "matches" and len(arguments) == 1 and isinstance(arguments[0], Literal):
            self.worked_out(arguments[0], CelLeaf(self.slice(tree), f'"".matches({self.slice(arguments[0])})', ()))


def _tokens(root: str, key: str) -> frozenset[str]:
    """What to watch for a name to change."""
    match root:
        case "traits":
            return frozenset((f"trait:{key}",))
        case "contact" if key != "id":
            return frozenset((f"trait:{key}",))
        case "account" | "stage" | "health":
            return frozenset((f"{root}:{key}",))
        case "answers":
            return frozenset((f"answer:{key}",))
        case _:
            return frozenset()


def _first_line(error: Exception) -> str:
    """CEL's own complaint without the source it repeats."""
    message = str(error).split("ERROR: ", 1)[-1].splitlines()[0]
    return message.split(": ", 1)[-1]


_EXAMPLES = {
    "traits": "plan",
    "account": "plan",
    "contact": "email",
    "enter": "order_id",
    "event": "total",
    "steps": "ID.outcome",
    "stage": "TRACK",
    "answers": "SURVEY.score",
    "answer": "score",
}
