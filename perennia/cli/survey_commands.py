"""`perennia survey ...`: what was answered, and what it comes to."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, TypeAlias

import msgspec
import typer

from perennia import unclaimed_answers
from perennia.cli.customer_commands import say_answer
from perennia.cli.options import HERE, AsJson, Data, Url, Workspace, who
from perennia.cli.reach import ask
from perennia.cli.speech import say, say_json, say_table
from perennia.files.cells import shielded
from perennia.store.records import Response
from perennia.survey_answers import PartScore, QuestionCounts, SurveyScore

survey = typer.Typer(help="Reads what was answered to a survey.", no_args_is_help=True)
BAR_CHARS = 30
SHOWN_CHARS = 200


def register(app: typer.Typer) -> None:
    app.add_typer(survey, name="survey")


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    CSV = "csv"


class Per(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


Name = Annotated[str, typer.Argument(help="The survey's id.", metavar="SURVEY")]
FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]
Since = Annotated[
    datetime | None, typer.Option(formats=FORMATS, help="Answers from then on (UTC, where no offset is given).")
]
Until = Annotated[datetime | None, typer.Option(formats=FORMATS, help="Answers before then.")]
As: TypeAlias = Annotated[Format, typer.Option("--format", help="How it is written.")]


@survey.command()
def report(
    name: Name,
    since: Since = None,
    until: Until = None,
    per: Annotated[Per | None, typer.Option(help="Also for each day, week, month, quarter or year.")] = None,
    by: Annotated[
        str | None,
        typer.Option(help="Also by a trait (plan), a trait of the account (account.plan) or segment:NAME."),
    ] = None,
    workspace: Workspace = HERE,
    as_: As = Format.TEXT,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Shows the score with its 95 % interval, of each customer the last answer; and how often each score was given."""
    found = ask(workspace, url, data, lambda at: at.survey_report(name, _aware(since), _aware(until), per, by))
    if as_json or as_ is Format.JSON:
        say_json(found)
    elif as_ is Format.CSV:
        _say_csv(PART_COLUMNS, part_rows(found))
    else:
        for line in described(found):
            say(line)


@survey.command()
def answers(
    name: Name,
    since: Since = None,
    until: Until = None,
    workspace: Workspace = HERE,
    as_: As = Format.TEXT,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Lists answers, newest first, with what people wrote."""
    found = ask(workspace, url, data, lambda at: at.responses(name, _aware(since), _aware(until)))
    if as_json or as_ is Format.JSON:
        say_json(found)
    elif as_ is Format.CSV:
        _say_csv(("at", "customer", "score", "comment", "by", "answers"), map(_answer_row, found))
    else:
        say_table(("AT (UTC)", "CUSTOMER", "SCORE", "COMMENT", "BY", "ANSWERS"), [*map(_answer_row, found)])


@survey.command()
def unclaimed(
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    after: Annotated[str | None, typer.Option(help="Go on behind the one with this cursor.")] = None,
) -> None:
    """Lists answers that other systems told of and that could be given to nobody, with the reason."""
    found = ask(workspace, url, data, lambda at: unclaimed_answers.unclaimed(at, limit, after))
    if as_json:
        say_json(found)
        return
    rows = [
        (f"{one.at:%Y-%m-%d %H:%M}", one.id, one.survey or "", one.reason, " ".join(one.body[:SHOWN_CHARS].split()))
        for one in found
    ]
    say_table(("AT (UTC)", "ANSWER", "SURVEY", "WHY", "WHAT CAME"), rows)
    if len(found) == limit:
        say(f"There may be more: --after {found[-1].cursor}")


@survey.command()
def give(
    answer: Annotated[str, typer.Argument(help="The answer, as `perennia survey unclaimed` names it.")],
    customer: Annotated[str, typer.Argument(help="The contact who gave it: its own id, or Perennia's.")],
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Says whose an unclaimed answer is, with all else that was told of that response: what asks the survey goes on."""
    say_answer(
        ask(workspace, url, data, lambda at: unclaimed_answers.give(at, answer, customer, who())), as_json=as_json
    )


PART_COLUMNS = ("part", "name", "measure", "answers", "value", "low", "high", "margin")


def part_rows(found: SurveyScore) -> list[Sequence[str]]:
    """The whole, then each period and each group."""
    parts: list[tuple[str, PartScore]] = [("all", found)]
    parts += [("period", part) for part in found.periods] + [("group", part) for part in found.groups]
    return [
        (
            what,
            part.name,
            part.measure,
            str(part.answers),
            *map(_number, (part.value, part.low, part.high, part.margin)),
        )
        for what, part in parts
    ]


def _answer_row(one: Response) -> Sequence[str]:
    said = msgspec.json.encode(one.answers).decode() if one.answers else ""
    return (f"{one.at:%Y-%m-%d %H:%M}", one.external_id, _number(one.score), one.comment or "", one.source, said)


def _say_csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """For spreadsheets: what people wrote is never a formula there."""
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(columns)
    table.writerows([shielded(cell) for cell in row] for row in rows)


def described(score: SurveyScore) -> list[str]:
    """The report in lines for people."""
    waiting = [f"  {score.waiting} more wait until they are five of a kind"] if score.waiting else []
    if not score.answers:
        nobody = "nobody has answered yet" if not score.waiting else "too few have answered to be shown"
        return [f"{score.survey}: {nobody}", *waiting]
    lines = [f"{score.survey}: {_named(score)}; {_count(score)} answered", *waiting]
    lines += [f"  {label}: {count} ({100 * count / score.answers:.0f} %)" for label, count in score.labels.items()]
    lines += _bars(score.scores)
    for title, parts in (("by period", score.periods), ("by group", score.groups)):
        if parts:
            width = max(len(part.name) for part in parts)
            lines += [title, *(f"  {part.name:<{width}}  {_named(part)}; {part.answers}" for part in parts)]
    for question in score.questions:
        lines += _question(question)
    return lines


def _question(question: QuestionCounts) -> list[str]:
    return [f"{question.id}: {question.ask} ({question.answers} answered)", *_bars(question.counts)]


def _bars(counts: dict[str, int]) -> list[str]:
    most = max(counts.values(), default=0) or 1
    width = max(map(len, counts), default=0)
    return [
        f"  {given:>{width}}  {'#' * (max(1, round(BAR_CHARS * count / most)) if count else 0)} {count}"
        for given, count in counts.items()
    ]


def _count(score: SurveyScore) -> str:
    who = "person" if score.anonymous else "customer"
    many = "people" if score.anonymous else "customers"
    return f"1 {who}" if score.answers == 1 else f"{score.answers} {many}"


def _named(score: PartScore) -> str:
    if score.value is None:
        return "no score"
    interval = ""
    if score.low is not None and score.high is not None:
        interval = f", between {score.low:g} and {score.high:g} with 95 % certainty"
    match score.measure:
        case "net_promoter_score":
            return f"NPS {score.value:+g}{interval}"
        case "top_share":
            return f"{score.value:g} % {list(score.labels)[-1]}{interval}"
        case "mean":
            return f"mean {score.value:g}{interval}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _aware(instant: datetime | None) -> datetime | None:
    return instant.replace(tzinfo=UTC) if instant is not None and instant.tzinfo is None else instant
