"""The only door to other servers: https, resolved once and pinned, no redirects, bounded.

Addresses come from others (client metadata, request objects, logout receivers), so nothing inside
a network may be reached through us: every address that a name resolves to must be public, and the
connection goes to one that was checked, whatever the name says a moment later. Hosts named in
`GATEHOUSE_OUTBOUND_ALLOW` are exempt, plain http included. One deadline covers everything, from the
name to the last byte; nothing is retried, unpacked, followed or remembered.
"""

from __future__ import annotations

import http.client
import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from idp.protocol import strict_json, uri
from idp.protocol.uri import InvalidUri, Uri

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

USER_AGENT = "Gatehouse"
DEFAULT_PORTS = {"https": 443, "http": 80}
JSON_TYPES = ("application/json", "application/jwk-set+json")
READ_BYTES = 64 * 1024

# Not is_global: its lists grow with Python's releases, these are ours (RFC 6890, RFC 8190).
_PRIVATE = tuple(
    map(
        ipaddress.IPv4Network,
        [
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
            *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
            *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
        ],
    )
)
# Only global unicast, without what embeds another address or is for documentation.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NOT_UNICAST = tuple(
    map(ipaddress.IPv6Network, ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"])
)


class OutboundError(Exception):
    """A request that was not made, or brought nothing usable.

    The message is a sentence for administrators; `reason` one word: refused, unreachable, timeout,
    tls, redirect, too_large or protocol.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `headers` by lower-case name, `body` whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def get(
    url: str,
    *,
    accept: str,
    limit: int,
    timeout: timedelta,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Fetch a document of at most `limit` bytes, whatever its status but a redirect.

    Raises OutboundError.
    """
    return _send("GET", url, None, {"Accept": accept, **(headers or {})}, limit, timeout)


def post(
    url: str, *, body: bytes, content_type: str, accept: str, limit: int, timeout: timedelta
) -> Answer:
    """Post a document; returns the answer whatever its status but a redirect.

    Raises OutboundError.
    """
    headers = {"Accept": accept, "Content-Type": content_type}
    return _send("POST", url, body, headers, limit, timeout)


def get_json(url: str, *, limit: int, timeout: timedelta) -> Any:
    """Fetch a JSON document, answered with 200 and a JSON media type. Raises OutboundError."""
    answer = get(url, accept="application/json", limit=limit, timeout=timeout)
    if answer.status != 200:
        raise OutboundError("protocol", f"it answers with status {answer.status}")
    if answer.content_type not in JSON_TYPES and not answer.content_type.endswith("+json"):
        raise OutboundError("protocol", "it does not answer with a JSON media type")
    try:
        return strict_json.loads(answer.body, max_bytes=limit)
    except strict_json.InvalidJson as error:
        raise OutboundError(
            "protocol", f"it answers with something that is not JSON: {error}"
        ) from None


def check(url: str) -> None:
    """Refuse an address for what it says itself, without resolving it. Raises OutboundError."""
    target = _target(url)
    try:
        address = ipaddress.ip_address(target.host)
    except ValueError:
        return
    _demand_public(target, [address])


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a request goes: the host as a name or bare literal, its port, the path with query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_allowed(self) -> bool:
        """Whether this host is exempt from the rules for strangers."""
        allowed = settings.IDP.outbound_allow
        return self.host in allowed or f"{self.host}:{self.port}" in allowed

    @property
    def name(self) -> str:
        """The Host header (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def _target(url: str) -> _Target:
    try:
        parts = uri.split(url)
    except InvalidUri as error:
        raise OutboundError("refused", f"the address {error}") from None
    if parts.scheme not in DEFAULT_PORTS or not parts.host:
        raise OutboundError("refused", "the address is not https")
    host = parts.host.strip("[]").lower()
    if ":" in host:
        host = ipaddress.IPv6Address(host).compressed
    target = _Target(parts.scheme, host, parts.port or DEFAULT_PORTS[parts.scheme], _path(parts))
    if parts.scheme != "https" and not target.is_allowed:
        raise OutboundError("refused", f"the address is not https, nor is {host} allowed by name")
    return target


def _path(parts: Uri) -> str:
    query = "" if parts.query is None else f"?{parts.query}"
    return (parts.path or "/") + query


def _demand_public(target: _Target, addresses: list[Address]) -> None:
    """Refuse if any address is not public: which one is used would be chance (RFC 6890)."""
    if target.is_allowed:
        return
    for address in addresses:
        if not is_public(address):
            raise OutboundError("refused", f"{target.host} is inside a private network")


def is_public(address: Address) -> bool:
    """Whether everybody reaches this address through the Internet, and it embeds no other."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _PRIVATE)
    if address.scope_id is not None or address not in _GLOBAL_UNICAST:
        return False
    return not any(address in network for network in _NOT_UNICAST)


# ----- one exchange -----


class _Deadline:
    """The instant by which everything must be over; cuts the connection when it has come."""

    def __init__(self, timeout: timedelta) -> None:
        self._end = time.monotonic() + timeout.total_seconds()
        self._timer: threading.Timer | None = None
        self.passed = False

    def left(self) -> float:
        """Seconds that are left. Raises OutboundError where none are."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise OutboundError("timeout", "it did not answer in time")
        return left

    def guard(self, connected: socket.socket) -> None:
        """Shut the connection when time is over: a byte a second would never time out itself."""
        self._timer = threading.Timer(self.left(), self._cut, [connected])
        self._timer.daemon = True
        self._timer.start()

    def _cut(self, connected: socket.socket) -> None:
        self.passed = True
        try:
            connected.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def release(self) -> None:
        """The exchange is over."""
        if self._timer is not None:
            self._timer.cancel()


def _send(
    method: str,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    limit: int,
    timeout: timedelta,
) -> Answer:
    target = _target(url)
    deadline = _Deadline(timeout)
    addresses = _resolve(target, deadline)
    _demand_public(target, addresses)
    connection = http.client.HTTPConnection(target.host, target.port)
    response = None
    try:
        connection.sock = _connect(target, addresses, deadline)
        response = http.client.HTTPResponse(connection.sock, method=method)
        connection.request(
            method,
            target.path,
            body=body,
            headers={
                "Host": target.name,
                "User-Agent": USER_AGENT,
                "Accept-Encoding": "identity",
                "Connection": "close",
                **headers,
            },
        )
        response.begin()
        answer = _read(response, limit=limit)
        # A connection that was cut looks like one that the other side has closed.
        deadline.left()
        return answer
    except OutboundError:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _explained(error, deadline) from None
    finally:
        deadline.release()
        if response is not None:
            response.close()
        connection.close()


def _explained(error: Exception, deadline: _Deadline) -> OutboundError:
    if deadline.passed or isinstance(error, TimeoutError):
        return OutboundError("timeout", "it did not answer in time")
    if isinstance(error, ssl.SSLError):
        return OutboundError("tls", f"its TLS certificate or handshake is not good: {error.reason}")
    if isinstance(error, OSError):
        return OutboundError(
            "unreachable", f"it cannot be reached: {error.strerror or 'no answer'}"
        )
    return OutboundError("protocol", "it does not answer in proper HTTP")


def _resolve(target: _Target, deadline: _Deadline) -> list[Address]:
    """Every address of the host, asked once; in a thread, for resolvers know no deadline."""
    found: queue.SimpleQueue[list[Any] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found.put(socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError):
            found.put(OSError())

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = found.get(timeout=deadline.left())
    except queue.Empty:
        raise OutboundError("timeout", "its name is not resolved in time") from None
    if isinstance(answer, OSError) or not answer:
        raise OutboundError("unreachable", f"there is no address for {target.host}")
    return [ipaddress.ip_address(entry[4][0]) for entry in answer]


def _connect(target: _Target, addresses: list[Address], deadline: _Deadline) -> socket.socket:
    """A connection to the first address that takes one; under TLS the host proves its name."""
    failure: OSError | None = None
    for address in addresses:
        try:
            plain = socket.create_connection((str(address), target.port), timeout=deadline.left())
        except OSError as error:
            failure = error
            continue
        deadline.guard(plain)
        if target.scheme == "http":
            return plain
        try:
            return _tls(settings.IDP.ca_bundle).wrap_socket(plain, server_hostname=target.host)
        except BaseException:
            plain.close()
            raise
    raise failure or OSError()


@lru_cache(maxsize=4)
def _tls(ca_bundle: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_bundle is not None:
        context.load_verify_locations(cafile=ca_bundle)
    return context


def _read(response: http.client.HTTPResponse, *, limit: int) -> Answer:
    if 300 <= response.status < 400:
        raise OutboundError("redirect", f"it redirects (status {response.status})")
    headers = {name.lower(): value for name, value in response.getheaders()}
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise OutboundError("protocol", "it sends compressed content, which was not asked for")
    body = bytearray()
    while len(body) <= limit:
        piece = response.read(min(READ_BYTES, limit + 1 - len(body)))
        if not piece:
            break
        body += piece
    if len(body) > limit:
        raise OutboundError("too_large", f"its answer is larger than {limit} bytes")
    if response.length:
        raise OutboundError("protocol", "its answer ends too early")
    return Answer(response.status, headers, bytes(body))
