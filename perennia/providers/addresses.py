"""Email addresses as messages carry them: checked once, safe in every header and command."""

from __future__ import annotations

import re
from dataclasses import dataclass

import idna

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-\u00a1-\ud7ff\ue000-\U0010ffff]+")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")

MAX_LOCAL_BYTES = 64  # RFC 5321, 4.5.3.1.1
MAX_ADDRESS_BYTES = 254  # RFC 5321, 4.5.3.1.3: a path of 256 with its brackets


class InvalidAddress(ValueError):
    """No mail can be addressed to this text. The message says why and does not repeat it."""


@dataclass(frozen=True)
class Mailbox:
    """An address and, maybe, the name of whoever reads it.

    ``address`` is trimmed and checked, its domain in ASCII (IDNA 2008); the local part may be any Unicode text. Raises
    `InvalidAddress`. Control characters in ``name`` become blanks.
    """

    address: str
    name: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "address", _canonical(self.address))
        name = " ".join(_UNPRINTABLE.sub(" ", self.name or "").split())
        object.__setattr__(self, "name", name or None)

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]

    @property
    def is_ascii(self) -> bool:
        """False: the local part needs a server with SMTPUTF8 (RFC 6531)."""
        return self.address.isascii()


def _canonical(address: str) -> str:
    local, at, domain = address.strip().rpartition("@")
    if not at:
        raise InvalidAddress("an address has an @")
    if not _LOCAL.fullmatch(local) or len(local.encode()) > MAX_LOCAL_BYTES:
        raise InvalidAddress("the part before the @ is empty, too long or has characters that need quoting")
    canonical = f"{_quoted_where_needed(local)}@{_ascii_domain(domain)}"
    if len(canonical.encode()) > MAX_ADDRESS_BYTES:
        raise InvalidAddress("an address is at most 254 bytes long")
    return canonical


def _quoted_where_needed(local: str) -> str:
    # Two dots in a row, or one at an end, exist in old Japanese mobile addresses; RFC 5321 wants those quoted.
    if local.startswith(".") or local.endswith(".") or ".." in local:
        return f'"{local}"'
    return local


def _ascii_domain(domain: str) -> str:
    try:
        ascii_domain = idna.encode(domain, uts46=True).decode() if not domain.isascii() else domain.lower()
    except idna.IDNAError as error:
        raise InvalidAddress("the domain is not a valid internationalised domain name") from error
    labels = ascii_domain.split(".")
    if not all(len(label) <= 63 and _LABEL.fullmatch(label) for label in labels):
        raise InvalidAddress("the part after the @ is not a domain name")
    return ascii_domain
