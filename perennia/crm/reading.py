"""``crm.yaml`` as people write it, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

from perennia.catalog.one_document import read_one
from perennia.crm.field_map import NO_MAP, FieldMap


def read_field_map(path: Path) -> FieldMap:
    """The map; `NO_MAP` where there is no file. Raises `FileWrong`."""
    return read_one(path, FieldMap) or NO_MAP
