"""YAML with positions: what a file says, and where it says it.

The core schema of YAML 1.2 and nothing else: ``on`` and ``yes`` are words, ``10:30`` and dates are text, ``0o14`` is 12. A key
that stands twice, a tag, an endless number or a document that unfolds beyond reason is a finding; nothing raises.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeAlias, cast

from ruamel.yaml.composer import MaxDepthExceededError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from perennia.catalog.findings import Finding
from perennia.catalog.yaml_advice import advice
from perennia.catalog.yaml_nodes import Mark, Node, compose
from perennia.core.json_values import Json

Path: TypeAlias = tuple[str | int, ...]

MAX_VALUES = 100_000  # what one document may unfold to: anchors of anchors grow without bound otherwise
MAX_DIGITS = 18  # what the store and JSON readers elsewhere keep exactly (64 bits)

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_ENDLESS = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: dict[str, Json] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_PLAIN_TAGS = frozenset({"null", "bool", "int", "float", "str", "timestamp", "merge", "value", "seq", "map"})


class _SyntaxError(Protocol):
    problem: str | None
    context: str | None
    problem_mark: Mark | None
    context_mark: Mark | None


class Place(NamedTuple):
    """A line and a column, from 1."""

    line: int
    column: int


class _Spot(NamedTuple):
    """Where a key and its value stand: indexes into the text, and the value's YAML style (``'``, ``"``, ``|``, ``>``)."""

    key: int | None
    start: int
    end: int
    style: str | None


class _Refused(Exception):
    """A node that our YAML does not have. ``index`` is its place in the text."""

    def __init__(self, index: int, code: str, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        self.index, self.code, self.message, self.remedy = index, code, message, remedy


@dataclass(frozen=True)
class YamlDocument:
    """One document of a file: plain data, and the place of every key and value."""

    path: str
    text: str
    data: Json
    _spots: dict[Path, _Spot] = field(repr=False)
    _line_offset: int = 0

    def keys(self) -> tuple[str, ...]:
        return tuple(self.data) if isinstance(self.data, dict) else ()

    def place(self, index: int) -> Place:
        line = self.text.count("\n", 0, index)
        return Place(self._line_offset + line + 1, index - (self.text.rfind("\n", 0, index) + 1) + 1)

    def key_place(self, path: Path) -> Place:
        """Where the key stands, or the item of a list; of the nearest thing around it, when there is no such path."""
        spot = self._spot(path)
        return self.place(spot.start if spot.key is None else spot.key)

    def value_place(self, path: Path, offset: int = 0) -> Place:
        """Where the value begins, or the character at ``offset`` of its text, whatever quotes and folds it is written in."""
        spot = self._spot(path)
        if path not in self._spots:
            return self.place(spot.start)
        return self.place(self._index_inside(path, spot, offset) if self._is_text(path) else spot.start)

    def finding(self, code: str, message: str, remedy: str | None, place: Place) -> Finding:
        return Finding(self.path, place.line, place.column, code, message, remedy)

    def value(self, path: Path) -> Json:
        """The value at ``path``; None where there is none."""
        here = self.data
        for part in path:
            if isinstance(here, dict) and isinstance(part, str):
                here = here.get(part)
            elif isinstance(here, list) and isinstance(part, int) and part < len(here):
                here = here[part]
            else:
                return None
        return here

    def _is_text(self, path: Path) -> bool:
        return isinstance(self.value(path), str)

    def _spot(self, path: Path) -> _Spot:
        while path and path not in self._spots:
            path = path[:-1]
        return self._spots[path]

    def _index_inside(self, path: Path, spot: _Spot, offset: int) -> int:
        """The index of character ``offset`` of a scalar, found by walking text and source side by side.

        Blank characters are matched loosely, because folding and indentation change them; a quote's escapes are stepped
        over. After an escaped line break it may be off by one.
        """
        value = cast("str", self.value(path))
        index = spot.start
        if spot.style in {"'", '"'}:
            index += 1
        elif spot.style in {"|", ">"}:
            index = self.text.find("\n", spot.start, spot.end) + 1
        for character in value[:offset]:
            if not character.isspace():
                found = self.text.find(character, index, spot.end)
                index = found + 1 if found >= 0 else index
        while offset < len(value) and not value[offset].isspace() and index < spot.end and self.text[index].isspace():
            index += 1
        return min(index, len(self.text))


def read_documents(path: str, text: str, line_offset: int = 0) -> tuple[list[YamlDocument], list[Finding]]:
    """The documents of a YAML text, up to the first that cannot be parsed; a document of nothing is left out.

    ``line_offset``: lines of the file before ``text`` begins.
    """
    documents: list[YamlDocument] = []
    findings: list[Finding] = []
    try:
        for node in compose(text):
            try:
                unfolded = _Unfolding(node)
            except _Refused as refused:
                place = YamlDocument(path, text, None, {}, line_offset).place(refused.index)
                findings.append(Finding(path, *place, refused.code, refused.message, refused.remedy))
                continue
            if unfolded.data is not None:
                documents.append(YamlDocument(path, text, unfolded.data, unfolded.spots, line_offset))
    except (YAMLError, RecursionError) as error:
        findings.append(_syntax_finding(path, text, line_offset, error))
    return documents, findings


def _syntax_finding(path: str, text: str, line_offset: int, error: Exception) -> Finding:
    line, column, message, remedy = 1, 1, "this is nested too deeply", None
    if isinstance(error, ReaderError):
        position = cast("int", error.position)
        before = text[:position]
        line, column = before.count("\n") + 1, position - before.rfind("\n")
        message, remedy = f"the character U+{ord(text[position]):04X} is not allowed in YAML", "remove it"
    elif isinstance(error, MarkedYAMLError):
        known = cast("_SyntaxError", cast("object", error))
        mark = known.problem_mark or known.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        if not isinstance(error, MaxDepthExceededError):
            message = str(known.problem or known.context or "this is no YAML").split("\n")[0]
            opened = None if known.context_mark is None else known.context_mark.line
            remedy = advice(
                message, str(known.context), text, line - 1, None if opened is None else opened + line_offset
            )
    return Finding(path, line_offset + line, column, "bad-yaml", message, remedy)


class _Unfolding:
    """Plain data and spots of one composed document. Raises `_Refused`."""

    def __init__(self, root: Node) -> None:
        self.spots: dict[Path, _Spot] = {}
        self._open: set[int] = set()
        self.data: Json = self._value(root, (), None)

    def _value(self, node: Node, path: Path, key: Node | None) -> Json:
        start, is_scalar = _start(node), node.id == "scalar"
        key_start = None if key is None else _start(key)
        self.spots[path] = _Spot(key_start, start, node.end_mark.index, (node.style or None) if is_scalar else None)
        if len(self.spots) > MAX_VALUES:
            raise _Refused(start, "too-large", f"this document holds more than {MAX_VALUES} values")
        _refuse_tag(node)
        if is_scalar:
            return _scalar(node)
        if id(node) in self._open:
            raise _Refused(start, "bad-yaml", "this anchor contains itself")
        self._open.add(id(node))
        value = self._mapping(node, path) if node.id == "mapping" else self._sequence(node, path)
        self._open.discard(id(node))
        return value

    def _sequence(self, node: Node, path: Path) -> Json:
        items = cast("list[Node]", node.value)
        return [self._value(item, (*path, index), None) for index, item in enumerate(items)]

    def _mapping(self, node: Node, path: Path) -> Json:
        mapping: dict[str, Json] = {}
        for key, value in cast("list[tuple[Node, Node]]", node.value):
            word = _key_word(key)
            if word in mapping:
                raise _Refused(
                    _start(key), "duplicate-key", f'the key "{word}" stands here twice', "remove one of them"
                )
            mapping[word] = self._value(value, (*path, word), key)
        return mapping


def _start(node: Node) -> int:
    return node.start_mark.index


def _key_word(key: Node) -> str:
    if key.id != "scalar":
        remedy = "put text that begins with {{ into quotes" if key.id == "mapping" else None
        raise _Refused(_start(key), "bad-key", "a key must be a word, not a list or a mapping", remedy)
    _refuse_tag(key)
    word = _text(key)
    if word == "<<" and not key.style:
        remedy = "write the keys out, or alias the whole value"
        raise _Refused(_start(key), "bad-key", "merge keys (<<) are not part of YAML 1.2", remedy)
    return word


def _refuse_tag(node: Node) -> None:
    tag = str(node.tag)
    if tag.removeprefix("tag:yaml.org,2002:") not in _PLAIN_TAGS:
        remedy = "put text that begins with ! into quotes" if tag.startswith("!") else "remove the tag"
        raise _Refused(_start(node), "bad-yaml", f"the tag {tag} means nothing here", remedy)


def _text(node: Node) -> str:
    """A scalar's text. JSON writes characters beyond the first 65,536 as two escapes: they are joined."""
    text = cast("str", node.value)
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise _Refused(
            _start(node), "bad-yaml", "this text holds half a character (an escape \\uD800 to \\uDFFF)"
        ) from None


def _scalar(node: Node) -> Json:
    text = _text(node)
    if node.style or str(node.tag) == "tag:yaml.org,2002:str":
        return text
    if text in _WORDS:
        return _WORDS[text]
    is_whole, is_number = _INT.fullmatch(text) is not None, _FLOAT.fullmatch(text) is not None
    endless = (
        _ENDLESS.fullmatch(text) or (is_whole and len(text) > MAX_DIGITS) or (is_number and math.isinf(float(text)))
    )
    if endless:
        message = f'the number "{text[:30]}" cannot be kept'
        raise _Refused(_start(node), "bad-number", message, "put it into quotes to make it text")
    if is_whole:
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return int(text[2:] if base != 10 else text, base)
    return float(text) if is_number else text
