"""URIs, split strictly (RFC 3986 §3, §4.3).

Refuses what two readers could take differently: white space, control characters, backslashes,
non-ASCII, broken percent sequences, userinfo, odd hosts and ports. Resolves and fetches nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

MAX_CHARACTERS = 2048

LOOPBACK_LITERALS = ("127.0.0.1", "[::1]")
LOOPBACK_HOSTS = (*LOOPBACK_LITERALS, "localhost")

_ALLOWED = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_BROKEN_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ENCODED_CONTROL = re.compile(r"%(?:[01][0-9A-Fa-f]|7[Ff]|5[Cc])")
_PARTS = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.\-]*):"
    r"(?://(?P<authority>[^/?#\[\]]*|\[[0-9A-Fa-f:.]+\][^/?#\[\]]*))?"
    r"(?P<path>[^?#\[\]]*)(?:\?(?P<query>[^#\[\]]*))?(?:#(?P<fragment>[^#\[\]]*))?"
)
_HOST_AND_PORT = re.compile(r"(?P<host>\[[^\]]+\]|[^:\[\]]*)(?::(?P<port>[1-9][0-9]{0,4}))?")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_\-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_MAX_HOST = 253
_MAX_PORT = 65535


class InvalidUri(ValueError):
    """Not a URI we accept; the message is one reason, in words a developer can act on."""


@dataclass(frozen=True, slots=True)
class Uri:
    """The components of a URI; None where its delimiter is missing (RFC 3986 §5.3)."""

    scheme: str
    host: str | None
    port: int | None
    path: str
    query: str | None
    fragment: str | None

    @property
    def is_web(self) -> bool:
        """Whether it is https, or http to this machine itself (RFC 8252 §7.3, §8.3)."""
        return bool(self.host) and (self.scheme == "https" or self.is_loopback)

    @property
    def is_loopback(self) -> bool:
        """Whether it is http to a loopback host (RFC 8252 §7.3)."""
        return self.scheme == "http" and self.host in LOOPBACK_HOSTS

    @property
    def origin(self) -> str:
        """Scheme, host and port as written (RFC 6454 §6.2)."""
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}" if self.host else f"{self.scheme}:"


def split(uri: str) -> Uri:
    """Return the components of an absolute URI (RFC 3986 §4.3). Raises InvalidUri."""
    _check_characters(uri)
    found = _PARTS.fullmatch(uri)
    if found is None:
        raise InvalidUri("is not an absolute URI with a lower-case scheme")
    host, port = _host_and_port(found["authority"])
    return Uri(found["scheme"], host, port, found["path"], found["query"], found["fragment"])


def split_web(uri: str) -> Uri:
    """Return the components of an https address, or http to a loopback host. Raises InvalidUri."""
    parts = split(uri)
    if not parts.is_web:
        raise InvalidUri("must be https, or http to 127.0.0.1, [::1] or localhost")
    return parts


def _check_characters(uri: str) -> None:
    if not uri:
        raise InvalidUri("is empty")
    if len(uri) > MAX_CHARACTERS:
        raise InvalidUri(f"is longer than {MAX_CHARACTERS} characters")
    if "\\" in uri:
        raise InvalidUri("holds a backslash")
    if not uri.isascii():
        raise InvalidUri("holds a character outside ASCII; encode it")
    if not _ALLOWED.fullmatch(uri):
        raise InvalidUri("holds a character that must be percent-encoded")
    if _BROKEN_PERCENT.search(uri):
        raise InvalidUri("holds an incomplete percent sequence")
    if _ENCODED_CONTROL.search(uri):
        raise InvalidUri("holds an encoded control character or backslash")


def _host_and_port(authority: str | None) -> tuple[str | None, int | None]:
    if not authority:
        return None, None
    if "@" in authority:
        raise InvalidUri("holds a user name (an @ before the path)")
    found = _HOST_AND_PORT.fullmatch(authority)
    if found is None:
        raise InvalidUri("has a malformed host or port")
    port = int(found["port"]) if found["port"] else None
    if port is not None and port > _MAX_PORT:
        raise InvalidUri("has a port above 65535")
    _check_host(found["host"])
    return found["host"], port


def _check_host(host: str) -> None:
    """Refuse hosts that resolvers read differently: odd labels, numbers that are no address."""
    if host.startswith("["):
        _check_address(IPv6Address, host[1:-1])
        return
    labels = host.split(".")
    if len(host) > _MAX_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidUri("has a host that is no host name")
    if _NUMBER.fullmatch(labels[-1]):
        _check_address(IPv4Address, host)


def _check_address(kind: type[IPv4Address] | type[IPv6Address], text: str) -> None:
    try:
        kind(text)
    except AddressValueError:
        raise InvalidUri("has a host that is no IP address") from None
