"""What the doctor finds of an installation's senders, over a real name server."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr

from perennia.cli.sender_checks import check_senders
from perennia.core.definitions import Policies, Sender
from perennia.settings import Settings
from tests.support.name_server import name_server

POLICIES = Policies(policies="default", senders={"hello": Sender(email="hello@example.com")})
RECORDS = {
    ("example.com", "TXT"): ['"v=spf1 a:mail.example.com -all"'],
    ("example.com", "MX"): ["10 mail.example.com."],
    ("mail.example.com", "A"): ["192.168.7.7"],
    ("_dmarc.example.com", "TXT"): ['"v=DMARC1; p=none; rua=mailto:d@example.com"'],
}


async def test_the_doctor_writes_out_the_record_of_the_key_that_signs(tmp_path: Path) -> None:
    private = Ed25519PrivateKey.generate()
    form = serialization.PrivateFormat.PKCS8
    (tmp_path / "key.pem").write_bytes(
        private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    )
    url = SecretStr(f"smtps://mail.example.com?dkim=s1@example.com:{tmp_path / 'key.pem'}")
    async with name_server(RECORDS) as (address, _):
        settings = Settings(email_url=url, dns_server=address, public_url="https://perennia.example.com")
        found = await check_senders(settings, POLICIES, ())

    assert [(each.about, each.state) for each in found] == [
        ("SPF", "ok"),
        ("DKIM", "fail"),
        ("DMARC", "ok"),
        ("MX", "ok"),
        ("one-click", "ok"),
    ]
    (remedy,) = [each.remedy for each in found if each.remedy]
    assert remedy.startswith('publish s1._domainkey.example.com. TXT "v=DKIM1; k=ed25519; p=')


async def test_a_providers_own_selector_is_asked_for() -> None:
    async with name_server(RECORDS) as (address, zone):
        settings = Settings(email_url=SecretStr("postmark:token"), dns_server=address)
        found = await check_senders(settings, POLICIES, ["20260101pm"])
    assert ("20260101pm._domainkey.example.com", "TXT") in zone.asked
    assert [(each.about, each.state) for each in found if each.state == "fail"] == [
        ("DKIM", "fail"),
        ("one-click", "fail"),
    ]


async def test_where_no_mail_leaves_nobody_asks_dns() -> None:
    assert await check_senders(Settings(), POLICIES, ()) == []
