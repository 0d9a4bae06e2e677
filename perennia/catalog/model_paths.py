"""From a validation error's location to the document's path and to the model that stands there."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag

from perennia.catalog.yaml_source import Path, YamlDocument


def data_path(document: YamlDocument, location: Sequence[str | int]) -> Path:
    """``location`` without what the document does not have: tags like ``<email>``, names of types in a choice.

    The last part stays where the mapping before it lacks it (a missing key).
    """
    path: Path = ()
    for index, part in enumerate(location):
        here = document.value(path)
        is_item = isinstance(here, list) and isinstance(part, int)
        may_be_missing = index == len(location) - 1 and not _is_tag(part)
        if is_item or (isinstance(here, dict) and (part in here or may_be_missing)):
            path = (*path, part)
    return path


def model_at(root: type[BaseModel], location: Sequence[str | int]) -> type[BaseModel]:
    """The model at ``location``; of the nearest thing around it where none is there."""
    found, here = root, root
    for part in location:
        here = _inside(here, part)
        if isinstance(here, type) and issubclass(here, BaseModel):
            found = here
    return found


def _is_tag(part: str | int) -> bool:
    return isinstance(part, str) and part.startswith("<")


def _inside(here: Any, part: str | int) -> Any:
    """The annotation of what ``part`` leads to from an annotation."""
    if isinstance(here, type) and issubclass(here, BaseModel):
        field = next((f for name, f in here.model_fields.items() if part in (f.alias or name, name)), None)
        return _bare(field.annotation) if field else None
    if _is_tag(part):
        return next((_bare(member) for member in get_args(here) if _has_tag(member, part)), None)
    if isinstance(part, int):
        return _bare(next(iter(get_args(here)), None))
    return _bare(get_args(here)[-1]) if get_origin(here) is dict else None


def _bare(annotation: Any) -> Any:
    """Without ``Annotated`` and without ``| None``."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        members = [member for member in get_args(annotation) if member is not NoneType]
        if len(members) == 1:
            return _bare(members[0])
    return annotation


def _has_tag(member: Any, tag: str | int) -> bool:
    return any(isinstance(mark, Tag) and mark.tag == tag for mark in get_args(member)[1:])
