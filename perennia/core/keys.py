"""The key of a playbook: what tells one customer's enrollments in it apart (language, section 4).

What the language leaves open is decided so: whole numbers are written without a point (``1``, ``1.0`` and ``"1"`` are one
key, ``"1.0"`` is another text), true and false by these words. Nothing, empty text, a list, a mapping, and text of more than
`LONGEST_KEY` characters are no key.
"""

from __future__ import annotations

from perennia.core.deliberation import Deliberation
from perennia.core.expressions import Expression
from perennia.core.json_values import Json, JsonObject
from perennia.core.state import Enrollment

# Keys stay in the state as long as re-entry remembers them: ids of orders are short, letters are no ids.
LONGEST_KEY = 200
# Up to here every whole number has a double of its own.
LARGEST_WHOLE = 2**53


def key_text(value: Json) -> str | None:
    """The key as text; None where ``value`` is no key."""
    if value is None or isinstance(value, list | dict):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST_WHOLE:
        value = int(value)
    text = str(value)
    return text if 0 < len(text) <= LONGEST_KEY else None


def key_of(run: Deliberation, key: Expression, properties: JsonObject) -> str | None:
    """The key that an event or a payload carries; None where it carries none."""
    verdict = key.evaluate(run.view(event=properties))
    return None if verdict.error is not None else key_text(verdict.value)


def is_about(run: Deliberation, enrollment: Enrollment, match: Expression | None, properties: JsonObject) -> bool:
    """Whether the event is this enrollment's: it carries its key, or there is no key to compare."""
    if enrollment.key is None or match is None:
        return True
    return key_of(run, match, properties) == enrollment.key
