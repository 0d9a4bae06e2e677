"""Which IP addresses lead to the public internet: everything else may be a machine that only we can reach."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# IANA's registry of special-purpose IPv4 addresses, multicast and class E. Written out: `ipaddress.is_global` is true of
# multicast, and which ranges it knows depends on the Python.
SPECIAL_V4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carriers' NAT; Alibaba's metadata
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local; metadata of AWS, Azure, Google
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "168.63.129.16/32",  # Azure's wire server: a public address that answers its own machines only
    )
)
# All of IPv6 that is given out is in here.
GIVEN_OUT: Final = IPv6Network("2000::/3")
SPECIAL_V6: Final = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: any IPv4 address in disguise
        "3fff::/20",  # documentation
    )
)
MAPPED: Final = IPv6Network("::ffff:0:0/96")
# RFC 6052: how an IPv6-only network reaches IPv4.
NAT64: Final = IPv6Network("64:ff9b::/96")


def plain(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, where packets to it leave for that; else the address itself."""
    if isinstance(address, IPv6Address) and address.scope_id is None and (address in MAPPED or address in NAT64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """Whether it leads to the public internet. What nobody has given out does not."""
    meant = plain(address)
    if isinstance(meant, IPv4Address):
        return not any(meant in network for network in SPECIAL_V4)
    return meant.scope_id is None and meant in GIVEN_OUT and not any(meant in network for network in SPECIAL_V6)


def is_in(address: Address, networks: tuple[Network, ...]) -> bool:
    """Whether it, or what it stands for, is in one of them."""
    meant = plain(address)
    return any(each.version == network.version and each in network for each in (address, meant) for network in networks)
