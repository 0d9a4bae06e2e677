"""DKIM (RFC 6376, RFC 8463): messages signed with keys of our own, and the records under which others find them.

Written out here because dkimpy, which checks these signatures in the tests, signs with RSA in pure Python: 124 ms a message
beside 1 ms with `cryptography` (November 2026), in a time that depends on the key.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from perennia.providers.failures import Misconfigured

PrivateKey: TypeAlias = RSAPrivateKey | Ed25519PrivateKey

# RFC 8301: signers should use no shorter ones.
LEAST_RSA_BITS = 2048
# Named once more than they occur: nobody can add another one on the way without breaking the signature.
_GUARDED = ("from", "to", "subject", "date", "reply-to", "message-id", "content-type")
# RFC 8058 asks for both to be signed; RFC 6376, 5.4.1 advises against signing these others, which servers add and change.
_GUARDED_IF_THERE = ("list-unsubscribe", "list-unsubscribe-post")
_LEFT_OUT = frozenset({"return-path", "received", "comments", "keywords", "bcc", "resent-bcc", "dkim-signature"})
_BLANKS = re.compile(rb"[ \t]+")
_LINE_CHARS = 72


@dataclass(frozen=True)
class DkimKey:
    """A key of ours under ``SELECTOR._domainkey.DOMAIN``."""

    selector: str
    domain: str
    private: PrivateKey = field(repr=False)

    @classmethod
    def read(cls, text: str) -> DkimKey:
        """From ``SELECTOR@DOMAIN:FILE``, the file a private key in PEM: RSA or Ed25519. Raises `Misconfigured`."""
        name, _, path = text.partition(":")
        selector, _, domain = name.partition("@")
        if not (selector and domain and path):
            raise Misconfigured(
                "a DKIM key is written SELECTOR@DOMAIN:FILE, for example s1@example.com:/etc/dkim/s1.pem"
            )
        try:
            private = serialization.load_pem_private_key(Path(path).read_bytes(), password=None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise Misconfigured(f"the DKIM key {path} cannot be read ({error}); it is a private key in PEM") from error
        if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey):
            raise Misconfigured(f"the DKIM key {path} is neither RSA nor Ed25519; others cannot check any other")
        if isinstance(private, RSAPrivateKey) and private.key_size < LEAST_RSA_BITS:
            raise Misconfigured(f"the DKIM key {path} has {private.key_size} bits; make one of 2048")
        return cls(selector, domain.lower(), private)

    @property
    def name(self) -> str:
        """Where its record is published."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """What is published there, as TXT."""
        if isinstance(self.private, Ed25519PrivateKey):
            return f"v=DKIM1; k=ed25519; p={b64encode(self.private.public_key().public_bytes_raw()).decode()}"
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        public = self.private.public_key().public_bytes(serialization.Encoding.DER, form)
        return f"v=DKIM1; k=rsa; p={b64encode(public).decode()}"

    def serves(self, domain: str) -> bool:
        """Whether its signature is aligned with a From of that domain (DMARC, relaxed): the domain itself, or one under it."""
        return domain.lower() == self.domain or domain.lower().endswith(f".{self.domain}")

    def sign(self, data: bytes) -> bytes:
        if isinstance(self.private, Ed25519PrivateKey):
            return self.private.sign(hashlib.sha256(data).digest())
        return self.private.sign(data, PKCS1v15(), hashes.SHA256())

    @property
    def algorithm(self) -> str:
        return "ed25519-sha256" if isinstance(self.private, Ed25519PrivateKey) else "rsa-sha256"


def keys_for(domain: str, keys: Sequence[DkimKey]) -> list[DkimKey]:
    """Those that sign what comes from the domain: its own, else those of the domain above it."""
    own = [key for key in keys if key.domain == domain.lower()]
    return own or [key for key in keys if key.serves(domain)]


def signed(message: bytes, keys: Sequence[DkimKey], at: datetime) -> bytes:
    """The message (CRLF line ends) under a signature of each key."""
    return b"".join(signature(message, key, at) for key in keys) + message


def signature(message: bytes, key: DkimKey, at: datetime) -> bytes:
    """The ``DKIM-Signature`` header of the message, with its line end."""
    head, _, content = message.partition(b"\r\n\r\n")
    headers = _headers(head)
    names = _names(headers)
    body_hash = b64encode(hashlib.sha256(_relaxed_body(content)).digest()).decode()
    opening = (
        f"DKIM-Signature: v=1; a={key.algorithm}; c=relaxed/relaxed; d={key.domain}; s={key.selector};\r\n"
        f" t={int(at.timestamp())}; h={_folded(':'.join(names), ':')};\r\n"
        f" bh={body_hash};\r\n b="
    ).encode()
    data = b"".join(_relaxed_header(line) + b"\r\n" for line in _chosen(headers, names)) + _relaxed_header(opening)
    proof = b64encode(key.sign(data)).decode()
    return opening + "\r\n ".join(re.findall(f".{{1,{_LINE_CHARS}}}", proof)).encode() + b"\r\n"


def _headers(head: bytes) -> list[tuple[str, bytes]]:
    """Each with its lower-case name, folded lines and all, without the last line end."""
    lines = re.split(rb"\r\n(?![ \t])", head)
    return [(line.partition(b":")[0].decode("ascii").strip().lower(), line) for line in lines if line]


def _names(headers: Sequence[tuple[str, bytes]]) -> list[str]:
    there = [name for name, _ in headers if name not in _LEFT_OUT]
    return [*there, *_GUARDED, *(name for name in _GUARDED_IF_THERE if name in there)]


def _chosen(headers: Sequence[tuple[str, bytes]], names: Sequence[str]) -> list[bytes]:
    """For each name the next header from the bottom; none where there is none left (RFC 6376, 5.4.2)."""
    left: dict[str, list[bytes]] = {}
    for name, line in headers:
        left.setdefault(name, []).append(line)
    return [left[name].pop() for name in names if left.get(name)]


def _relaxed_header(line: bytes) -> bytes:
    name, _, value = line.partition(b":")
    return name.strip().lower() + b":" + _BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip()


def _relaxed_body(content: bytes) -> bytes:
    lines = [_BLANKS.sub(b" ", line).rstrip(b" ") for line in content.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def _folded(text: str, after: str) -> str:
    """On several lines, each ending behind ``after``."""
    lines = [""]
    for part in re.findall(f"[^{after}]+{after}?", text):
        if len(lines[-1]) + len(part) > _LINE_CHARS:
            lines.append("")
        lines[-1] += part
    return "\r\n ".join(lines)
