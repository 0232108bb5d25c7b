"""The only door to other servers: https, resolved once and pinned, no redirects, bounded.

Addresses come from others (client metadata, request objects, logout receivers), so nothing inside
a network may be reached through us: every address that a name resolves to must be public, and the
connection goes to one that was checked, whatever the name says a moment later. Hosts named in
`GATEHOUSE_OUTBOUND_ALLOW` are exempt, plain http included. One deadline covers everything, from the
name to the last byte; nothing is retried, unpacked, followed or remembered.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings

from idp.protocol import public_address, strict_json, uri
from idp.protocol.public_address import Address
from idp.protocol.uri import InvalidUri, Uri

USER_AGENT = "Gatehouse"
DEFAULT_PORTS = {"https": 443, "http": 80}
JSON_TYPES = ("application/json", "application/jwk-set+json")
NOT_MODIFIED = 304
READ_BYTES = 64 * 1024
# Status line and headers of an answer.
MOST_HEAD = 64 * 1024

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\x20-\x7e]*")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


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


def download(
    url: str,
    *,
    to: BinaryIO,
    accept: str,
    limit: int,
    timeout: timedelta,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Fetch a document into a file, so that its size is not ours; the answer's body is empty.

    Raises OutboundError; what the file holds then is nothing to go by.
    """
    return _send("GET", url, None, {"Accept": accept, **(headers or {})}, limit, timeout, to)


def post(
    url: str,
    *,
    body: bytes,
    content_type: str,
    accept: str,
    limit: int,
    timeout: timedelta,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Post a document; returns the answer whatever its status but a redirect.

    Raises OutboundError.
    """
    told = {"Accept": accept, "Content-Type": content_type, **(headers or {})}
    return _send("POST", url, body, told, limit, timeout)


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
    _checked(url)


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a request goes: the host as a name or literal (IPv6 in brackets), port, path, query."""

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
        is_usual = self.port == DEFAULT_PORTS[self.scheme]
        return self.host if is_usual else f"{self.host}:{self.port}"


def _checked(url: str) -> _Target:
    """The target of a URL that may be asked, as far as can be said without resolving its name."""
    target = _target(url)
    if target.host == "localhost" or target.host.endswith(".localhost"):  # RFC 6761 §6.3
        _demand_public(target, [ipaddress.IPv4Address("127.0.0.1")])
    try:
        _demand_public(target, [ipaddress.ip_address(target.host.strip("[]"))])
    except ValueError:
        return target
    return target


def _target(url: str) -> _Target:
    try:
        parts = uri.split(url)
    except InvalidUri as error:
        raise OutboundError("refused", f"the address {error}") from None
    if parts.scheme not in DEFAULT_PORTS or not parts.host:
        raise OutboundError("refused", "the address is not https")
    host = parts.host.lower()
    if host.startswith("["):
        host = f"[{ipaddress.IPv6Address(host[1:-1]).compressed}]"
    target = _Target(parts.scheme, host, parts.port or DEFAULT_PORTS[parts.scheme], _path(parts))
    if parts.scheme != "https" and not target.is_allowed:
        words = f"the address is not https, nor is {host} in GATEHOUSE_OUTBOUND_ALLOW"
        raise OutboundError("refused", words)
    return target


def _path(parts: Uri) -> str:
    query = "" if parts.query is None else f"?{parts.query}"
    return (parts.path or "/") + query


def _demand_public(target: _Target, addresses: list[Address]) -> None:
    """Refuse if any address is not public: which one is used would be chance (RFC 6890)."""
    if target.is_allowed:
        return
    if not all(map(public_address.is_public, addresses)):
        words = f"{target.host} is inside a private network and not in GATEHOUSE_OUTBOUND_ALLOW"
        raise OutboundError("refused", words)


# ----- one exchange -----


class _Deadline:
    """The instant by which everything must be over."""

    def __init__(self, timeout: timedelta) -> None:
        self._end = time.monotonic() + timeout.total_seconds()

    def left(self) -> float:
        """Seconds that are left. Raises OutboundError where none are."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise OutboundError("timeout", "it did not answer in time")
        return left


class _Wire(io.RawIOBase):
    """A connection whose every step ends at the deadline, and that takes in what was allowed.

    A time limit of the socket begins anew with each byte, and a parser may be talked into reading
    on for ever (a chunk of length -1). Here neither helps. Stands in for the socket that
    `http.client` works with.
    """

    def __init__(self, connected: socket.socket, deadline: _Deadline) -> None:
        super().__init__()
        self._connected = connected
        self._deadline = deadline
        self._allowance = 0

    def allow(self, count: int) -> None:
        """Let so many bytes more come in."""
        self._allowance += count

    def makefile(self, mode: str) -> io.BufferedReader:
        """What `http.client` reads from."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Take in what has come. Raises OutboundError."""
        self._connected.settimeout(self._deadline.left())
        count = self._connected.recv_into(buffer)
        self._allowance -= count
        if self._allowance < 0:
            raise OutboundError("too_large", "it sends far more than was asked for")
        return count

    def sendall(self, data: bytes) -> None:
        """Send everything. Raises OutboundError."""
        left = memoryview(data)
        while left:
            self._connected.settimeout(self._deadline.left())
            left = left[self._connected.send(left) :]

    def close(self) -> None:
        """Close the connection as well."""
        self._connected.close()
        super().close()


def _send(
    method: str,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    limit: int,
    timeout: timedelta,
    to: BinaryIO | None = None,
) -> Answer:
    target = _checked(url)
    sent = _request_headers(target, headers)
    deadline = _Deadline(timeout)
    addresses = _resolve(target, deadline)
    _demand_public(target, addresses)
    try:
        with _Wire(_connect(target, addresses, deadline), deadline) as wire:
            response = _exchange(wire, method, target, body, sent)
            wire.allow(2 * limit)  # chunks may not even double it
            return _read(response, limit=limit, to=to)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _explained(error) from None


def _request_headers(target: _Target, headers: Mapping[str, str]) -> dict[str, str]:
    ours = {
        "Host": target.name,
        "User-Agent": USER_AGENT,
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    taken = {name.lower() for name in ours} | {"content-length", "transfer-encoding"}
    for name, value in headers.items():
        if name.lower() in taken or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise OutboundError("refused", f"the header {name!r} cannot be sent")
    return {**ours, **headers}


def _exchange(
    wire: _Wire, method: str, target: _Target, body: bytes | None, headers: Mapping[str, str]
) -> http.client.HTTPResponse:
    """Send the request and return the answer with its headers read, its body not."""
    connection: Any = http.client.HTTPConnection("")
    connection.auto_open = False
    connection.sock = wire
    connection.request(method, target.path, body=body, headers=headers)
    response: Any = http.client.HTTPResponse(connection.sock, method=method)
    wire.allow(MOST_HEAD)
    response.begin()
    return response


def _explained(error: Exception) -> OutboundError:
    if isinstance(error, TimeoutError):
        return OutboundError("timeout", "it did not answer in time")
    if isinstance(error, ssl.SSLError):
        why = getattr(error, "verify_message", None) or error.reason
        return OutboundError("tls", f"its TLS certificate or handshake is not good: {why}")
    if isinstance(error, OSError):
        return OutboundError(
            "unreachable", f"it cannot be reached: {error.strerror or 'no answer'}"
        )
    return OutboundError("protocol", "it does not answer in proper HTTP")


def _resolve(target: _Target, deadline: _Deadline) -> list[Address]:
    """Every address of the host, asked once; in a thread, for resolvers know no deadline."""
    found: queue.SimpleQueue[list[Any]] = queue.SimpleQueue()
    host = target.host.strip("[]")

    def ask() -> None:
        try:
            found.put(socket.getaddrinfo(host, target.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError):
            found.put([])

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = found.get(timeout=deadline.left())
    except queue.Empty:
        raise OutboundError("timeout", "its name is not resolved in time") from None
    if not answer:
        raise OutboundError("unreachable", f"there is no address for {host}")
    return [ipaddress.ip_address(entry[4][0]) for entry in answer]


def _connect(target: _Target, addresses: list[Address], deadline: _Deadline) -> socket.socket:
    """A connection to the first address that takes one; under TLS the host proves its name."""
    failure = OSError()
    for number, address in enumerate(addresses):
        # One that swallows everything leaves the others their share of the time.
        share = deadline.left() / (len(addresses) - number)
        try:
            plain = _dial(address, target.port, share)
        except OSError as error:
            failure = error
            continue
        return plain if target.scheme == "http" else _secured(plain, target, deadline)
    raise failure


def _dial(address: Address, port: int, seconds: float) -> socket.socket:
    """A connection to an address as it is: nothing is looked up."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    plain = socket.socket(family, socket.SOCK_STREAM)
    try:
        plain.settimeout(seconds)
        plain.connect((str(address), port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        plain.close()
        raise
    return plain


def _secured(plain: socket.socket, target: _Target, deadline: _Deadline) -> socket.socket:
    try:
        plain.settimeout(deadline.left())
        return _tls(settings.IDP.ca_bundle).wrap_socket(
            plain, server_hostname=target.host.strip("[]")
        )
    except BaseException:
        plain.close()
        raise


@lru_cache(maxsize=4)
def _tls(ca_bundle: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_bundle is not None:
        context.load_verify_locations(cafile=ca_bundle)
    return context


def _read(response: http.client.HTTPResponse, *, limit: int, to: BinaryIO | None) -> Answer:
    if 300 <= response.status < 400 and response.status != NOT_MODIFIED:
        raise OutboundError("redirect", f"it redirects (status {response.status})")
    headers = _answer_headers(response)
    body = io.BytesIO()
    sink, size = to or body, 0
    while size <= limit:
        piece = response.read(min(READ_BYTES, limit + 1 - size))
        if not piece:
            break
        sink.write(piece)
        size += len(piece)
    if size > limit:
        raise OutboundError("too_large", f"its answer is larger than {limit} bytes")
    if response.length:
        raise OutboundError("protocol", "its answer ends too early")
    return Answer(response.status, headers, body.getvalue())


def _answer_headers(response: http.client.HTTPResponse) -> dict[str, str]:
    """The headers by lower-case name, repeated ones joined (RFC 9110 §5.3)."""
    headers: dict[str, str] = {}
    for written, value in response.getheaders():
        if _CONTROL.search(value):
            raise OutboundError("protocol", "it sends a control character in a header")
        name = written.lower()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise OutboundError("protocol", "it sends compressed content, which was not asked for")
    if headers.get("transfer-encoding", "chunked").lower() != "chunked":
        raise OutboundError("protocol", "it sends its answer in an unknown transfer encoding")
    if not headers.get("content-length", "0").isdecimal():
        raise OutboundError("protocol", "it announces no proper length")
    return headers
