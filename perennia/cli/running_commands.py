"""Commands that run an installation or its parts, and those that repair one.

What they need is imported when they run: Temporal, the store and the web server take a second or two to load, which
`perennia check` need not wait for.
"""
# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated

import typer

from perennia.cli.exits import CommandError, Exit
from perennia.cli.options import HERE, AsJson, Data, Workspace
from perennia.cli.speech import note, say, say_json
from perennia.settings import Settings, load_settings
from perennia.up.folder import DataFolder, Run

ReadyFile = Annotated[Path | None, typer.Option(help="File that gets this process's id once it works.", dir_okay=False)]


def register(app: typer.Typer) -> None:
    for command in (up, demo, worker, serve, mailbox, inbox, migrate, rebuild, doctor):
        app.command()(command)


def up(workspace: Workspace = HERE, as_json: AsJson = False, data: Data = None) -> None:
    """Runs all of Perennia on this machine until Ctrl-C; its data stays in ./var."""
    from perennia.up.running import run_up

    settings = load_settings(workspace, data)
    asyncio.run(run_up(workspace, settings, note, lambda run: say_ready(run, as_json=as_json)))


def say_ready(run: Run, *, as_json: bool) -> None:
    """The one line of `up --json`, or the addresses for people."""
    if as_json:
        say_json(run)
        return
    say("Perennia is up. Ctrl-C stops it.", "bold green")
    say(f"  API          {run.api}   write key {run.write_key}")
    if run.inbox:
        say(f"  Inbox        {run.inbox}   every message lands here; set PERENNIA_EMAIL_URL to really send")
    if run.temporal_ui:
        say(f"  Temporal UI  {run.temporal_ui}")
    say(f"  Data         {run.data}   logs in {run.data}/logs, keys in {run.run_file}")


def demo(
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    days: Annotated[int, typer.Option(min=1, max=400, help="Days that pass.")] = 60,
    seconds: Annotated[int, typer.Option(min=5, max=3600, help="How long that takes.")] = 120,
    customers: Annotated[int, typer.Option(min=1, max=1000, help="People at the simulated company's customers.")] = 50,
    seed: Annotated[int, typer.Option(help="Another number, other people.")] = 7,
    leave: Annotated[bool, typer.Option("--exit", help="End when the days are over, instead of staying up.")] = False,
) -> None:
    """Shows a small company's customers living through sixty days in two minutes."""
    from perennia.demo.performance import Performance, perform
    from perennia.shipped import shipped_workspace

    stage = shipped_workspace() if workspace == HERE else workspace  # the company's events are those of the shipped one
    asyncio.run(perform(stage, Performance(days, seconds, customers, seed, leave, as_json)))


def worker(
    workspace: Workspace = HERE, as_json: AsJson = False, data: Data = None, ready_file: ReadyFile = None
) -> None:
    """Takes customers' turns and sends their messages, on any Temporal (TEMPORAL_*) and store, until told to stop."""
    from perennia.working import work

    settings = with_kept_keys(load_settings(workspace, data))
    _run_part(work(settings, lambda what: _say_part("worker", what, as_json=as_json), ready_file))


def serve(workspace: Workspace = HERE, as_json: AsJson = False, data: Data = None) -> None:
    """Serves the API and rings customers' bells, on any Temporal (TEMPORAL_*) and store, until told to stop."""
    from perennia.serving import serve as serve_api

    settings = with_kept_keys(load_settings(workspace, data))
    _run_part(serve_api(settings, lambda url: _say_part("api", url, as_json=as_json)))


def mailbox(
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    data: Data = None,
    listen: Annotated[
        str | None, typer.Option(help="Where your mail server hands mail to, host:port; default: PERENNIA_MAILBOX.")
    ] = None,
    lmtp: Annotated[bool, typer.Option("--lmtp", help="Speak LMTP instead of SMTP.")] = False,
    cert: Annotated[Path | None, typer.Option(help="Certificate chain (PEM) for STARTTLS.")] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key (PEM), if it is not in the same file.")] = None,
) -> None:
    """Hears what comes back as mail to PERENNIA_BOUNCE_ADDRESS: bounces, complaints. Runs beside `serve` until told to stop."""
    from perennia.ingest.mailbox import Listening
    from perennia.listening import listen as listen_for_mail
    from perennia.listening import tls_of

    settings = with_kept_keys(load_settings(workspace, data))
    where = Listening(_host_and_port(listen or settings.mailbox), lmtp, tls_of(cert, key))
    _run_part(listen_for_mail(settings, where, lambda url: _say_part("mailbox", url, as_json=as_json)))


def _host_and_port(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise CommandError(f"--listen {text} is no host:port", "write for example 127.0.0.1:2525", Exit.USAGE)
    return text


def inbox(
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    data: Data = None,
    http: Annotated[str, typer.Option(help="Where its page listens, host:port.")] = "127.0.0.1:8025",
    smtp: Annotated[str, typer.Option(help="Where it takes mail, host:port.")] = "127.0.0.1:1025",
) -> None:
    """Takes mail and shows it on a page, delivering nothing: for development."""
    from perennia.inbox import InboxUnavailable, run_inbox

    folder = load_settings(workspace, data).data / "inbox"
    try:
        _run_part(run_inbox(http, smtp, folder, lambda url: _say_part("inbox", url, as_json=as_json)))
    except InboxUnavailable as error:
        raise CommandError(str(error), None, Exit.REFUSED) from error


def migrate(workspace: Workspace = HERE, as_json: AsJson = False, data: Data = None) -> None:
    """Brings the store's schema up to this version. Safe to repeat, and by several at once."""
    from perennia.opening import opened_store

    async def bring() -> None:
        async with opened_store(settings) as store:
            await store.migrate()

    settings = load_settings(workspace, data)
    asyncio.run(bring())
    _say_done({"migrated": True}, "the store is up to date", as_json=as_json)


def rebuild(workspace: Workspace = HERE, as_json: AsJson = False, data: Data = None) -> None:
    """Brings every customer back after Temporal has lost its database: rings them all. Nothing is repeated by it."""
    from perennia.opening import opened_store

    async def ring() -> int:
        async with opened_store(settings) as store:
            return await store.ring_all()

    settings = load_settings(workspace, data)
    count = asyncio.run(ring())
    _say_done({"rung": count}, f"{count} customers are being rung by whoever serves", as_json=as_json)


def doctor(
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    data: Data = None,
    dkim_selector: Annotated[
        list[str] | None, typer.Option(help="A selector under which your provider signs, once each.", metavar="NAME")
    ] = None,
) -> None:
    """Examines settings, store, Temporal, workers, mail, senders' DNS, clocks and workspace. Exit code 1: something is wrong."""
    from perennia.cli.doctor import examine, say_examination

    findings = asyncio.run(examine(workspace, data, dkim_selector or ()))
    if as_json:
        say_json(findings)
    else:
        say_examination(findings)
    raise typer.Exit(Exit.FINDINGS if any(finding.state == "fail" for finding in findings) else Exit.OK)


def with_kept_keys(settings: Settings) -> Settings:
    """A part that is run alone beside its data folder uses the keys that `perennia up` keeps there."""
    kept = DataFolder(settings.data).kept()
    if kept is None:
        return settings
    return settings.completed(kept.write_key, kept.admin_key, kept.link_key, kept.webhook_secret)


def _run_part(part: Coroutine[object, object, None]) -> None:
    """Runs it to its end, and ends the process at once: after a clean drain, Temporal's SDK may crash at exit."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("httpx", "aiosmtpd", "mail.log", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    asyncio.run(part)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(Exit.OK)


def _say_part(name: str, what: str, *, as_json: bool) -> None:
    _say_done({"part": name, "ready": what, "pid": os.getpid()}, f"{name}: {what}", as_json=as_json)


def _say_done(document: dict[str, object], line: str, *, as_json: bool) -> None:
    if as_json:
        say_json(document)
    else:
        say(line)
        sys.stdout.flush()
