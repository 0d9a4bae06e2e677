"""A template's files: which one serves a language, and what its front matter says."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StreamMark

from perennia.core.documents import TemplateBody
from perennia.rendering.errors import TemplateError
from perennia.rendering.survey_links import with_links

Format: TypeAlias = Literal["md", "mjml", "html", "txt"]

_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(?P<yaml>.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_KEYS = ("subject", "preheader", "layout")
# A message is made of the first of these that its template has.
BODIES: tuple[Format, ...] = ("md", "mjml", "html")


@dataclass(frozen=True)
class TemplateSource:
    """One file, taken apart. ``first_line`` of the body, ``lines`` of the front matter's keys; None where a key is absent."""

    file: str
    format: Format
    body: str
    first_line: int
    subject: str | None
    preheader: str | None
    layout: str | None
    lines: tuple[tuple[str, int], ...]

    def line(self, key: str) -> int:
        return dict(self.lines).get(key, 1)


def locale_chain(locale: str) -> list[str]:
    """``pt-BR`` -> ``pt-BR``, ``pt``, and "" for the files without a language."""
    tag = locale.replace("_", "-").strip("-")
    parts = tag.split("-") if tag else []
    return ["-".join(parts[:length]) for length in range(len(parts), 0, -1)] + [""]


@dataclass(frozen=True)
class Chosen:
    """The file that makes a message, the one written for its text part where there is one, and their language ("": none)."""

    main: TemplateSource
    text: TemplateSource | None
    language: str


def choose(template: TemplateBody, locale: str) -> Chosen:
    """The files that make the message for a reader of this locale.

    The text part comes from the same language as the message, never from another. Raises `TemplateError`.
    """
    files = {ending.lower(): (ending, source) for ending, source in template.files.items()}
    for language in locale_chain(locale):
        prefix = f"{language}.".lower() if language else ""
        text = _source(template.name, "txt", files.get(f"{prefix}txt"))
        for kind in BODIES:
            main = _source(template.name, kind, files.get(f"{prefix}{kind}"))
            if main is not None:
                return Chosen(main, text, language)
        if text is not None:
            return Chosen(text, None, language)
    there = ", ".join(sorted(template.files)) or "none"
    raise TemplateError(
        template.name, 1, None, f'has no file for the language "{locale}" and none without one; there are: {there}'
    )


def _source(name: str, kind: Format, file: tuple[str, str] | None) -> TemplateSource | None:
    return None if file is None else parse_source(f"{name}.{file[0]}", kind, file[1])


@lru_cache(maxsize=512)
def parse_source(file: str, kind: Format, source: str) -> TemplateSource:
    """Takes a file apart. Raises `TemplateError`."""
    source = source.removeprefix("\ufeff")
    found = _FRONT_MATTER.match(source)
    if found is None:
        if source.startswith("---"):
            raise TemplateError(file, 1, None, "the front matter is not closed by a line of ---")
        return TemplateSource(file, kind, with_links(source, kind), 1, None, None, None, ())
    lines = _lines_of_keys(found["yaml"])
    matter = _front_matter(file, found["yaml"], lines)
    first_line = found[0].count("\n") + 1
    body = with_links(source[found.end() :], kind)
    return TemplateSource(
        file,
        kind,
        body,
        first_line,
        matter.get("subject"),
        matter.get("preheader"),
        matter.get("layout"),
        tuple(lines.items()),
    )


def body_of(source: str) -> str:
    """The file without its front matter."""
    text = source.removeprefix("\ufeff")
    found = _FRONT_MATTER.match(text)
    return text if found is None else text[found.end() :]


def _lines_of_keys(text: str) -> dict[str, int]:
    return {
        found[1]: 2 + number
        for number, line in enumerate(text.splitlines())
        if (found := re.match(r"['\"]?(\w+)['\"]?\s*:", line))
    }


def _front_matter(file: str, text: str, lines: Mapping[str, int]) -> dict[str, str]:
    unquoted = re.search(r"^(\w+):\s*\{[{%]", text, re.MULTILINE)
    if unquoted:
        raise TemplateError(
            file, lines[unquoted[1]], None, f'put quotes around "{unquoted[1]}": it begins with a brace'
        )
    yaml = YAML(typ="safe", pure=True)
    try:
        matter: object = yaml.load(text)  # pyright: ignore[reportUnknownMemberType]  # ruamel leaves its stream untyped
    except MarkedYAMLError as error:
        mark = cast("StreamMark | None", error.problem_mark)
        problem = cast("str", error.problem)
        raise TemplateError(
            file, mark.line + 2 if mark else 1, None, f"the front matter is no YAML: {problem}"
        ) from None
    if matter is None:
        return {}
    if not isinstance(matter, dict):
        raise TemplateError(file, 2, None, "the front matter is a list of KEY: VALUE lines")
    entries = cast("dict[object, object]", matter)
    for key, value in entries.items():
        if key not in _KEYS:
            nearest = difflib.get_close_matches(str(key), _KEYS, n=1)
            hint = f'; did you mean "{nearest[0]}"?' if nearest else f"; there are {', '.join(_KEYS)}"
            line = lines.get(str(key), 2)
            raise TemplateError(file, line, None, f'the front matter has no key "{key}"{hint}')
        if not isinstance(value, str):
            raise TemplateError(file, lines.get(str(key), 2), None, f'"{key}" is text; put quotes around it')
    return cast("dict[str, str]", entries)
