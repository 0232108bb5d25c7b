"""A small web application around a SAML library: it holds sessions, the library does all SAML.

In a thread of the test. What it knows of a person it shows as JSON, what the library refuses as a
page with the library's own words.
"""

from __future__ import annotations

import json
import secrets
import threading
import traceback
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

from deploy.demo import environment
from tests.support import ports
from tests.support.server import Gatehouse
from tests.support.service_providers.base import Known, ServiceProvider


class Refused(Exception):
    """The library does not accept what came."""


@dataclass(frozen=True)
class Message:
    """A SAML message as a browser brought it."""

    method: str
    query: str
    fields: Mapping[str, str]


@dataclass(frozen=True)
class Page:
    """What the browser gets: a page, or a place to go."""

    body: str = ""
    status: int = 200
    location: str = ""
    content_type: str = "text/html; charset=utf-8"


@dataclass(frozen=True)
class SignedIn:
    """A session: what is shown, and what the library needs to sign out again."""

    known: Known
    kept: Any


class Application(ServiceProvider):
    """One application; a subclass names the library's calls."""

    farewell = "status:Success"

    def __init__(self, folder: Path, gatehouse: Gatehouse) -> None:
        super().__init__(folder, gatehouse)
        self.port = ports.free()
        self.address = f"http://localhost:{self.port}"
        self.metadata_url = f"{self.address}/metadata"
        self.protected = f"{self.address}/protected/"
        self.signs_out = f"{self.address}/logout"
        self.acs_url = f"{self.address}/acs"
        self.slo_url = f"{self.address}/slo"
        self.sessions: dict[str, SignedIn] = {}
        self.refusals: list[str] = []
        self.server: ThreadingHTTPServer | None = None

    # ----- the library's part -----

    @abstractmethod
    def prepare(self) -> None:
        """Configure the library; the keys are in `sp.crt` and `sp.key`."""

    @abstractmethod
    def metadata(self) -> str:
        """Our own metadata."""

    @abstractmethod
    def begin(self, *, force: bool, passive: bool) -> Page:
        """Send the browser off with an AuthnRequest."""

    @abstractmethod
    def consume(self, message: Message) -> SignedIn:
        """Read the response to it; raises Refused."""

    @abstractmethod
    def begin_logout(self, session: SignedIn, *, by_soap: bool) -> Page:
        """Send the browser off with a LogoutRequest; `by_soap`: ask without it, and forget."""

    @abstractmethod
    def answer_logout(self, message: Message, session: SignedIn | None) -> Page:
        """Answer a LogoutRequest; raises Refused."""

    @abstractmethod
    def finish_logout(self, message: Message) -> str:
        """Read a LogoutResponse and return its words; raises Refused."""

    # ----- the web's part -----

    def start(self) -> None:
        certificate, key = environment.self_signed(f"{self.name}.example")
        (self.folder / "sp.crt").write_text(certificate)
        (self.folder / "sp.key").write_text(key)
        self.prepare()
        handler = type("BoundHandler", (Handler,), {"application": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=[0.05], daemon=True).start()

    def stop(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def asking(self, *, force: bool = False, passive: bool = False) -> str:
        wishes = {"force": force, "passive": passive}
        query = urlencode({name: "1" for name, wanted in wishes.items() if wanted})
        return f"{self.address}/login?{query}"

    def known(self, page: str) -> Known:
        return Known(**json.loads(page))

    @property
    def log(self) -> str:
        return "\n".join(self.refusals)

    def forget(self, session: SignedIn) -> None:
        """End a session here."""
        self.sessions = {key: one for key, one in self.sessions.items() if one is not session}

    def handle(self, path: str, message: Message, cookie: str) -> tuple[Page, str]:
        """Answer one request; returns the session's cookie too."""
        session = self.sessions.get(cookie)
        if path == "/acs":
            return self._signed_in(message)
        if path == "/slo":
            return self._slo(message, session, cookie), cookie
        return self._page(path, message, session), cookie

    def _page(self, path: str, message: Message, session: SignedIn | None) -> Page:
        if path == "/metadata":
            return Page(self.metadata(), content_type="application/samlmetadata+xml")
        if path == "/signed-out/":
            return Page("<p>Signed out.</p>")
        if path == "/logout" and session is not None:
            return self.begin_logout(session, by_soap="soap" in message.fields)
        if path == "/login" or session is None:
            wishes = message.fields
            return self.begin(force="force" in wishes, passive="passive" in wishes)
        shown = json.dumps(asdict(session.known))
        return Page(shown, content_type="application/json")

    def _signed_in(self, message: Message) -> tuple[Page, str]:
        session = self.consume(message)
        cookie = secrets.token_urlsafe()
        self.sessions[cookie] = session
        return Page(status=303, location=self.protected), cookie

    def _slo(self, message: Message, session: SignedIn | None, cookie: str) -> Page:
        self.sessions.pop(cookie, None)
        if "SAMLRequest" in message.fields:
            return self.answer_logout(message, session)
        return Page(f"<p>Signed out. {self.finish_logout(message)}</p>")


class Handler(BaseHTTPRequestHandler):
    """HTTP to `Application.handle`."""

    application: ClassVar[Application]

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        self._answer(path, Message("GET", query, dict(parse_qsl(query))))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._answer(self.path.partition("?")[0], Message("POST", "", dict(parse_qsl(body))))

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _answer(self, path: str, message: Message) -> None:
        name = f"session{self.application.port}"
        cookies = SimpleCookie(self.headers.get("Cookie", ""))
        cookie = cookies[name].value if name in cookies else ""
        try:
            page, cookie = self.application.handle(path, message, cookie)
        except Refused as refused:
            self.application.refusals.append(str(refused))
            page = Page(f"<p>Refused: {refused}</p>", status=403)
        except Exception:
            self.application.refusals.append(traceback.format_exc())
            page = Page("<p>It broke; the log says how.</p>", status=500)
        body = page.body.encode()
        self.send_response(page.status)
        if page.location:
            self.send_header("Location", page.location)
        self.send_header("Set-Cookie", f"{name}={cookie}; Path=/; HttpOnly; SameSite=Lax")
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
