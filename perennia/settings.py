"""The settings of one installation: ``perennia.toml`` in the workspace, ``PERENNIA_*`` in the environment (which wins).

Temporal's own (``TEMPORAL_ADDRESS``, ``TEMPORAL_NAMESPACE``, ``TEMPORAL_TLS`` ...) are read by its SDK's client
configuration and are no concern of this module.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Final, cast

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from perennia.core.retention import parse_retention

SETTINGS_FILE: Final = "perennia.toml"
PREFIX: Final = "PERENNIA_"
SMTP_SCHEMES: Final = ("smtp://", "smtp+starttls://", "smtps://")
# `PERENNIA_*` variables that are no settings: which installation the commands talk to, and what a bug may print.
OTHER_VARIABLES: Final = frozenset({"PERENNIA_URL", "PERENNIA_DEBUG", "PERENNIA_WORKSPACE"})


class SettingsError(Exception):
    """A setting that cannot be used. Says which, where it came from and what to do; not worth a retry."""

    def __init__(self, source: str, message: str, remedy: str) -> None:
        super().__init__(f"{source}: {message}; {remedy}")
        self.source = source
        self.message = message
        self.remedy = remedy


def _split(value: object) -> object:
    """A list from comma text, as environment variables carry it."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _address(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        message = "is no host:port; write for example 127.0.0.1:8080 (port 0: any free one)"
        raise ValueError(message)
    return value


def _name_server(value: str | None) -> str | None:
    if value is None:
        return None
    host = _address(value).rpartition(":")[0].strip("[]")
    try:
        ip_address(host)
    except ValueError as error:
        message = "is no IP address and port; write for example 9.9.9.9:53"
        raise ValueError(message) from error
    return value


def _smtp_url(value: str | None) -> str | None:
    if value is not None and not value.startswith(SMTP_SCHEMES):
        message = f"must begin with {', '.join(SMTP_SCHEMES)}; write for example smtp+starttls://user:password@host:587"
        raise ValueError(message)
    return value


def _networks(value: tuple[str, ...]) -> tuple[str, ...]:
    for each in value:
        try:
            ip_network(each)
        except ValueError as error:
            message = f"{each} is no network ({error}); write for example 10.1.0.0/16 or fd12::/48"
            raise ValueError(message) from error
    return value


def _periods(value: dict[str, str]) -> dict[str, str]:
    parse_retention(value)
    return value


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        message = "has no time zone; end it with Z or an offset, for example 2026-03-02T10:00:00Z"
        raise ValueError(message)
    return value.astimezone(UTC)


def _web_url(value: str | None) -> str | None:
    if value is not None and not re.match(r"https?://[^/]+", value):
        message = "is no web address; write for example https://lifecycle.example.com"
        raise ValueError(message)
    return value.rstrip("/") if value is not None else None


Keys = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    """Everything an installation can be told. Each field is ``PERENNIA_NAME`` in the environment, ``name`` in the file."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    data: Path = Field(
        default=Path("var"),
        description="Folder of what an installation keeps: the store, Temporal's file, the inbox, logs, keys. "
        "Relative to the workspace.",
    )
    store_url: SecretStr | None = Field(
        default=None,
        description="Where everything is remembered: sqlite:///FILE or postgresql://user:password@host/name. "
        "Without it, store.sqlite in the data folder.",
    )
    smtp_url: Annotated[SecretStr | None, BeforeValidator(_smtp_url)] = Field(
        default=None,
        description="The mail server that messages leave through: smtp://, smtp+starttls:// or smtps://, "
        "with user:password@ where it wants them.",
    )
    crm_url: SecretStr = Field(
        default=SecretStr("record:"),
        description="The CRM that `crm` steps write to, and that customers are kept equal with: hubspot:TOKEN, "
        "salesforce:CLIENT_ID:CLIENT_SECRET@DOMAIN, rest:KEY (docs/crm.md). "
        "record: writes nowhere, and keeps what was to be written.",
    )
    crm_file: Path = Field(
        default=Path("crm.yaml"),
        description="Which traits are which fields of the CRM, and whose word counts (docs/crm.md). Relative to the workspace.",
    )
    pulls_file: Path = Field(
        default=Path("pulls.yaml"),
        description="Which databases are asked for what, and how often (docs/imports.md). Relative to the workspace.",
    )
    crm_hook_secret: SecretStr | None = Field(
        default=None,
        description="The client secret of your HubSpot app, with which HubSpot signs what it tells of records (POST "
        "/hooks/crm/hubspot): docs/crm.md.",
    )
    channels: dict[str, SecretStr] = Field(
        default_factory=dict[str, SecretStr],
        description="Where each channel of `notify` steps leads, by name (a table in the file, JSON in the environment): "
        "slack:https://..., teams:https://..., webhook:https://... or mailto:ADDRESS. record: posts nowhere, and keeps what was "
        "to be posted; without any channel all of them do so.",
    )
    email_url: SecretStr | None = Field(
        default=None,
        description="The provider that messages leave through, in place of a mail server of your own: "
        "resend:KEY, postmark:TOKEN, ses:KEY_ID:SECRET@REGION, sendgrid:KEY, mailgun:KEY@DOMAIN (docs/providers.md).",
    )
    webhook_secrets: Keys = Field(
        default=(),
        description="Secrets that sign the requests of `webhook` steps: whsec_ and base64 of 24 to 64 bytes. All sign, so that "
        "receivers can go over to a new one. Without any, `perennia up` makes one and keeps it.",
    )
    outbound_networks: Annotated[Keys, AfterValidator(_networks)] = Field(
        default=(),
        description="Networks of your own that webhooks and channels may reach, like 10.1.0.0/16 (comma text, or a list in the "
        "file). Whatever is not public is refused otherwise.",
    )
    outbound_http: bool = Field(
        default=False,
        description="true: webhooks and channels may also use plain http.",
    )
    email_providers: dict[str, SecretStr] = Field(
        default_factory=dict[str, SecretStr],
        description="Several email providers by name, each as in email_url, which they replace (a table in the file, JSON in "
        "the environment).",
    )
    email_routes: dict[str, str] = Field(
        default_factory=dict[str, str],
        description='Which of them a message leaves through: from "sender:NAME", "topic:NAME" or "*" to names with blanks '
        "between them, the next where the one before is away (a table in the file, JSON in the environment).",
    )
    survey_hooks: dict[str, SecretStr] = Field(
        default_factory=dict[str, SecretStr],
        description="With what each system signs the answers to surveys that it tells of (POST /hooks/surveys/SOURCE), by "
        "source: typeform, formbricks, delighted, or a name of your own (a table in the file, JSON in the environment).",
    )
    event_hooks: dict[str, SecretStr] = Field(
        default_factory=dict[str, SecretStr],
        description="With what each system signs the events that it tells of (POST /hooks/events/SOURCE), by source "
        "(a table in the file, JSON in the environment); hooks_file says what they mean.",
    )
    hooks_file: Path = Field(
        default=Path("hooks.yaml"),
        description="What the webhooks of other systems mean, relative to the workspace: docs/webhooks.md.",
    )
    hooks: dict[str, SecretStr] = Field(
        default_factory=dict[str, SecretStr],
        description="With what each email provider signs what it tells of messages (POST /hooks/PROVIDER), by provider "
        "(a table in the file, JSON in the environment). docs/providers.md says where to find it.",
    )
    bounce_address: str | None = Field(
        default=None,
        description="Where mail that a mail server of your own cannot deliver comes back to, like bounces@mail.example.com: each "
        "message names an address of its own, bounces+...@mail.example.com, and `perennia mailbox` hears what comes there "
        "(docs/providers.md). The part before the @ has at most 14 characters.",
    )
    mailbox: Annotated[str, AfterValidator(_address)] = Field(
        default="127.0.0.1:2525",
        description="Where `perennia mailbox` takes what comes back, host:port: your mail server hands it on to there. "
        "`perennia up` runs one where there is a bounce_address.",
    )
    dns_server: Annotated[str | None, AfterValidator(_name_server)] = Field(
        default=None,
        description="The name server, host:port, that `perennia doctor` asks for the records of senders' domains. Without it, "
        "those of the machine: name a public one where yours answer differently inside.",
    )
    http: Annotated[str, AfterValidator(_address)] = Field(
        default="127.0.0.1:0",
        description="Address the API listens on, host:port. Port 0 is any free one, and the same again after a restart.",
    )
    public_url: Annotated[str | None, AfterValidator(_web_url)] = Field(
        default=None,
        description="The address under which recipients reach the API: the base of links in messages. "
        "Without it, the address the API listens on.",
    )
    tracking_url: Annotated[str | None, AfterValidator(_web_url)] = Field(
        default=None,
        description="A name of your own that leads to the API as public_url does, like https://links.example.com: the base of "
        "links and pictures that tell of clicks and opens, where policies ask for that. Without it, public_url.",
    )
    write_keys: Keys = Field(
        default=(),
        description="Keys with which events may be sent in (comma text, or a list in the file). "
        "Without any, `perennia up` makes one and keeps it.",
    )
    admin_key: SecretStr | None = Field(
        default=None,
        description="Key of the commands, which may do everything. Without it, `perennia up` makes one and keeps it. Whoever "
        "else reads or steers gets an API key with scopes: `perennia keys create`.",
    )
    api_rate: int = Field(
        default=1_200,
        ge=1,
        le=1_000_000,
        description="How many requests a minute each API key may make of each process that serves, where it names no rate of "
        "its own. The admin key has no limit.",
    )
    link_keys: Keys = Field(
        default=(),
        description="Secrets that sign links in messages. The first signs, all are accepted: put a new one in front. "
        "Without any, `perennia up` makes one and keeps it.",
    )
    retention: Annotated[dict[str, str], AfterValidator(_periods)] = Field(
        default_factory=dict[str, str],
        description="For how long what happened is kept, by what it is: events, decisions, messages, deliveries, tasks, reports, "
        'answers, strangers, unclaimed, audit, outbound; like events = "400d" (a table in the file, JSON in the environment). '
        "What is not named is kept for good, but `outbound` for 30 days (docs/privacy.md).",
    )
    publish_rate: int = Field(
        default=100,
        ge=1,
        le=100_000,
        description="How many customers a second a publish that concerns many brings to its revision; "
        "`perennia publishing rate` changes it for one that is under way.",
    )
    time_scale: float = Field(
        default=1.0,
        gt=0,
        le=1_000_000,
        description="How many times as fast as real the engine's time passes. For demonstrations only.",
    )
    time_origin: Annotated[datetime, AfterValidator(_aware)] = Field(
        default=datetime(1970, 1, 1, tzinfo=UTC),
        description="The instant at which the engine's time and real time agreed, where time_scale is not 1.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before what is given (which is what the file says)."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings

    @property
    def sends_for_real(self) -> bool:
        """Whether mail leaves for anywhere but an inbox of our own."""
        return bool(self.email_providers) or self.email_address() is not None

    def email_address(self) -> str | None:
        """The URL of what messages leave through; None where nothing is set."""
        url = self.email_url or self.smtp_url
        return url.get_secret_value() if url is not None else None

    def store_address(self) -> str:
        """The store's URL, with the default filled in."""
        if self.store_url is not None:
            return self.store_url.get_secret_value()
        return f"sqlite:///{self.data / 'store.sqlite'}"

    def completed(self, write_key: str, admin_key: str, link_key: str, webhook_secret: str) -> Settings:
        """The same, with these keys where none were given."""
        return self.model_copy(
            update={
                "write_keys": self.write_keys or (write_key,),
                "admin_key": self.admin_key or SecretStr(admin_key),
                "link_keys": self.link_keys or (link_key,),
                "webhook_secrets": self.webhook_secrets or ((webhook_secret,) if webhook_secret else ()),
            }
        )


def load_settings(workspace: Path, data: Path | None = None) -> Settings:
    """The settings of this workspace; ``data`` (the ``--data`` option) wins over both sources. Raises `SettingsError`."""
    path = workspace / SETTINGS_FILE
    told = _read_file(path)
    _refuse_misspelt_variables()
    try:
        settings = Settings(**told)  # pyright: ignore[reportArgumentType] -- the file's values; pydantic says what is wrong
    except ValidationError as error:
        raise _explained(error.errors()[0], path) from None
    folder = Path.cwd() / data if data is not None else workspace.resolve() / settings.data
    here = workspace.resolve()
    files = {name: here / getattr(settings, name) for name in ("crm_file", "hooks_file", "pulls_file")}
    return settings.model_copy(update={"data": folder, **files})


def _read_file(path: Path) -> dict[str, object]:
    if not path.is_file():
        return {}
    try:
        told = cast("dict[str, object]", tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(str(path), f"no valid TOML: {error}", "correct that line") from error
    _refuse_unknown_keys(told, path)
    return told


def _refuse_unknown_keys(told: dict[str, object], path: Path) -> None:
    """A misspelt setting would otherwise be silently the default."""
    for name in told:
        if name not in Settings.model_fields:
            near = difflib.get_close_matches(name.lower(), Settings.model_fields, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"settings are {', '.join(Settings.model_fields)}"
            raise SettingsError(str(path), f"no setting {name}", remedy)


def _refuse_misspelt_variables() -> None:
    """Only what is all but a setting: other programs may have variables of this prefix too."""
    settings = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for name in os.environ:
        if name.startswith(PREFIX) and name not in settings and name not in OTHER_VARIABLES:
            near = difflib.get_close_matches(name, settings, n=1, cutoff=0.9)
            if near:
                raise SettingsError("environment", f"no setting {name}", f"did you mean {near[0]}?")


def _explained(error: ErrorDetails, path: Path) -> SettingsError:
    name = str(error["loc"][0])
    variable = f"{PREFIX}{name.upper()}"
    in_environment = bool(os.environ.get(variable))
    source = f"environment: {variable}" if in_environment else f"{path}: {name}"
    message, _, remedy = error["msg"].removeprefix("Value error, ").partition("; ")
    return SettingsError(source, message, remedy or f"it is: {Settings.model_fields[name].description}")
