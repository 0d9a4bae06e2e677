"""`perennia keys ...`: API keys with scopes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from perennia.access.scopes import ALLOWS, KeyScope
from perennia.access_answers import Key, NewKey, create_key, revoke_key, rotate_key
from perennia.access_answers import keys as keys_of
from perennia.cli.options import HERE, AsJson, Data, Url, Workspace, who
from perennia.cli.reach import ask
from perennia.cli.speech import say, say_json, say_table

keys = typer.Typer(help="API keys: who may use the API, and for what.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(keys, name="keys")


KeyId = Annotated[str, typer.Argument(help="The key's id, as `perennia keys list` shows it.")]


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for; it stands in the audit log.")],
    scope: Annotated[
        list[KeyScope],
        typer.Option(help="What it may be used for; may be given several times. `perennia keys scopes`."),
    ],
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="After so many days it ends by itself.")] = None,
    rate: Annotated[int | None, typer.Option(min=1, max=1_000_000, help="At most so many requests a minute.")] = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Makes a key and shows its secret, which is kept nowhere."""
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    scopes = [each.value for each in scope]
    made = ask(workspace, url, data, lambda at: create_key(at, name, scopes, expires_at, rate, who()))
    _show_once(made, as_json=as_json)


@keys.command("list")
def list_(workspace: Workspace = HERE, as_json: AsJson = False, url: Url = None, data: Data = None) -> None:
    """Lists all keys with what each may do, when it was last used and when it ends; never a secret."""
    found = ask(workspace, url, data, keys_of)
    if as_json:
        say_json(found)
        return
    rows = [
        (
            each.id,
            each.name,
            f"{each.hint}…",
            " ".join(each.scopes),
            _day(each.last_used_at) or "never",
            _standing(each),
        )
        for each in found
    ]
    say_table(("ID", "NAME", "SECRET", "SCOPES", "LAST USED (UTC)", "STANDS"), rows)


@keys.command()
def rotate(
    key: KeyId,
    keep_hours: Annotated[
        int, typer.Option("--keep-hours", min=0, max=720, help="How long the former secret is good beside the new one.")
    ] = 24,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Gives a key a new secret and shows it; the former one is good for a day, so that whoever has it can go over."""
    made = ask(workspace, url, data, lambda at: rotate_key(at, key, keep_hours, who()))
    _show_once(made, as_json=as_json)


@keys.command()
def revoke(
    key: KeyId, workspace: Workspace = HERE, as_json: AsJson = False, url: Url = None, data: Data = None
) -> None:
    """Ends a key for good, at once."""
    revoked = ask(workspace, url, data, lambda at: revoke_key(at, key, who()))
    if as_json:
        say_json(revoked)
    else:
        say(f"{revoked.name} ({revoked.id}) is revoked")


@keys.command()
def scopes(as_json: AsJson = False) -> None:
    """Lists what a key may be used for."""
    if as_json:
        say_json({scope.value: words for scope, words in ALLOWS.items()})
    else:
        say_table(("SCOPE", "ALLOWS TO"), [(scope.value, words) for scope, words in ALLOWS.items()])


def _show_once(made: NewKey, *, as_json: bool) -> None:
    if as_json:
        say_json(made)
        return
    say(f"{made.key.name} ({made.key.id}) may {', '.join(made.key.scopes)}; {_standing(made.key)}")
    say("Its secret, which is shown this once:")
    say(made.secret)


def _standing(key: Key) -> str:
    if key.revoked_at is not None:
        return f"revoked {_day(key.revoked_at)}"
    if key.expires_at is None:
        return "good until it is revoked"
    word = "good until" if key.expires_at > datetime.now(UTC) else "expired"
    return f"{word} {_day(key.expires_at)}"


def _day(instant: datetime | None) -> str:
    return "" if instant is None else f"{instant:%Y-%m-%d %H:%M}"
