"""Commands about customers: who there is, what was decided and why, and orders for one of them."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, cast
from zoneinfo import ZoneInfo

import msgspec
import typer

from perennia.broadcast_answers import membership
from perennia.cli.consent_commands import described
from perennia.cli.ledger_commands import came_back
from perennia.cli.options import HERE, AsJson, Customer, Data, Playbook, Url, Workspace, named_values, who
from perennia.cli.reach import ask, reach
from perennia.cli.speech import say, say_json, say_table
from perennia.core.json_values import Json, JsonObject
from perennia.installation import CustomerDetail, Decisions, EnrollmentWord, Installation, OrderAnswer
from perennia.ledger_answers import TriedMessage, messages
from perennia.store.records import Revision
from perennia.why.evidence import local_time
from perennia.why.story import Story, tell
from perennia.why.wording import Line, put_in_words

Properties = Annotated[
    list[str] | None, typer.Option("--property", "-p", help="NAME=VALUE, once each; the value as JSON, else as text.")
]
Key = Annotated[
    str | None, typer.Option("--key", help="Only the enrollment with this key; else all of them in the playbook.")
]


LAST_MESSAGES = 5
OneOrAll = Annotated[
    str,
    typer.Argument(metavar="CUSTOMER PLAYBOOK | PLAYBOOK", help="A customer and a playbook, or a playbook as a whole."),
]
OfCustomer = Annotated[str | None, typer.Argument(hidden=True)]


def register(app: typer.Typer) -> None:
    for command in (customers, show, why, enroll, event, answer, skip, pause, resume, end):
        app.command()(command)


def customers(
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    after: Annotated[str | None, typer.Option(help="Go on behind this customer.")] = None,
) -> None:
    """Lists customers with their stages and what they are enrolled in."""
    page = ask(workspace, url, data, lambda at: at.customers(limit, after))
    if as_json:
        say_json(page)
        return
    rows = [
        (one.external_id, one.kind, one.account or "", _pairs(one.stages), ", ".join(one.enrollments))
        for one in page.customers
    ]
    say_table(("CUSTOMER", "KIND", "ACCOUNT", "STAGE", "ENROLLED IN"), rows)
    if page.next:
        say(f"There are more: --after {page.next}")


def show(
    customer: Customer, workspace: Workspace = HERE, as_json: AsJson = False, url: Url = None, data: Data = None
) -> None:
    """Shows one customer: traits, stages, where each enrollment stands, the last messages and what came back of them."""
    shown = asyncio.run(_shown(workspace, url, data, customer))
    if as_json:
        say_json(shown)
    else:
        _show(shown)


class Shown(CustomerDetail, kw_only=True):
    """``messages``: the last few, the last first."""

    messages: list[TriedMessage]


async def _shown(workspace: Path, url: str | None, data: Path | None, customer: str) -> Shown:
    async with reach(workspace, url, data) as installation:
        detail = await installation.customer(customer)
        last = await messages(installation, detail.customer.id, LAST_MESSAGES)
    return Shown(**msgspec.structs.asdict(detail), messages=last)


def _show(detail: Shown) -> None:
    one, state = detail.customer, detail.state or {}
    zone = ZoneInfo(detail.timezone)
    say(f"{one.kind} {one.external_id}{f', of {one.account}' if one.account else ''} ({one.id})", "bold")
    say(f"known since {local_time(one.first_seen, zone)}, {zone.key}")
    for name, value in sorted(_object(_object(state.get("facts")).get("traits")).items()):
        say(f"  {name}: {json.dumps(value, ensure_ascii=False)}")
    for track, stage in sorted(one.stages.items()):
        say(f"{track}: {stage}{_locked(_object(_object(state.get('stages')).get(track)), zone)}")
    for enrollment in cast("list[JsonObject]", state.get("enrollments") or []):
        paused = ", paused" if enrollment.get("paused") else ""
        key = f" ({enrollment['key']})" if enrollment.get("key") else ""
        paused += _held(enrollment, zone)
        say(f"in {enrollment.get('playbook')}{key} at step {enrollment.get('step') or '(beginning)'}{paused}")
    if detail.suppressed is not None:
        say(f"suppressed ({detail.suppressed}): nothing is sent to the address", "yellow")
    for consent in detail.consents:
        if consent.state != "unsaid":
            say(described(consent))
    for message in detail.messages:
        say(_line_of(message, zone))
    say(f"looks again by itself at {local_time(one.wake_at, zone)}" if one.wake_at else "waits for something to happen")


def _line_of(message: TriedMessage, zone: ZoneInfo) -> str:
    """``hello of welcome: sent, 2 Mar 10:00; delivered, clicked``."""
    why = f" ({message.reason})" if message.reason else ""
    back = came_back(message.reports)
    when = local_time(message.ended_at or message.released_at, zone)
    return f"{message.template} of {message.playbook}: {message.status}{why}, {when}{f'; {back}' if back else ''}"


def _locked(standing: JsonObject, zone: ZoneInfo) -> str:
    """Who keeps the customer in the stage, until when, and why."""
    lock = _object(standing.get("lock"))
    if not lock:
        return ""
    until, why = lock.get("until"), lock.get("why")
    end = f" until {local_time(datetime.fromisoformat(until), zone)}" if isinstance(until, str) else ""
    return f", locked{end} by {lock.get('by')}{f': {why}' if why else ''}"


def _held(enrollment: JsonObject, zone: ZoneInfo) -> str:
    """What keeps the enrollment's message, and when it is tried again."""
    held, due = _object(enrollment.get("held")), enrollment.get("due")
    if not held or enrollment.get("awaiting") or not isinstance(due, str):
        return ""
    return f", its message held ({held.get('reason')}) until {local_time(datetime.fromisoformat(due), zone)}"


def why(
    customer: Customer,
    playbook: Annotated[str | None, typer.Argument(help="Only this playbook, or track.")] = None,
    step: Annotated[str | None, typer.Argument(help="Only this step.")] = None,
    segment: Annotated[
        str | None, typer.Option(help="Whether the customer belongs to this segment now, and why.", metavar="NAME")
    ] = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Tells what was decided for a customer, on which values, by which version; also what did not happen."""
    if segment is not None:
        found = ask(workspace, url, data, lambda at: membership(at, customer, segment))
        if as_json:
            say_json(found)
        else:
            say(f"{found.customer} is {'' if found.member else 'not '}in {found.segment}", "bold")
            for line in found.because:
                say(f"  {line}")
        return
    story = asyncio.run(_story(workspace, url, data, customer, playbook, step))
    if as_json:
        say_json(story)
    else:
        say_story(story)


async def _story(
    workspace: Path, url: str | None, data: Path | None, customer: str, playbook: str | None, step: str | None
) -> Story:
    async with reach(workspace, url, data) as installation:
        return await story_of(installation, customer, playbook, step)


async def story_of(installation: Installation, customer: str, playbook: str | None, step: str | None) -> Story:
    """The decision log of one customer, in words, oldest first."""
    detail: CustomerDetail = await installation.customer(customer)
    log: Decisions = await installation.decisions(customer, playbook, step)
    zone = ZoneInfo(detail.timezone)
    return tell(detail.customer.external_id, log.decisions, zone, playbook, step, tuple(log.outlook))


def say_story(story: Story) -> None:
    say(f"{story.customer}, times in {story.zone}", "bold")
    if not story.lines:
        say("Nothing was decided here: no trigger fired, and no condition was looked at.")
    for line in story.lines:
        _say_line(line)
    if story.outlook:
        say("As things stand:", "bold")
    for sentence in story.outlook:
        say(f"  {sentence}")


def _say_line(line: Line) -> None:
    say(f"{line.when}  {line.subject}: {line.text}")
    for reason in line.because:
        say(f"    {reason}", "dim")
    for change in line.needed:
        say(f"    to change that: {change}", "yellow")


def enroll(
    customer: Customer,
    playbook: Playbook,
    properties: Properties = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Enrolls a customer by hand: overrides the entry filter and the re-entry policy."""
    say_answer(
        ask(
            workspace,
            url,
            data,
            lambda at: at.enroll(customer, playbook, named_values("--property", properties), who()),
        ),
        as_json=as_json,
    )


def event(
    customer: Customer,
    name: Annotated[str, typer.Argument(help="The event's name.")],
    properties: Properties = None,
    account: Annotated[bool, typer.Option("--account", help="The customer is an account.")] = False,
    message_id: Annotated[str | None, typer.Option(help="The same id again has no effect.")] = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Sends one event of a customer, who is made if unknown. Returns when it is stored for good."""
    kind = "account" if account else "contact"
    body: JsonObject = {
        "customer": customer,
        "kind": kind,
        "event": name,
        "properties": named_values("--property", properties),
    }
    body |= {"message_id": message_id, "by": who()}

    stored = ask(workspace, url, data, lambda at: at.send_event(body))
    if as_json:
        say_json({"message_id": stored})
    else:
        say(f"stored ({stored})")


def answer(
    customer: Customer,
    survey: Annotated[str, typer.Argument(help="The survey's id.")],
    score: Annotated[float | None, typer.Option(help="On the survey's scale, where it has one.")] = None,
    answers: Annotated[
        list[str] | None,
        typer.Option(
            "--answer", help="QUESTION=VALUE, once for each further question; the value as JSON, else as text."
        ),
    ] = None,
    comment: Annotated[str | None, typer.Option(help="What else was said.")] = None,
    message_id: Annotated[str | None, typer.Option(help="The same id again has no effect.")] = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Enters a customer's answer to a survey, given elsewhere than on its page: what asks it goes on."""
    body: JsonObject = {"survey": survey, "score": score, "comment": comment, "message_id": message_id, "by": who()}
    body["answers"] = named_values("--answer", answers)
    say_answer(ask(workspace, url, data, lambda at: at.answer(customer, body)), as_json=as_json)


def skip(
    customer: Customer,
    playbook: Playbook,
    key: Key = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Skips the step at which a customer stands in a playbook."""
    _order("skip", customer, playbook, key, workspace, url, data, as_json=as_json)


def pause(
    customer: OneOrAll,
    playbook: OfCustomer = None,
    key: Key = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Holds a customer's enrollment before its next outward step, or with one argument everybody in a playbook; timers run on."""
    if playbook is not None:
        _order("pause", customer, playbook, key, workspace, url, data, as_json=as_json)
        return

    _say_revision(
        ask(workspace, url, data, lambda at: at.pause(customer, who())),
        f"paused {customer} for everybody",
        as_json=as_json,
    )


def resume(
    customer: OneOrAll,
    playbook: OfCustomer = None,
    key: Key = None,
    skip_due: Annotated[
        bool,
        typer.Option("--skip/--hold", help="Of a whole playbook: skip what fell due meanwhile, or let it go on now."),
    ] = False,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Lets a paused enrollment go on, or with one argument a paused playbook for everybody."""
    if playbook is not None:
        _order("resume", customer, playbook, key, workspace, url, data, as_json=as_json)
        return

    _say_revision(
        ask(workspace, url, data, lambda at: at.resume(customer, who(), skip=skip_due)),
        f"resumed {customer} for everybody",
        as_json=as_json,
    )


def _say_revision(revision: Revision, what: str, *, as_json: bool) -> None:
    if as_json:
        say_json(revision)
    else:
        say(f"{what} (revision {revision.number})")


def end(
    customer: Customer,
    playbook: Playbook,
    key: Key = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Ends a customer's enrollment in a playbook."""
    _order("end", customer, playbook, key, workspace, url, data, as_json=as_json)


def _order(
    word: EnrollmentWord,
    customer: str,
    playbook: str,
    key: str | None,
    workspace: Path,
    url: str | None,
    data: Path | None,
    *,
    as_json: bool,
) -> None:
    say_answer(ask(workspace, url, data, lambda at: at.order(customer, word, playbook, who(), key)), as_json=as_json)


def say_answer(answer: OrderAnswer, *, as_json: bool) -> None:
    """What an order to a customer led to."""
    if as_json:
        say_json(answer)
        return
    for decision in answer.decisions:
        _say_line(put_in_words(decision, ZoneInfo("UTC")))
    if not answer.taken:
        say("stored for good; the customer's next turn takes it")


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _pairs(values: dict[str, str]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in sorted(values.items()))
