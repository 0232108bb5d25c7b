"""What the two demonstration applications share: routes, sessions in memory and one page frame.

A WSGI application on wsgiref, enough for a demonstration on this machine and no more. Sessions are
lost when it stops, and nothing but the session cookie is kept in the browser.
"""

from __future__ import annotations

import secrets
import socket
import ssl
import sys
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import parse_qsl
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import StartResponse, WSGIEnvironment

from deploy.demo import pages

MAXIMUM_SESSIONS = 1000
MAXIMUM_BODY = 1024 * 1024
STYLE = (Path(__file__).parent / "style.css").read_bytes()
HEADERS = [
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'",
    ),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
]
STATUS = {200: "200 OK", 303: "303 See Other", 400: "400 Bad Request", 404: "404 Not Found"}
STATUS |= {413: "413 Content Too Large", 500: "500 Internal Server Error", 502: "502 Bad Gateway"}


class Problem(Exception):
    """Something that the person is told on a page of its own."""

    def __init__(self, title: str, explanation: str, *, code: str = "", status: int = 400) -> None:
        super().__init__(title)
        self.title, self.explanation, self.code, self.status = title, explanation, code, status


@dataclass(slots=True)
class Request:
    """One request and the visitor's session."""

    method: str
    path: str
    raw_query: str
    query: dict[str, str]
    form: dict[str, str]
    session: dict[str, Any]
    fresh_session: bool = False


@dataclass(slots=True)
class Response:
    """One answer; `page` and `redirect` make them."""

    body: bytes = b""
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)


def page(body: str, *, status: int = 200) -> Response:
    """A whole HTML document."""
    return Response(body.encode(), status, [("Content-Type", "text/html; charset=utf-8")])


def redirect(location: str) -> Response:
    """Go on elsewhere with GET."""
    return Response(b"", 303, [("Location", location)])


Handler = Callable[[Request], Response]


class Site:
    """A WSGI application: `routes` says which handler answers a method and path."""

    def __init__(
        self, brand: pages.Brand, *, cookie: str, routes: dict[str, Handler], tls: bool = False
    ) -> None:
        self.brand = brand
        # A name that plain http cannot set: a browser that was here over https before, or comes by
        # http afterwards, keeps the two apart.
        self.cookie = f"__Host-{cookie}" if tls else cookie
        self.attributes = "Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if tls else "")
        self.routes = {**routes, "GET /style.css": stylesheet, "GET /icon.svg": self.icon}
        self.sessions: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        key = self.session_key(environ)
        session = self.sessions.get(key, {})
        response, request = self.answer(environ, session)
        headers = [*response.headers, *HEADERS, ("Content-Length", str(len(response.body)))]
        if request is not None and (request.session or key in self.sessions):
            headers += self.keep(key, request)
        start(STATUS[response.status], headers)
        return [response.body]

    def answer(
        self, environ: WSGIEnvironment, session: dict[str, Any]
    ) -> tuple[Response, Request | None]:
        """Call the handler; what it cannot do becomes a page."""
        request = None
        try:
            request = read(environ, session)
            handler = self.routes.get(f"{request.method} {request.path}")
            if handler is None:
                raise Problem("There is no such page", "The address is wrong.", status=404)
            return handler(request), request
        except Problem as problem:
            return self.problem(problem), request
        except Exception:
            traceback.print_exc(file=sys.stderr)
            text = "The application's own log says more."
            return self.problem(Problem("Something broke here", text, status=500)), request

    def problem(self, problem: Problem) -> Response:
        """The page of a problem."""
        body = pages.problem(problem.title, problem.explanation, code=problem.code)
        return page(self.brand.frame(problem.title, body), status=problem.status)

    def icon(self, request: Request) -> Response:
        """The mark."""
        return Response(pages.icon(self.brand).encode(), 200, [("Content-Type", "image/svg+xml")])

    def session_key(self, environ: WSGIEnvironment) -> str:
        """The visitor's session cookie, if it is one of ours."""
        try:
            cookies = SimpleCookie(environ.get("HTTP_COOKIE", ""))
        except CookieError:
            return ""
        return cookies[self.cookie].value if self.cookie in cookies else ""

    def keep(self, key: str, request: Request) -> list[tuple[str, str]]:
        """Store the session; a sign-in gets a new cookie, so that none can be planted."""
        if key in self.sessions and not request.fresh_session:
            self.sessions[key] = request.session
            self.sessions.move_to_end(key)
            return []
        self.sessions.pop(key, None)
        key = secrets.token_urlsafe(32)
        self.sessions[key] = request.session
        while len(self.sessions) > MAXIMUM_SESSIONS:
            self.sessions.popitem(last=False)
        return [("Set-Cookie", f"{self.cookie}={key}; {self.attributes}")]


def read(environ: WSGIEnvironment, session: dict[str, Any]) -> Request:
    """Parse what was sent, within limits."""
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise Problem("The request is broken", "Its length is not a number.") from None
    if length > MAXIMUM_BODY:
        raise Problem("That is too much", "A request may have 1 MiB.", status=413)
    body = environ["wsgi.input"].read(length) if length else b""
    raw_query = environ.get("QUERY_STRING", "")
    return Request(
        method=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO", "/"),
        raw_query=raw_query,
        query=dict(parse_qsl(raw_query, keep_blank_values=True)),
        form=dict(parse_qsl(body.decode("ascii", "replace"), keep_blank_values=True)),
        session=session,
    )


def stylesheet(request: Request) -> Response:
    """The one style sheet."""
    return Response(STYLE, 200, [("Content-Type", "text/css; charset=utf-8")])


class Server(ThreadingMixIn, WSGIServer):
    """One thread a request: a page that asks the identity provider delays nobody else."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[WSGIRequestHandler]) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a connection that broke, or whose other end does not trust us (yet)."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class QuietHandler(WSGIRequestHandler):
    """Writes no line for every request."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


def serve(site: Site, *, host: str, port: int, tls: tuple[Path, Path] | None) -> None:
    """Answer until the process is ended; `tls`: files of certificate and key."""
    with make_server(site, host=host, port=port, tls=tls) as server:
        server.serve_forever()


def make_server(site: Site, *, host: str, port: int, tls: tuple[Path, Path] | None) -> Server:
    """A server that listens already."""
    server = Server((host, port), QuietHandler)
    server.set_app(site)
    if tls is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*tls)
        # Each visitor's handshake happens in their own thread, with the first read.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    return server
