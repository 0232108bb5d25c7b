"""What is secret is in no log line and in no row: every secret of whole flows is searched for."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

import pytest
import requests

from federation.saml import datatypes
from tests.attacks.saml.service_provider import ServiceProvider
from tests.support.application import VERIFIER, Application, answer
from tests.support.person import TIMEOUT, Person
from tests.support.saml import metadata_of
from tests.support.server import PASSWORD, Gatehouse

MISTYPED = "my other password, typed by mistake"
SHORTEST = 16
GRANIAN = "[WARNING]"  # a worker that a slow machine did not let end in time


class Ledger:
    """Every secret that was given, sent or typed, by what it is."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def note(self, **secrets: str) -> None:
        """Remember secrets by kind; a kind may come several times."""
        for kind, value in secrets.items():
            assert len(value) >= SHORTEST, kind
            self.values[value] = kind

    def note_cookies(self, person: Person) -> None:
        for cookie in person.session.cookies:
            if len(cookie.value or "") >= SHORTEST:
                self.note(**{f"cookie {cookie.name}": cookie.value or ""})

    def found_in(self, text: bytes) -> set[str]:
        """Kinds of secrets that the text holds, in any of the usual spellings."""
        return {
            kind
            for value, kind in self.values.items()
            if any(spelling in text for spelling in _spellings(value))
        }


def _spellings(value: str) -> set[bytes]:
    raw = value.encode()
    forms = {value, quote(value), quote_plus(value), json.dumps(value)[1:-1], raw.hex()}
    # base64 at each of the three offsets, without the characters that depend on neighbours.
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).decode()
        inner = encoded[4 if offset else 0 :].rstrip("=")[:-1]
        forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    return {form.encode() for form in forms}


@pytest.fixture
def server(own_gatehouse: Callable[..., Gatehouse]) -> Gatehouse:
    """As talkative as it can be."""
    return own_gatehouse(settings={"GATEHOUSE_LOG_LEVEL": "DEBUG"})


@pytest.fixture
def ledger(server: Gatehouse) -> Ledger:
    ledger = Ledger()
    ledger.note(
        password=PASSWORD,
        secret_key=server.environment["GATEHOUSE_SECRET_KEY"],
        master_key=server.environment["GATEHOUSE_MASTER_KEY"],
    )
    return ledger


@pytest.mark.standard("RFC 9700", "4.2", "no code, token, secret or password in a log or a row")
def test_no_secret_is_written_down(server: Gatehouse, ledger: Ledger) -> None:
    web = Application(
        server,
        gatehouse_refresh_always=True,
        grant_types=["authorization_code", "refresh_token", "client_credentials"],
    )
    ledger.note(client_secret=web.secret)
    sp = ServiceProvider(
        entity_id="https://sp.example/metadata",
        acs_url="https://sp.example/acs",
        destination=server.url("/saml/sso"),
    )
    server.register_service_provider(metadata_of(sp).decode())
    person = Person()
    _sign_in_with_mistakes(web, person, ledger)
    _oauth(web, person, ledger)
    _mistakes_of_applications(web, ledger)
    _saml(server, sp, person, ledger)
    _long_request(web, person, ledger)
    _change_password(server, ledger)
    ledger.note_cookies(person)
    server.stop()  # which writes the buffered rows
    assert len(set(ledger.values.values())) >= 15
    ours = [line for line in server.log.splitlines() if not line.startswith(GRANIAN)]
    logged = [json.loads(line) for line in ours]
    assert {"refusals_not_written", "Forbidden (CSRF cookie not set.): /login"} <= {
        line["event"] for line in logged
    }
    assert ledger.found_in(server.log.encode()) == set()
    files = [path for path in server.folder.rglob("*") if path.is_file()]
    assert [path for path in files if path.suffix == ".sqlite3"]
    assert {path.name: ledger.found_in(path.read_bytes()) for path in files} == {
        path.name: set() for path in files
    }
    for path in files:
        assert b"PRIVATE KEY" not in path.read_bytes(), path
    _the_search_would_find_something(server, files)


def _sign_in_with_mistakes(web: Application, person: Person, ledger: Ledger) -> None:
    page = person.open(web.request(web.session(), login_hint="alice"))
    ledger.note(handle=urlsplit(page.url).path.split("/")[2])
    # A wrong password, and a password typed into the field of the name.
    ledger.note(mistyped=MISTYPED)
    page = person.sign_in(page, "alice", MISTYPED)
    page = person.sign_in(page, MISTYPED, PASSWORD)
    ledger.note_cookies(person)
    page = person.sign_in(page, "alice", PASSWORD)
    ledger.note_cookies(person)
    person.submit(page, decision="allow")


def _oauth(web: Application, person: Person, ledger: Ledger) -> None:
    session = web.session()
    arrived = web.visit(person, session)
    ledger.note(code=answer(arrived)["code"], code_verifier=VERIFIER)
    tokens = web.fetch_token(session, arrived)
    _note_tokens(ledger, tokens)
    _note_tokens(ledger, web.refresh(tokens["refresh_token"]).json())
    _note_tokens(ledger, web.post("token", grant_type="client_credentials").json())
    web.userinfo(tokens["access_token"])
    requests.post(
        web.metadata["userinfo_endpoint"], {"access_token": tokens["access_token"]}, timeout=TIMEOUT
    )
    web.is_active(tokens["access_token"])
    page = person.open(web.request(session, response_mode="form_post"))
    fields = dict(re.findall(r'name="([a-z]+)" value="([^"]*)"', page.text))
    ledger.note(posted_code=fields["code"])
    assert web.redeem(fields["code"]).status_code == 200
    assert web.redeem(fields["code"]).status_code == 400
    person.open(
        web.gatehouse.url(f"/end_session?id_token_hint={tokens['id_token']}x&client_id=other")
    )
    web.post("revocation", token=tokens["access_token"])


def _note_tokens(ledger: Ledger, tokens: dict[str, Any]) -> None:
    for kind in ("access_token", "refresh_token", "id_token"):
        if kind in tokens:
            ledger.note(**{kind: tokens[kind]})


def _mistakes_of_applications(web: Application, ledger: Ledger) -> None:
    """Secrets in places where they do not belong."""
    token = web.metadata["token_endpoint"]
    wrong = "wrong-secret-of-an-application"
    ledger.note(wrong_secret=wrong)
    query = f"client_id={web.client_id}&client_secret={web.secret}&code=gtc_{'x' * 40}"
    ledger.note(broken_code=f"gtc_{'x' * 40}")

    def flood(_: int = 0) -> requests.Response:
        return requests.post(token, {"code": wrong}, auth=(wrong, wrong), timeout=TIMEOUT)

    for attempt in (
        lambda: requests.post(f"{token}?{query}", {"grant_type": "password"}, timeout=TIMEOUT),
        lambda: requests.get(f"{token}?{query}", timeout=TIMEOUT),
        lambda: requests.get(f"{token}/?{query}", timeout=TIMEOUT),
        lambda: requests.get(web.gatehouse.url(f"/authorize?{query}"), timeout=TIMEOUT),
        lambda: requests.get(web.gatehouse.url(f"/login?{query}"), timeout=TIMEOUT),
        lambda: requests.get(web.gatehouse.url(f"/nowhere?{query}"), timeout=TIMEOUT),
        lambda: requests.post(token, {"grant_type": wrong}, auth=(wrong, wrong), timeout=TIMEOUT),
        lambda: requests.post(token, auth=(web.client_id, wrong), timeout=TIMEOUT),
        lambda: requests.post(token, data=f"{wrong}&%zz&client_secret={wrong}", timeout=TIMEOUT),
        lambda: requests.post(token, json={"client_secret": wrong}, timeout=TIMEOUT),
        lambda: web.userinfo(wrong),
        lambda: requests.get(
            web.metadata["userinfo_endpoint"] + f"?access_token={wrong}", timeout=TIMEOUT
        ),
        lambda: requests.post(
            web.gatehouse.url(f"/login?{query}"), {"password": PASSWORD}, timeout=TIMEOUT
        ),
        lambda: web.refresh(wrong),
        lambda: web.redeem(wrong),
        flood,
    ):
        assert attempt().status_code < 500
    with ThreadPoolExecutor(8) as pool:  # sooner or later also a slow machine writes no more
        while "refusals_not_written" not in web.gatehouse.log:
            assert {answer.status_code for answer in pool.map(flood, range(100))} <= {401, 429}


def _saml(server: Gatehouse, sp: ServiceProvider, person: Person, ledger: Ledger) -> None:
    request = sp.redirect(sp.text(identifier=datatypes.new_id()), signed=False).decode()
    page = person.open(server.url(f"/saml/sso?{request}"))
    response = re.search(r'name="SAMLResponse" value="([^"]*)"', page.text)
    assert response
    ledger.note(
        assertion=response[1][200:400], authn_request=dict(parse_qsl(request))["SAMLRequest"]
    )
    assert person.open(server.url(f"/saml/sso?{request}x")).status_code == 400


def _long_request(web: Application, person: Person, ledger: Ledger) -> None:
    """A code that is too long for an address is kept, sealed."""
    session = web.session()
    code = web.code(person, session, nonce="n" * 1500)
    ledger.note(stored_code=code)
    assert web.redeem(code).status_code == 200
    ledger.note(unused_code=web.code(person, session, nonce="n" * 1501))


def _change_password(server: Gatehouse, ledger: Ledger) -> None:
    person = Person()
    new = "an entirely new passphrase of bob"
    ledger.note(new_password=new)
    person.sign_in(person.open(server.url("/login")), "bob", PASSWORD)
    page = person.open(server.url("/account/password"))
    names = re.findall(r'<input[^>]*type="password"[^>]*name="([^"]+)"', page.text) or re.findall(
        r'<input[^>]*name="([^"]+)"[^>]*type="password"', page.text
    )
    values = [PASSWORD, *(new for _ in names[1:])]
    page = person.submit(page, **dict(zip(names, values, strict=True)))
    assert page.status_code == 200
    again = Person()
    again.sign_in(again.open(server.url("/login")), "bob", new)
    assert "gatehouse_session" in again.session.cookies


def _the_search_would_find_something(server: Gatehouse, files: list[Path]) -> None:
    """What is kept in clear is found, in the database or its journal: the search is not blind."""
    probe = Ledger()
    content = b"".join(path.read_bytes() for path in files)
    with sqlite3.connect(server.folder / "gatehouse.sqlite3") as database:
        (entity_id,) = database.execute(
            "SELECT entity_id FROM federation_serviceprovider"
        ).fetchone()
    probe.note(entity=entity_id)
    assert probe.found_in(content) == {"entity"}
