"""Markdown whose values are only ever text.

Each printed value is replaced by a mark (letters and digits) before Markdown is parsed, and put back into the parsed
tree afterwards. So no value, whatever it holds, can open a link, a list, an HTML tag or a new paragraph, and the author's
own Markdown around it works as written. HTML in the source is text too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from perennia.rendering.markup import CHOICE
from perennia.rendering.reader import Reader
from perennia.rendering.text import Text

# The parser's time grows with the square of some texts (unclosed brackets): this many take a second. Values do not count:
# they are put in afterwards.
MAX_MARKDOWN_CHARS = 100_000

_SCHEMES = frozenset({"", "http", "https", "mailto", "tel", "sms"})
_parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def render_markdown(text: Text, names: dict[str, object], reader: Reader, source: str) -> str:
    """The text as an HTML fragment. Raises `TemplateError`."""
    stem = _unused_stem(source)
    markdown, rendering = text.render(names, reader, lambda index: f"{stem}{index}z")
    if len(markdown) > MAX_MARKDOWN_CHARS:
        raise text.error(f"makes more than {MAX_MARKDOWN_CHARS} characters of Markdown")
    tokens = _parser.parse(markdown)
    _put_back(tokens, re.compile(rf"{stem}(\d+)z", re.IGNORECASE), rendering.values)
    for opening, inline in pairwise(tokens):
        if opening.type == "paragraph_open" and opening.level == 0:
            _mark_call_to_action(inline.children or [])
            _mark_choices(inline.children or [])
    return _parser.renderer.render(tokens, _parser.options, {})


def _unused_stem(source: str) -> str:
    stem = "pv"
    while stem in source.lower():
        stem += "x"
    return stem


def _put_back(tokens: Sequence[Token], marks: re.Pattern[str], values: Sequence[str]) -> None:
    def value(mark: re.Match[str]) -> str:
        return values[int(mark[1])]

    for token in tokens:
        token.content = marks.sub(value, token.content)
        token.info = marks.sub(value, token.info)
        for name, attribute in token.attrs.items():
            if isinstance(attribute, str) and marks.search(attribute):
                whole = marks.sub(value, attribute)
                token.attrs[name] = _safe_url(whole) if name in {"href", "src"} else whole
        if token.children:
            _put_back(token.children, marks, values)


def _safe_url(url: str) -> str:
    """The URL, or ``#`` where its values made it something that a mail should not link to (``javascript:``)."""
    compact = re.sub(r"[\x00-\x20\x7f]+", "", url)
    try:
        scheme = urlsplit(compact).scheme
    except ValueError:
        return "#"
    if scheme not in _SCHEMES or not _parser.validateLink(compact):
        return "#"
    return _parser.normalizeLink(compact)


def _mark_call_to_action(children: Sequence[Token]) -> None:
    """A paragraph that is one link and nothing else is what the message is for: layouts draw it as a button."""
    if len(children) >= 3 and children[0].type == "link_open" and children[-1].type == "link_close":
        inside = children[1:-1]
        if not any(child.type in {"link_open", "image"} for child in inside):
            children[0].attrSet("class", "button")


def _mark_choices(children: Sequence[Token]) -> None:
    """A paragraph of several links and nothing else is a choice among them: a box for each. Titles are what is read out."""
    depth, links = 0, list[Token]()
    for child in children:
        if child.type == "image" or (depth == 0 and child.content.strip()):
            return
        depth += child.nesting
        if child.type == "link_open":
            links.append(child)
    if len(links) < 2:
        return
    for link in links:
        link.attrSet("class", "choice")
        link.attrSet("style", CHOICE)
        title = link.attrs.pop("title", None)
        if title is not None:
            link.attrSet("aria-label", str(title))
