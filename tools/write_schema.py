"""Writes the JSON Schema of the language, which editors complete and check with, from the models and the reference.

What a key means is what `docs/playbook-reference.md` says of it. ``make docs`` writes the file; it ships with the package.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias, cast

from pydantic.json_schema import models_json_schema

from perennia.catalog.words import KINDS
from perennia.catalog.yaml_source import read_documents
from perennia.core.definitions import STEPS, TRIGGERS

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = ROOT / "perennia/catalog/perennia.schema.json"
REFERENCE = ROOT / "docs/playbook-reference.md"

Schema: TypeAlias = dict[str, object]

# Sections of the reference, and the models whose keys their tables explain.
SECTIONS = {
    "Playbook keys": ("Playbook",),
    "Entering": ("Enter", "DateTrigger", "ScheduleTrigger"),
    "Tracks": ("Track", "StageModel"),
    "Policies": ("Policies",),
    "Scenarios": ("Scenario",),
}
COMMON = {
    "description": "For people.",
    "id": "What the step is called: in expressions (steps.ID.outcome), in the decision log, across versions.",
    "if": "Where it is false the step is skipped (step_condition_false), and the enrollment goes on.",
    "note": "For people.",
    "on_failure": "continue (default) or exit.",
    "with": "Values by name, each an expression.",
    "then": "Steps that follow.",
    "else": "Steps that follow otherwise.",
}


def schema() -> Schema:
    """One schema for every document of a workspace, told apart by its first key."""
    _, whole = models_json_schema([(model, "validation") for model in KINDS.values()], by_alias=True)
    parts = cast("dict[str, Schema]", _tidy(whole["$defs"]))
    reference = REFERENCE.read_text(encoding="utf-8")
    _explain(parts, reference)
    for kind, model in KINDS.items():
        parts[model.__name__]["examples"] = _examples(reference, kind)
    choice: Schema = {}
    # A scenario names playbooks under a key that is a playbook's first: it is asked for before it.
    for kind in sorted(KINDS, key=lambda kind: kind == "scenario"):
        part = {"$ref": f"#/$defs/{KINDS[kind].__name__}"}
        choice = {"if": {"required": [kind]}, "then": part, **({"else": choice} if choice else {})}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Perennia",
        "description": "Definitions of a Perennia workspace: the first key says what a document is.",
        "type": "object",
        "anyOf": [{"required": [kind]} for kind in KINDS],
        "allOf": [choice],
        "$defs": parts,
    }


def _tidy(value: object) -> object:
    """Without titles, and without the nulls that only say that a key may be left out; instants by their form alone."""
    if isinstance(value, list):
        return [_tidy(each) for each in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    found = cast("Schema", value)
    if found.get("format") == "date-time":
        found = {
            "type": "string",
            "pattern": r"^\d{4}-\d\d-\d\d",
            "description": "An instant: 2026-03-02T10:00:00+01:00.",
        }
    known = {
        # Of several forms one is meant, but formats of text overlap: a validator may not insist on one alone.
        "anyOf" if name == "oneOf" else name: _tidy(each)
        for name, each in found.items()
        if not (name == "title" and isinstance(each, str)) and not (name == "default" and each in (None, [], {}, ()))
    }
    choices = known.get("anyOf")
    if isinstance(choices, list) and "default" in found and found["default"] is None:
        rest = [each for each in cast("list[object]", choices) if each != {"type": "null"}]
        del known["anyOf"]
        known |= cast("Schema", rest[0]) if len(rest) == 1 else {"anyOf": rest}
    return known


# --- what keys mean -------------------------------------------------------------------------------------------------


def _explain(parts: dict[str, Schema], reference: str) -> None:
    for part in parts.values():
        properties = cast("dict[str, Schema]", part.get("properties", {}))
        for key in properties.keys() & COMMON.keys():
            properties[key]["description"] = COMMON[key]
    for kind, model in KINDS.items():
        said = "What it shows, in words." if kind == "scenario" else "The id: lower-case letters, digits, - and _."
        _say(parts[model.__name__], kind, said)
    for title, models in SECTIONS.items():
        for cell, meaning in _rows(reference, title):
            for key in re.findall(r"`(\w+)[`:]", cell):
                for model in models:
                    _say(parts.get(model), key, meaning)
    for verbs, title in ((STEPS, "Steps"), (TRIGGERS, "Entering")):
        for cell, meaning in _rows(reference, title):
            verb = re.match(r"`(?:on: - )?(\w+)[:`]", cell)
            if verb and verb[1] in verbs:
                _say(parts.get(verbs[verb[1]].__name__), verb[1], meaning)


def _say(part: Schema | None, key: str, meaning: str) -> None:
    properties = cast("dict[str, Schema]", (part or {}).get("properties", {}))
    found = properties.get(key)
    if found is not None:
        said = found.get("description")
        found["description"] = f"{said}\n{meaning}" if isinstance(said, str) and key == "wait" else meaning


def _rows(reference: str, title: str) -> Iterator[tuple[str, str]]:
    section = reference.split(f"\n## {title}\n")[1].split("\n## ")[0]
    for row in re.findall(r"^\| (.+) \|$", section, re.MULTILINE):
        cell, _, meaning = row.partition(" | ")
        if meaning and not cell.startswith(("-", "key")):
            yield cell, _plain(meaning)


def _plain(markdown: str) -> str:
    return re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", markdown).replace("`", "").replace("\\|", "|")


def _examples(reference: str, kind: str) -> Sequence[object]:
    blocks = re.findall(r"^```yaml\n(.*?)^```", reference, re.MULTILINE | re.DOTALL)
    documents = [document for block in blocks for document in read_documents("reference", block)[0]]
    return [document.data for document in documents if document.keys()[:1] == (kind,)][:2]


def schema_text() -> str:
    return json.dumps(schema(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(schema_text(), encoding="utf-8")
