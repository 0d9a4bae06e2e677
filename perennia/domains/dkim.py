"""DKIM keys as they are published (RFC 6376, 3.6.1; RFC 8301; RFC 8463)."""

from __future__ import annotations

import binascii
from base64 import b64decode

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from perennia.domains.records import Checked, Malformed, tags_of, to_publish
from perennia.domains.resolver import Resolver

LEAST_BITS, GOOD_BITS = 1024, 2048
ED25519_BYTES = 32


async def check_dkim(resolver: Resolver, name: str, own: str | None = None) -> Checked:
    """``name``: ``SELECTOR._domainkey.DOMAIN``; ``own``: the record of the key that we sign with. Raises `DnsFailed`."""
    publish = None if own is None else f"publish {to_publish(name, own)}"
    records = [text for text in await resolver.texts(name) if "p=" in text.replace(" ", "")]
    alias = await resolver.alias(name)
    if not records:
        if alias is not None:
            message = f"{name} is another name (CNAME) of {alias}, where no key is"
            return Checked("DKIM", "fail", message, publish or "correct the CNAME as your provider shows it")
        return Checked("DKIM", "fail", f"{name} has no key", publish or "publish what your provider shows for it")
    if len(records) > 1:
        return Checked("DKIM", "fail", f"{name} has {len(records)} keys; receivers take any one", "leave the right one")
    where = name if alias is None else f"{name} (by CNAME at {alias})"
    try:
        bits = _bits(tags_of(records[0]))
    except Malformed as error:
        return Checked("DKIM", "fail", f"{where}: {error}", publish or "publish what your provider shows for it")
    if own is not None and _key(tags_of(records[0])) != _key(tags_of(own)):
        return Checked("DKIM", "fail", f"{where} has another key than the one we sign with", publish)
    if bits is not None and bits < GOOD_BITS:
        state = "fail" if bits < LEAST_BITS else "warn"
        message = f"{where}: the key has {bits} bits" + ("; receivers refuse it" if bits < LEAST_BITS else "")
        return Checked("DKIM", state, message, "make one of 2048 bits, under a new selector")
    if "y" in tags_of(records[0]).get("t", "").split(":"):
        return Checked("DKIM", "warn", f"{where}: the key is marked as a test (t=y)", "take that out")
    return Checked("DKIM", "ok", f"{where}: {'Ed25519' if bits is None else f'{bits} bits'}")


def _key(tags: dict[str, str]) -> str:
    return "".join(tags.get("p", "").split())


def _bits(tags: dict[str, str]) -> int | None:
    """Of an RSA key; None for Ed25519. Raises `Malformed`."""
    if "v" in tags and (next(iter(tags)) != "v" or tags["v"] != "DKIM1"):
        raise Malformed("the record does not begin with v=DKIM1")
    if "h" in tags and "sha256" not in tags["h"].split(":"):
        raise Malformed(f"the record allows only {tags['h']}, which is not used any more")
    if "s" in tags and not {"*", "email"} & set(tags["s"].split(":")):
        raise Malformed("the key is for something else than mail (s=)")
    text = _key(tags)
    if not text:
        raise Malformed("the key was withdrawn (p= is empty)")
    try:
        key = b64decode(text, validate=True)
    except binascii.Error:
        raise Malformed("the key (p=) is no base64: cut off, perhaps, or with quotes in it") from None
    match tags.get("k", "rsa"):
        case "ed25519" if len(key) == ED25519_BYTES:
            return None
        case "rsa":
            return _rsa_bits(key)
        case kind:
            raise Malformed(f"the key is no {kind} key that receivers know")


def _rsa_bits(key: bytes) -> int:
    try:
        public = load_der_public_key(key)
    except (ValueError, UnsupportedAlgorithm):
        raise Malformed("the key (p=) is no RSA key: cut off, perhaps") from None
    if not isinstance(public, RSAPublicKey):
        raise Malformed("the key (p=) is no RSA key")
    return public.key_size
