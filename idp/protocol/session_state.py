"""session_state: a client's view of the browser's state with us (OIDC Session Management §2, §3.2).

The script of our check_session_iframe computes the same value and compares. Reads no cookie.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from ipaddress import IPv6Address

from idp.protocol import uri as uris

_DEFAULT_PORTS = {"https": 443, "http": 80}


def compute(client_id: str, origin: str, browser_state: str, salt: str) -> str:
    """Return the salted hash of client, origin and browser state, a dot, the salt (§3.2).

    The hash is SHA-256 in hexadecimal over the four, a space between each. None of them holds one,
    so that each has one reading. `salt`: new for each response, without a dot.
    """
    parts = (client_id, origin, browser_state, salt)
    if any(" " in part for part in parts) or "." in salt:
        raise ValueError("client_id, origin, browser state and salt hold no space, salt no dot")
    digest = hashlib.sha256(" ".join(parts).encode("utf-8")).hexdigest()
    return f"{digest}.{salt}"


@lru_cache(maxsize=4096)
def origin_of(redirect_uri: str) -> str | None:
    """Return the origin of a redirect URI as a browser names it (RFC 6454 §6.2).

    Host in lower case, IPv6 in its short form, no default port; None for a scheme without origins.
    """
    try:
        parts = uris.split_web(redirect_uri)
    except uris.InvalidUri:
        return None
    host = (parts.host or "").lower()
    if host.startswith("["):
        host = f"[{IPv6Address(host[1:-1]).compressed}]"
    if parts.port is None or parts.port == _DEFAULT_PORTS[parts.scheme]:
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{parts.port}"
