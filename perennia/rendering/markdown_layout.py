"""A layout in Markdown: the page that it makes, as the HTML layout that messages are put into."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt

from perennia.rendering.grammar import JINJA

# Values and tags stand for themselves on the way through Markdown: each a word that no text has and that no link changes.
_WORD = "zqperennia{}qz"
_WORDS = re.compile(r"zqperennia(\d+)qz")
# What stands in a paragraph of its own is no paragraph: the message's own content, and what only steers.
_ALONE = re.compile(r"<p>((?:zqperennia\d+qz\s*)+)</p>")
_CONTENT = re.compile(r"\{\{-?\s*content\s*-?\}\}")

_PAGE = """<!DOCTYPE html>
<html lang="{{{{ message.locale }}}}" dir="{{{{ message.direction }}}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{{{ subject }}}}</title>
<style>
  body {{ margin: 0 auto; max-width: 600px; padding: 24px 20px; line-height: 1.6; font-size: 16px;
    font-family: -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; text-align: start; }}
  img {{ max-width: 100%; height: auto; border: 0; }}
</style>
</head>
<body>
{body}</body>
</html>
"""

_parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def html_of_layout(source: str) -> str:
    """The layout as HTML with the same values and tags in it. Its syntax is not looked at."""
    pieces: list[str] = []

    def set_aside(found: re.Match[str]) -> str:
        pieces.append(found[0])
        return _WORD.format(len(pieces) - 1)

    html = _parser.render(JINJA.sub(set_aside, source))
    html = _ALONE.sub(lambda found: found[1] if _stands_alone(found[1], pieces) else found[0], html)
    return _PAGE.format(body=_WORDS.sub(lambda found: pieces[int(found[1])], html))


def _stands_alone(words: str, pieces: list[str]) -> bool:
    inside = [pieces[int(number)] for number in _WORDS.findall(words)]
    return all(each.startswith(("{%", "{#")) or _CONTENT.fullmatch(each) for each in inside)
