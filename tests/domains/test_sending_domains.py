"""What `perennia doctor` says of a sender's domain: of records that are right, wrong, cut off, too many, or not there."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from perennia.domains.dkim import check_dkim
from perennia.domains.dmarc import check_dmarc
from perennia.domains.records import Checked, to_publish
from perennia.domains.resolver import DnsFailed
from perennia.domains.senders import (
    MailServer,
    Route,
    check_one_click,
    check_return_path,
    check_sender,
    check_server,
)
from perennia.domains.spf import check_spf
from perennia.providers.dkim import DkimKey

KEY = DkimKey("s1", "example.com", Ed25519PrivateKey.generate())


@dataclass
class Zone:
    """A resolver that knows what it is given: by name TXT records, and the other kinds."""

    txt: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    cname: dict[str, str] = field(default_factory=dict[str, str])
    a: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    mx: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    ptr: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    silent: frozenset[str] = frozenset()

    async def texts(self, name: str) -> Sequence[str]:
        if name in self.silent:
            raise DnsFailed(f"no name server answered for {name} within 5 s")
        return self.txt.get(self.cname.get(name, name), [])

    async def alias(self, name: str) -> str | None:
        return self.cname.get(name)

    async def addresses(self, name: str) -> Sequence[str]:
        return self.a.get(name, [])

    async def mail_servers(self, name: str) -> Sequence[str]:
        return self.mx.get(name, [])

    async def names_of(self, address: str) -> Sequence[str]:
        return self.ptr.get(address, [])


def rsa_record(bits: int) -> str:
    public = generate_private_key(65537, bits).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return f"v=DKIM1; k=rsa; p={b64encode(public.public_bytes(serialization.Encoding.DER, form)).decode()}"


async def spf(*records: str, **others: list[str]) -> Checked:
    zone = Zone({"example.com": list(records), **{name.replace("_", "."): texts for name, texts in others.items()}})
    zone.a["mail.example.com"] = ["198.51.100.7"]
    return await check_spf(zone, "example.com", ["a:mail.example.com"])


async def dkim(*records: str, own: str | None = None) -> Checked:
    return await check_dkim(Zone({KEY.name: list(records)}), KEY.name, own)


async def dmarc(record: str | None, domain: str = "example.com", at: str = "_dmarc.example.com") -> Checked:
    return (await check_dmarc(Zone({at: [] if record is None else [record]}), domain))[0]


# --- SPF ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "state", "said"),
    [
        ("v=spf1 a:mail.example.com ip4:198.51.100.0/24 -all", "ok", "1 of 10 lookups"),
        ("v=spf1 ip6:2001:db8::/32 ~all", "ok", "0 of 10 lookups"),
        ("v=spf1 redirect=other.example", "ok", "1 of 10 lookups"),
        ("v=spf1 +all", "fail", "everybody may send"),
        ("v=spf1 all", "fail", "everybody may send"),
        ("v=spf1 a:mail.example.com", "warn", "does not say what becomes"),
        ("v=spf1 ?all", "warn", "does not say what becomes"),
        ("v=spf1 ip4:198.51.100 -all", "fail", '"ip4:198.51.100", which is no network'),
        ("v=spf1 ip4:2001:db8::1 -all", "fail", "an address of the other kind"),
        ("v=spf1 includes:other.example -all", "fail", '"includes:other.example", which no receiver knows'),
        ("v=spf1 include:nobody.example -all", "fail", "leads to nobody.example, which has none"),
        ("v=spf1 include:example.com -all", "fail", "includes itself: example.com -> example.com"),
        ("v=spf1 a:x1.example a:x2.example a:x3.example -all", "fail", "3 names in its SPF record lead nowhere"),
        ("v=spf1 exists:%{i}.spf.example.com -all", "ok", "1 of 10 lookups"),
    ],
)
async def test_an_spf_record_is_read_as_receivers_read_it(record: str, state: str, said: str) -> None:
    found = await spf(record, other_example=["v=spf1 ip4:198.51.100.9 -all"])
    assert (found.state, said in found.message) == (state, True), found


async def test_an_spf_record_that_includes_too_much_names_the_count() -> None:
    many = " ".join(f"include:i{n}.example" for n in range(6))
    inner = {f"i{n}_example": ["v=spf1 a:mail.example.com ~all"] for n in range(6)}
    found = await spf(f"v=spf1 {many} ~all", **inner)
    assert found.state == "fail"
    assert "asks DNS 12 times, receivers stop at 10" in found.message


async def test_without_an_spf_record_the_one_to_publish_is_written_out() -> None:
    found = await spf("google-site-verification=x")
    assert found.remedy == 'publish example.com. TXT "v=spf1 a:mail.example.com ~all"'


async def test_two_spf_records_are_none() -> None:
    found = await spf("v=spf1 -all", "v=spf1 ~all")
    assert (found.state, found.message) == (
        "fail",
        "example.com has 2 SPF records, which counts as an error: none holds",
    )


# --- DKIM -----------------------------------------------------------------------------------------------------------


async def test_our_own_key_is_found() -> None:
    found = await dkim(KEY.record, own=KEY.record)
    assert (found.state, found.message) == ("ok", "s1._domainkey.example.com: Ed25519")


async def test_a_missing_key_is_written_out_to_publish() -> None:
    found = await dkim(own=KEY.record)
    assert found.remedy == f'publish s1._domainkey.example.com. TXT "{KEY.record}"'


async def test_another_key_than_ours_is_found_out() -> None:
    other = DkimKey("s1", "example.com", Ed25519PrivateKey.generate())
    found = await dkim(other.record, own=KEY.record)
    assert (found.state, "another key than the one we sign with" in found.message) == ("fail", True)


@pytest.mark.parametrize(("bits", "state"), [(2048, "ok"), (1024, "warn")])
async def test_a_short_key_is_found_out(bits: int, state: str) -> None:
    found = await dkim(rsa_record(bits))
    assert (found.state, f"{bits} bits" in found.message) == (state, True)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ("v=DKIM1; k=rsa; p=", "was withdrawn"),
        ("v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0B", "is no RSA key: cut off"),
        ('v=DKIM1; k=rsa; p="MIIB"', "no base64"),
        ("k=rsa; v=DKIM1; p=MIIB", "does not begin with v=DKIM1"),
        ("v=DKIM1; h=sha1; p=MIIB", "allows only sha1"),
        ("v=DKIM1; s=tlsrpt; p=MIIB", "for something else than mail"),
        ("v=DKIM1; k=dsa; p=MIIB", "no dsa key"),
        ("v=DKIM1 k=rsa; p=MIIB", "does not begin with v=DKIM1"),
        ("v=DKIM1; nonsense; p=MIIB", '"nonsense" is no tag=value'),
    ],
)
async def test_a_malformed_key_record_says_what_is_wrong(record: str, said: str) -> None:
    found = await dkim(record)
    assert (found.state, said in found.message) == ("fail", True), found


async def test_a_key_behind_an_alias_is_followed_and_an_alias_that_leads_nowhere_is_told() -> None:
    alias = {"s1._domainkey.example.com": "s1.provider.example"}
    zone = Zone({"s1.provider.example": [KEY.record]}, cname=alias)
    found = await check_dkim(zone, "s1._domainkey.example.com")
    assert found.message == "s1._domainkey.example.com (by CNAME at s1.provider.example): Ed25519"
    nowhere = await check_dkim(Zone(cname=alias), "s1._domainkey.example.com")
    assert (
        nowhere.message == "s1._domainkey.example.com is another name (CNAME) of s1.provider.example, where no key is"
    )


def test_a_long_record_is_written_in_several_strings() -> None:
    assert to_publish("x", "a" * 300) == f'x. TXT "{"a" * 255}" "{"a" * 45}"'


# --- DMARC ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "state", "said"),
    [
        ("v=DMARC1; p=none; rua=mailto:d@example.com", "ok", "p=none, reports go to mailto:d@example.com"),
        ("v=DMARC1; p=reject", "warn", "nobody is told"),
        ("v=DMARC1; rua=mailto:d@example.com", "fail", "has no p="),
        ("v=DMARC1; p=monitor", "fail", "p=monitor is none of none, quarantine, reject"),
        ("v=dmarc1; p=none", "fail", "does not begin with v=DMARC1"),
        ("v=DMARC1; p=none; p=none", "fail", "occurs twice"),
        (None, "fail", "has no DMARC record"),
    ],
)
async def test_a_dmarc_record_is_read_as_receivers_read_it(record: str | None, state: str, said: str) -> None:
    found = await dmarc(record)
    assert (found.state, said in found.message) == (state, True), found


@pytest.mark.parametrize(
    ("domain", "rightful"), [("example.com", "example.com"), ("a.b.example.co.uk", "example.co.uk")]
)
async def test_without_dmarc_the_record_to_publish_is_written_out(domain: str, rightful: str) -> None:
    found = await dmarc(None, domain)
    assert found.remedy == f'publish _dmarc.{rightful}. TXT "v=DMARC1; p=none; rua=mailto:dmarc@{rightful}"'


async def test_a_domain_has_the_policy_of_the_one_above_it() -> None:
    found = await dmarc("v=DMARC1; p=reject; sp=none; rua=mailto:d@example.com", "news.example.com")
    assert found.message == "_dmarc.example.com: p=none, reports go to mailto:d@example.com"


# --- a sender, a server ---------------------------------------------------------------------------------------------


def sound() -> Zone:
    return Zone(
        {
            "example.com": ["v=spf1 a:mail.example.com -all"],
            "_dmarc.example.com": ["v=DMARC1; p=none; rua=mailto:d@example.com"],
            KEY.name: [KEY.record],
        },
        a={"mail.example.com": ["8.8.4.4"]},
        mx={"example.com": ["mail.example.com"]},
        ptr={"8.8.4.4": ["mail.example.com"]},
    )


SERVER = MailServer("mail.example.com", secured=True)
ROUTE = Route(schemes=("smtp",), servers=(SERVER,), keys=(KEY,))


async def test_a_sound_domain_needs_nothing() -> None:
    found = await check_sender(sound(), "example.com", ROUTE)
    assert [(each.about, each.state, each.remedy) for each in found] == [
        ("SPF", "ok", None),
        ("DKIM", "ok", None),
        ("DMARC", "ok", None),
        ("MX", "ok", None),
    ]


async def test_dns_that_does_not_answer_is_not_taken_for_a_missing_record() -> None:
    zone = sound()
    zone.silent = frozenset({"example.com"})
    spf_found = (await check_sender(zone, "example.com", ROUTE))[0]
    assert (spf_found.state, spf_found.message) == (
        "warn",
        "not known: no name server answered for example.com within 5 s",
    )


async def test_nobody_sends_from_a_free_mailbox() -> None:
    (found,) = await check_sender(sound(), "gmail.com", ROUTE)
    assert (found.about, found.state) == ("From", "fail")


async def test_a_key_of_the_domain_above_is_not_aligned_where_dmarc_is_strict() -> None:
    zone = sound()
    zone.txt["_dmarc.news.example.com"] = ["v=DMARC1; p=none; adkim=s; rua=mailto:d@example.com"]
    found = await check_sender(zone, "news.example.com", ROUTE)
    assert "asks for the very domain of From (adkim=s)" in [each for each in found if each.about == "DMARC"][1].message


async def test_keys_of_others_are_looked_for_under_their_selector() -> None:
    named = Route(schemes=("postmark",), selectors=("pm",))
    assert [each.message for each in await check_sender(sound(), "example.com", named) if each.about == "DKIM"] == [
        "pm._domainkey.example.com has no key"
    ]
    unnamed = await check_sender(sound(), "example.com", Route(schemes=("postmark",)))
    assert "--dkim-selector" in str([each.remedy for each in unnamed if each.about == "DKIM"])


async def test_a_server_has_tls_and_a_name_that_leads_back() -> None:
    assert [each.state for each in await check_server(sound(), SERVER)] == ["ok"]
    zone = sound()
    zone.ptr = {"8.8.4.4": ["dynamic.provider.example"]}
    bare = await check_server(zone, MailServer("mail.example.com", secured=False))
    assert [(each.about, each.state) for each in bare] == [("TLS", "fail"), ("PTR", "warn")]


async def test_a_server_of_ones_own_network_is_nobody_elses_business() -> None:
    assert await check_server(sound(), MailServer("127.0.0.1", secured=False)) == []


@pytest.mark.parametrize(
    ("url", "state"), [("https://mail.example.com", "ok"), ("http://mail.example.com", "fail"), (None, "fail")]
)
def test_one_click_needs_https(url: str | None, state: str) -> None:
    assert check_one_click(url).state == state


# --- where undeliverable mail comes back to ---------------------------------------------------------------------------

OWN_SERVER = Route(servers=(MailServer("mail.example.com", secured=True),))


async def bounces(domain: str, route: Route = OWN_SERVER) -> list[tuple[str, str]]:
    zone = Zone({"bounce.example.com": ["v=spf1 a:mail.example.com -all"], "bounce.example.net": ["v=spf1 -all"]})
    zone.mx["bounce.example.com"] = ["mail.example.com"]
    found = await check_return_path(zone, domain, route, ["news.example.com"])
    return [(each.about, each.state) for each in found]


async def test_a_bounce_domain_takes_mail_and_lets_the_server_send() -> None:
    assert await bounces("bounce.example.com") == [("SPF", "ok"), ("MX", "ok")]


async def test_a_bounce_domain_of_somebody_else_leaves_dmarc_to_dkim() -> None:
    assert await bounces("bounce.example.net") == [("SPF", "ok"), ("MX", "warn"), ("bounces", "warn")]


async def test_a_bounce_address_is_of_no_use_with_a_provider_alone() -> None:
    assert await bounces("bounce.example.com", Route(schemes=("resend",))) == [("bounces", "warn")]
