"""DKIM over a real SMTP conversation: what arrives is checked by dkimpy, which had no part in signing it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from perennia.providers.addresses import Mailbox
from perennia.providers.dkim import DkimKey, PrivateKey, keys_for
from perennia.providers.email import OutgoingEmail, email_provider
from perennia.providers.failures import Misconfigured
from tests.providers.email_conformance import LETTER
from tests.support.smtp_server import RunningSmtp, smtp_server

ONE_CLICK = (
    ("List-Unsubscribe", "<https://example.com/u/token>"),
    ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
)


def pem(key: PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("dkim")
    made = {
        "rsa": pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
        "ed": pem(Ed25519PrivateKey.generate()),
        "ec": pem(ec.generate_private_key(ec.SECP256R1())),
        "nothing": b"no key",
    }
    for name, content in made.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in made}


@pytest.fixture
async def server() -> AsyncGenerator[RunningSmtp]:
    async with smtp_server() as server:
        yield server


async def arrived(server: RunningSmtp, message: OutgoingEmail, *options: str) -> bytes:
    provider = email_provider(f"smtp://127.0.0.1:{server.port}?{'&'.join(options)}")
    await provider.send(message)
    await provider.close()
    return server.postbox.deliveries[-1].source


def published(*keys: DkimKey) -> dict[bytes, bytes]:
    return {f"{key.name}.".encode(): key.record.encode() for key in keys}


def verifies(message: bytes, zone: dict[bytes, bytes], which: int = 0) -> bool:
    def look_up(name: bytes, timeout: int = 5) -> bytes | None:
        del timeout
        return zone.get(name)

    try:
        return dkim.DKIM(message).verify(which, dnsfunc=look_up)  # pyright: ignore[reportUnknownMemberType] -- dkimpy has no types
    except dkim.DKIMException:
        return False


@pytest.mark.parametrize("kind", ["rsa", "ed"])
async def test_what_arrives_is_signed_by_the_domain_of_from(
    server: RunningSmtp, keys: dict[str, Path], kind: str
) -> None:
    message = await arrived(server, replace(LETTER, headers=ONE_CLICK), f"dkim=s1@example.com:{keys[kind]}")

    assert b"d=example.com; s=s1;" in message
    assert verifies(message, published(DkimKey.read(f"s1@example.com:{keys[kind]}")))


async def test_two_keys_sign_beside_each_other(server: RunningSmtp, keys: dict[str, Path]) -> None:
    options = (f"dkim=s1@example.com:{keys['rsa']}", f"dkim=s2@example.com:{keys['ed']}")
    message = await arrived(server, LETTER, *options)

    zone = published(*(DkimKey.read(each.removeprefix("dkim=")) for each in options))
    assert [verifies(message, zone, which) for which in (0, 1)] == [True, True]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"Subject:", b"Subject: Other\r\nX-Old:"),
        (b"https://example.com/u/token", b"https://evil.example/u"),
        (b"List-Unsubscribe=One-Click", b"List-Unsubscribe=Later"),
        (b"From: ", b"From: evil@evil.example\r\nFrom: "),
        (b"MIME-Version:", b"Reply-To: evil@evil.example\r\nMIME-Version:"),
    ],
)
async def test_nobody_changes_or_adds_a_header_that_counts(
    server: RunningSmtp, keys: dict[str, Path], before: bytes, after: bytes
) -> None:
    letter = replace(LETTER, headers=ONE_CLICK, reply_to=None)
    message = await arrived(server, letter, f"dkim=s1@example.com:{keys['ed']}")
    zone = published(DkimKey.read(f"s1@example.com:{keys['ed']}"))

    head, blank, content = message.partition(b"\r\n\r\n")
    assert before in head
    assert verifies(message, zone)
    assert not verifies(head.replace(before, after, 1) + blank + content, zone)


async def test_a_longer_subject_and_another_script_are_signed_too(server: RunningSmtp, keys: dict[str, Path]) -> None:
    letter = replace(LETTER, subject="ご確認ください " * 12, text=".\n..\n\n trailing \n\n\n", html=None)
    message = await arrived(server, letter, f"dkim=s1@example.com:{keys['rsa']}")

    assert verifies(message, published(DkimKey.read(f"s1@example.com:{keys['rsa']}")))


async def test_the_same_message_has_the_same_signature(server: RunningSmtp, keys: dict[str, Path]) -> None:
    option = f"dkim=s1@example.com:{keys['rsa']}"
    first, second = await arrived(server, LETTER, option), await arrived(server, LETTER, option)
    assert first == second


async def test_what_comes_from_another_domain_is_not_signed(server: RunningSmtp, keys: dict[str, Path]) -> None:
    letter = replace(LETTER, sender=Mailbox("hello@other.example"))
    message = await arrived(server, letter, f"dkim=s1@example.com:{keys['ed']}")
    assert b"DKIM-Signature" not in message


def test_a_domain_without_a_key_is_signed_for_by_the_one_above_it(keys: dict[str, Path]) -> None:
    above = DkimKey.read(f"s1@example.com:{keys['ed']}")
    own = DkimKey.read(f"s1@news.example.com:{keys['ed']}")
    assert keys_for("news.example.com", [above]) == [above]
    assert keys_for("news.example.com", [above, own]) == [own]
    assert keys_for("badexample.com", [above, own]) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [("nothing", "cannot be read"), ("missing", "cannot be read"), ("ec", "neither RSA nor Ed25519")],
)
def test_a_key_that_is_none_is_refused_at_once(keys: dict[str, Path], name: str, said: str) -> None:
    path = keys.get(name, Path("/nowhere/key.pem"))
    with pytest.raises(Misconfigured, match=said):
        email_provider(f"smtp://127.0.0.1?dkim=s1@example.com:{path}")


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    short = tmp_path / "short.pem"
    short.write_bytes(pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)))
    with pytest.raises(Misconfigured, match="1024 bits; make one of 2048"):
        DkimKey.read(f"s1@example.com:{short}")


@pytest.mark.parametrize("text", ["", "s1", "s1@example.com", "s1@:key", "@example.com:key"])
def test_a_key_without_its_name_says_how_it_is_written(text: str) -> None:
    with pytest.raises(Misconfigured, match="SELECTOR@DOMAIN:FILE"):
        DkimKey.read(text)
