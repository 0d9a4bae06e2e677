"""`perennia survey ...`: what was answered, and what it comes to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from perennia.cli.options import HERE, AsJson, Data, Url, Workspace
from perennia.cli.reach import ask
from perennia.cli.speech import say, say_json, say_table
from perennia.installation import SurveyScore
from perennia.store.records import Response

survey = typer.Typer(help="Reads what was answered to a survey.", no_args_is_help=True)
BAR_CHARS = 30


def register(app: typer.Typer) -> None:
    app.add_typer(survey, name="survey")


Name = Annotated[str, typer.Argument(help="The survey's id.", metavar="SURVEY")]
FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]
Since = Annotated[
    datetime | None, typer.Option(formats=FORMATS, help="Answers from then on (UTC, where no offset is given).")
]
Until = Annotated[datetime | None, typer.Option(formats=FORMATS, help="Answers before then.")]


@survey.command()
def report(
    name: Name,
    since: Since = None,
    until: Until = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Shows the score with its 95 % interval, of each customer the last answer; and how often each score was given."""
    found = ask(workspace, url, data, lambda at: at.survey_report(name, _aware(since), _aware(until)))
    if as_json:
        say_json(found)
        return
    for line in described(found):
        say(line)


@survey.command()
def answers(
    name: Name,
    since: Since = None,
    until: Until = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Lists answers, newest first, with what people wrote."""
    found = ask(workspace, url, data, lambda at: at.responses(name, _aware(since), _aware(until)))
    if as_json:
        say_json(found)
        return
    rows = [(f"{one.at:%Y-%m-%d %H:%M}", one.external_id, _score(one), one.comment or "", one.source) for one in found]
    say_table(("AT (UTC)", "CUSTOMER", "SCORE", "COMMENT", "BY"), rows)


def described(score: SurveyScore) -> list[str]:
    """The report in lines for people."""
    if score.value is None:
        return [f"{score.survey}: nobody has answered yet"]
    customers = "1 customer" if score.answers == 1 else f"{score.answers} customers"
    interval = ""
    if score.low is not None and score.high is not None:
        interval = f", between {score.low:g} and {score.high:g} with 95 % certainty"
    lines = [f"{score.survey}: {_named(score)}{interval}; {customers} answered"]
    lines += [f"  {label}: {count} ({100 * count / score.answers:.0f} %)" for label, count in score.labels.items()]
    most = max(score.scores.values(), default=1)
    width = max(map(len, score.scores), default=1)
    lines += [
        f"  {given:>{width}}  {'#' * max(1, round(BAR_CHARS * count / most))} {count}"
        for given, count in score.scores.items()
    ]
    return lines


def _named(score: SurveyScore) -> str:
    match score.measure:
        case "net_promoter_score":
            return f"NPS {score.value:+g}"
        case "top_share":
            return f"{score.value:g} % {list(score.labels)[-1]}"
        case "mean":
            return f"mean {score.value:g}"


def _score(one: Response) -> str:
    return "" if one.score is None else f"{one.score:g}"


def _aware(instant: datetime | None) -> datetime | None:
    return instant.replace(tzinfo=UTC) if instant is not None and instant.tzinfo is None else instant
