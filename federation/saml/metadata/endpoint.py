"""The endpoints of a service provider, and which URLs may be one (SAML Metadata §2.2).

https everywhere; plain http only to this very machine, for development. Nothing that a browser
would execute, nothing that two parsers read differently.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from federation.saml import datatypes, errors, vocabulary, xml
from federation.saml.assertion_consumer_service import AssertionConsumerService

MAX_URL = 2_048
MAX_INDEX = 65_535

# RFC 3986 characters only: no white space, controls, quotes, backslashes, nothing beyond ASCII.
_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+")


def check(url: str, *, what: str) -> str:
    """Return `url` if it may be used as an endpoint. Raises InvalidMetadata.

    `what`: how the message to the administrator calls it.
    """
    problem = _problem(url)
    if problem:
        raise errors.InvalidMetadata("endpoint_url", f"{what} {url[:200]!r} {problem}")
    return url


def _problem(url: str) -> str:
    if "#" in url:
        return "has a fragment"
    if len(url) > MAX_URL or _CHARACTERS.fullmatch(url) is None:
        return "has characters that no URL has, or too many of them"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is no URL"
    if "@" in parts.netloc:
        return "has a user name in it"
    return _scheme_problem(parts.scheme, host)


def _scheme_problem(scheme: str, host: str) -> str:
    if scheme not in ("https", "http") or not host:
        return "is neither https nor http"
    if scheme == "http" and not is_loopback(host):
        return "is http; that is allowed on this machine only (localhost, 127.0.0.1, [::1])"
    return ""


def is_loopback(host: str) -> bool:
    """Tell whether `host` is this very machine by its spelling; nothing is resolved."""
    if host.lower() == "localhost" or host.lower().endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class SingleLogoutService:
    """One md:SingleLogoutService. `response_url`: where responses go, if elsewhere."""

    url: str
    binding: str
    response_url: str = ""


def assertion_consumer_services(role: xml.Element) -> tuple[AssertionConsumerService, ...]:
    """Return all of them (SAML Metadata §2.4.4).

    Raises InvalidMetadata if none takes what we can send: a POST or an artifact.
    """
    found = tuple(
        AssertionConsumerService(
            url=check(_location(one), what="The assertion consumer service"),
            binding=one.get("Binding", "").strip(datatypes.WHITE_SPACE),
            index=index(one),
            is_default=datatypes.boolean(one.get("isDefault")) if one.get("isDefault") else None,
        )
        for one in xml.children(role, "md:AssertionConsumerService")
    )
    if not any(service.binding in (vocabulary.POST, vocabulary.ARTIFACT) for service in found):
        raise errors.InvalidMetadata(
            "no_assertion_consumer_service",
            "The metadata has no AssertionConsumerService with the HTTP-POST or HTTP-Artifact"
            " binding.",
        )
    return found


def warnings(services: Sequence[AssertionConsumerService]) -> list[str]:
    """Return what an administrator should know of these services."""
    indexes = [service.index for service in services if service.index is not None]
    if len(indexes) == len(set(indexes)):
        return []
    return ["Two assertion consumer services have the same index."]


def single_logout_services(role: xml.Element) -> tuple[SingleLogoutService, ...]:
    """Return the logout endpoints, in order. Raises InvalidMetadata."""
    return tuple(
        SingleLogoutService(
            url=check(_location(one), what="The single logout service"),
            binding=one.get("Binding", "").strip(datatypes.WHITE_SPACE),
            response_url=_response_location(one),
        )
        for one in xml.children(role, "md:SingleLogoutService")
    )


def _location(element: xml.Element) -> str:
    location: str = element.get("Location", "")
    return location.strip(datatypes.WHITE_SPACE)


def _response_location(element: xml.Element) -> str:
    location = element.get("ResponseLocation")
    if location is None:
        return ""
    return check(location.strip(datatypes.WHITE_SPACE), what="The single logout service")


def index(element: xml.Element) -> int | None:
    """Return the index; some service providers leave it out, though the schema demands it."""
    value = element.get("index")
    if value is None:
        return None
    digits = value.strip(datatypes.WHITE_SPACE)
    if not (digits.isascii() and digits.isdigit()) or int(digits[:6]) > MAX_INDEX:
        raise errors.InvalidMetadata("index", f"The index {digits[:20]!r} is no number.")
    return int(digits[:6])
