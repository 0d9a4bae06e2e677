"""The nodes of a YAML text: what its documents are made of, and where each part stands.

Two parsers read YAML here. ruamel.yaml knows YAML 1.2 and says best what is wrong with a text, and where; written in Python, it
takes two seconds for the workspace that we ship. libyaml (by PyYAML) takes a tenth of that, and is asked first: what
it finds fault with, and the few characters that the two do not agree on, are ruamel's to judge.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Final, Protocol, cast

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import ReusedAnchorWarning

MAX_DEPTH: Final = 60  # ruamel takes four Python frames a level, of 1,000; libyaml's nodes have no guard of their own

# Tabs and line breaks beyond ASCII: YAML 1.1 and 1.2 differ on them.
_DISPUTED: Final = re.compile("[\t\x85\u2028\u2029\ufeff]")
_TAG: Final = "tag:yaml.org,2002:"


class Mark(Protocol):
    """A place in the text: ``index`` counts characters, ``line`` and ``column`` are from 0."""

    index: int
    line: int
    column: int


class Node(Protocol):
    """What both parsers make. ``id``: scalar, sequence or mapping; ``style``: of a scalar, unless it is a plain one."""

    id: str
    tag: object
    value: object
    style: str | None
    start_mark: Mark
    end_mark: Mark


class _Parser(yaml.CSafeLoader):
    """libyaml's, that only tells plain words from text in quotes: what a plain one means `yaml_source` decides.

    It counts how deep it is, since nothing else would stop it.
    """

    _depth = 0

    def resolve(self, kind: type[yaml.Node], value: object, implicit: tuple[bool, bool] | bool) -> str:  # noqa: ARG002 - libyaml calls it
        if kind is yaml.ScalarNode:
            is_plain = implicit[0] if isinstance(implicit, tuple) else implicit
            return f"{_TAG}null" if is_plain else f"{_TAG}str"
        return f"{_TAG}seq" if kind is yaml.SequenceNode else f"{_TAG}map"

    def descend_resolver(self, current_node: yaml.Node | None, current_index: object) -> None:  # noqa: ARG002 - libyaml calls it
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise yaml.YAMLError

    def ascend_resolver(self) -> None:
        self._depth -= 1


def compose(text: str) -> Iterator[Node]:
    """The root of each document. Raises ruamel's `YAMLError`, or RecursionError, when it comes to what is no YAML."""
    quickly = None if _DISPUTED.search(text) else _composed_by_libyaml(text)
    return _composed_by_ruamel(text) if quickly is None else iter(quickly)


def _composed_by_libyaml(text: str) -> list[Node] | None:
    """None where ruamel is to say what the text means, or what is wrong with it."""
    try:
        return list(cast("Iterator[Node]", yaml.compose_all(text, _Parser)))  # pyright: ignore[reportUnknownMemberType] - untyped
    except yaml.YAMLError:
        return None


def _composed_by_ruamel(text: str) -> Iterator[Node]:
    parser = YAML(typ="safe", pure=True)
    parser.max_depth = MAX_DEPTH
    with warnings.catch_warnings():
        # An anchor that is defined twice is valid YAML: the later one counts.
        warnings.simplefilter("ignore", ReusedAnchorWarning)
        yield from cast("Iterator[Node]", parser.compose_all(text))  # pyright: ignore[reportUnknownMemberType] - untyped
