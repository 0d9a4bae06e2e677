"""A drawing as SVG, to stand in a page or alone. Its colours go by class, so that it is light or dark with its reader."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from html import escape
from importlib import resources

from perennia.picture.layout import INSIDE, LARGE, LEADING, SMALL, WIDTH, Box, Drawing, Label, Line, Loop

MARGIN = 8


def as_svg(drawing: Drawing, name: str, title: str, description: str, *, alone: bool = False) -> str:
    """``name``: unique in the page, of letters, digits and dashes. ``description``: for those who do not see it.

    ``alone``: with its colours in itself, as a file.
    """
    width, height = drawing.width + 2 * MARGIN, drawing.bottom + 2 * MARGIN
    pale_first = sorted(drawing.lines, key=lambda line: line.taken)
    return "\n".join(
        [
            f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="{-MARGIN} {-MARGIN} {width:g} {height:g}" '
            f'width="{width:g}" height="{height:g}" role="img" aria-labelledby="{name}-title {name}-about">',
            f'<title id="{name}-title">{escape(title)}</title>',
            f'<desc id="{name}-about">{escape(description)}</desc>',
            *((f"<style>{chart_style()}</style>",) if alone else ()),
            *(_loop(loop) for loop in drawing.loops),
            *(_line(line) for line in pale_first),
            *(_label(label) for label in drawing.labels),
            *(_box(box) for box in drawing.boxes),
            "</svg>",
        ]
    )


def _line(line: Line) -> str:
    middle = (line.y1 + line.y2) / 2
    curve = f"M{line.x1:g} {line.y1:g}C{line.x1:g} {middle:g} {line.x2:g} {middle:g} {line.x2:g} {line.y2:g}"
    tip = f"M{line.x2 - 5:g} {line.y2 - 7:g}L{line.x2:g} {line.y2 - 1:g}L{line.x2 + 5:g} {line.y2 - 7:g}"
    return f'<path class="{_class("line", taken=line.taken)}" d="{curve}{tip if line.arrow else ""}"/>'


def _loop(loop: Loop) -> str:
    """A frame with an arrow up its right side."""
    right, middle = loop.x + loop.width, loop.y + loop.height / 2
    return (
        f'<g class="{_class("loop", taken=loop.taken)}">'
        f'<rect x="{loop.x:g}" y="{loop.y:g}" width="{loop.width:g}" height="{loop.height:g}" rx="14"/>'
        f'<path d="M{right - 6:g} {middle + 4:g}L{right:g} {middle - 4:g}L{right + 6:g} {middle + 4:g}"/></g>'
    )


def _label(label: Label) -> str:
    return f'<text class="{_class("way", taken=label.taken)}" text-anchor="middle">{"".join(_spans(label))}</text>'


def _spans(label: Label) -> Iterator[str]:
    for position, line in enumerate(label.lines):
        yield f'<tspan x="{label.x:g}" y="{label.y + position * LEADING:g}">{escape(line)}</tspan>'


def _box(box: Box) -> str:
    rows = [("head", box.head), *(("says", line) for line in box.lines), *(("result", line) for line in box.results)]
    rows += [("at", box.at)] if box.at else []
    left, first = box.x + INSIDE, box.y + INSIDE - 4 + SMALL
    texts = "".join(
        f'<text class="{kind}" x="{left:g}" y="{first + position * LEADING:g}">{escape(text)}</text>'
        for position, (kind, text) in enumerate(rows)
    )
    return (
        f'<g class="box {box.tone or "unreached"}"><title>{escape(box.full)}</title>'
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{WIDTH}" height="{box.height:g}" rx="10"/>{texts}</g>'
    )


def _class(kind: str, *, taken: bool) -> str:
    return f"{kind} taken" if taken else kind


@cache
def chart_style() -> str:
    """Colours, light and dark, and the sizes that the drawing was laid out for, as CSS."""
    colours = (resources.files("perennia.picture") / "pages/chart.css").read_text(encoding="utf-8")
    return f"{colours}.chart text {{ font-size: {SMALL}px; }} .chart .says {{ font-size: {LARGE}px; }}"
