"""SPF (RFC 7208): which servers may send for a domain. Read as receivers read it, with their limits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network

from perennia.domains.records import Checked, Malformed, to_publish
from perennia.domains.resolver import Resolver

# RFC 7208, 4.6.4: with more, receivers answer "permerror", and the domain has no SPF.
MOST_LOOKUPS = 10
MOST_VOID = 2

_TERM = re.compile(r"(?P<qualifier>[+\-~?]?)(?P<name>[A-Za-z][A-Za-z0-9_.-]*)(?P<rest>[:/=].*)?")
_ASKING = frozenset({"include", "a", "mx", "ptr", "exists"})
_MECHANISMS = _ASKING | {"all", "ip4", "ip6"}


@dataclass
class _Count:
    """What receivers count over the record and all that it includes."""

    lookups: int = 0
    void: int = 0
    path: list[str] = field(default_factory=list[str])


async def check_spf(resolver: Resolver, domain: str, sources: Sequence[str]) -> Checked:
    """``sources``: what sends for the domain, as SPF terms (``include:mailgun.org``), for a record to begin with.

    Raises `DnsFailed`.
    """
    wanted = to_publish(domain, " ".join(["v=spf1", *sources, "~all"]))
    records = [text for text in await resolver.texts(domain) if _is_spf(text)]
    if not records:
        return Checked("SPF", "fail", f"{domain} has no SPF record", f"publish {wanted}")
    if len(records) > 1:
        message = f"{domain} has {len(records)} SPF records, which counts as an error: none holds"
        return Checked("SPF", "fail", message, "put them into one, and remove the others")
    count = _Count()
    try:
        await _walk(resolver, domain, records[0], count)
    except Malformed as error:
        return Checked("SPF", "fail", f"{domain}: {error}", f"correct it; a record to begin with: {wanted}")
    if count.lookups > MOST_LOOKUPS:
        message = f"{domain}: its SPF record asks DNS {count.lookups} times, receivers stop at {MOST_LOOKUPS}"
        return Checked(
            "SPF", "fail", message, "leave out senders that you no longer use, or name their networks (ip4:)"
        )
    if count.void > MOST_VOID:
        message = f"{domain}: {count.void} names in its SPF record lead nowhere, receivers stop at {MOST_VOID}"
        return Checked("SPF", "fail", message, "leave them out")
    return _of_the_end(domain, records[0], count)


def _is_spf(text: str) -> bool:
    return text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")


def _of_the_end(domain: str, record: str, count: _Count) -> Checked:
    """What becomes of servers that the record does not name."""
    terms = [term.lower() for term in record.split()[1:]]
    ends = [term for term in terms if term.lstrip("+-~?") == "all"]
    redirects = any(term.startswith("redirect=") for term in terms)
    if ends and ends[0] in ("all", "+all"):
        message = f'{domain}: its SPF record ends in "{ends[0]}": everybody may send for it'
        return Checked("SPF", "fail", message, "end it with ~all or -all")
    if (ends and ends[0] == "?all") or not (ends or redirects):
        message = f"{domain}: its SPF record does not say what becomes of servers that it does not name"
        return Checked("SPF", "warn", message, "end it with ~all or -all")
    return Checked("SPF", "ok", f"{domain}: one SPF record, {count.lookups} of {MOST_LOOKUPS} lookups")


async def _walk(resolver: Resolver, domain: str, record: str, count: _Count) -> None:
    """Counts what the record asks, and what it includes asks. Raises `Malformed`."""
    if domain in count.path:
        raise Malformed(f"its SPF record includes itself: {' -> '.join([*count.path, domain])}")
    count.path.append(domain)
    redirect: str | None = None
    for term in record.split()[1:]:
        name, value = _read(term)
        if name == "redirect":
            redirect = value
        elif name in _ASKING:
            await _ask(resolver, domain, name, value, count)
        if count.lookups > 2 * MOST_LOOKUPS:
            return  # far enough to say that it is too many
    has_all = any(_read(term)[0] == "all" for term in record.split()[1:])
    if redirect is not None and not has_all:
        count.lookups += 1
        await _follow(resolver, redirect, count)
    count.path.pop()


def _read(term: str) -> tuple[str, str]:
    """Name and value of a mechanism or modifier. Raises `Malformed`."""
    found = _TERM.fullmatch(term)
    if found is None:
        raise Malformed(f'its SPF record has "{term}", which is no term')
    name, rest = found["name"].lower(), found["rest"] or ""
    if rest.startswith("="):
        return name, rest[1:]
    if name not in _MECHANISMS:
        raise Malformed(f'its SPF record has "{term}", which no receiver knows')
    value = rest.removeprefix(":")
    if name in ("ip4", "ip6"):
        try:
            network = ip_network(value, strict=False)
        except ValueError:
            raise Malformed(f'its SPF record has "{term}", which is no network') from None
        if network.version != int(name[-1]):
            raise Malformed(f'its SPF record has "{term}", an address of the other kind')
    if name in ("include", "exists") and not value:
        raise Malformed(f'its SPF record has "{term}" without a name')
    return name, value


async def _ask(resolver: Resolver, domain: str, name: str, value: str, count: _Count) -> None:
    count.lookups += 1
    target = value.partition("/")[0] or domain
    if "%" in target:
        return  # a macro: depends on the message
    match name:
        case "include":
            await _follow(resolver, target, count)
        case "a":
            count.void += not await resolver.addresses(target)
        case "mx":
            count.void += not await resolver.mail_servers(target)
        case _:
            return


async def _follow(resolver: Resolver, target: str, count: _Count) -> None:
    if "%" in target:
        return
    records = [text for text in await resolver.texts(target) if _is_spf(text)]
    if len(records) != 1:
        found = "has none" if not records else f"has {len(records)}"
        raise Malformed(f"its SPF record leads to {target}, which {found}: that counts as an error")
    await _walk(resolver, target.lower(), records[0], count)
