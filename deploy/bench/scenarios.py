"""The scenarios: each makes, from what `prepare` wrote, one step function per connection."""

from __future__ import annotations

import base64
import hashlib
import secrets
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import orjson

from deploy.bench.driver import Answer, Connection, Step

Facts = dict[str, Any]
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
AUTHN_REQUEST = (
    '<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"'
    ' xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_{id}" Version="2.0"'
    ' IssueInstant="{now}" Destination="{destination}">'
    "<saml:Issuer>{issuer}</saml:Issuer></samlp:AuthnRequest>"
)


def get(path: str, *, headers: str = "") -> bytes:
    """A complete GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode()


def post(path: str, form: dict[str, str], *, headers: str = "") -> bytes:
    """A complete POST request with a form body."""
    body = urlencode(form)
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{FORM}{headers}"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def basic(client: Facts) -> str:
    """The Authorization header of a confidential client."""
    pair = f"{client['client_id']}:{client['client_secret']}".encode()
    return f"Authorization: Basic {base64.b64encode(pair).decode()}\r\n"


def expect(answer: Answer, status: int) -> Answer:
    """The answer, if it has this status; raises AssertionError."""
    if answer.status != status:
        raise AssertionError(f"{answer.status} {answer.body[:120]!r}")
    return answer


def _same(request: bytes, *, status: int = 200) -> Step:
    async def step(connection: Connection) -> None:
        expect(await connection.send(request), status)

    return step


def floor(facts: Facts, number: int) -> Step:
    """The trivial view."""
    return _same(get("/"))


def discovery(facts: Facts, number: int) -> Step:
    """The OpenID discovery document."""
    return _same(get("/.well-known/openid-configuration"))


def jwks(facts: Facts, number: int) -> Step:
    """The key set."""
    return _same(get("/jwks"))


def machine_form(facts: Facts) -> dict[str, str]:
    """The machine's token request for its API."""
    return {
        "grant_type": "client_credentials",
        "scope": facts["machine_scope"],
        "resource": facts["resource"],
    }


def client_credentials(facts: Facts, number: int) -> Step:
    """A machine gets an access token."""
    machine = facts["machine"]
    form = machine_form(facts)
    return _same(post("/token", form, headers=basic(machine)))


def introspection(facts: Facts, number: int) -> Step:
    """A gateway asks about an access token."""
    request = post(
        "/introspect", {"token": facts["machine_token"]}, headers=basic(facts["gateway"])
    )

    async def step(connection: Connection) -> None:
        answer = expect(await connection.send(request), 200)
        if b'"active":true' not in answer.body:
            raise AssertionError(answer.body[:100])

    return step


def userinfo(facts: Facts, number: int) -> Step:
    """An application asks who signed in."""
    token = facts["people"][number]["access_token"]
    return _same(get("/userinfo", headers=f"Authorization: Bearer {token}\r\n"))


def refresh(facts: Facts, number: int) -> Step:
    """A refresh token is rotated and gives new tokens."""
    held = facts["people"][number]
    headers = basic(facts["web"])

    async def step(connection: Connection) -> None:
        form = {"grant_type": "refresh_token", "refresh_token": held["refresh_token"]}
        answer = expect(await connection.send(post("/token", form, headers=headers)), 200)
        held["refresh_token"] = orjson.loads(answer.body)["refresh_token"]

    return step


def code_flow(facts: Facts, number: int) -> Step:
    """Authorize with a live session, then redeem the code: two requests."""
    web, redirect_uri = facts["web"], facts["redirect_uri"]
    cookie = f"Cookie: {facts['people'][number]['cookie']}\r\n"
    headers = basic(web)

    async def step(connection: Connection) -> None:
        verifier = secrets.token_urlsafe(32)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        query = {
            "response_type": "code",
            "client_id": web["client_id"],
            "redirect_uri": redirect_uri,
            "scope": "openid profile email",
            "state": secrets.token_urlsafe(12),
            "nonce": secrets.token_urlsafe(12),
            "code_challenge": challenge.rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        request = get(f"/authorize?{urlencode(query)}", headers=cookie)
        location = expect(await connection.send(request), 303).headers["location"]
        code = parse_qs(urlsplit(location).query)["code"][0]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        expect(await connection.send(post("/token", form, headers=headers)), 200)

    return step


def saml_sign_on(facts: Facts, number: int) -> Step:
    """A service provider's AuthnRequest is answered with a signed response."""
    provider = facts["service_provider"]
    cookie = f"Cookie: {facts['people'][number]['cookie']}\r\n"

    async def step(connection: Connection) -> None:
        message = AUTHN_REQUEST.format(
            id=secrets.token_hex(16),
            now=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            destination=provider["destination"],
            issuer=provider["entity_id"],
        )
        deflated = zlib.compress(message.encode())[2:-4]
        value = quote(base64.b64encode(deflated), safe="")
        path = urlsplit(provider["destination"]).path
        request = get(f"{path}?SAMLRequest={value}&RelayState=x", headers=cookie)
        answer = expect(await connection.send(request), 200)
        if b"SAMLResponse" not in answer.body:
            raise AssertionError(answer.body[:100])

    return step


SCENARIOS: dict[str, Callable[[Facts, int], Step]] = {
    "client_credentials": client_credentials,
    "introspection": introspection,
    "refresh": refresh,
    "code flow": code_flow,
    "UserInfo": userinfo,
    "discovery": discovery,
    "JWKS": jwks,
    "SAML sign-on": saml_sign_on,
}
