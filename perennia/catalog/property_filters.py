"""Where property filters stand in an expression: ``count("Order Placed", "30d", "event.total > 100")``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from perennia.core.cel_syntax import Call, Literal, Tree, children

# How functions over events are told: the last text of theirs that is neither an event nor a span is a filter.
FILTERED = frozenset({"happened", "count", "total", "idle"})


class PropertyFilter(NamedTuple):
    """``offset``: 0-based character of the expression at which the filter's own text begins."""

    offset: int
    text: str


def filter_of(call: Call, text: str) -> PropertyFilter | None:
    """What may be the filter of a function over events in the expression ``text``: its last text, or a span or a name."""
    last = call.arguments[-1] if call.name in FILTERED and len(call.arguments) > 1 else None
    if not isinstance(last, Literal) or not isinstance(last.value, str):
        return None
    quoted = text[slice(*last.bare)]
    return PropertyFilter(last.bare[0] + len(quoted) - len(quoted.lstrip("rR\"'")), last.value)


def filters_in(tree: Tree, text: str) -> Iterator[PropertyFilter]:
    """Those of a whole expression."""
    if isinstance(tree, Call) and (found := filter_of(tree, text)) is not None:
        yield found
    for child in children(tree):
        yield from filters_in(child, text)
