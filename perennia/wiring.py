"""The composition root: settings in, running parts out, by plain constructor calls. Nothing else reads settings."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from ipaddress import ip_network
from typing import Final, NamedTuple, Protocol

from fastapi import FastAPI
from temporalio.client import Client
from temporalio.worker import Worker

from activities.broadcast_watch import BroadcastWatch
from activities.broadcasts import StoreBroadcasting
from activities.crm_sync import StoreCrmSyncing
from activities.deliveries import StoreCrm, StoreNotices, StoreWebhooks
from activities.desk import TaskDesk
from activities.herald import Herald
from activities.messages import StoreMessages
from activities.pulling import StorePulling
from activities.reaching import StoreReaching
from activities.reputation import ReputationWatch
from activities.retention import Retention
from activities.trying_out import TestLetters
from activities.turns import StoreTurns
from perennia.api.app import create_app
from perennia.catalog.one_document import FileWrong
from perennia.clock import WallClock
from perennia.core.retention import parse_retention
from perennia.crm.reading import read_field_map
from perennia.crm.syncing import CrmSync
from perennia.importing.pull_files import read_pulls
from perennia.importing.pulling import Puller
from perennia.ingest.dispatcher import Dispatcher, Pace
from perennia.ingest.event_hooks import EventHook
from perennia.ingest.hook_mappings import read_hooks_file
from perennia.providers.crm import CrmProvider, RecordingCrm, crm_provider
from perennia.providers.email import EmailProvider, email_provider
from perennia.providers.failures import Misconfigured
from perennia.providers.guarded_http import Allowed, GuardedHttp
from perennia.providers.notices import Channels, Means, channel_provider
from perennia.providers.reports import ReportReader, report_reader
from perennia.providers.return_paths import ReturnPaths
from perennia.providers.routes import EmailRoutes
from perennia.providers.signed_calls import must_be_secrets
from perennia.providers.standard_webhooks import Signer
from perennia.providers.warm_up import WarmUp, warm_up_in
from perennia.providers.webhooks import SignedWebhooks
from perennia.rendering.links import Links
from perennia.settings import Settings, SettingsError
from perennia.store.port import Store
from perennia.temporal import connect
from perennia.temporal.crm_schedule import CrmPlan, CrmSchedule
from perennia.temporal.pull_schedules import PullSchedules
from perennia.temporal.workers import customer_worker, message_worker, pull_worker, system_workers

log = logging.getLogger(__name__)

WILDCARDS: Final = ("0.0.0.0", "[::]", "::")  # noqa: S104 - recognised, not bound


def build_clock(settings: Settings) -> WallClock:
    return WallClock(settings.time_scale, settings.time_origin)


def build_links(settings: Settings, public_url: str | None = None) -> Links:
    """``public_url``: where the API of this very process listens, for settings that name no address."""
    address = settings.public_url or reachable_url(public_url or f"http://{settings.http}")
    if address is None:
        raise missing("public_url", "set it to the address under which recipients reach the API")
    if not settings.link_keys:
        raise missing("link_keys", "set it to a long random secret, the same for `serve` and every worker")
    return Links(address, settings.link_keys, settings.tracking_url)


class Watch(Protocol):
    """Looks at something again and again, in every process that works."""

    async def run(self) -> None:
        """Until it is cancelled."""
        ...


class Staff(NamedTuple):
    """What works in one process: every worker of an installation, and what looks on."""

    workers: list[Worker]
    watches: tuple[Watch, ...]


def build_staff(settings: Settings, store: Store, client: Client, dispatcher: Dispatcher) -> Staff:
    """Raises `SettingsError`."""
    clock = build_clock(settings)
    routes = build_routes(settings)
    links = build_links(settings)
    messages = StoreMessages(store, routes, links, clock, build_return_paths(settings))
    turns = StoreTurns(store, clock, ring=dispatcher.nudge, lane=routes.lane)
    reaching = StoreReaching(store, clock, dispatcher.nudge)
    broadcasting = StoreBroadcasting(store, clock, dispatcher.nudge)
    lanes = {lane: leader.provider.capabilities for lane, leader in routes.lanes().items()}
    with misconfigured("webhook_secrets"):
        means = Means(build_http(settings), Signer(settings.webhook_secrets), routes.lanes()[""].provider)
    channels = build_channels(settings, means)
    crm = build_crm(settings)
    sync = build_crm_sync(settings, store, crm, dispatcher.nudge)
    puller = build_puller(settings, store, dispatcher.nudge)
    workers = [
        customer_worker(client, turns, reaching, broadcasting),
        *([pull_worker(client, StorePulling(puller))] if puller.pulls else ()),
        *(
            message_worker(client, messages, lane=lane, at_once=can.at_once, per_second=can.per_second)
            for lane, can in lanes.items()
        ),
        *system_workers(
            client,
            StoreCrm(store, clock, crm),
            StoreWebhooks(store, clock, SignedWebhooks(means.http, means.signer)),
            StoreNotices(store, clock, channels),
            None if sync is None else StoreCrmSyncing(sync),
        ),
    ]
    watches = (
        ReputationWatch(store, channels, clock),
        BroadcastWatch(store, channels, clock),
        build_retention(settings, store),
        Herald(store, means.http, channels, clock),
        CrmSchedule(client, store, None if sync is None else CrmPlan(sync.provider.name, sync.map.interval)),
        PullSchedules(client, {name: pull.interval for name, pull in puller.pulls.items()}),
        TaskDesk(store, channels, means.email, links, clock),
    )
    return Staff(workers, watches)


def build_retention(settings: Settings, store: Store) -> Retention:
    """What deletes what is too old."""
    return Retention(store, build_clock(settings), parse_retention(settings.retention))


def build_crm(settings: Settings) -> CrmProvider | RecordingCrm:
    """The CRM. Raises `SettingsError`."""
    with misconfigured("crm_url", "docs/crm.md"):
        return crm_provider(settings.crm_url.get_secret_value(), settings.crm_file)


def build_crm_sync(
    settings: Settings, store: Store, crm: CrmProvider | RecordingCrm, ring: Callable[[Sequence[str]], None]
) -> CrmSync | None:
    """What keeps the CRM equal; None where nothing is to be. Raises `SettingsError`."""
    try:
        map_ = read_field_map(settings.crm_file)
    except FileWrong as error:
        raise SettingsError("PERENNIA_CRM_FILE", str(error), "docs/crm.md shows what it may say") from error
    if isinstance(crm, RecordingCrm) or not map_.syncs:
        return None
    return CrmSync(store, crm, map_, build_clock(settings), ring)


def build_puller(settings: Settings, store: Store, ring: Callable[[Sequence[str]], None]) -> Puller:
    """What reads databases. Raises `SettingsError`."""
    try:
        pulls = read_pulls(settings.pulls_file)
    except FileWrong as error:
        raise SettingsError("PERENNIA_PULLS_FILE", str(error), "docs/imports.md shows what it may say") from error
    return Puller(store, build_clock(settings), pulls, os.environ, ring)


def build_channels(settings: Settings, means: Means) -> Channels:
    """The team's channels. Raises `SettingsError`."""
    with misconfigured("channels"):
        urls = {name: url.get_secret_value() for name, url in settings.channels.items()}
        return Channels({name: channel_provider(url, means) for name, url in urls.items()})


def build_routes(settings: Settings) -> EmailRoutes:
    """What each message leaves through. Raises `SettingsError`."""
    if not settings.email_providers:
        return EmailRoutes.through(build_email(settings))
    with misconfigured("email_providers", "docs/providers.md"):
        providers = {name: email_provider(url.get_secret_value()) for name, url in settings.email_providers.items()}
    with misconfigured("email_routes", "docs/providers.md"):
        return EmailRoutes(providers, {route: names.split() for route, names in settings.email_routes.items()})


def build_email(settings: Settings) -> EmailProvider:
    """What messages leave through. Raises `SettingsError`."""
    url = settings.email_address()
    if url is None:
        raise missing(
            "email_url", "set it to your provider, or smtp_url to your mail server; docs/providers.md shows how"
        )
    with misconfigured("email_url" if settings.email_url is not None else "smtp_url", "docs/providers.md"):
        return email_provider(url)


def build_warm_ups(settings: Settings) -> dict[str, WarmUp]:
    """The providers that are warming up, by name. Reads no file that a URL names: those are the workers'.

    Raises `SettingsError`.
    """
    urls = {name: url.get_secret_value() for name, url in settings.email_providers.items()}
    lone = settings.email_address()
    if not urls and lone is not None:
        urls = {lone.partition(":")[0].partition("+")[0].replace("smtps", "smtp"): lone}
    with misconfigured("email_url" if lone is not None else "email_providers", "docs/providers.md"):
        found = {name: warm_up_in(url) for name, url in urls.items()}
    return {name: warm_up for name, warm_up in found.items() if warm_up is not None}


def build_http(settings: Settings) -> GuardedHttp:
    """What asks addresses that playbooks and settings name."""
    networks = tuple(ip_network(each) for each in settings.outbound_networks)
    return GuardedHttp(Allowed(networks, http=settings.outbound_http))


def build_app(settings: Settings, store: Store, dispatcher: Dispatcher, url: str) -> FastAPI:
    """The API of one process that listens at ``url``."""
    if settings.admin_key is None:
        raise missing("admin_key", "set it to a long random secret; `perennia up` makes one by itself")
    clock, links = build_clock(settings), build_links(settings, url)
    return create_app(
        store=store,
        bells=dispatcher,
        clock=clock,
        links=links,
        trying=TestLetters(store, lambda: build_routes(settings), links, clock),
        write_keys=settings.write_keys,
        admin_key=settings.admin_key.get_secret_value(),
        publishes=dispatcher.publishes,
        going=dispatcher.broadcasts,
        readers=build_readers(settings),
        api_rate=settings.api_rate,
        address=settings.public_url or url,
        crm_secret=settings.crm_hook_secret.get_secret_value() if settings.crm_hook_secret else None,
        survey_hooks={source: secret.get_secret_value() for source, secret in settings.survey_hooks.items()},
        event_hooks=build_event_hooks(settings),
        maxima={name: each.maximum for name, each in build_warm_ups(settings).items()},
    )


def build_readers(settings: Settings) -> dict[str, ReportReader]:
    """Who reads what providers tell of messages, by provider. Raises `SettingsError`."""
    try:
        return {
            provider: report_reader(provider, secret.get_secret_value()) for provider, secret in settings.hooks.items()
        }
    except Misconfigured as error:
        raise SettingsError("PERENNIA_HOOKS", str(error), "docs/providers.md shows each provider's") from error


def build_event_hooks(settings: Settings) -> dict[str, EventHook]:
    """What other systems tell of events, by source. Raises `SettingsError`."""
    try:
        mappings = read_hooks_file(settings.hooks_file)
    except FileWrong as error:
        raise SettingsError(str(settings.hooks_file), str(error), "docs/webhooks.md shows one") from error
    unknown = sorted(set(settings.event_hooks) - set(mappings))
    if unknown:
        message = f"{settings.hooks_file} says nothing of {unknown[0]!r}"
        raise SettingsError("PERENNIA_EVENT_HOOKS", message, "say there what its calls mean: docs/webhooks.md")
    found = {
        source: EventHook(mappings[source], secret.get_secret_value())
        for source, secret in settings.event_hooks.items()
    }
    with misconfigured("event_hooks", "docs/webhooks.md"):
        for hook in found.values():
            must_be_secrets(hook.mapping.hmac, hook.secret)
    return found


def build_return_paths(settings: Settings) -> ReturnPaths | None:
    """Where undeliverable mail comes back to; None: to its sender. Raises `SettingsError`."""
    if settings.bounce_address is None:
        return None
    with misconfigured("bounce_address", "docs/providers.md"):
        return ReturnPaths(settings.bounce_address, settings.link_keys)


@asynccontextmanager
async def running_dispatcher(
    settings: Settings, store: Store, client: Client, *, sweeping: bool
) -> AsyncGenerator[Dispatcher]:
    """Rings bells while the block runs. One process of an installation sweeps for leftovers; others ring what they set."""
    pace = Pace(publish_rate=settings.publish_rate)
    if not sweeping:
        pace = replace(pace, sweep_every=None)
    dispatcher = Dispatcher(store, client, build_clock(settings), pace=pace)
    ringing = asyncio.create_task(dispatcher.run(), name="dispatcher")
    ringing.add_done_callback(_log_failure)
    try:
        yield dispatcher
    finally:
        await dispatcher.stop()
        await asyncio.gather(ringing, return_exceptions=True)


def _log_failure(ringing: asyncio.Task[None]) -> None:
    """A dispatcher that fails is a bug. The process must not live on deaf: it ends, and is started again."""
    if not ringing.cancelled() and (error := ringing.exception()):
        log.critical("the dispatcher failed", exc_info=error)
        os.kill(os.getpid(), signal.SIGTERM)


async def connect_temporal(*, lazy: bool = False) -> Client:
    """Temporal as ``TEMPORAL_*`` names it."""
    return await connect(lazy=lazy)


def missing(setting: str, remedy: str) -> SettingsError:
    """The error for a setting that this command cannot do without."""
    return SettingsError(f"PERENNIA_{setting.upper()}", "is not set", remedy)


@contextmanager
def misconfigured(setting: str, page: str = "docs/telling-others.md") -> Generator[None]:
    """What a provider says of its URL or secret, as an error of the setting."""
    try:
        yield
    except Misconfigured as error:
        raise SettingsError(f"PERENNIA_{setting.upper()}", str(error), f"{page} shows how") from error


def reachable_url(listening: str) -> str | None:
    """The address itself where others can use it; None for a wildcard or a port that is not known yet."""
    host, _, port = listening.removeprefix("http://").rpartition(":")
    return None if port == "0" or host in WILDCARDS else listening
