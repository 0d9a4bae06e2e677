"""DMARC: what receivers do with mail that only claims to be from a domain (RFC 7489)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from perennia.domains.records import Checked, Malformed, tags_of, to_publish
from perennia.domains.resolver import Resolver

WORDS = ("none", "quarantine", "reject")


@dataclass(frozen=True)
class Alignment:
    """Whether From and the signing domain must be the very same (``adkim=s``), and From and the envelope's (``aspf=s``)."""

    strict_dkim: bool = False
    strict_spf: bool = False


async def check_dmarc(resolver: Resolver, domain: str) -> tuple[Checked, Alignment]:
    """Raises `DnsFailed`."""
    rightful = _organization(domain)
    wanted = to_publish(f"_dmarc.{rightful}", f"v=DMARC1; p=none; rua=mailto:dmarc@{rightful}")
    for name in _names(domain):
        records = [text for text in await resolver.texts(name) if _is_dmarc(text)]
        if len(records) > 1:
            message = f"{name} has {len(records)} DMARC records, which counts as none"
            return Checked("DMARC", "fail", message, "leave one of them"), Alignment()
        if records:
            return _read(name, domain, records[0], wanted)
    return Checked("DMARC", "fail", f"{domain} has no DMARC record", f"publish {wanted}"), Alignment()


def _names(domain: str) -> Iterator[str]:
    """The domain itself, then those above it: where none says which ones are an organization's, each is asked."""
    labels = domain.split(".")
    for start in range(max(1, len(labels) - 1)):
        yield "_dmarc." + ".".join(labels[start:])


def _organization(domain: str) -> str:
    """For a record to begin with: two labels, three below the likes of ``co.uk``."""
    labels = domain.split(".")
    short = len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3
    return ".".join(labels[-3 if short else -2 :])


def _is_dmarc(text: str) -> bool:
    return text.strip().lower().replace(" ", "").startswith("v=dmarc1")


def _read(name: str, domain: str, record: str, wanted: str) -> tuple[Checked, Alignment]:
    try:
        tags = tags_of(record)
        policy = _policy(tags, inherited=name != f"_dmarc.{domain}")
    except Malformed as error:
        return Checked(
            "DMARC", "fail", f"{name}: {error}", f"correct it; a record to begin with: {wanted}"
        ), Alignment()
    alignment = Alignment(tags.get("adkim", "r").lower() == "s", tags.get("aspf", "r").lower() == "s")
    if "rua" not in tags:
        message = f"{name}: p={policy}, but nobody is told who sends in your name"
        remedy = f"add rua=mailto:dmarc@{_organization(domain)} to it"
        return Checked("DMARC", "warn", message, remedy), alignment
    return Checked("DMARC", "ok", f"{name}: p={policy}, reports go to {tags['rua']}"), alignment


def _policy(tags: dict[str, str], *, inherited: bool) -> str:
    """``inherited``: it is a domain's below the one that has the record. Raises `Malformed`."""
    if next(iter(tags)) != "v" or tags["v"] != "DMARC1":
        raise Malformed("the record does not begin with v=DMARC1, written so")
    policy = tags.get("p")
    if policy is None:
        raise Malformed("the record has no p=, so receivers pass it over")
    for name in ("p", "sp"):
        if name in tags and tags[name].lower() not in WORDS:
            raise Malformed(f"{name}={tags[name]} is none of {', '.join(WORDS)}")
    return tags.get("sp", policy).lower() if inherited else policy.lower()
