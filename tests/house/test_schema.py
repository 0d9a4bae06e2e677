"""The schema that editors use takes what ships and refuses what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from perennia.catalog.words import KINDS
from perennia.catalog.yaml_source import read_documents
from tools.write_schema import SCHEMA, schema_text

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "playbooks").rglob("*.yaml"))
VALIDATOR = Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def complaints(text: str) -> list[str]:
    documents, findings = read_documents("a.yaml", text)
    assert findings == []
    return [
        str(error.message)
        for document in documents
        for error in VALIDATOR.iter_errors(document.data)  # pyright: ignore[reportUnknownMemberType] (its stubs leave a type out)
    ]


def test_the_schema_is_up_to_date() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema_text(), "the schema is old; run: make docs"


def test_the_schema_is_a_schema() -> None:
    Draft7Validator.check_schema(VALIDATOR.schema)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_what_ships_is_valid(file: Path) -> None:
    assert complaints(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "plabook: p\nsteps: [{milestone: m}]\n",
        "playbook: P!\nsteps: [{milestone: m}]\n",
        "playbook: p\n",
        "playbook: p\nstepz: []\nsteps: [{milestone: m}]\n",
        "playbook: p\nsteps: [{wiat: 2d}]\n",
        "playbook: p\nsteps: [{wait: two days}]\n",
        "playbook: p\nsteps: [{email: a, to: everybody}]\n",
        "playbook: p\nsteps: [{email: a, wait: 2d}]\n",
        "playbook: p\nenter: {on: [{evnt: A}]}\nsteps: [{milestone: m}]\n",
        "playbook: p\nsteps: [{branch: [{then: []}]}]\n",
        "track: t\nstages: []\n",
        "segment: s\n",
        "policies: p\ntopics: {a: {kind: maybe, name: A}}\n",
        "scenario: s\nstart: 2026-01-01T00:00:00Z\nuntil: 1d\ncustomer: {id: a}\nexpect: [{at: 0d, emial: a}]\n",
    ],
)
def test_what_is_wrong_is_refused(text: str) -> None:
    assert complaints(text)


def test_every_kind_of_document_has_an_example_and_its_keys_are_explained() -> None:
    parts = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]
    silent = [
        f"{kind}.{key}"
        for kind, model in KINDS.items()
        if kind not in {"segment", "pack", "survey", "health"}
        for key, part in parts[model.__name__]["properties"].items()
        if "description" not in part and "$ref" not in part
    ]
    assert silent == []
    assert parts["Playbook"]["examples"][0]["playbook"] == "low-touch-onboarding"
