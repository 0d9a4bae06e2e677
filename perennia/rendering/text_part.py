"""The text part of a message, read off its HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from perennia.rendering.nesting import VOID

_HIDDEN = frozenset({"head", "style", "script", "title", "template"})
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "pre", "hr", "table"})
_LINES = frozenset(
    {"div", "section", "article", "header", "footer", "main", "tr", "td", "th", "li", "br", "address", "center"}
)
_INVISIBLE = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)


def text_of(html: str) -> str:
    """What a person would read: paragraphs, lists, links as ``text (url)``; nothing that is hidden.

    Each of several links to choose from (``class=choice``) stands in a line of its own, as ``name: url``.
    Cells of a data table stand in one line, those of layout tables (``role=presentation``) in lines of their own.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._blocks: list[str] = []
        self._line = ""
        self._open: list[tuple[str, bool]] = []  # tag, and whether what is inside is hidden
        self._links: list[tuple[str, int, str | None]] = []  # address, where its text begins, a choice's name
        self._lists: list[int | None] = []  # the next number; None where there are bullets
        self._quotes = 0
        self._pre = 0
        self._data_tables: list[bool] = []

    def text(self) -> str:
        self._end_line(blank=True)
        joined = "\n".join(self._blocks)
        return re.sub(r"\n{3,}", "\n\n", joined).strip() + "\n"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        hidden = self._is_hidden or tag in _HIDDEN or bool(_INVISIBLE.search(attributes.get("style", "")))
        if tag not in VOID:
            self._open.append((tag, hidden))
        if hidden:
            return
        if tag == "table":
            self._data_tables.append(attributes.get("role") != "presentation")
        self._break_before(tag)
        match tag:
            case "a":
                choice = attributes.get("class") == "choice"
                if choice:
                    self._end_line(blank=False)
                named = attributes.get("aria-label", "") if choice else None
                self._links.append((attributes.get("href", ""), len(self._line), named))
            case "img":
                self._line += attributes.get("alt", "")
            case "hr":
                self._line = "---"
                self._end_line(blank=True)
            case "pre":
                self._pre += 1
            case "blockquote":
                self._quotes += 1
            case "ul":
                self._lists.append(None)
            case "ol":
                start = attributes.get("start", "1")
                self._lists.append(int(start) if start.isdigit() else 1)
            case "li":
                self._line = self._bullet()
            case _:
                pass

    def handle_endtag(self, tag: str) -> None:
        if not any(open_tag == tag for open_tag, _ in self._open):
            return
        hidden = self._is_hidden
        while self._open.pop()[0] != tag:
            pass
        if hidden:
            return
        if tag == "a" and self._links:
            self._end_link()
        self._break_after(tag)
        match tag:
            case "pre":
                self._pre = max(0, self._pre - 1)
            case "blockquote":
                self._quotes = max(0, self._quotes - 1)
            case "ul" | "ol" if self._lists:
                self._lists.pop()
            case "table" if self._data_tables:
                self._data_tables.pop()
            case _:
                pass

    def handle_data(self, data: str) -> None:
        if self._is_hidden:
            return
        if self._pre:
            *lines, last = data.split("\n")
            for line in lines:
                self._line += line
                self._end_line(blank=False)
            self._line += last
            return
        data = re.sub(r"\s+", " ", data)
        self._line += data.lstrip(" ") if not self._line or self._line.endswith(" ") else data

    @property
    def _is_hidden(self) -> bool:
        return bool(self._open) and self._open[-1][1]

    @property
    def _in_data_table(self) -> bool:
        return bool(self._data_tables) and self._data_tables[-1]

    def _break_before(self, tag: str) -> None:
        if tag in {"td", "th"} and self._in_data_table:
            if self._line.strip():
                self._line = f"{self._line.rstrip()} | "
        elif tag == "li" or (tag == "p" and self._is_bullet_alone):
            self._end_line(blank=False, keep_bullet=tag == "p")
        elif tag in _PARAGRAPHS:
            self._end_line(blank=not (self._lists and tag in {"ul", "ol"}))
        elif tag in _LINES:
            self._end_line(blank=False)

    def _break_after(self, tag: str) -> None:
        if tag in {"td", "th"} and self._in_data_table:
            return
        if tag in _PARAGRAPHS:
            self._end_line(blank=not (self._lists and tag == "p") and not (len(self._lists) > 1))
        elif tag in _LINES:
            self._end_line(blank=False)

    def _end_line(self, *, blank: bool, keep_bullet: bool = False) -> None:
        if keep_bullet and self._is_bullet_alone:
            return
        line = self._line.rstrip()
        self._line = ""
        if line or self._pre:
            self._blocks.append(f"{'> ' * self._quotes}{line}".rstrip())
        if blank and self._blocks and self._blocks[-1]:
            self._blocks.append("")

    @property
    def _is_bullet_alone(self) -> bool:
        return bool(self._lists) and bool(re.fullmatch(r"\s*(?:-|\d+\.) ", self._line))

    def _bullet(self) -> str:
        indent = "  " * (len(self._lists) - 1)
        if not self._lists or self._lists[-1] is None:
            return f"{indent}- "
        number = self._lists[-1]
        self._lists[-1] = number + 1
        return f"{indent}{number}. "

    def _end_link(self) -> None:
        address, start, choice = self._links.pop()
        text = self._line[start:].strip() if start <= len(self._line) else self._line.strip()
        shown = address.removeprefix("mailto:")
        if choice is not None:
            self._line = f"{choice or text}: {shown}"
            self._end_line(blank=False)
            return
        if address and not address.startswith("#") and text != shown:
            self._line = f"{self._line.rstrip()} ({shown})" if text else f"{self._line}{shown}"
