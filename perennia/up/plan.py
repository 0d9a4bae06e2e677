"""What `perennia up` starts: addresses, the environment of its children, and the parts in the order they are started."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from perennia.settings import Settings
from perennia.temporal import DevServer
from perennia.up.folder import LOOPBACK, DataFolder, Kept, Run
from perennia.up.probes import accepts, answers_http, says_so_in
from perennia.up.supervisor import Part


@dataclass(frozen=True)
class Plan:
    """``settings`` are complete: what was left open is filled in with what the installation keeps."""

    settings: Settings
    run: Run
    parts: tuple[Part, ...]


def make_plan(settings: Settings, folder: DataFolder, kept: Kept, workspace: Path) -> Plan:
    """Fills in what the settings leave open, and lists the parts that are ours to run."""
    own_inbox = not settings.sends_for_real
    temporal = os.environ.get("TEMPORAL_ADDRESS") or None
    listen = _listen(settings.http, kept.ports["api"])
    run = Run(
        api=_reachable(listen),
        inbox=f"http://{LOOPBACK}:{kept.ports['inbox']}" if own_inbox else None,
        smtp=f"smtp://{LOOPBACK}:{kept.ports['smtp']}" if own_inbox else None,
        temporal=temporal or f"{LOOPBACK}:{kept.ports['temporal']}",
        temporal_ui=None if temporal else f"http://{LOOPBACK}:{kept.ports['temporal_ui']}",
        write_key=settings.write_keys[0] if settings.write_keys else kept.write_key,
        admin_key=settings.admin_key.get_secret_value() if settings.admin_key else kept.admin_key,
        workspace=str(workspace.resolve()),
        data=str(folder.path),
        run_file=str(folder.run_file),
        time_scale=settings.time_scale,
        pid=os.getpid(),
    )
    environment = child_environment(settings, run, kept, listen)
    hears = settings.mailbox if settings.bounce_address else None
    return Plan(settings, run, tuple(_parts(folder, run, environment, kept.ports, hears)))


def _listen(http: str, free_port: int) -> str:
    host, _, port = http.rpartition(":")
    return f"{host}:{free_port}" if port == "0" else http


def _reachable(listen: str) -> str:
    host, _, port = listen.rpartition(":")
    return f"http://{LOOPBACK if host in ('0.0.0.0', '[::]') else host}:{port}"  # noqa: S104 - read, not bound


def child_environment(settings: Settings, run: Run, kept: Kept, listen: str) -> dict[str, str]:
    """Everything a child must be told. In the environment, not on its command line, which others can read."""
    email, smtp = settings.email_url, settings.smtp_url
    providers = {name: url.get_secret_value() for name, url in settings.email_providers.items()}
    return {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "TEMPORAL_ADDRESS": run.temporal,
        "PERENNIA_STORE_URL": settings.store_address(),
        "PERENNIA_EMAIL_PROVIDERS": json.dumps(providers),
        "PERENNIA_EMAIL_ROUTES": json.dumps(settings.email_routes),
        "PERENNIA_EMAIL_URL": email.get_secret_value() if email else "",
        "PERENNIA_SMTP_URL": smtp.get_secret_value() if smtp else run.smtp or "",
        "PERENNIA_HTTP": listen,
        "PERENNIA_PUBLIC_URL": settings.public_url or run.api,
        "PERENNIA_WRITE_KEYS": ",".join(settings.write_keys or (kept.write_key,)),
        "PERENNIA_ADMIN_KEY": run.admin_key,
        "PERENNIA_LINK_KEYS": ",".join(settings.link_keys or (kept.link_key,)),
        "PERENNIA_WEBHOOK_SECRETS": ",".join(settings.webhook_secrets or (kept.webhook_secret,)),
        "PERENNIA_TIME_SCALE": str(settings.time_scale),
        "PERENNIA_TIME_ORIGIN": settings.time_origin.isoformat(),
    }


def _parts(
    folder: DataFolder, run: Run, environment: Mapping[str, str], ports: Mapping[str, int], mailbox: str | None
) -> list[Part]:
    """``mailbox``: where the one of what comes back listens, None without one. The worker is the last."""
    parts: list[Part] = []
    if run.temporal_ui is not None:
        server = DevServer(folder.path / "temporal.sqlite", port=ports["temporal"], ui_port=ports["temporal_ui"])
        parts.append(Part("temporal", tuple(server.command()), environment, server.serves, timedelta(seconds=15)))
    if run.inbox is not None:
        addresses = ("--http", f"{LOOPBACK}:{ports['inbox']}", "--smtp", f"{LOOPBACK}:{ports['smtp']}")
        command = _ours("inbox", folder, run, *addresses)
        parts.append(Part("inbox", command, environment, accepts(LOOPBACK, ports["inbox"], ports["smtp"])))
    parts.append(Part("api", _ours("serve", folder, run), environment, answers_http(f"{run.api}/readyz")))
    if mailbox is not None:
        there = urlsplit(_reachable(mailbox))
        command = _ours("mailbox", folder, run, "--listen", mailbox)
        parts.append(Part("mailbox", command, environment, accepts(there.hostname or LOOPBACK, there.port or 0)))
    ready = folder.path / "ready" / "worker"
    command = _ours("worker", folder, run, "--ready-file", str(ready))
    parts.append(Part("worker", command, environment, says_so_in(ready), timedelta(seconds=20)))
    return parts


def _ours(name: str, folder: DataFolder, run: Run, *options: str) -> tuple[str, ...]:
    """``-P``: a folder of the workspace named like a package must not be imported in its place."""
    where = ("--workspace", run.workspace, "--data", str(folder.path))
    return (sys.executable, "-P", "-m", "perennia.cli", name, *where, *options)
