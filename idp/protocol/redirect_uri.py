"""Redirect URIs: which may be registered, and whether a presented one is registered.

RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §4.1, OIDC RP-Initiated Logout §3.1. Compares strings, never
parsed or normalised URIs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote, unquote_plus

from idp.protocol import uri as uris
from idp.protocol import vocabulary
from idp.protocol.errors import InvalidRedirectUri

_LOOPBACK = re.compile(
    r"(?P<host>http://(?:127\.0\.0\.1|\[::1\]))(?::(?P<port>[1-9][0-9]{0,4}))?(?P<rest>[/?].*|)",
    re.ASCII,
)
_MAX_PORT = 65535
_PRIVATE_USE = re.compile(r"[a-z][a-z0-9\-]*(?:\.[a-z0-9\-]+)+")
_RESERVED = frozenset(name.lower() for name in vocabulary.RESPONSE_PARAMETERS)
_OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"


def matches(presented: str, registered: Sequence[str], *, native: bool) -> bool:
    """Tell whether `presented` is one of `registered` (RFC 9700 §4.1.3, OIDC Core §3.1.2.1).

    Equal strings match. For native applications alone, the port of a loopback IP literal may
    differ, where the registered one is such a literal too (RFC 8252 §7.3); `localhost` is none.
    """
    if presented in registered:
        return True
    if not native:
        return False
    key = _without_port(presented)
    return key is not None and any(_without_port(one) == key for one in registered)


def validate(uri: str, *, application_type: str) -> None:
    """Raise InvalidRedirectUri unless `uri` may be registered (RFC 6749 §3.1.2, RFC 8252 §7).

    https to any host, http to this machine itself, and for `native` applications a private-use
    scheme in reverse domain form. No fragment, user name, wildcard, dot segments, nor a query
    parameter with a name that our responses use.
    """
    try:
        _check(uri, native=application_type == "native")
    except uris.InvalidUri as error:
        raise InvalidRedirectUri(f"{uri[:200]} {error}") from None


def validate_post_logout(uri: str, *, application_type: str = "native") -> None:
    """Raise InvalidRedirectUri unless `uri` may be registered for after logout.

    The same rules as for redirect URIs (OIDC RP-Initiated Logout §3.1).
    """
    validate(uri, application_type=application_type)


def _check(uri: str, *, native: bool) -> None:
    if uri == _OUT_OF_BAND:
        raise uris.InvalidUri("(out of band) is not supported; use a loopback address")
    parts = uris.split(uri)
    if parts.fragment is not None:
        raise uris.InvalidUri("holds a fragment, or a bare #")
    if "*" in uri:
        raise uris.InvalidUri("holds a wildcard; register each address")
    _check_scheme(parts, native=native)
    _check_path(parts.path)
    _check_query(parts.query)


def _check_scheme(parts: uris.Uri, *, native: bool) -> None:
    if parts.is_web:
        return
    if parts.scheme == "http":
        raise uris.InvalidUri("must be https; http is for 127.0.0.1, [::1] and localhost only")
    if parts.scheme == "https":
        raise uris.InvalidUri("has no host")
    if not _PRIVATE_USE.fullmatch(parts.scheme):
        raise uris.InvalidUri("must be https; an own scheme must be a reverse domain name")
    if not native:
        raise uris.InvalidUri("has an own scheme; only application_type native may")
    if not parts.host and not parts.path.startswith("/"):
        raise uris.InvalidUri("has no path; write scheme:/path")


def _check_path(path: str) -> None:
    try:
        decoded = unquote(path, errors="strict")
    except UnicodeDecodeError:
        raise uris.InvalidUri("has a path that is not UTF-8") from None
    for segment in decoded.split("/"):
        if segment.partition(";")[0] in {".", ".."}:
            raise uris.InvalidUri("holds a dot segment")


def _check_query(query: str | None) -> None:
    for member in re.split("[&;]", query or ""):
        name = unquote_plus(member.partition("=")[0]).strip().partition("[")[0]
        if name.lower() in _RESERVED:
            raise uris.InvalidUri(f"holds the query parameter {name}, which our responses use")


def _without_port(uri: str) -> tuple[str, str] | None:
    """Return host and rest of a loopback literal, None for everything else (RFC 8252 §7.3)."""
    found = _LOOPBACK.fullmatch(uri)
    if found is None or int(found["port"] or 0) > _MAX_PORT:
        return None
    return found["host"], found["rest"]
