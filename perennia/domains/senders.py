"""What Gmail and Yahoo ask of whoever sends in bulk, looked at for one domain that messages come from.

https://support.google.com/a/answer/81126 and https://senders.yahooinc.com/best-practices/ (read November 2026): SPF and DKIM,
DMARC with at least p=none, From aligned with one of them, one-click unsubscription, TLS, and servers whose address has a name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from perennia.domains.dkim import check_dkim
from perennia.domains.dmarc import Alignment, check_dmarc
from perennia.domains.records import Checked
from perennia.domains.resolver import DnsFailed, Resolver
from perennia.domains.spf import check_spf
from perennia.providers.dkim import DkimKey, keys_for
from perennia.providers.public_addresses import is_public

# Mailbox providers whose own DMARC record has mail refused that they did not send: nobody else may use them in From.
FREE_MAIL = frozenset(
    {"gmail.com", "googlemail.com", "yahoo.com", "ymail.com", "aol.com", "outlook.com", "hotmail.com", "live.com"}
    | {"icloud.com", "me.com", "gmx.de", "gmx.net", "web.de", "mail.ru", "proton.me", "protonmail.com"}
)
# What sends for each provider, as its own pages have it (November 2026), and the selectors that it always uses.
SOURCES = {
    "resend": ("include:amazonses.com",),
    "ses": ("include:amazonses.com",),
    "postmark": ("include:spf.mtasv.net",),
    "sendgrid": ("include:sendgrid.net",),
    "mailgun": ("include:mailgun.org",),
}
SELECTORS = {"resend": ("resend",), "sendgrid": ("s1", "s2")}


@dataclass(frozen=True)
class MailServer:
    """An SMTP server that messages leave through. ``secured``: over TLS."""

    host: str
    secured: bool


@dataclass(frozen=True)
class Route:
    """What messages of a domain leave through: schemes of the providers, servers of our own, keys that sign there.

    ``selectors``: of keys that are not ours, where somebody has named them.
    """

    schemes: tuple[str, ...] = ()
    servers: tuple[MailServer, ...] = ()
    keys: tuple[DkimKey, ...] = ()
    selectors: tuple[str, ...] = ()

    @property
    def sources(self) -> list[str]:
        """As SPF terms."""
        own = [f"a:{server.host}" for server in self.servers]
        return [*own, *dict.fromkeys(term for scheme in self.schemes for term in SOURCES.get(scheme, ()))]


async def check_sender(resolver: Resolver, domain: str, route: Route) -> list[Checked]:
    """Everything about the domain of a From address, in the order in which to repair it."""
    if domain in FREE_MAIL:
        message = f"nobody but its owner may send from {domain}: receivers refuse it"
        return [Checked("From", "fail", message, "send from a domain of your own")]
    spf, keys, (dmarc, alignment), mailbox = await asyncio.gather(
        _or_unknown("SPF", check_spf(resolver, domain, route.sources)),
        _check_keys(resolver, domain, route),
        _check_dmarc(resolver, domain),
        _or_unknown("MX", _check_mailbox(resolver, domain)),
    )
    return [spf, *keys, dmarc, *_misaligned(domain, route, alignment), mailbox]


async def check_return_path(resolver: Resolver, domain: str, route: Route, senders: Sequence[str]) -> list[Checked]:
    """The domain that undeliverable mail comes back to: receivers look at its SPF, and it must take mail.

    ``senders``: the domains in From. DMARC counts SPF only where the two belong together (RFC 7489, 3.1.2).
    """
    if not route.servers:
        message = "no message has the bounce address: what leaves through a provider comes back to the provider"
        return [Checked("bounces", "warn", message, "leave bounce_address out, or send through a mail server")]
    own = [f"a:{server.host}" for server in route.servers]
    spf, mailbox = await asyncio.gather(
        _or_unknown("SPF", check_spf(resolver, domain, own)), _or_unknown("MX", _check_mailbox(resolver, domain))
    )
    apart = [sender for sender in senders if not _belong_together(sender, domain)]
    found = [spf, mailbox]
    if apart:
        message = f"bounces go to {domain}, so SPF says nothing for {apart[0]}: DMARC passes there by DKIM alone"
        found.append(Checked("bounces", "warn", message, f"take a bounce address under {apart[0]}"))
    return found


def _belong_together(one: str, other: str) -> bool:
    """Whether the two are of one organisation: one of them below the other, or both below a third.

    Where a country's suffix has two parts (co.uk) strangers count as kin, and nothing is said.
    """
    parents = [one.split(".")[index:] for index in range(one.count("."))]
    return any(other.split(".")[-len(parent) :] == parent for parent in parents)


async def check_server(resolver: Resolver, server: MailServer) -> list[Checked]:
    """TLS, and the name of the server's address, as far as that can be seen from here."""
    found: list[Checked] = []
    addresses = await _addresses(resolver, server.host)
    if isinstance(addresses, Checked):
        return [addresses]
    public = [each for each in addresses if is_public(ip_address(each))]
    if not server.secured and public:
        message = f"mail goes to {server.host} without TLS; Gmail and Yahoo want it encrypted all the way"
        found.append(Checked("TLS", "fail", message, "use smtp+starttls:// or smtps://"))
    names = [_or_unknown("PTR", _check_name(resolver, server.host, address)) for address in public]
    return [*found, *await asyncio.gather(*names)]


def check_one_click(public_url: str | None) -> Checked:
    """RFC 8058: the address in List-Unsubscribe is one with https."""
    if public_url is not None and public_url.startswith("https://"):
        return Checked("one-click", "ok", f"each message with a topic can be unsubscribed from at {public_url}")
    where = "leads to this machine only" if public_url is None else f"is {public_url}, and must be https"
    message = f"the address in List-Unsubscribe {where}: mail programs offer no one-click unsubscription"
    return Checked("one-click", "fail", message, "set PERENNIA_PUBLIC_URL to the https address of `perennia serve`")


# --- parts ----------------------------------------------------------------------------------------------------------


async def _check_keys(resolver: Resolver, domain: str, route: Route) -> list[Checked]:
    own = keys_for(domain, route.keys)
    named = [f"{selector}._domainkey.{domain}" for selector in dict.fromkeys(route.selectors)]
    guessed = [f"{each}._domainkey.{domain}" for scheme in route.schemes for each in SELECTORS.get(scheme, ())]
    checks = [_or_unknown("DKIM", check_dkim(resolver, key.name, key.record)) for key in own]
    checks += [_or_unknown("DKIM", check_dkim(resolver, name)) for name in named or (guessed if not own else ())]
    if checks:
        return list(await asyncio.gather(*checks))
    if route.servers:
        message = f"nothing signs what comes from {domain} here; perhaps the mail server does"
        remedy = "give the SMTP URL a key (dkim=SELECTOR@DOMAIN:FILE), or name the server's with --dkim-selector"
    else:
        message = f"which keys sign for {domain} is not known here"
        remedy = "name the selector that your provider shows with --dkim-selector"
    return [Checked("DKIM", "warn", message, remedy)]


async def _check_dmarc(resolver: Resolver, domain: str) -> tuple[Checked, Alignment]:
    try:
        return await check_dmarc(resolver, domain)
    except DnsFailed as failure:
        return _unknown("DMARC", failure), Alignment()


def _misaligned(domain: str, route: Route, alignment: Alignment) -> list[Checked]:
    above = [key for key in keys_for(domain, route.keys) if key.domain != domain]
    if not (alignment.strict_dkim and above):
        return []
    message = f"DMARC asks for the very domain of From (adkim=s), and {above[0].domain} signs for {domain}"
    return [Checked("DMARC", "fail", message, f"sign with a key of {domain}, or take adkim=s out")]


async def _check_mailbox(resolver: Resolver, domain: str) -> Checked:
    servers = await resolver.mail_servers(domain)
    if servers == [""]:
        message = f"{domain} takes no mail (a null MX): bounces and answers are lost, and some receivers refuse it"
        return Checked("MX", "fail", message, "publish an MX record")
    if not servers and not await resolver.addresses(domain):
        message = f"{domain} has no mail server: bounces and answers are lost, and some receivers refuse it"
        return Checked("MX", "warn", message, "publish an MX record")
    return Checked("MX", "ok", f"{domain} takes answers")


async def _check_name(resolver: Resolver, host: str, address: str) -> Checked:
    names = await resolver.names_of(address)
    for name in names:
        if address in await resolver.addresses(name):
            return Checked("PTR", "ok", f"{address} is {name}, and back")
    found = f"is {names[0]}, which does not lead back" if names else "has no name (PTR)"
    message = f"{host} at {address} {found}: where it delivers by itself, Gmail refuses it"
    return Checked(
        "PTR", "warn", message, "ask whoever gave you the address for a PTR record, and publish that name's A record"
    )


async def _addresses(resolver: Resolver, host: str) -> Sequence[str] | Checked:
    try:
        return [str(ip_address(host))]
    except ValueError:
        pass
    try:
        return await resolver.addresses(host)
    except DnsFailed as failure:
        return _unknown("PTR", failure)


async def _or_unknown(about: str, check: Awaitable[Checked]) -> Checked:
    try:
        return await check
    except DnsFailed as failure:
        return _unknown(about, failure)


def _unknown(about: str, failure: DnsFailed) -> Checked:
    remedy = "try again, or name another name server with PERENNIA_DNS_SERVER"
    return Checked(about, "warn", f"not known: {failure}", remedy)
