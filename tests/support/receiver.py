"""Somebody else's server: answers by script and remembers what it was asked, over http or https.

For receivers of logout tokens, key sets, sector documents, logos and request objects. Behaviours
are functions of the handler; the usual ones are below.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support import ports

Behaviour = Callable[["Handler"], None]
MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The members of a form body."""
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


class Handler(BaseHTTPRequestHandler):
    """Notes the request, then behaves."""

    protocol_version = "HTTP/1.1"
    receiver: Receiver

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.receiver.received.append(Received(self.command, self.path, headers, body))
        path = self.path.partition("?")[0]
        behaviour = self.receiver.behaviours.get(path, self.receiver.otherwise)
        try:
            behaviour(self)
        except OSError:
            self.close_connection = True
            self.receiver.abandoned.set()

    do_GET = do_POST = _answer  # noqa: N815 - the names that the library looks for

    def send(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer in one piece."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def ok(body: bytes | object = b"", *, status: int = 200, **headers: str) -> Behaviour:
    """Answer this; anything but bytes as JSON."""
    if not isinstance(body, bytes):
        headers.setdefault("content_type", "application/json")
        body = orjson.dumps(body)
    content = body
    return lambda handler: handler.send(status, content, **headers)


def raw(*pieces: bytes) -> Behaviour:
    """Write these bytes, status line and all, and close."""

    def behave(handler: Handler) -> None:
        for piece in pieces:
            handler.wfile.write(piece)
        handler.close_connection = True

    return behave


def redirect(to: str, status: int = 302) -> Behaviour:
    """Send elsewhere."""
    return lambda handler: handler.send(status, location=to)


def hang(seconds: float = 30) -> Behaviour:
    """Say nothing until the other side gives up, or the receiver stops."""

    def behave(handler: Handler) -> None:
        handler.receiver.stopping.wait(seconds)
        handler.close_connection = True

    return behave


def drip(seconds: float = 30, *, headers: bool = False) -> Behaviour:
    """Answer a byte at a time, in the headers or in the body, until the other side gives up."""

    def behave(handler: Handler) -> None:
        start = b"HTTP/1.1 200 OK\r\nX-A: " if headers else b"HTTP/1.1 200 OK\r\n\r\n"
        handler.wfile.write(start)
        end = time.monotonic() + seconds
        while time.monotonic() < end and not handler.receiver.stopping.is_set():
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.05)
        handler.close_connection = True

    return behave


def big(size: int = 10 * MEGABYTE, *, announced: bool = True) -> Behaviour:
    """Answer with very much, announced in the headers or not."""

    def behave(handler: Handler) -> None:
        handler.send_response(200)
        if announced:
            handler.send_header("Content-Length", str(size))
        handler.end_headers()
        for _ in range(size // 65536):
            handler.wfile.write(b"x" * 65536)
        handler.close_connection = True

    return behave


def cut() -> Behaviour:
    """Close in the middle of the body."""

    return raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")


class _Server(ThreadingHTTPServer):
    """Each connection is a thread of its own from its handshake on."""

    daemon_threads = True
    context: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.context is None:
            super().finish_request(request, client_address)
            return
        with self.context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: the other side sees what happened."""


class _Server6(_Server):
    address_family = socket.AF_INET6


@dataclass
class Receiver:
    """A server on a free loopback port; `behaviours` by path can be changed while it runs.

    `server_names`: what was asked for in each TLS handshake (None: nothing). `abandoned`: set once
    somebody has hung up before an answer was written to its end.
    """

    authority: Authority | None = None
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    otherwise: Behaviour = field(default_factory=ok)
    received: list[Received] = field(default_factory=list)
    server_names: list[str | None] = field(default_factory=list)
    abandoned: threading.Event = field(default_factory=threading.Event)
    stopping: threading.Event = field(default_factory=threading.Event)
    address: str = "127.0.0.1"
    port: int = field(default_factory=ports.free)

    def start(self) -> Receiver:
        """Begin to listen; again after `stop` on the same port."""
        self.stopping.clear()
        handler = type("BoundHandler", (Handler,), {"receiver": self})
        kind = _Server6 if ":" in self.address else _Server
        self._server = kind((self.address, self.port), handler)
        if self.authority is not None:
            self._server.context = self.authority.server_context()
            self._server.context.sni_callback = self._note_name
        threading.Thread(target=self._server.serve_forever, args=[0.01], daemon=True).start()
        return self

    def _note_name(self, connection: object, name: str | None, context: object) -> None:
        self.server_names.append(name)

    def stop(self) -> None:
        """Stop listening; whoever hangs is let go."""
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Receiver:
        return self.start()

    def __exit__(self, *args: object) -> None:
        self.stop()

    def url(self, path: str = "/", *, host: str | None = None) -> str:
        """An address of this server."""
        scheme = "http" if self.authority is None else "https"
        if host is None:
            host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{scheme}://{host}:{self.port}{path}"

    def at(self, path: str) -> list[Received]:
        """The requests to one path so far."""
        return [one for one in self.received if one.path.partition("?")[0] == path]


class Authority:
    """A throw-away certificate authority with one server certificate.

    `until`: how long the server's certificate is still good; below zero it has run out.
    """

    def __init__(
        self, folder: Path, *hosts: str, until: dt.timedelta = dt.timedelta(days=1)
    ) -> None:
        self.ca_file = folder / "ca.pem"
        self._server_file = folder / "server.pem"
        ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        ca_name = _name("Throw-away authority")
        ca = _builder(ca_name, ca_name, ca_key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.ca_file.write_bytes(_pem(ca.sign(ca_key, hashes.SHA256())))
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts or _HOSTS])
        server = _builder(_name("server"), ca_name, key.public_key(), until).add_extension(
            names, critical=False
        )
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        self._server_file.write_bytes(private + _pem(server.sign(ca_key, hashes.SHA256())))

    def server_context(self) -> ssl.SSLContext:
        """What a server of this authority speaks."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._server_file)
        return context


_HOSTS = ("localhost", "127.0.0.1")


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    until: dt.timedelta = dt.timedelta(days=1),
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + until)
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
