"""What each column of a file means: by its own name, or as somebody says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias, cast, get_args

from ruamel.yaml import YAML, YAMLError

Kind: TypeAlias = Literal["customers", "accounts", "events", "consents", "suppressions"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
IGNORE: Final = "-"

# By kind what a row is made of: required first. Other columns are traits, properties, proof; of suppressions nothing.
PARTS: Final[Mapping[Kind, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "customers": (("id",), ("account",)),
    "accounts": (("id",), ()),
    "events": (("customer", "event", "at"), ()),
    "consents": (("customer", "topic", "given"), ("at", "source", "text")),
    "suppressions": (("address",), ("reason", "at")),
}
# What other systems call them, without blanks, dashes and underscores.
_NAMES: Final[Mapping[str, frozenset[str]]] = {
    "id": frozenset({"id", "userid", "customerid", "externalid", "contactid", "accountid", "groupid", "companyid"}),
    "customer": frozenset({"customer", "userid", "customerid", "externalid", "contactid", "id"}),
    "account": frozenset({"account", "accountid", "groupid", "companyid"}),
    "event": frozenset({"event", "eventname"}),
    "at": frozenset({"at", "timestamp", "time", "date", "created", "createdat", "occurredat"}),
    "address": frozenset({"address", "email", "emailaddress", "recipient"}),
}
# Traits that Perennia itself reads, by what others call them.
_TRAITS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("email", "emailaddress"), "email"),
    **dict.fromkeys(("firstname", "givenname"), "first_name"),
    **dict.fromkeys(("timezone", "tz"), "timezone"),
    "locale": "locale",
}
# What our own exports say of a row, and an import cannot set.
_OURS: Final = frozenset({"firstseen", "messageid"})


class MappingError(Exception):
    """The mapping does not fit; ``remedy`` says what to write."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True)
class ColumnMap:
    """``columns``: what somebody says, column to target (a part, a trait's name, or ``-`` for nothing).

    ``text``: columns whose cells are never numbers. ``key``: the column that names a row for good.
    """

    kind: Kind
    columns: Mapping[str, str]
    text: frozenset[str] = frozenset()
    key: str | None = None

    def target(self, column: str) -> str:
        """A part of the kind, the name of a trait, or `IGNORE`."""
        if column in self.columns:
            return self.columns[column]
        word = re.sub(r"[\s_-]", "", column).lower()
        required, optional = PARTS[self.kind]
        taken = set(self.columns.values())
        for part in (*required, *optional):
            if part not in taken and (word == part or word in _NAMES.get(part, ())):
                return part
        if word in _OURS or self.kind == "suppressions":
            return IGNORE
        trait = _TRAITS.get(word, column) if self.kind == "customers" else column
        return column if trait in taken else trait


def read_mapping(kind: Kind, file: Path | None, told: list[str], text: list[str], key: str | None) -> ColumnMap:
    """``told``: COLUMN=TARGET, over what the YAML ``file`` says. Raises `MappingError`."""
    columns: dict[str, str] = {}
    if file is not None:
        columns, more_text, file_key = _read_file(file)
        text, key = [*more_text, *text], key or file_key
    for each in told:
        column, equals, target = each.partition("=")
        if not equals or not column or not target:
            raise MappingError(f"{each} is no COLUMN=TARGET", "write for example 'E-Mail=email', or 'Notes=-'")
        columns[column] = target
    return ColumnMap(kind, columns, frozenset(text), key)


def _read_file(file: Path) -> tuple[dict[str, str], list[str], str | None]:
    remedy = "write columns: {COLUMN: TARGET}, and where needed text: [COLUMN] and key: COLUMN"
    try:
        said = cast("object", YAML(typ="safe").load(file.read_text(encoding="utf-8")))  # pyright: ignore[reportUnknownMemberType]: ruamel has no types here
    except (YAMLError, UnicodeDecodeError) as error:
        raise MappingError(f"{file} is no YAML: {error}", remedy) from error
    known = cast("dict[str, object]", said) if isinstance(said, dict) else {"": said}
    columns, text, key = known.pop("columns", {}), known.pop("text", []), known.pop("key", None)
    fits = isinstance(columns, dict) and isinstance(text, list) and (key is None or isinstance(key, str))
    if known or not fits:
        raise MappingError(f"{file} is no mapping", remedy)
    pairs = cast("dict[object, object]", columns).items()
    words = [str(each) for each in cast("list[object]", text)]
    return {str(column): str(target) for column, target in pairs}, words, cast("str | None", key)
