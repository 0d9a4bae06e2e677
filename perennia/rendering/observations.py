"""What is likely to go wrong with a message on its way or in the mailbox.

Seen on the finished message (`observe`), or on a template before anybody has values for it (`observe_source`): there each
tag is blanked out by as many characters, so that lines and columns stay, and what a value decides is given the benefit of
the doubt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from perennia.rendering.grammar import JINJA
from perennia.rendering.messages import RenderedMessage
from perennia.rendering.source import TemplateSource
from perennia.rendering.text_part import text_of

# An error is wrong for whoever gets the message; a warning may harm it; a hint is advice.
Level: TypeAlias = Literal["error", "warning", "hint"]

# Gmail shows the rest of a longer message only when somebody asks for it, and with it the way to unsubscribe.
CLIPPED_BYTES = 102 * 1024
# What a phone shows of a subject, and then some.
SUBJECT_CHARS = 70
SHOUTED_LETTERS = 6

_VALUE, _TAG = "\ue000", "\ue001"
_STYLES = re.compile(r"<(style|mj-style)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_SCHEMES = frozenset({"https", "mailto", "tel", "sms"})
# What other tools put values in with, and what copy is begun with.
_LEFTOVER = re.compile(
    r"%%\w+%%|\*\|[\w:]+\|\*|<%[=\s].*?%>|\$\{[\w.]+\}|(?<!\{)\{[A-Za-z_]+\}(?!\})"
    r"|\[(?:FIRST|LAST|FULL|COMPANY|YOUR)?[ _]?NAME\]|\b[Ll]orem ipsum\b|\bTODO\b"
)


@dataclass(frozen=True)
class Observation:
    """``line`` and ``column`` (from 1) in the template's file; of a finished message 1."""

    code: str
    level: Level
    message: str
    remedy: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.level} {self.code}: {self.message}; {self.remedy}"


def observe(message: RenderedMessage) -> list[Observation]:
    """What is to be said of a finished message, the gravest first."""
    found = [*_of_subject(message.subject), *_of_size(len((message.html or message.text).encode()))]
    if message.html is not None:
        found += _page(message.html)
    if not message.text.strip():
        found.append(_NO_TEXT)
    if not message.preheader:
        found.append(_NO_PREHEADER)
    return sorted(found, key=lambda each: ("error", "warning", "hint").index(each.level))


def observe_source(source: TemplateSource, *, has_text_part: bool) -> list[Observation]:
    """What is to be said of one file of a template whatever its values are, by place; hints are left to previews."""
    body = _blanked(source.body)
    readable = _STYLES.sub(_blank, body)
    found = [*_of_size(len(source.body.encode())), *_leftovers(readable)]
    found += _markdown(body) if source.format == "md" else [] if source.format == "txt" else _page(readable)
    if source.format != "txt" and not has_text_part and not _has_words(body, source.format):
        found.append(_NO_TEXT)
    placed = [replace(each, line=each.line + source.first_line - 1) for each in found]
    for key, text in (("subject", source.subject), ("preheader", source.preheader)):
        line = _blanked(text or "")
        about = [*(_of_subject(_estimated(line)) if key == "subject" else ()), *_leftovers(line)]
        placed += [replace(each, line=source.line(key), column=1) for each in about]
    return sorted(placed, key=lambda each: (each.line, each.column))


# --- the subject, the size, the text -----------------------------------------------------------------------------------

_NO_TEXT = Observation(
    "no-text", "warning", "it has no words, only images", "give it a .txt file, or words beside them"
)
_NO_PREHEADER = Observation(
    "no-preheader", "hint", "it has no preheader", "without it, mailboxes show its first words beside the subject"
)


def _of_subject(subject: str) -> Iterator[Observation]:
    if len(subject) > SUBJECT_CHARS:
        message = f"its subject has about {len(subject)} characters"
        yield Observation("long-subject", "warning", message, f"phones show {SUBJECT_CHARS // 2} of them")
    letters = [each for each in subject if each.isalpha() and each.upper() != each.lower()]
    if len(letters) >= SHOUTED_LETTERS and all(each.isupper() for each in letters):
        yield Observation("loud-subject", "warning", "its subject is in capitals, as spam is", "write it as a sentence")
    elif re.search(r"[!?]{2}", subject):
        yield Observation("loud-subject", "warning", "its subject shouts", "one mark at the end will do")


def _of_size(size: int) -> Iterator[Observation]:
    if size > CLIPPED_BYTES:
        message = f"it has {size // 1024} KB, and Gmail clips what is longer than {CLIPPED_BYTES // 1024} KB"
        yield Observation(
            "clipped-message", "warning", message, "the way to unsubscribe is in the part that is cut off"
        )


def _leftovers(text: str) -> Iterator[Observation]:
    for found in _LEFTOVER.finditer(text):
        line, column = _place(text, found.start())
        message = f'"{found[0][:40]}" is nothing that is filled in here'
        yield Observation(
            "foreign-placeholder", "warning", message, "values are written {{ contact.first_name }}", line, column
        )


def _has_words(body: str, kind: str) -> bool:
    text = (
        re.sub(r"!\[.*?\]\(.*?\)", "", body) if kind == "md" else text_of(re.sub(r"<(mj-image|img)\b[^>]*>", "", body))
    )
    return bool(re.search(rf"[^\W_]|{_VALUE}", text))


# --- links and images ---------------------------------------------------------------------------------------------------


class _Page(HTMLParser):
    """Looks at images and links of HTML and MJML."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Observation] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        line, column = self.getpos()
        seen: list[Observation] = []
        if (tag == "img" or tag.endswith("-image")) and "alt" not in told:
            seen.append(_without_alt(told.get("src")))
        if (tag in {"a", "area"} or tag.startswith("mj-")) and "href" in told:
            seen += _of_link(told["href"] or "")
        self.found += [replace(each, line=line, column=column + 1) for each in seen]


def _page(html: str) -> list[Observation]:
    page = _Page()
    page.feed(html)
    return page.found


def _without_alt(address: str | None) -> Observation:
    message = f"the image {_short(address or '')} has no alt text"
    return Observation("no-alt", "warning", message, 'many read without images; alt="" is for ornaments')


def _of_link(href: str) -> Iterator[Observation]:
    """``href`` as written: what is left of tags in it stands for text that nobody knows yet."""
    href = href.replace(_TAG, "").strip()
    if href.startswith(_VALUE) or (href.startswith("#") and len(href) > 1):
        return
    shown = f"the link {_short(href)}"
    try:
        parts = urlsplit(href.replace(_VALUE, "x"))
        scheme, whole = parts.scheme.lower(), bool(parts.netloc or parts.path)
    except ValueError:
        scheme, whole = "", False
    if scheme == "http" and whole:
        yield Observation("plain-http", "warning", f"{shown} is not encrypted", "filters distrust it: https://")
    elif not scheme or not whole:
        yield Observation("broken-link", "warning", f"{shown} leads nowhere", "begin it with https://")
    elif scheme not in _SCHEMES:
        yield Observation("broken-link", "warning", f"{shown} opens in no mailbox", "begin it with https://")


def _short(address: str) -> str:
    address = re.sub(f"{_VALUE}+", "{{ ... }}", address)
    return f'"{address[:60]}{"..." if len(address) > 60 else ""}"'


# --- Markdown ------------------------------------------------------------------------------------------------------------


class _Lenient(MarkdownIt):
    """Takes every link for one, so that it can be judged."""

    def validateLink(self, url: str) -> bool:  # noqa: ARG002, N802  # markdown-it's
        return True

    def normalizeLink(self, url: str) -> str:  # noqa: N802  # markdown-it's
        return url


_markdown_parser = _Lenient("commonmark", {"html": False}).enable(["table", "strikethrough"])


def _markdown(body: str) -> list[Observation]:
    found: list[Observation] = []
    for block in _markdown_parser.parse(body):
        first = block.map[0] if block.map else 0
        for token in block.children or []:
            address, seen = _of_token(token)
            line, column = _place_of(body, first, address)
            found += [replace(each, line=line, column=column) for each in seen]
    return found


def _of_token(token: Token) -> tuple[str, list[Observation]]:
    if token.type == "link_open":
        address = str(token.attrGet("href") or "")
        return address, list(_of_link(address))
    if token.type == "image":
        address = str(token.attrGet("src") or "")
        return address, [] if token.content.strip() else [_without_alt(address)]
    return "", []


def _place_of(body: str, first: int, address: str) -> tuple[int, int]:
    """Where the address stands, at or after the line ``first`` (from 0)."""
    begin = sum(len(line) for line in body.splitlines(keepends=True)[:first])
    found = body.find(f"]({address}", begin)
    return _place(body, begin if found < 0 else found + 2)


# --- places ---------------------------------------------------------------------------------------------------------------


def _blanked(text: str) -> str:
    """Each tag in as many private characters: `_VALUE` for what is printed, `_TAG` for what decides."""
    return JINJA.sub(_blank, text)


def _blank(found: re.Match[str]) -> str:
    mark = _VALUE if found[0].startswith("{{") else _TAG
    return re.sub(r"[^\n]", mark, found[0])


def _estimated(text: str) -> str:
    """A line with values in it, as long as it may become."""
    return re.sub(f"{_VALUE}+", "a value.", text.replace(_TAG, ""))


def _place(text: str, position: int) -> tuple[int, int]:
    line = text.count("\n", 0, position) + 1
    return line, position - text.rfind("\n", 0, position)
