"""Partials: parts of templates in files of their own, put in where a template includes them.

An include is text in the place of a tag, before anything is checked, published or rendered: what is published is whole, and
whatever looks at a template sees all of it. Marks, which are comments of Jinja and print nothing, remember which line of
which file each part is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from perennia.core.documents import TemplateBody
from perennia.rendering.errors import TemplateError
from perennia.rendering.grammar import MAX_SOURCE_CHARS
from perennia.rendering.source import body_of, locale_chain

PARTIALS = "partials/"
# Whoever nests deeper has a mistake; Python's own recursion would end some hundred later.
MAX_DEPTH = 20

# Comments and raw blocks are passed over whole: what stands in them includes nothing.
_INCLUDE = re.compile(
    r"\{#.*?#\}"
    r"|\{%[-+]?\s*raw\s*[-+]?%\}.*?\{%[-+]?\s*endraw\s*[-+]?%\}"
    r"|\{%(?P<left>[-+]?)\s*include\s+(?P<quote>[\"'])(?P<name>[^\"'%{}]*)(?P=quote)\s*(?P<right>[-+]?)%\}",
    re.DOTALL,
)
_MARK = re.compile(r"\{#-?@(?P<file>[\w./-]+):(?P<line>\d+)-?#\}")


class IncludeError(Exception):
    """An include that cannot be put in; ``line`` and ``column`` are those of its tag in ``file``."""

    def __init__(self, file: str, place: tuple[int, int], message: str, remedy: str | None) -> None:
        super().__init__(f"{file}:{place[0]}: {message}")
        self.file = file
        self.line, self.column = place
        self.message = message
        self.remedy = remedy


class Place(NamedTuple):
    """A line of a file as it was written; ``before``: so many characters stand in front of it where it was put in."""

    file: str
    line: int
    before: int = 0


@dataclass
class Partials:
    """Those of a workspace: by name (``partials/footer``) its texts, each by its ending (``md``, ``de.md``)."""

    texts: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    def put_in(self, text: str, name: str, ending: str) -> str:
        """The text of the file ``NAME.ENDING`` with everything that it includes. Raises `IncludeError`.

        A partial is that of the file's own kind and language, or of none. What stands in its front matter includes nothing.
        """
        head = len(text) - len(body_of(text))
        return _Inclusion(self.texts, ending).of(text, f"{name}.{ending}", head, ())


class _Inclusion:
    def __init__(self, texts: Mapping[str, Mapping[str, str]], ending: str) -> None:
        self._texts = texts
        language, _, self._kind = ending.rpartition(".")
        self._languages = locale_chain(language)
        self._left = MAX_SOURCE_CHARS

    def of(self, text: str, file: str, head: int, within: tuple[str, ...]) -> str:
        """``within``: the files that are being put in around this one, outermost first."""
        within = (*within, file)
        self._left -= len(text)

        def put(found: re.Match[str]) -> str:
            name = found["name"]
            if name is None or found.start() < head:
                return found[0]
            line = text.count("\n", 0, found.start()) + 1
            place = line, found.start() - text.rfind("\n", 0, found.start())
            partial, inner = self._find(name, file, place)
            if partial in within:
                way = " -> ".join([*within[within.index(partial) :], partial])
                raise IncludeError(file, place, f"these include each other in a circle: {way}", "take one of them out")
            if len(within) > MAX_DEPTH:
                raise IncludeError(file, place, f"includes lie more than {MAX_DEPTH} deep in each other", None)
            if self._left < len(inner):
                message = f"with what it includes this is longer than {MAX_SOURCE_CHARS} characters"
                raise IncludeError(file, place, message, None)
            whole = self.of(inner.removesuffix("\n"), partial, 0, within)
            left, right = ("-" if found[side] == "-" else "" for side in ("left", "right"))
            return f"{{#{left}@{partial}:1#}}{whole}{{#@{file}:{line}{right}#}}"

        return _INCLUDE.sub(put, text)

    def _find(self, name: str, file: str, place: tuple[int, int]) -> tuple[str, str]:
        known = self._texts.get(name)
        if known is None:
            raise IncludeError(file, place, f'no partial "{name}"', _known(self._texts))
        for language in self._languages:
            ending = f"{language}.{self._kind}" if language else self._kind
            if ending in known:
                return f"{name}.{ending}", known[ending]
        there = ", ".join(f"{name}.{ending}" for ending in sorted(known))
        raise IncludeError(
            file, place, f'the partial "{name}" has no .{self._kind} for this file', f"there are: {there}"
        )


def _known(texts: Mapping[str, object]) -> str:
    if not texts:
        return f"put it into templates/{PARTIALS}"
    return f"there are: {', '.join(sorted(texts))}"


def written_at(text: str, file: str, line: int) -> Place:
    """Where a line of ``file``, whose includes were put in, was written."""
    place, begin = Place(file, 1), 1
    for mark in _MARK.finditer(text):
        at = text.count("\n", 0, mark.start()) + 1
        # Of a line in which a partial begins behind something else, that something is meant; and where one ends, its own end.
        before = text[text.rfind("\n", 0, mark.start()) + 1 : mark.start()]
        if at > line or (at == line and _MARK.sub("", before).strip()):
            break
        first = mark.end() - (text.rfind("\n", 0, mark.end()) + 1)
        place, begin = Place(mark["file"], int(mark["line"]), first), at
    return Place(place.file, place.line + line - begin, place.before if line == begin else 0)


def as_written(error: TemplateError, template: TemplateBody) -> TemplateError:
    """The error, told of the file in which its line was written."""
    layout, own = template.layout or {}, f"{template.name}."
    ending = error.template.removeprefix(own)
    text = template.files.get(ending) if error.template.startswith(own) else layout.get(_ending(error.template))
    place = None if text is None else written_at(text, error.template, error.line)
    if place is None or (place.file, place.line) == (error.template, error.line):
        return error
    return TemplateError(place.file, place.line, error.name, error.message, error.word)


def _ending(file: str) -> str:
    return file.rpartition("/")[2].partition(".")[2]


def partials_in(template: TemplateBody) -> frozenset[str]:
    """The names of what was put into the template and its layout."""
    texts = (*template.files.values(), *(template.layout or {}).values())
    marked = (mark["file"] for text in texts for mark in _MARK.finditer(text))
    return frozenset(file.partition(".")[0] for file in marked if file.startswith(PARTIALS))
