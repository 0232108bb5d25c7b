"""Whose address a request came from; forwarded headers count only from trusted proxies.

Host and scheme are never taken from a request: the issuer is configuration.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings

from idp.conf import Network


def of(environ: Mapping[str, Any]) -> str:
    """The client's address out of a WSGI environment, in canonical form; empty if unknown.

    With `GATEHOUSE_TRUSTED_PROXIES` and a peer among them, the right-most address of
    X-Forwarded-For that is no trusted proxy. A chain that does not parse leaves the peer.
    """
    peer = str(environ.get("REMOTE_ADDR") or "")
    trusted = settings.IDP.trusted_proxies
    forwarded = environ.get("HTTP_X_FORWARDED_FOR") if trusted else None
    if not forwarded:
        return canonical(peer)
    return _through(str(forwarded), canonical(peer), trusted)


def _through(forwarded: str, peer: str, trusted: Sequence[Network]) -> str:
    if not _within(peer, trusted):
        return peer
    found = peer
    for part in reversed(forwarded.split(",")):
        address = canonical(part.strip())
        if not address:
            return peer
        found = address
        if not _within(address, trusted):
            break
    return found


@lru_cache(maxsize=1024)
def canonical(text: str) -> str:
    """An IP address in canonical text, IPv4 out of its IPv6 mapping; empty if it is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _within(text: str, networks: Sequence[Network]) -> bool:
    if not text:
        return False
    address = ipaddress.ip_address(text)
    return any(address in network for network in networks)
