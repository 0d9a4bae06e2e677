"""CEL's grammar: a text becomes a small tree whose nodes know their places in it.

The tree is for what CEL's own library does not tell us: which names and functions an expression uses and where, what its
boolean skeleton is, which comparison has a constant beside a call. Evaluation of what remains is the library's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from perennia.core.cel_tokens import INT_RANGE, RESERVED, ExpressionError, Scalar, Token, tokens_of

# What a comparison becomes when its sides change places, and when it is denied.
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
OPPOSITE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}

LONGEST_EXPRESSION = 1_000
DEEPEST_TREE = 50  # the compiler and CEL's library recurse; nobody reads a formula as deep as that


@dataclass(slots=True)
class Syntax:
    """``start`` and ``end`` are places in the text, parentheses around the node included; ``bare``: without them."""

    start: int
    end: int
    bare: tuple[int, int] = field(init=False)
    depth: int = field(init=False, default=1)

    def __post_init__(self) -> None:
        self.bare = self.start, self.end


@dataclass(slots=True)
class Literal(Syntax):
    value: Scalar


@dataclass(slots=True)
class Name(Syntax):
    name: str


@dataclass(slots=True)
class Member(Syntax):
    """``target.name``."""

    target: Tree
    name: str


@dataclass(slots=True)
class Index(Syntax):
    """``target[index]``."""

    target: Tree
    index: Tree


@dataclass(slots=True)
class Call(Syntax):
    """``name(arguments)`` or ``target.name(arguments)``; macros look the same."""

    target: Tree | None
    name: str
    arguments: tuple[Tree, ...]


@dataclass(slots=True)
class Unary(Syntax):
    """``!`` or ``-``."""

    operator: str
    operand: Tree


@dataclass(slots=True)
class Binary(Syntax):
    """Relations and arithmetic."""

    operator: str
    left: Tree
    right: Tree


@dataclass(slots=True)
class Junction(Syntax):
    """``&&`` or ``||`` over two operands or more."""

    operator: str
    operands: tuple[Tree, ...]


@dataclass(slots=True)
class Conditional(Syntax):
    test: Tree
    then: Tree
    otherwise: Tree


@dataclass(slots=True)
class ListOf(Syntax):
    items: tuple[Tree, ...]


@dataclass(slots=True)
class MapOf(Syntax):
    entries: tuple[tuple[Tree, Tree], ...]


Tree: TypeAlias = (
    Literal | Name | Member | Index | Call | Unary | Binary | Junction | Conditional | ListOf | MapOf
)  # fmt: skip


def parse(text: str) -> Tree:
    """The tree of one whole CEL expression. Raises `ExpressionError` with the place of what is wrong."""
    if len(text) > LONGEST_EXPRESSION:
        message = f"an expression has at most {LONGEST_EXPRESSION} characters; this one has {len(text)}"
        raise ExpressionError(message, LONGEST_EXPRESSION)
    if not text.strip():
        raise ExpressionError("an empty expression")
    return _Parser(text).whole()


def children(tree: Tree) -> tuple[Tree, ...]:
    """The nodes directly below, in the order of the text."""
    match tree:
        case Literal() | Name():
            return ()
        case Member(target=target):
            return (target,)
        case Index(target=target, index=index):
            return (target, index)
        case Call(target=target, arguments=arguments):
            return arguments if target is None else (target, *arguments)
        case Unary(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return (left, right)
        case Junction(operands=operands):
            return operands
        case Conditional(test=test, then=then, otherwise=otherwise):
            return (test, then, otherwise)
        case ListOf(items=items):
            return items
        case MapOf(entries=entries):
            return tuple(part for entry in entries for part in entry)


_LEVELS = (
    frozenset({"<", "<=", ">=", ">", "==", "!=", "in"}),
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%"}),
)


class _Parser:
    """Recursive descent over CEL's grammar, one method a level."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens_of(text)
        self.position = 0
        self.nested = 0

    def whole(self) -> Tree:
        tree = self.expression()
        if self.ahead.kind != "end":
            raise self.unexpected("an operator or the end")
        return tree

    # --- tokens -----------------------------------------------------------------------------------------------------

    @property
    def ahead(self) -> Token:
        return self.tokens[self.position]

    def next(self) -> Token:
        token = self.ahead
        self.position += 1
        return token

    def at(self, symbol: str) -> bool:
        return self.ahead.kind == "symbol" and self.ahead.text == symbol

    def accept(self, symbol: str) -> bool:
        if self.at(symbol):
            self.position += 1
            return True
        return False

    def expect(self, symbol: str) -> Token:
        if not self.at(symbol):
            raise self.unexpected(f'"{symbol}"')
        return self.next()

    def unexpected(self, wanted: str) -> ExpressionError:
        token = self.ahead
        found = "the end" if token.kind == "end" else f'"{token.text}"'
        hint = _WORDS.get(token.text.lower()) if token.kind == "name" else None
        return ExpressionError(f"found {found} where {wanted} should be", token.start, hint)

    def built(self, tree: Tree) -> Tree:
        """Bounds the depth, which both sides of the compiler recurse over."""
        tree.depth = 1 + max((child.depth for child in children(tree)), default=0)
        if tree.depth > DEEPEST_TREE:
            raise self.too_deep(tree.start)
        return tree

    def too_deep(self, start: int) -> ExpressionError:
        return ExpressionError(f"more than {DEEPEST_TREE} operations deep", start, "split the expression")

    # --- levels -----------------------------------------------------------------------------------------------------

    def expression(self) -> Tree:
        self.nested += 1
        if self.nested > DEEPEST_TREE:
            raise self.too_deep(self.ahead.start)
        tree = self.conditional()
        self.nested -= 1
        return tree

    def conditional(self) -> Tree:
        test = self.junction("||")
        if not self.accept("?"):
            return test
        then = self.junction("||")
        self.expect(":")
        otherwise = self.expression()
        return self.built(Conditional(test.start, otherwise.end, test, then, otherwise))

    def junction(self, operator: str) -> Tree:
        operands = [self.operand(operator)]
        while self.accept(operator):
            operands.append(self.operand(operator))
        if len(operands) == 1:
            return operands[0]
        return self.built(Junction(operands[0].start, operands[-1].end, operator, tuple(operands)))

    def operand(self, operator: str) -> Tree:
        return self.junction("&&") if operator == "||" else self.binary(0)

    def binary(self, level: int) -> Tree:
        if level == len(_LEVELS):
            return self.unary()
        tree = self.binary(level + 1)
        while self.ahead.kind in {"symbol", "name"} and self.ahead.text in _LEVELS[level]:
            operator = self.next().text
            right = self.binary(level + 1)
            tree = self.built(Binary(tree.start, right.end, operator, tree, right))
        return tree

    def unary(self) -> Tree:
        signs: list[Token] = []
        while self.at("!") or self.at("-"):
            signs.append(self.next())
            if signs[-1].text != signs[0].text:
                raise ExpressionError('"!" and "-" do not follow each other', signs[-1].start)
        tree = self.negative(signs.pop()) if signs and signs[-1].text == "-" and self.number_ahead() else self.member()
        for sign in reversed(signs):
            tree = self.built(Unary(sign.start, tree.end, sign.text, tree))
        return tree

    def number_ahead(self) -> bool:
        value = self.ahead.value
        return self.ahead.kind == "literal" and isinstance(value, int | float) and not isinstance(value, bool)

    def negative(self, sign: Token) -> Tree:
        token = self.next()
        assert isinstance(token.value, int | float)  # noqa: S101 (`number_ahead` looked)
        return self.members(Literal(sign.start, token.end, -token.value))

    def member(self) -> Tree:
        return self.members(self.primary())

    def members(self, tree: Tree) -> Tree:
        while True:
            if self.accept("."):
                name = self.ahead
                if name.kind != "name":
                    raise self.unexpected("a name")
                self.next()
                if self.accept("("):
                    arguments, end = self.list_until(")")
                    tree = self.built(Call(tree.start, end, tree, name.text, arguments))
                else:
                    tree = self.built(Member(tree.start, name.end, tree, name.text))
            elif self.accept("["):
                index = self.expression()
                end = self.expect("]").end
                tree = self.built(Index(tree.start, end, tree, index))
            else:
                return tree

    def primary(self) -> Tree:
        token = self.ahead
        match token.kind, token.text:
            case "literal", _:
                self.next()
                self.check_range(token)
                return Literal(token.start, token.end, token.value)
            case "name", _:
                return self.name_or_call()
            case "symbol", "(":
                return self.parentheses()
            case "symbol", "[":
                self.next()
                items, end = self.list_until("]")
                return self.built(ListOf(token.start, end, items))
            case "symbol", "{":
                return self.map()
            case _:
                raise self.unexpected("a value")

    def check_range(self, token: Token) -> None:
        too_large = isinstance(token.value, int) and token.text[-1] not in "uU" and token.value not in INT_RANGE
        if too_large:
            raise ExpressionError(f"the number {token.text} does not fit into 64 bits", token.start)

    def name_or_call(self) -> Tree:
        token = self.next()
        if token.text in RESERVED or token.text == "in":
            message = f'"{token.text}" is a reserved word'
            raise ExpressionError(message, token.start, _WORDS.get(token.text))
        if self.accept("("):
            arguments, end = self.list_until(")")
            return self.built(Call(token.start, end, None, token.text, arguments))
        if self.at("{"):
            raise ExpressionError("CEL's message types are not part of the language", token.start)
        return Name(token.start, token.end, token.text)

    def parentheses(self) -> Tree:
        start = self.next().start
        tree = self.expression()
        end = self.expect(")").end
        tree.start, tree.end = start, end
        return tree

    def list_until(self, closing: str) -> tuple[tuple[Tree, ...], int]:
        items: list[Tree] = []
        while not self.at(closing):
            items.append(self.expression())
            if not self.accept(",") and not self.at(closing):
                raise self.unexpected(f'"," or "{closing}"')
        return tuple(items), self.next().end

    def map(self) -> Tree:
        start = self.next().start
        entries: list[tuple[Tree, Tree]] = []
        while not self.at("}"):
            key = self.expression()
            self.expect(":")
            entries.append((key, self.expression()))
            if not self.accept(",") and not self.at("}"):
                raise self.unexpected('"," or "}"')
        return self.built(MapOf(start, self.next().end, tuple(entries)))


_WORDS = {
    "and": 'write "&&"',
    "or": 'write "||"',
    "not": 'write "!"',
    "if": "write TEST ? VALUE : OTHER",
    "is": 'write "=="',
}
