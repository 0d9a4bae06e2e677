"""What to do about a text that is no YAML: the parser says what it met, people want to know what to write."""

from __future__ import annotations

import re

from perennia.catalog.characters import is_hidden, named

_TOKEN = re.compile(r"found character '(\\?.)' that cannot start any token")
_QUOTES = "put text that begins with {} into quotes"


def advice(problem: str, context: str, text: str, line: int, opened: int | None) -> str | None:
    """``line``: where it was met; ``opened``: where what surrounds it begins. Both count from 0."""
    lines = text.split("\n")
    here = lines[line] if line < len(lines) else ""
    for number in (line, line - 1):
        odd = (
            next((each for each in lines[number] if is_hidden(each) and each != "\t"), None)
            if _is_in(lines, number)
            else None
        )
        if odd is not None:
            return f"line {number + 1} holds {named(odd)}, which is no space: write a plain one"
    if "\\t" in problem:
        return "indent with spaces, not tabs"
    if (token := _TOKEN.search(problem)) is not None:
        return _QUOTES.format(token[1])
    if "alias" in context or "alias" in problem:
        return _QUOTES.format("*")
    if "tag" in context:
        return _QUOTES.format("!")
    if "stream end" in problem or "end of stream" in problem:
        return None if opened is None else f"close what begins in line {opened + 1}; # begins a comment"
    if "mapping values" in problem:
        return 'put text that holds ": " into quotes, and begin keys of one mapping in one column'
    if "{{" in here:
        return _QUOTES.format("{{")
    if problem.startswith("expected ',' or"):
        return "put text that holds [ ] { } or , into quotes"
    return "begin what belongs together in one column" if "<block end>" in problem else None


def _is_in(lines: list[str], number: int) -> bool:
    return 0 <= number < len(lines)
