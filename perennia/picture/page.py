"""One page about one customer and one playbook: the way it took as a picture, and everything that was decided, in words.

It loads nothing, runs nothing, and says in text whatever the picture shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from perennia.core.decisions import Act, JournalEntry, Outcome
from perennia.picture.chart import chart_of
from perennia.picture.layout import draw
from perennia.picture.passage import Passage, passages
from perennia.picture.svg import as_svg, chart_style
from perennia.simulate.simulation import Decided, Simulation
from perennia.simulate.timeline import NOT_DONE, OUTWARD
from perennia.why.evidence import evidence_line, local_time
from perennia.why.reasons import meaning
from perennia.why.wording import put_in_words

# So many enrollments are drawn, the last ones: whoever was in a playbook a hundred times has a hundred pictures.
DRAWN = 12


@dataclass(frozen=True)
class Run:
    """One enrollment: ``outcome`` in words, the picture, and the same for those who do not see it."""

    title: str
    outcome: str
    picture: Markup


@dataclass(frozen=True)
class Row:
    """One decision. ``tone``: how it went, for its mark."""

    at: str
    iso: str
    subject: str
    text: str
    because: tuple[str, ...]
    tone: str


@dataclass
class Touch:
    """Something that was to leave: a message, a task, a question ... ``reason``: the code, where it did not."""

    at: str
    what: str
    whom: str
    outcome: str
    reason: str = ""
    meaning: str = ""


@dataclass(frozen=True)
class Stay:
    """A stage that was entered; ``reads``: the playbook does so."""

    track: str
    stage: str
    since: str
    because: str
    reads: bool


def page_of(simulated: Simulation) -> str:
    """The whole page, as HTML."""
    zone, playbook = simulated.calendar.zone, simulated.catalog.playbooks[simulated.playbook]
    told = [each for each in simulated.decisions if simulated.matters(each.entry)]
    own = [each.entry for each in simulated.decisions if each.contact is None]
    found = passages(simulated.playbook, own, simulated.alive, zone)
    now = simulated.now
    return (
        _pages()
        .get_template("page.html")
        .render(
            playbook=playbook.definition,
            version=playbook.version[:8],
            customer=simulated.customer,
            zone=zone.key,
            start=local_time(simulated.start, zone),
            until=local_time(simulated.until, zone),
            now=None if now is None else local_time(now, zone),
            runs=[_run(number, each, simulated) for number, each in enumerate(found, 1)][-DRAWN:],
            more=max(len(found) - DRAWN, 0),
            refusals=[
                _row(Decided(None, each), zone, simulated.playbook)
                for each in own
                if _is_refusal(each, simulated.playbook)
            ],
            before=[_row(each, zone, simulated.playbook) for each in told if now is not None and each.entry.at < now],
            rows=[_row(each, zone, simulated.playbook) for each in told if now is None or each.entry.at >= now],
            touches=_touches(told, zone),
            stays=_stays(simulated),
            chart_style=Markup(chart_style()),  # noqa: S704 - ours
        )
    )


def _run(number: int, passage: Passage, simulated: Simulation) -> Run:
    zone = simulated.calendar.zone
    outcome = _outcome(passage, simulated.until, zone)
    entered = "; ".join([f"Entered {local_time(passage.entered.at, zone)}", *_moves(passage, zone)])
    chart = chart_of(simulated.book(passage.version).definition)
    title = f"The way of {simulated.customer} through {chart.name}"
    steps = "; ".join(
        f"{step}: {visit.text}, {local_time(visit.at, zone)}"
        for step, visits in passage.visits.items()
        for visit in visits
    )
    about = f"{entered}. {steps}. {outcome}"
    svg = as_svg(draw(chart, passage, zone), f"run-{number}", title, about)
    return Run(entered, outcome, Markup(svg))  # noqa: S704 - `as_svg` escapes what it is given


def _moves(passage: Passage, zone: ZoneInfo) -> Iterator[str]:
    """When it went on in which version, where it did: its picture is that of the last."""
    for moved in passage.moved:
        yield f"since {local_time(moved.at, zone)} in the version {str(moved.version)[:8]}"


def _outcome(passage: Passage, until: datetime, zone: ZoneInfo) -> str:
    ended = passage.ended
    if ended is None:
        where = f" at {passage.stands_at}" if passage.stands_at else ""
        return f"Still in it{where} on {local_time(until, zone)}, where this ends."
    said = put_in_words(ended, zone).text
    return f"{said[:1].upper()}{said[1:]}, {local_time(ended.at, zone)}."


def _is_refusal(entry: JournalEntry, playbook: str) -> bool:
    return entry.act is Act.REFUSED and entry.playbook == playbook


def _row(decided: Decided, zone: ZoneInfo, playbook: str) -> Row:
    """``playbook``: what the page is about, which need not be said in each row."""
    entry = decided.entry
    line = put_in_words(entry, zone)
    contact = "" if decided.contact is None else f" ({decided.contact})"
    because = (*line.because, *(f"to change that: {each}" for each in line.needed))
    subject = (entry.step or "") if entry.playbook == playbook else line.subject.partition(" (")[0]
    return Row(line.when, entry.at.isoformat(), f"{subject}{contact}", line.text, because, _tone(entry))


def _tone(entry: JournalEntry) -> str:
    match entry.act:
        case Act.REFUSED | Act.HELD | Act.IGNORED:
            return "skipped"
        case Act.STEP_ENDED if entry.code == Outcome.FAILED:
            return "failed"
        case Act.STEP_ENDED if entry.code in NOT_DONE:
            return "skipped" if entry.reason else "late"
        case Act.GOAL | Act.ENTERED | Act.ENDED:
            return "turn"
        case _:
            return "done"


def _touches(told: Sequence[Decided], zone: ZoneInfo) -> list[Touch]:
    """One for each that was held or released, with what became of it, and for each that was skipped before that."""
    open_: dict[tuple[str | None, str | None, str | None], Touch] = {}
    found: list[Touch] = []
    for each in told:
        entry, key = each.entry, (each.contact, each.entry.enrollment, each.entry.step)
        is_end = entry.act is Act.STEP_ENDED and (key in open_ or entry.detail.get("verb") in OUTWARD)
        if not is_end and entry.act not in (Act.RELEASED, Act.HELD):
            continue
        touch = open_.get(key)
        if touch is None:
            touch = open_[key] = Touch("", _what(entry), _whom(each), "")
            found.append(touch)
        touch.at = touch.at if is_end and touch.at else local_time(entry.at, zone)
        touch.outcome = _became(entry)
        touch.reason = str(entry.reason or "") or (entry.code if entry.act is Act.HELD else "")
        touch.meaning = meaning(touch.reason) or ""
        if is_end:
            del open_[key]
    return found


def _became(entry: JournalEntry) -> str:
    match entry.act:
        case Act.HELD:
            return "held"
        case Act.RELEASED:
            return "under way"
        case _:
            # A task that nobody waits for is only open at the end of its step.
            said = entry.detail.get("status") if entry.detail.get("verb") == "task" else None
            return str(said or entry.code).replace("_", " ")


def _what(entry: JournalEntry) -> str:
    detail = entry.detail
    names = ("survey", "template", "task", "question", "webhook", "notify")
    subject = next((str(detail[name]) for name in names if detail.get(name)), entry.step or "")
    verb = entry.code if entry.act is Act.RELEASED else entry.detail.get("verb") or "email"
    return f"{verb} {subject}"


def _whom(decided: Decided) -> str:
    to = decided.entry.detail.get("to")
    return decided.contact or ("" if to in (None, "contact") else str(to))


def _stays(simulated: Simulation) -> list[Stay]:
    zone = simulated.calendar.zone
    found = [
        Stay(
            track=str(each.entry.detail.get("track")),
            stage=each.entry.code,
            since=local_time(each.entry.at, zone),
            because=next((evidence_line(one, zone) for one in each.entry.evidence if one.value is True), ""),
            reads=simulated.matters(each.entry),
        )
        for each in simulated.decisions
        if each.entry.act is Act.STAGE and each.contact is None
    ]
    return sorted(found, key=lambda stay: (not stay.reads, stay.track))


@cache
def _pages() -> Environment:
    return Environment(
        loader=PackageLoader("perennia.picture", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
