"""What `check` says of segments: their criteria, and what reads them."""

from __future__ import annotations

from perennia.catalog.inspection import Inspection
from perennia.catalog.yaml_source import Path
from perennia.core.definition_compiler import CUSTOMER_NAMES
from perennia.core.definitions import Scope, Segment


def check_segment(inspection: Inspection, segment: Segment) -> None:
    """Adds to the inspection's findings; segments that read each other in a circle are among them."""
    names = CUSTOMER_NAMES[segment.scope]
    expression = inspection.expression(("when",), segment.when, names, frozenset({segment.segment}))
    for track in sorted(expression.tracks if expression else ()):
        inspection.stage(("when",), track, None, segment.scope)


def check_segment_name(inspection: Inspection, path: Path, name: str, scope: Scope) -> None:
    """A reference to a segment of this scope."""
    known = inspection.criteria(scope)
    if name not in known and ("segment", name) not in inspection.known.broken:
        inspection.unknown(path, "segment", name, known)
