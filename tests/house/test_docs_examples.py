"""Each key of the language has a tested example in the reference: its YAML is checked and run by `test_docs_playbooks`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast, get_args

from pydantic import BaseModel

from perennia.catalog.parsing import parse_document
from perennia.catalog.scenario_models import PolicyChanges
from perennia.catalog.words import KEYS_NOT_YET, KINDS, name_of
from perennia.catalog.yaml_source import read_documents
from perennia.core.definitions import Policies

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("docs/playbook-reference.md", "docs/examples.md", "docs/surveys.md")

# What a block of a page cannot show: it needs a file beside it, or a template of its own.
ELSEWHERE = {
    *(("a publish input", "publish"), ("publish", "file"), ("publish", "map"), ("publish", "mode")),
    *(("a survey step", "template"), ("a survey step", "with"), ("a topic", "confirm_template")),
    ("a digest", "template"),
}


def key_of(model: type[BaseModel], field: str) -> tuple[type[BaseModel], str]:
    """A key with the part that brings it in: what all steps may have needs one example, not one for each step."""
    if model is PolicyChanges:  # a scenario's, which are the workspace's
        model = Policies
    owners = [part for part in model.__mro__ if field in getattr(part, "__annotations__", {})]
    return owners[-1], model.model_fields[field].alias or field


def written(value: object) -> Iterator[tuple[type[BaseModel], str]]:
    """Every key that stands in a parsed document."""
    if isinstance(value, BaseModel):
        for name in value.model_fields_set:
            yield key_of(type(value), name)
            yield from written(getattr(value, name))
    elif isinstance(value, dict):
        for each in cast("dict[str, object]", value).values():
            yield from written(each)
    elif isinstance(value, tuple | list):
        for each in cast("Sequence[object]", value):
            yield from written(each)


def exemplified() -> set[tuple[type[BaseModel], str]]:
    found: set[tuple[type[BaseModel], str]] = set()
    page = "\n".join((ROOT / each).read_text(encoding="utf-8") for each in PAGES)
    for block in re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        for document in read_documents("reference", block)[0]:
            found.update(written(parse_document(document)[0]))
    return found


def parts(model: type[BaseModel], seen: set[type[BaseModel]]) -> set[type[BaseModel]]:
    """This part and all that stand inside of it."""
    if model in seen:
        return seen
    seen.add(model)
    for field in model.model_fields.values():
        for inner in models_in(field.annotation):
            parts(inner, seen)
    return seen


def models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)


def test_the_reference_has_an_example_of_each_key() -> None:
    known: set[type[BaseModel]] = set()
    for kind in KINDS.values():
        parts(kind, known)
    keys = {
        key_of(model, field)
        for model in known
        for field in model.model_fields
        if (model.model_fields[field].alias or field) not in KEYS_NOT_YET.get(model, frozenset())
    }
    lacking = {(model, key) for model, key in keys - exemplified() if (name_of(model), key) not in ELSEWHERE}
    assert sorted(f"{name_of(model)}: {key}" for model, key in lacking) == []
