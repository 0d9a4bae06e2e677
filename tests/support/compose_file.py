"""The compose file as Compose reads it: variables filled in, and what each service of ours is started with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")

_VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)(?:(:[-?])([^}]*))?\})")


class Missing(Exception):
    """A variable without a value that has no default: Compose stops with these words."""


@dataclass(frozen=True)
class Service:
    name: str
    command: tuple[str, ...]
    environment: dict[str, str]


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """``${NAME}``, ``${NAME:-default}``, ``${NAME:?words}`` and ``$$`` as Compose replaces them. Raises `Missing`."""

    def value(match: re.Match[str]) -> str:
        escaped, name, form, rest = match.groups()
        if escaped:
            return "$"
        if given := variables.get(name):
            return given
        if form == ":?":
            raise Missing(f"{name}: {rest}")
        return rest if form == ":-" else ""

    return _VARIABLE.sub(value, text)


def parsed(variables: Mapping[str, str]) -> dict[str, object]:
    """The whole document. Raises `Missing`."""
    return cast("dict[str, object]", yaml.safe_load(interpolate(TEXT, variables)))


def services(variables: Mapping[str, str]) -> dict[str, Service]:
    """Every service with its command and its environment. Raises `Missing`."""
    described = cast("dict[str, dict[str, object]]", parsed(variables)["services"])
    return {
        name: Service(
            name,
            tuple(str(word) for word in cast("list[object]", one.get("command", []))),
            # Compose fills in after it has parsed: what is filled with nothing is empty text there, not null.
            {k: "" if v is None else str(v) for k, v in cast("dict[str, object]", one.get("environment", {})).items()},
        )
        for name, one in described.items()
    }


def variables_of(text: str) -> dict[str, str]:
    """Every variable with how it is asked for: ``:?`` (must be given), ``:-`` (has a default) or nothing."""
    return {name: form or "" for _, name, form, _ in _VARIABLE.findall(text) if name}
