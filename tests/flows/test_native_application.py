"""A program on a device: it listens on a loopback port, and browsers bring the code there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests

from tests.support.application import Application, answer
from tests.support.person import Person
from tests.support.server import Gatehouse


class Listener(HTTPServer):
    """What the program opens before it opens the browser; any port will do (RFC 8252 §7.3)."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.paths: list[str] = []

    @property
    def redirect_uri(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/callback"


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Nothing on standard error."""


@contextmanager
def listening() -> Iterator[Listener]:
    with Listener() as listener:
        thread = threading.Thread(target=listener.serve_forever, daemon=True)
        thread.start()
        yield listener
        listener.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def program(gatehouse: Gatehouse) -> Application:
    """A public client, registered with the address but not with the port."""
    return Application(
        gatehouse,
        application_type="native",
        token_endpoint_auth_method="none",
        redirect_uris=["http://127.0.0.1/callback", "org.example.app:/callback"],
    )


@pytest.mark.standard("RFC 8252", "7.3", "a code arrives at whatever port the program listens on")
@pytest.mark.standard("RFC 8252", "8.6", "and the person is asked each time")
def test_any_port(program: Application) -> None:
    person = Person()
    for number in range(2):
        with listening() as listener:
            session = program.session(redirect_uri=listener.redirect_uri)
            page = person.open(program.request(session))
            if number == 0:
                page = person.sign_in(page, "alice", program.gatehouse.password)
            assert "a program on this computer" in page.text
            arrived = person.submit(page, decision="allow").url
            assert arrived == f"http://127.0.0.1:{listener.server_port}{listener.paths[-1]}"
            token = program.fetch_token(session, arrived)
            assert program.verified(token["id_token"])["aud"] == program.client_id


def test_a_private_scheme_is_where_the_browser_is_sent(program: Application) -> None:
    person = Person()
    session = program.session(redirect_uri="org.example.app:/callback")
    page = person.open(program.request(session))
    page = person.sign_in(page, "alice", program.gatehouse.password)
    with pytest.raises(requests.exceptions.InvalidSchema) as caught:
        person.submit(page, decision="allow")
    arrived = str(caught.value).split("'")[1]
    assert arrived.startswith("org.example.app:/callback?code=")
    assert program.fetch_token(session, arrived)["access_token"]


@pytest.mark.standard("RFC 9700", "4.8", "a stolen code is worth nothing without the verifier")
def test_another_program_cannot_use_the_code(program: Application) -> None:
    person = Person()
    with listening() as listener:
        session = program.session(redirect_uri=listener.redirect_uri)
        code = answer(program.visit(person, session))["code"]
        stolen = program.redeem(code, redirect_uri=listener.redirect_uri, code_verifier="w" * 64)
        assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
        honest = program.redeem(code, redirect_uri=listener.redirect_uri)
        assert honest.status_code == 200
