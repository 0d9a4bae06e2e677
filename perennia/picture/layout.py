"""Where everything of a chart stands: steps below each other, the ways on from one beside each other.

The path that was taken leads straight down on the left, so that it is seen whole on a narrow screen, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from perennia.core.decisions import JournalEntry
from perennia.picture.chart import Card, Chart, Way
from perennia.picture.lettering import broken, width_of
from perennia.picture.passage import GOAL, PAST, Passage, Tone, Visit
from perennia.why.evidence import local_time
from perennia.why.wording import put_in_words

WIDTH: Final = 264  # of a box
INSIDE: Final = 14
SMALL: Final = 12
LARGE: Final = 15
LEADING: Final = 18
GAP: Final = 30  # between two boxes below each other
BETWEEN: Final = 26  # two ways beside each other
FORK: Final = 34
FRAME: Final = 18
LABEL: Final = 190  # a way's text is at most this wide
LABEL_LEAST: Final = 60


@dataclass(frozen=True)
class Box:
    """``lines``: what it says; ``results``: what became of it; ``when``: the instants of that. ``tone`` None: not reached."""

    x: float
    y: float
    height: float
    head: str
    lines: tuple[str, ...]
    results: tuple[str, ...]
    at: str
    tone: Tone | None
    full: str


@dataclass(frozen=True)
class Line:
    """From one point to another, straight or in a curve. ``arrow``: at its end."""

    x1: float
    y1: float
    x2: float
    y2: float
    taken: bool
    arrow: bool = False


@dataclass(frozen=True)
class Label:
    """Lines of text, the first one's middle at ``x``, its foot at ``y``."""

    x: float
    y: float
    lines: tuple[str, ...]
    taken: bool


@dataclass(frozen=True)
class Loop:
    """The frame around what is done again and again."""

    x: float
    y: float
    width: float
    height: float
    taken: bool


@dataclass
class Drawing:
    """``bottom``: down to where it reaches."""

    width: float = 0
    bottom: float = 0
    boxes: list[Box] = field(default_factory=list[Box])
    lines: list[Line] = field(default_factory=list[Line])
    labels: list[Label] = field(default_factory=list[Label])
    loops: list[Loop] = field(default_factory=list[Loop])


@dataclass(frozen=True)
class Words:
    """What the passage says at one box."""

    results: str = ""
    at: str = ""
    tone: Tone | None = None


def draw(chart: Chart, passage: Passage, zone: ZoneInfo) -> Drawing:
    """The chart with the way that the passage took through it; instants in ``zone``."""
    return _Layout(chart, passage, zone).drawing


class _Layout:
    def __init__(self, chart: Chart, passage: Passage, zone: ZoneInfo) -> None:
        self._passage = passage
        self._zone = zone
        cards = _arranged(chart.cards, passage)
        reach = _reach_of_row(cards)
        self.drawing = Drawing(width=reach.left + reach.right)
        axis, done = reach.left, passage.is_completed
        y = self._box(axis, 0, "starts with", chart.enter, self._entry())
        y = self._row(cards, axis, y, goes_on=done, begun=True)
        y = self._step(axis, y, taken=done)
        self.drawing.bottom = self._box(axis, y, "end", "", self._end())

    def _entry(self) -> Words:
        entered = self._passage.entered
        return Words(put_in_words(entered, self._zone).text, local_time(entered.at, self._zone), Tone.DONE)

    def _end(self) -> Words:
        ended = self._passage.ended
        if ended is None or not self._passage.is_completed:
            return Words()
        return Words("came to its end", local_time(ended.at, self._zone), Tone.DONE)

    def _row(self, cards: Sequence[Card], axis: float, y: float, *, goes_on: bool, begun: bool) -> float:
        """Cards below each other; returns where the last one ends. ``goes_on``: somebody went on behind it."""
        for position, card in enumerate(cards):
            y = self._step(axis, y, taken=begun and self._passage.came_by(card.id))
            behind = cards[position + 1].id if position + 1 < len(cards) else None
            went_on = goes_on if behind is None else self._passage.came_by(behind)
            y = self._card(card, axis, y, went_on=went_on)
        return y

    def _card(self, card: Card, axis: float, y: float, *, went_on: bool) -> float:
        y = self._box(axis, y, f"{card.verb.replace('_', ' ')} · {card.id}", card.says, self._told(card.id))
        if card.round:
            return self._round(card, axis, y, went_on=went_on)
        if card.ways:
            return self._fork(card, axis, y, went_on=went_on)
        return y

    def _fork(self, card: Card, axis: float, y: float, *, went_on: bool) -> float:
        """The first way leads straight on, the others stand beside it."""
        taken = self._passage.taken.get(card.id, set())
        labels = [tuple(broken(way.label, SMALL, LABEL, 2)) for way in card.ways]
        top = y + FORK + max(len(lines) for lines in labels) * LEADING
        middle = axis
        ends: list[tuple[float, float, bool]] = []
        for position, (way, lines) in enumerate(zip(card.ways, labels, strict=True)):
            if position:
                middle += _reach(card.ways[position - 1]).right + BETWEEN + _reach(way).left
            went = bool(way.keys & taken)
            self.drawing.lines.append(Line(axis, y, middle, y + FORK - 4, went))
            self.drawing.labels.append(Label(middle, y + FORK + SMALL - 2, lines, went))
            under = y + FORK + len(lines) * LEADING
            self.drawing.lines.append(Line(middle, under, middle, top, went))
            foot = self._row(way.cards, middle, top, goes_on=went and went_on, begun=went)
            ends.append((middle, foot, went and went_on))
        joint = max(foot for _, foot, _ in ends) + FORK
        for middle, foot, went in ends:
            self.drawing.lines.append(Line(middle, foot, middle, joint - FORK, went))
            self.drawing.lines.append(Line(middle, joint - FORK, axis, joint, went))
        return joint

    def _round(self, card: Card, axis: float, y: float, *, went_on: bool) -> float:
        begun = self._passage.came_by(card.round[0].id)
        reach = _reach_of_row(card.round)
        self.drawing.lines.append(Line(axis, y, axis, y + GAP / 2, begun or went_on))
        top, left = y + GAP / 2, axis - reach.left - FRAME
        foot = self._row(card.round, axis, top, goes_on=went_on, begun=begun) + FRAME
        self.drawing.lines.append(Line(axis, foot - FRAME, axis, foot, went_on))
        self.drawing.loops.append(Loop(left, top, reach.left + reach.right + 2 * FRAME, foot - top, begun))
        return foot

    def _step(self, axis: float, y: float, *, taken: bool) -> float:
        self.drawing.lines.append(Line(axis, y, axis, y + GAP, taken, arrow=True))
        return y + GAP

    def _told(self, step: str) -> Words:
        visits = self._passage.visits.get(step, [])
        left = self._passage.ended if step == self._passage.left_at else None
        if left is not None:
            return self._left(left, visits)
        if not visits:
            return Words()
        last = visits[-1]
        times = f"  ({len(visits)} times)" if len(visits) > 1 else ""
        return Words(last.text, local_time(last.at, self._zone) + times, last.tone)

    def _left(self, ended: JournalEntry, visits: Sequence[Visit]) -> Words:
        """What became of the step where the enrollment ended before its time, by the step itself or from without."""
        when = local_time(ended.at, self._zone)
        before = [visit for visit in visits if visit.tone is not Tone.HERE]
        said = f"{before[-1].text}; " if before else ""
        if ended.code == GOAL:
            return Words(f"{said}the goal was reached", when, Tone.GOAL)
        by_itself = bool(before) and before[-1].at == ended.at
        return Words(f"{said}left here: {ended.code}", when, before[-1].tone if by_itself else Tone.LATE)

    def _box(self, axis: float, y: float, head: str, says: str, words: Words) -> float:
        room = WIDTH - 2 * INSIDE
        lines = tuple(broken(says, LARGE, room, 2))
        results = tuple(broken(words.results, SMALL, room, 4))
        rows = 1 + len(lines) + len(results) + bool(words.at)
        height = rows * LEADING + 2 * (INSIDE - 4)
        full = " — ".join(part for part in (head, says, words.results, words.at) if part)
        shortened = broken(head, SMALL, room, 1)
        box = Box(axis - WIDTH / 2, y, height, shortened[0], lines, results, words.at, words.tone, full)
        self.drawing.boxes.append(box)
        return y + height


# --- before it is drawn ---------------------------------------------------------------------------------------------


def _arranged(cards: Sequence[Card], passage: Passage) -> tuple[Card, ...]:
    """The cards as they are drawn: the way that was taken is the first, so that the path leads straight down."""
    return tuple(replace(card, ways=_ways(card, passage), round=_arranged(card.round, passage)) for card in cards)


def _ways(card: Card, passage: Passage) -> tuple[Way, ...]:
    """One that was skipped was left by none of its ways, but past them."""
    taken = passage.taken.get(card.id, set())
    past = (Way(frozenset({PAST}), "past it", ()),) if card.ways and PAST in taken else ()
    ways = [replace(way, cards=_arranged(way.cards, passage)) for way in (*card.ways, *past)]
    return tuple(sorted(ways, key=lambda way: not way.keys & taken))


class _Reach(NamedTuple):
    """How far something reaches to both sides of its axis."""

    left: float
    right: float


def _reach_of_row(cards: Sequence[Card]) -> _Reach:
    reaches = [_reach_of_card(card) for card in cards]
    return _Reach(max(each.left for each in reaches), max(each.right for each in reaches))


def _reach_of_card(card: Card) -> _Reach:
    left = right = WIDTH / 2
    if card.round:
        inner = _reach_of_row(card.round)
        left, right = inner.left + FRAME, inner.right + FRAME
    if card.ways:
        first, *others = [_reach(way) for way in card.ways]
        left = max(left, first.left)
        right = max(right, first.right + sum(BETWEEN + each.left + each.right for each in others))
    return _Reach(left, right)


def _reach(way: Way) -> _Reach:
    if way.cards:
        return _reach_of_row(way.cards)
    half = max([LABEL_LEAST, *(width_of(line, SMALL) for line in broken(way.label, SMALL, LABEL, 2))]) / 2
    return _Reach(half, half)
