"""How deep elements lie in each other.

The MJML compiler and the inliner recurse, and a stack that overflows in them is the end of the whole process, not an error:
segmentation faults at 4,000 and at 30,000 elements (mjml-python 1.4, css-inline 0.21).
"""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

from perennia.rendering.errors import TemplateError

MAX_DEPTH = 500
VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})


def check_nesting(markup: str, file: str, first_line: int = 1) -> None:
    """Raises `TemplateError` where elements lie more than `MAX_DEPTH` deep."""
    if markup.count("<") <= MAX_DEPTH:
        return
    depth = _Depth()
    depth.feed(markup)
    if depth.line is not None:
        message = f"has elements more than {MAX_DEPTH} deep in each other; one of them is not closed"
        raise TemplateError(file, first_line + depth.line - 1, None, message)


class _Depth(HTMLParser):
    """``line``: where it becomes too deep, None where it does not."""

    def __init__(self) -> None:
        super().__init__()
        self._open: list[str] = []
        self._counts: Counter[str] = Counter()
        self.line: int | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002  # HTMLParser's
        if tag in VOID or self.line is not None:
            return
        self._open.append(tag)
        self._counts[tag] += 1
        if len(self._open) > MAX_DEPTH:
            self.line = self.getpos()[0]

    def handle_endtag(self, tag: str) -> None:
        if not self._counts[tag]:
            return
        closed = ""
        while closed != tag:
            closed = self._open.pop()
            self._counts[closed] -= 1
