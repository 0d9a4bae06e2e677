"""A YAML document becomes a definition, or findings that speak of the author's own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from perennia.catalog.characters import look_alike
from perennia.catalog.choices import choice_finding
from perennia.catalog.findings import Finding, suggestion
from perennia.catalog.model_paths import data_path, model_at
from perennia.catalog.sentences import wrong_value
from perennia.catalog.words import KEYS_NEVER, KEYS_NOT_YET, KINDS, KINDS_NOT_YET, VERBS_NOT_YET, keys_of, name_of
from perennia.catalog.yaml_source import Path, YamlDocument
from perennia.core.definitions import StepModel

Parsed = TypeVar("Parsed", bound=BaseModel)


def parse_document(document: YamlDocument) -> tuple[BaseModel | None, list[Finding]]:
    """The definition or scenario that a document is, or what is wrong with it."""
    keys = document.keys()
    if not keys:
        place = document.value_place(())
        message = "a document must be a mapping whose first key says what it is"
        return None, [document.finding("unknown-kind", message, f"one of: {_kinds()}", place)]
    first, place = keys[0], document.key_place((keys[0],))
    if first in KINDS_NOT_YET:
        return None, [document.finding("not-supported-yet", f'"{first}" documents are not supported yet', None, place)]
    if first not in KINDS:
        return None, [_unknown_kind(document, keys)]
    return parse_model(document, KINDS[first])


def parse_model(document: YamlDocument, model: type[Parsed]) -> tuple[Parsed | None, list[Finding]]:
    """The document's data as ``model``, or what is wrong with it, in order of place."""
    try:
        # By alias only: Python's names of keys (`if_`) are no words of the language.
        return model.model_validate(document.data, by_alias=True, by_name=False), []
    except ValidationError as error:
        findings = _Translation(document, model).findings(error.errors(include_url=False))
        return None, sorted(findings, key=lambda finding: finding.order)


def _unknown_kind(document: YamlDocument, keys: tuple[str, ...]) -> Finding:
    first = keys[0]
    place = document.key_place((first,))
    later = next((key for key in keys if key in KINDS or key in KINDS_NOT_YET), None)
    if later is not None:
        message = f'the first key must say what the document is, not "{first}"'
        return document.finding("unknown-kind", message, f'put "{later}" first', place)
    return document.finding("unknown-kind", f'no kind of document "{first}"', suggestion(first, KINDS), place)


def _kinds() -> str:
    return ", ".join(KINDS)


class _Translation:
    """Validation errors of one document, in the author's words and without the noise of one mistake reported twice."""

    def __init__(self, document: YamlDocument, root: type[BaseModel]) -> None:
        self._document = document
        self._root = root
        self._findings: dict[Path, Finding] = {}
        self._hosts_of_extra_keys: set[Path] = set()

    def findings(self, errors: list[ErrorDetails]) -> list[Finding]:
        # Unknown keys first: a key that is misspelt is not missing as well.
        for details in sorted(errors, key=lambda details: details["type"] != "extra_forbidden"):
            path = data_path(self._document, details["loc"])
            if path not in self._findings and (finding := self._translate(details, path)):
                self._findings[path] = finding
        return list(self._findings.values())

    def _translate(self, details: ErrorDetails, path: Path) -> Finding | None:
        match details["type"]:
            case "extra_forbidden":
                return self._extra_key(details, path)
            case "missing":
                return self._missing_key(details, path)
            case "union_tag_not_found":
                return choice_finding(self._document, path, str(details.get("ctx", {}).get("discriminator")))
            case "too_short" if self._document.value(path):
                return None  # its items failed: each has a finding of its own
            case _:
                code, message, remedy = wrong_value(details, path, self._document.value(path))
                return self._document.finding(code, message, remedy, self._document.value_place(path))

    def _extra_key(self, details: ErrorDetails, path: Path) -> Finding:
        key, model = str(path[-1]), model_at(self._root, details["loc"][:-1])
        place = self._document.key_place(path)
        self._hosts_of_extra_keys.add(path[:-1])
        if key in VERBS_NOT_YET and issubclass(model, StepModel):
            return self._document.finding("not-supported-yet", f'the step "{key}" is not supported yet', None, place)
        if key in KEYS_NOT_YET.get(model, ()):
            return self._document.finding(
                "not-supported-yet", f'"{key}" in {name_of(model)} is not supported yet', None, place
            )
        never = KEYS_NEVER.get(model, {}).get(key)
        if never is not None:
            return self._document.finding("unknown-key", f'no key "{key}" in {name_of(model)}: {never}', None, place)
        present = self._present_keys(path[:-1])
        remedy = suggestion(key, keys_of(model) - present, "it may also have")
        odd = look_alike(key)
        message = f'no key "{key}" in {name_of(model)}' + (f": it holds {odd}" if odd else "")
        return self._document.finding("unknown-key", message, remedy, place)

    def _missing_key(self, details: ErrorDetails, path: Path) -> Finding | None:
        if path[:-1] in self._hosts_of_extra_keys:
            return None
        model = model_at(self._root, details["loc"][:-1])
        message = f'{name_of(model)} needs "{path[-1]}"'
        return self._document.finding("missing-key", message, None, self._document.key_place(path[:-1]))

    def _present_keys(self, path: Path) -> frozenset[str]:
        value = self._document.value(path)
        return frozenset(value) if isinstance(value, Mapping) else frozenset()
