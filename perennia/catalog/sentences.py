"""What is said of a value that cannot stand where it stands."""

from __future__ import annotations

import json
import re

from pydantic_core import ErrorDetails

from perennia.catalog.characters import look_alike
from perennia.catalog.words import SPANS
from perennia.catalog.yaml_source import Path
from perennia.core.json_values import Json

_EXPECTED = {
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "datetime_type": "must be an instant like 2026-03-02T10:00:00+01:00",
}
# Forms of a value that the language has and this version does not, by the key they stand at: the Python type or word.
_FORMS_NOT_YET: dict[str, tuple[type | str, ...]] = {
    "assign": (dict,),
}
_ID_REMEDY = "use lower-case letters, digits, - and _"


def wrong_value(details: ErrorDetails, path: Path, value: Json) -> tuple[str, str, str | None]:
    """Code, message and remedy for an error about the value at ``path``."""
    subject, kind, limits = _subject(path), details["type"], details.get("ctx", {})
    if _is_not_yet(path, value):
        return "not-supported-yet", f"{subject} as {_shown(value)} is not supported yet", None
    match kind:
        case "literal_error":
            return "wrong-value", f"{subject} must be {_choices(limits)}, not {_shown(value)}", None
        case "string_pattern_mismatch":
            odd = look_alike(str(value))
            return "bad-id", f"{_shown(value)} is no id" + (f": it holds {odd}" if odd else ""), _ID_REMEDY
        case "string_too_long":
            return "bad-id", f"{_shown(value)} is longer than {limits['max_length']} characters", None
        case "too_short" | "string_too_short":
            return "empty", f"{subject} must not be empty", None
        case "too_long":
            return "wrong-value", f"{subject} must have exactly {limits['max_length']} entry", None
        case "greater_than_equal" | "less_than_equal":
            bound = f"at least {limits['ge']:g}" if kind == "greater_than_equal" else f"at most {limits['le']:g}"
            return "wrong-value", f"{subject} must be {bound}, not {_shown(value)}", None
        case "greater_than":
            return "wrong-value", f"{subject} must be greater than {limits['gt']:g}, not {_shown(value)}", None
        case "value_error":
            return "wrong-value", f"{subject}: {limits['error']}", None
        case _:
            return "wrong-type", *_wrong_type(subject, kind, value, details["msg"], is_span=_is_span(path))


def _wrong_type(subject: str, kind: str, value: Json, otherwise: str, *, is_span: bool) -> tuple[str, str | None]:
    expected = _EXPECTED.get(kind)
    if expected is None:
        return f"{subject}: {otherwise[:1].lower()}{otherwise[1:]}", None
    is_plain = value is not None and not isinstance(value, dict | list)
    if kind == "string_type" and is_span:
        return f"{subject} must be a span, not {_shown(value)}", "write one like 90s, 30m, 12h, 3d, 2w or 2bd"
    if kind == "string_type" and is_plain:
        return f"{subject} {expected}, not {_shown(value)}", f'put it into quotes: "{json.dumps(value)}"'
    if kind == "bool_type" and isinstance(value, str):
        return (
            f"{subject} {expected}, not {_shown(value)}",
            "YAML 1.2 knows true and false only; yes, no, on and off are words",
        )
    return f"{subject} {expected}, not {_shown(value)}", None


def _is_not_yet(path: Path, value: Json) -> bool:
    forms = _FORMS_NOT_YET.get(str(path[-1]), ()) if path else ()
    return any(value == form if isinstance(form, str) else isinstance(value, form) for form in forms)


def _is_span(path: Path) -> bool:
    """Whether a span stands at this place. A wait's own `until` is a time of day or a date."""
    return bool(path) and path[-1] in SPANS and path[-2:] != ("wait", "until")


def _subject(path: Path) -> str:
    """The key that the value belongs to; an item of a list is called by its list."""
    if not path:
        return "the document"
    if isinstance(path[-1], str):
        return f'"{path[-1]}"'
    keys = [part for part in path if isinstance(part, str)]
    return f'item {path[-1] + 1} of "{keys[-1]}"' if keys else f"item {path[-1] + 1}"


def _choices(limits: dict[str, object]) -> str:
    expected = str(limits.get("expected", ""))
    return re.sub(r"'(\w+)'", r'"\1"', expected).replace("True", "true").replace("False", "false")


def _shown(value: Json) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 42 else text[:40] + ' ..."'
