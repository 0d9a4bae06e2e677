"""What is wrong with a template."""

from __future__ import annotations

import re


class TemplateError(Exception):
    """A template that cannot become a message. Holds no value of any customer: it is stored and shown.

    ``template``: its name, with the ending of the file where there are several (``onboarding/welcome.de.md``). ``line``:
    counted in that file from 1. ``name``: the name that is missing, None where it is about something else.
    ``word``: what stands there, None where it is about no single word.
    """

    def __init__(self, template: str, line: int, name: str | None, message: str, word: str | None = None) -> None:
        super().__init__(f"{template}:{line}: {message}")
        self.template = template
        self.line = line
        self.name = name
        self.message = message
        self.word = word

    def said(self) -> tuple[str, str | None]:
        """What is wrong, and what to do about it where the message says so."""
        message, _, remedy = self.message.rstrip(".").partition("; ")
        return message, remedy or None

    def column(self, source: str) -> int:
        """Where it is in its line of the file ``source``, in characters from 1: at the word, else where a tag begins."""
        lines = source.splitlines()
        line = lines[self.line - 1] if self.line <= len(lines) else ""
        found = re.search(rf"\b{re.escape(self.word)}\b" if self.word else r"\{[{%#]", line)
        return found.start() + 1 if found else 1
