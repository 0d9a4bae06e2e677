"""`perennia doctor` on senders: what the DNS of each address in From says to those who receive our mail."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

from perennia.core.definitions import Policies
from perennia.domains.records import Checked
from perennia.domains.resolver import DnsResolver
from perennia.domains.senders import (
    MailServer,
    Route,
    check_one_click,
    check_return_path,
    check_sender,
    check_server,
)
from perennia.providers.addresses import InvalidAddress, Mailbox
from perennia.providers.failures import Misconfigured
from perennia.providers.return_paths import ReturnPaths
from perennia.providers.smtp import SCHEMES, SmtpSettings
from perennia.settings import Settings


async def check_senders(settings: Settings, policies: Policies | None, selectors: Sequence[str]) -> list[Checked]:
    """Of every domain that the policies' senders have. Nothing where no mail leaves for real."""
    if not settings.sends_for_real:
        return []
    try:
        route = _route(settings, selectors)
    except Misconfigured as error:
        return [Checked("senders", "fail", str(error), "docs/providers.md shows each provider's URL")]
    resolver = DnsResolver(settings.dns_server)
    domains = _domains(policies)
    checks = [check_sender(resolver, domain, route) for domain in domains]
    checks += [check_server(resolver, server) for server in route.servers]
    if settings.bounce_address is not None:
        checks.append(_check_bounces(settings, resolver, route, domains))
    found = [each for one in await asyncio.gather(*checks) for each in one]
    if not domains:
        found.append(
            Checked("senders", "warn", "the policies have no sender", "give them senders and a default_sender")
        )
    return [*found, check_one_click(settings.public_url)]


async def _check_bounces(
    settings: Settings, resolver: DnsResolver, route: Route, domains: Sequence[str]
) -> list[Checked]:
    address = settings.bounce_address or ""
    try:
        # Which key signs is nothing to DNS, and `perennia up` has one of its own.
        ReturnPaths(address, settings.link_keys or ("any",))
    except Misconfigured as error:
        message = f'the bounce address "{address}" {error}'
        return [Checked("bounces", "fail", message, "write for example bounces@mail.example.com")]
    domain = address.rpartition("@")[2].lower()
    return await check_return_path(resolver, domain, route, domains)


def _route(settings: Settings, selectors: Sequence[str]) -> Route:
    """What any message may leave through. Raises `Misconfigured`."""
    urls = [url.get_secret_value() for url in settings.email_providers.values()] or [settings.email_address() or ""]
    schemes = dict.fromkeys(urlsplit(url).scheme for url in urls)
    smtp = [SmtpSettings.from_url(url) for url in urls if urlsplit(url).scheme in SCHEMES]
    return Route(
        schemes=tuple(scheme for scheme in schemes if scheme not in SCHEMES),
        servers=tuple(MailServer(each.host, secured=each.security != "none") for each in smtp),
        keys=tuple(key for each in smtp for key in each.dkim),
        selectors=tuple(selectors),
    )


def _domains(policies: Policies | None) -> list[str]:
    domains: dict[str, None] = {}
    for sender in () if policies is None else policies.senders.values():
        try:
            domains[Mailbox(sender.email).domain] = None
        except InvalidAddress:
            continue  # `check` says so
    return list(domains)
