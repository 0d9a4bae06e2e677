"""What is wrong with a template."""

from __future__ import annotations


class TemplateError(Exception):
    """A template that cannot become a message. Holds no value of any customer: it is stored and shown.

    ``template``: its name, with the ending of the file where there are several (``onboarding/welcome.de.md``). ``line``:
    counted in that file from 1. ``name``: the name that is missing, None where it is about something else.
    """

    def __init__(self, template: str, line: int, name: str | None, message: str) -> None:
        super().__init__(f"{template}:{line}: {message}")
        self.template = template
        self.line = line
        self.name = name
        self.message = message
