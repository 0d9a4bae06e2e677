"""The values a template sees: plain data, in which whatever is missing or null knows its own name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from jinja2 import StrictUndefined, Undefined, UndefinedError
from markupsafe import Markup

from perennia.core.json_values import Json


class WrongValue(TypeError):
    """A value that cannot be used so. Its message holds no value: authors read it, and it is stored."""


class Missing(StrictUndefined):
    """A name that has no value, or null, below a known one (``contact.first_name``).

    Printing it, or anything else that needs a value, is an error that names it; `default`, ``is defined`` and conditions
    see nothing there, as in expressions: it is false and equals null.
    """

    @property
    def path(self) -> str:
        return self._undefined_name or "value"

    @property
    def _undefined_message(self) -> str:
        return self.path

    def member(self, name: object) -> Missing:
        return Missing(name=f"{self.path}.{name}")

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, Missing)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(None)


class UnknownName(StrictUndefined):
    """A first name that does not exist at all, most likely mistyped: an error wherever it is used, conditions included."""

    @property
    def _undefined_message(self) -> str:
        return self._undefined_name or self._undefined_hint or "value"

    def fail(self) -> NoReturn:
        raise UndefinedError(self._undefined_message)


class Members(dict[str, object]):
    """A JSON object that knows where it stands, so that a missing member can be named in full."""

    def __init__(self, path: str, members: Mapping[str, object]) -> None:
        super().__init__(members)
        self.path = path

    def member(self, name: object) -> object:
        return self[name] if isinstance(name, str) and name in self else Missing(name=f"{self.path}.{name}")


def plain(path: str, value: Json) -> object:
    """A copy made of JSON's own types; null is `Missing`. Raises TypeError for anything else (`Markup` stays)."""
    match value:
        case None:
            return Missing(name=path)
        case Markup() | bool() | int() | float():
            return value
        case str():
            # Halves of surrogate pairs come in through JSON escapes, and no encoder takes them.
            return value if value.isascii() else value.encode("utf-8", "replace").decode()
        case list():
            return [plain(f"{path}[{index}]", item) for index, item in enumerate(value)]
        case dict():
            return Members(path, {name: plain(f"{path}.{name}", item) for name, item in value.items()})
    raise TypeError(f"{path} is no JSON value")


def printable(value: object) -> object:
    """A value as people read it: whole numbers without ``.0``, ``true`` and ``false``, nothing for a bare null."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 1e15:
            return int(value)
        case int() | float() | str() | Undefined():
            return value  # an undefined one raises when it becomes text, with its name
        case _:
            raise WrongValue("a list or an object cannot be printed: join its items, or name one")
