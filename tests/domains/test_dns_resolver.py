"""The resolver over a real name server."""

from __future__ import annotations

import pytest

from perennia.domains.resolver import DnsFailed, DnsResolver
from tests.support.name_server import name_server

RECORDS = {
    ("example.com", "TXT"): ['"v=spf1 " "-all"', '"other"'],
    ("s1._domainkey.example.com", "CNAME"): ["s1.provider.example."],
    ("s1.provider.example", "TXT"): ['"v=DKIM1; p=x"'],
    ("example.com", "MX"): ["20 Second.example.com.", "10 first.example.com."],
    ("null.example", "MX"): ["0 ."],
    ("first.example.com", "A"): ["198.51.100.7"],
    ("first.example.com", "AAAA"): ["2001:db8::7"],
    ("7.100.51.198.in-addr.arpa", "PTR"): ["first.example.com."],
}


async def test_every_kind_of_record_is_read() -> None:
    async with name_server(RECORDS) as (address, _):
        dns = DnsResolver(address)
        assert sorted(await dns.texts("example.com")) == ["other", "v=spf1 -all"]
        assert list(await dns.texts("s1._domainkey.example.com")) == ["v=DKIM1; p=x"]
        assert await dns.alias("s1._domainkey.example.com") == "s1.provider.example"
        assert await dns.alias("first.example.com") is None
        assert list(await dns.mail_servers("example.com")) == ["first.example.com", "second.example.com"]
        assert list(await dns.mail_servers("null.example")) == [""]
        assert list(await dns.addresses("first.example.com")) == ["198.51.100.7", "2001:db8::7"]
        assert list(await dns.names_of("198.51.100.7")) == ["first.example.com"]


async def test_what_is_not_there_is_empty_and_what_is_not_answered_is_not() -> None:
    async with name_server(RECORDS, silent={"away.example"}) as (address, _):
        dns = DnsResolver(address, patience=0.2)
        assert list(await dns.texts("nobody.example")) == []
        with pytest.raises(DnsFailed, match=r"no name server answered for away\.example within 0\.2 s"):
            await dns.texts("away.example")
