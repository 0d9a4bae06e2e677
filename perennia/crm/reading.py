"""``crm.yaml`` as people write it, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

from perennia.catalog.parsing import parse_model
from perennia.catalog.yaml_source import read_documents
from perennia.crm.field_map import NO_MAP, FieldMap


class CrmFileWrong(Exception):
    """``crm.yaml`` cannot be used. The message names the place and what to do."""


def read_field_map(path: Path) -> FieldMap:
    """The map; `NO_MAP` where there is no file. Raises `CrmFileWrong`."""
    if not path.is_file():
        return NO_MAP
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CrmFileWrong(f"{path} is no UTF-8 text ({error})") from error
    documents, findings = read_documents(str(path), text)
    if not findings and len(documents) != 1:
        raise CrmFileWrong(f"{path} holds {len(documents)} documents; write one")
    parsed = None
    if not findings:
        parsed, findings = parse_model(documents[0], FieldMap)
    if parsed is None or findings:
        raise CrmFileWrong(str(findings[0]))
    return parsed
