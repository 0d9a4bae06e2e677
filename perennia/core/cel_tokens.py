"""CEL's tokens (https://github.com/google/cel-spec, doc/langdef.md, "Syntax"), each with its place in the text."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, TypeAlias


class ExpressionError(ValueError):
    """An expression that cannot be published. ``offset``: 0-based character in its text; ``hint``: what to write instead."""

    def __init__(self, message: str, offset: int = 0, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message}; {hint}")
        self.message = message
        self.offset = offset
        self.hint = hint


Kind: TypeAlias = Literal["name", "literal", "symbol", "end"]
Scalar: TypeAlias = None | bool | int | float | str | bytes


class Token(NamedTuple):
    """``text`` is a name, a symbol, or a literal's source; ``value`` a literal's value."""

    kind: Kind
    text: str
    start: int
    end: int
    value: Scalar = None


CONSTANTS: dict[str, Scalar] = {"true": True, "false": False, "null": None}
RESERVED = frozenset(
    "as break const continue else for function if import let loop package namespace return var void while".split()  # noqa: SIM905 (a list of words reads better)
)
INT_RANGE = range(-(2**63), 2**63)
UINT_RANGE = range(2**64)

_SPACE = re.compile(r"(?:[\t\n\f\r ]|//[^\n]*)*")
_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_STRING = re.compile(r"""(?P<prefix>[rR]?[bB]?|[bB][rR])(?P<quote>\"\"\"|'''|"|')""")
_FLOAT = re.compile(r"(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)")
_INT = re.compile(r"(0[xX][0-9a-fA-F]+|\d+)([uU]?)")
_SYMBOL = re.compile(r"&&|\|\||==|!=|<=|>=|[-+*/%!<>?:.,()\[\]{}]")
_ESCAPE = re.compile(
    r"""\\(?:[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))""", re.DOTALL
)
_SIMPLE_ESCAPES = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "?": "?", '"': '"', "'": "'", "`": "`",
}  # fmt: skip


def tokens_of(text: str) -> list[Token]:
    """All tokens of ``text``, with one of kind ``end`` behind them. Raises `ExpressionError`."""
    tokens: list[Token] = []
    position = _after_space(text, 0)
    while position < len(text):
        token = _token(text, position)
        tokens.append(token)
        position = _after_space(text, token.end)
    tokens.append(Token("end", "the end", len(text), len(text)))
    return tokens


def _after_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return position if found is None else found.end()


def _token(text: str, start: int) -> Token:
    if found := _STRING.match(text, start):
        return _string(text, start, found)
    if found := _NAME.match(text, start):
        name = found.group()
        if name in CONSTANTS:
            return Token("literal", name, start, found.end(), CONSTANTS[name])
        return Token("name", name, start, found.end())
    if found := _FLOAT.match(text, start):
        return Token("literal", found.group(), start, found.end(), float(found.group()))
    if found := _INT.match(text, start):
        return Token("literal", found.group(), start, found.end(), _integer(found, start))
    if found := _SYMBOL.match(text, start):
        return Token("symbol", found.group(), start, found.end())
    raise ExpressionError(f'unexpected character "{text[start]}"', start, _NEARBY.get(text[start]))


_NEARBY = {"=": 'to compare, write "=="', "&": 'write "&&"', "|": 'write "||"', "“": 'quotes are straight: "'}


def _integer(found: re.Match[str], start: int) -> int:
    digits, unsigned = found.groups()
    value = int(digits, 16 if digits[:2] in ("0x", "0X") else 10)
    # 2^63 itself is only right behind a minus: the parser looks again.
    if value not in UINT_RANGE or (not unsigned and value > INT_RANGE.stop):
        raise ExpressionError(f"the number {digits} does not fit into 64 bits", start)
    return value


def _string(text: str, start: int, opening: re.Match[str]) -> Token:
    prefix, quote = opening["prefix"].lower(), opening["quote"]
    raw = "r" in prefix
    body = re.compile(rf"((?:\\.|(?!{quote}).)*){quote}" if not raw else rf"((?:(?!{quote}).)*){quote}", re.DOTALL)
    found = body.match(text, opening.end())
    if found is None:
        raise ExpressionError(f"a string that begins with {quote} does not end", start, f"close it with {quote}")
    content = found.group(1)
    if len(quote) == 1 and re.search(r"[\n\r]", content):
        raise ExpressionError("a string ends on its line", start, f"write {quote * 3} for one of several lines")
    if "b" in prefix:
        return Token("literal", text[start : found.end()], start, found.end(), content.encode())
    value = content if raw else _unescaped(content, opening.end())
    return Token("literal", text[start : found.end()], start, found.end(), value)


def _unescaped(content: str, start: int) -> str:
    def replaced(found: re.Match[str]) -> str:
        two, four, eight, octal, simple = found.groups()
        if simple is not None:
            if simple not in _SIMPLE_ESCAPES:
                message = f'unknown escape "\\{simple}" in a string'
                raise ExpressionError(message, start + found.start(), "for a backslash itself, write two")
            return _SIMPLE_ESCAPES[simple]
        code = int(octal, 8) if octal else int(two or four or eight, 16)
        if code > 0x10FFFF or 0xD800 <= code < 0xE000:
            raise ExpressionError(f'"{found.group()}" is no character', start + found.start())
        return chr(code)

    return _ESCAPE.sub(replaced, content)
