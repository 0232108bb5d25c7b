"""Addresses that everybody reaches through the Internet (RFC 6890, RFC 8190).

The lists are ours, for those behind `ipaddress`' own `is_global` change with Python's releases.
"""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_SPECIAL_IPV4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
    )
)
# Loopback, mapped and NAT64 addresses, unique local, link-local and multicast are all outside.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
# Protocol assignments with Teredo among them, 6to4, and what is for documentation.
_SPECIAL_IPV6 = tuple(
    map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
)
# RFC 5214 §6.1: an IPv4 address follows as the last four bytes.
_ISATAP = (bytes.fromhex("00005efe"), bytes.fromhex("02005efe"))


def is_public(address: Address) -> bool:
    """Whether the address is unicast, global, and embeds no other."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _SPECIAL_IPV4)
    if address.scope_id is not None or address not in _GLOBAL_UNICAST:
        return False
    if address.packed[8:12] in _ISATAP:
        return False
    return not any(address in network for network in _SPECIAL_IPV6)
