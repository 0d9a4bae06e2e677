"""A file of the workspace that is one document of its own kind (``crm.yaml``, ``hooks.yaml``), and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from perennia.catalog.parsing import parse_model
from perennia.catalog.reading import read_file
from perennia.catalog.yaml_source import read_documents

Model = TypeVar("Model", bound=BaseModel)


class FileWrong(Exception):
    """The file cannot be used. The message names the place and what to do."""


def read_one(path: Path, model: type[Model]) -> Model | None:
    """What the file says; None where there is no such file. Raises `FileWrong`."""
    if not path.exists():
        return None
    text, findings = read_file(path, str(path))
    documents, more = read_documents(str(path), text or "")
    findings += more
    if not findings and len(documents) != 1:
        raise FileWrong(f"{path} holds {len(documents)} documents; write one")
    parsed = None
    if not findings:
        parsed, findings = parse_model(documents[0], model)
    if parsed is None or findings:
        raise FileWrong(str(findings[0]))
    return parsed
