"""`perennia doctor`: what an installation needs, looked at from where the command runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

import msgspec
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from activities.contracts import EffectKind
from perennia.catalog import load_workspace
from perennia.cli.sender_checks import check_senders
from perennia.cli.speech import say
from perennia.cli.tracking_check import check_tracking
from perennia.installation import Installation, InstallationError
from perennia.opening import opened_store
from perennia.providers.crm import RECORD, CrmWriter, crm_provider
from perennia.providers.email import EmailProvider, email_provider
from perennia.providers.failures import ProviderFailure
from perennia.settings import Settings, SettingsError, load_settings
from perennia.store.port import StoreError
from perennia.temporal import CUSTOMER_QUEUE, TemporalError, connect, effect_queue
from perennia.up.folder import DataFolder, Run

POLLED_WITHIN: Final = timedelta(minutes=2)  # a poll lasts a minute; the server lists pollers for five
SKEW: Final = timedelta(seconds=2)
PATIENCE: Final = 10.0  # seconds for what is asked elsewhere


class Examination(msgspec.Struct, frozen=True):
    """One thing looked at. ``remedy`` is None where nothing is to be done."""

    name: str
    state: Literal["ok", "warn", "fail"]
    message: str
    remedy: str | None = None


async def examine(workspace: Path, data: Path | None, selectors: Sequence[str] = ()) -> list[Examination]:
    """Everything, in the order in which to repair it. ``selectors``: of DKIM keys that are not ours."""
    try:
        settings = load_settings(workspace, data)
    except SettingsError as error:
        return [Examination("settings", "fail", f"{error.source}: {error.message}", error.remedy)]
    run = DataFolder(settings.data).running()
    findings = [Examination("settings", "ok", f"data in {settings.data}"), _workspace(workspace)]
    findings.append(await _store(settings))
    findings += [finding async for finding in _temporal(run)]
    findings += [finding async for finding in _mail(settings, run)]
    findings += [finding async for finding in _crm(settings)]
    policies = load_workspace(workspace).policies
    findings += [
        Examination(each.about, each.state, each.message, each.remedy)
        for each in (
            *await check_senders(settings, policies, selectors),
            *await check_tracking(settings, policies),
        )
    ]
    findings.append(await _api(run))
    return findings


def say_examination(findings: list[Examination]) -> None:
    styles = {"ok": "green", "warn": "yellow", "fail": "red"}
    for finding in findings:
        remedy = f"; {finding.remedy}" if finding.remedy else ""
        say(f"{finding.state:5} {finding.name:10} {finding.message}{remedy}", styles[finding.state])


def _workspace(folder: Path) -> Examination:
    if not (folder / "playbooks").is_dir():
        remedy = "go to your workspace or name it with --workspace"
        return Examination("workspace", "warn", f"no playbooks/ in {folder.resolve()}", remedy)
    errors = load_workspace(folder).errors
    if errors:
        return Examination("workspace", "fail", f"{len(errors)} errors, the first: {errors[0]}", "see `perennia check`")
    return Examination("workspace", "ok", "no errors")


async def _store(settings: Settings) -> Examination:
    try:
        async with opened_store(settings) as store:
            revision = await store.current_revision()
    except SettingsError as error:
        return Examination("store", "fail", f"{error.source} {error.message}", error.remedy)
    except (StoreError, OSError) as error:
        return Examination("store", "fail", str(error), "run `perennia migrate`, or look at PERENNIA_STORE_URL")
    if revision is None:
        return Examination("store", "warn", "answers; nothing is published", "run `perennia publish`")
    return Examination(
        "store", "ok", f"answers; revision {revision.number} of {revision.published_at:%Y-%m-%d %H:%M} UTC"
    )


async def _temporal(run: Run | None) -> AsyncIterator[Examination]:
    address = run.temporal if run is not None and "TEMPORAL_ADDRESS" not in os.environ else None
    try:
        client = await connect(address)
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    except (TemporalError, RPCError) as error:
        yield Examination(
            "Temporal", "fail", str(error), "start it, or look at TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE"
        )
        return
    yield Examination(
        "Temporal", "ok", f"answers at {client.service_client.config.target_host}, namespace {client.namespace}"
    )
    polls: list[datetime] = []
    queues = {"turns": (CUSTOMER_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW)}
    for kind in EffectKind:
        queues[kind.value] = (effect_queue(CUSTOMER_QUEUE, kind), TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)
    for name, (queue, queue_type) in queues.items():
        newest = await _newest_poll(client, queue, queue_type)
        polls += [newest] if newest else []
        yield _worker(name, newest)
    if polls:
        yield _clock(max(polls))


async def _newest_poll(client: Client, queue: str, queue_type: TaskQueueType.ValueType) -> datetime | None:
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=queue_type
        )
    )
    return max((poller.last_access_time.ToDatetime(UTC) for poller in answer.pollers), default=None)


def _worker(name: str, newest: datetime | None) -> Examination:
    remedy = "start one with `perennia worker`"
    if newest is None:
        return Examination("worker", "fail", f"nobody works on {name}", remedy)
    ago = datetime.now(UTC) - newest
    if ago > POLLED_WITHIN:
        return Examination("worker", "fail", f"nobody has asked for {name} for {ago.total_seconds():.0f} s", remedy)
    return Examination("worker", "ok", f"somebody works on {name}")


def _clock(newest: datetime) -> Examination:
    """A poll that Temporal saw in our future means that the clocks differ at least so much."""
    ahead = newest - datetime.now(UTC)
    if ahead > SKEW:
        remedy = "let both machines keep time by NTP"
        return Examination("clock", "fail", f"Temporal's clock is {ahead.total_seconds():.1f} s ahead of ours", remedy)
    return Examination("clock", "ok", "Temporal's clock is not ahead of ours")


async def _mail(settings: Settings, run: Run | None) -> AsyncIterator[Examination]:
    """Asks each provider as the sender does: TLS, credentials. Sends nothing."""
    url = settings.email_address() or (run.smtp if run else None)
    providers = {f"mail {name}": given.get_secret_value() for name, given in settings.email_providers.items()}
    if not providers and url is None:
        remedy = "set PERENNIA_EMAIL_URL or PERENNIA_SMTP_URL; `perennia up` has an inbox of its own until then"
        yield Examination("mail", "warn", "no provider and no mail server is set", remedy)
    for name, given in (providers or {"mail": url or ""}).items():
        if given:
            yield await _provider(name, given)


async def _crm(settings: Settings) -> AsyncIterator[Examination]:
    """Asks the CRM as the worker does, where there is one. Writes nothing."""
    url = settings.crm_url.get_secret_value()
    if url != RECORD:
        yield await _asked("CRM", lambda: crm_provider(url, settings.crm_file), "docs/crm.md")


async def _provider(name: str, url: str) -> Examination:
    return await _asked(name, lambda: email_provider(url), "docs/providers.md")


async def _asked(name: str, made: Callable[[], EmailProvider | CrmWriter], page: str) -> Examination:
    try:
        provider = made()
        try:
            said = await asyncio.wait_for(provider.examine(), PATIENCE)
        finally:
            await provider.close()
    except TimeoutError:
        return Examination(name, "fail", f"no answer in {PATIENCE:.0f} s", "look at the provider's own status page")
    except ProviderFailure as error:
        return Examination(name, "fail", f"{type(error).__name__}: {error}", f"{page} shows each provider's URL")
    return Examination(name, "ok", said)


async def _api(run: Run | None) -> Examination:
    if run is None:
        remedy = "start one with `perennia up`, or ask the one elsewhere with --url"
        return Examination("API", "warn", "no installation runs on this data folder", remedy)
    try:
        async with Installation(run.api, run.admin_key) as installation:
            totals = await asyncio.wait_for(installation.totals(), PATIENCE)
    except (InstallationError, TimeoutError) as error:
        return Examination("API", "fail", str(error) or "no answer in time", f"look at {run.data}/logs/api.log")
    return Examination("API", "ok", f"answers at {run.api}; {totals.customers} customers, {totals.events} events")
