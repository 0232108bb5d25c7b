"""A provider in this process and a relying party that speaks to it, without HTTP.

`Provider` sends typed requests through what every endpoint gets around it; `RelyingParty` is one
registered client with the words of its protocol. A conftest that wants the fixtures imports them.
"""

from __future__ import annotations

import base64
import copy
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

import orjson
import pytest
from django.conf import settings
from django.utils import timezone

from idp import audit, directory, features, keys, refusals
from idp.accounts import cookies
from idp.endpoints import wrapper
from idp.models import Application, Client, Consent, Resource, Session, SigningKey, User
from idp.protocol import jose, pkce
from idp.protocol.message import Request, Response
from idp.tokens import client_secret
from tests.support.factories import ClientFactory, ResourceFactory, SessionFactory, UserFactory
from tests.support.speed import rsa_keys

CALLBACK = "https://application.example/callback"
AFTER_LOGOUT = "https://application.example/bye"
FORM = "application/x-www-form-urlencoded"
VERIFIER = "v" * 43

_kept_keys: list[SigningKey] = []


def restore_keys() -> None:
    """Signing keys as they were in the test before: making new ones takes long."""
    if not _kept_keys:
        with rsa_keys.new():
            keys.ensure()
        _kept_keys.extend(SigningKey.objects.all())
    else:
        SigningKey.objects.bulk_create(copy.copy(key) for key in _kept_keys)
    directory.forget()


@dataclass
class Provider:
    """The endpoints, at a time of the test's own."""

    ahead: timedelta = timedelta(0)
    address: str = "192.0.2.7"
    responses: list[Response] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return timezone.now() + self.ahead

    def send(self, method: str, path: str, **members: Any) -> Response:
        """Send one request exactly as given."""
        members.setdefault("client_address", self.address)
        request = Request(method=method, path=path, now=self.now, request_id="test", **members)
        response = wrapper.answer(features.routes()[path], request)
        self.responses.append(response)
        return response

    def get(self, path: str, parameters: Any = (), **members: Any) -> Response:
        return self.send("GET", path, query=encode(parameters), **members)

    def post(self, path: str, form: Any = (), **members: Any) -> Response:
        members.setdefault("content_type", FORM)
        return self.send("POST", path, body=encode(form).encode(), **members)


def encode(parameters: Any) -> str:
    """A query string: of a mapping (lists repeat), of pairs, or as it is."""
    if isinstance(parameters, str):
        return parameters
    return urlencode(parameters, doseq=True)


def json(response: Response) -> dict[str, Any]:
    """The JSON of a response."""
    return orjson.loads(response.body)


def header(response: Response, name: str) -> str:
    """A header that is there at most once."""
    values = [value for key, value in response.headers if key.lower() == name.lower()]
    assert len(values) <= 1, f"{name} is sent {len(values)} times"
    return values[0] if values else ""


def answer(response: Response) -> dict[str, str]:
    """The parameters that an authorization response gives the client, in query or fragment."""
    location = header(response, "Location")
    assert response.status == 303, (response.status, response.body[:500])
    parts = urlsplit(location)
    assert not (parts.query and parts.fragment), location
    pairs = parse_qsl(parts.query or parts.fragment, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs), location
    return dict(pairs)


def basic(client_id: str, secret: str) -> tuple[str, ...]:
    """An Authorization header of HTTP Basic (RFC 6749 §2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return ("Basic " + base64.b64encode(pair.encode()).decode(),)


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a JWT, read without a check."""
    return orjson.loads(jose.decode(token.split(".")[1]))


def header_of(token: str) -> dict[str, Any]:
    """The JOSE header of a JWT."""
    return orjson.loads(jose.decode(token.split(".")[0]))


def sign_in(user: User, **facts: Any) -> Session:
    """A session of this person; `.token` is its cookie."""
    return SessionFactory(user=user, **facts)


def cookie_of(session: Session | None) -> dict[str, str]:
    """What the browser of this session sends."""
    if session is None:
        return {}
    return {settings.IDP.cookie("session"): session.token}  # type: ignore[attr-defined]


def agree(user: User, application: Application, *scopes: str, claims: tuple[str, ...] = ()) -> None:
    """Let the person have agreed to these scopes."""
    Consent.objects.update_or_create(
        user=user,
        application=application,
        defaults={"scopes": list(scopes), "claims": list(claims)},
    )


@dataclass
class RelyingParty:
    """One registered client at one provider."""

    provider: Provider
    client: Client
    secret: str = ""

    @property
    def application(self) -> Application:
        return self.client.application

    @property
    def id(self) -> str:
        return self.client.client_id

    @property
    def authorization(self) -> tuple[str, ...]:
        return basic(self.id, self.secret) if self.secret else ()

    def request(self, **changes: Any) -> dict[str, Any]:
        """The parameters of a sound authorization request; None leaves one out."""
        parameters = {
            "client_id": self.id,
            "redirect_uri": self.client.redirect_uris[0],
            "response_type": "code",
            "scope": "openid",
            "state": "state-1",
            "nonce": "nonce-1",
            "code_challenge": pkce.s256(VERIFIER),
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in parameters.items() if value is not None}

    def authorize(self, session: Session | None, **changes: Any) -> Response:
        """Send an authorization request from the browser of this session."""
        return self.provider.get("/authorize", self.request(**changes), cookies=cookie_of(session))

    def code(self, session: Session, **changes: Any) -> str:
        """The code of a request that is answered at once."""
        return answer(self.authorize(session, **changes))["code"]

    def token(self, **form: Any) -> Response:
        """Send a token request, authenticated as registered."""
        if self.client.is_public:
            form.setdefault("client_id", self.id)
        present = {name: value for name, value in form.items() if value is not None}
        return self.provider.post("/token", present, authorization=self.authorization)

    def redeem(self, code: str, **changes: Any) -> Response:
        """Redeem a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.client.redirect_uris[0],
            "code_verifier": VERIFIER,
            **changes,
        }
        return self.token(**form)

    def refresh(self, refresh_token: str, **changes: Any) -> Response:
        """Use a refresh token."""
        return self.token(grant_type="refresh_token", refresh_token=refresh_token, **changes)

    def tokens(self, session: Session, **changes: Any) -> dict[str, Any]:
        """Everything that a whole flow gives."""
        response = self.redeem(self.code(session, **changes))
        assert response.status == 200, response.body
        return json(response)

    def introspect(self, token: str) -> dict[str, Any]:
        response = self.provider.post(
            "/introspect", {"token": token}, authorization=self.authorization
        )
        assert response.status == 200, response.body
        return json(response)

    def userinfo(self, access_token: str) -> Response:
        return self.provider.get("/userinfo", authorization=(f"Bearer {access_token}",))

    def revoke(self, token: str, **form: str) -> Response:
        if self.client.is_public:
            form["client_id"] = self.id
        return self.provider.post(
            "/revoke", {"token": token, **form}, authorization=self.authorization
        )

    def change(self, **fields: Any) -> None:
        """Change the registration."""
        for name, value in fields.items():
            setattr(self.client, name, value)
        self.client.save()

    def change_application(self, **fields: Any) -> None:
        for name, value in fields.items():
            setattr(self.application, name, value)
        self.application.save()


@dataclass
class World:
    """Everything a protocol test needs: a provider, a person, and clients on demand."""

    provider: Provider
    user: User
    session: Session

    def relying_party(self, *, trusted: bool = True, **fields: Any) -> RelyingParty:
        """Register a client; `trusted`: first-party, so that nobody is asked for consent."""
        method = fields.setdefault("token_endpoint_auth_method", "client_secret_basic")
        for name in [name for name in fields if name.startswith("application_")]:
            fields["application__" + name.removeprefix("application_")] = fields.pop(name)
        fields.setdefault("post_logout_redirect_uris", [AFTER_LOGOUT])
        has_secret = method in ("client_secret_basic", "client_secret_post")
        secret = client_secret.generate() if has_secret else ""
        client = ClientFactory(
            application__first_party=trusted,
            secret_hash=client_secret.digest(secret) if secret else b"",
            **fields,
        )
        return RelyingParty(self.provider, client, secret)

    def resource(self, identifier: str, *scopes: str, clients: Any = ()) -> Resource:
        """Register an API that these clients may ask tokens for."""
        resource = ResourceFactory(identifier=identifier, scopes=list(scopes))
        for party in clients:
            party.client.resources.add(resource)
        directory.forget()
        return resource


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """A provider with keys, alice, and her session."""
    audit.write_through(enabled=True)
    refusals._silenced.clear()
    refusals._asked.clear()
    restore_keys()
    user = UserFactory(username=f"alice{secrets.token_hex(4)}", name="Alice Adams")
    yield World(Provider(), user, sign_in(user))
    audit.write_through(enabled=False)


@pytest.fixture
def web(world: World) -> RelyingParty:
    """A confidential first-party web application, also good for its own name."""
    return world.relying_party(
        grant_types=["authorization_code", "refresh_token", "client_credentials"]
    )


@pytest.fixture
def public(world: World) -> RelyingParty:
    """A public single-page application with refresh tokens of its own."""
    return world.relying_party(token_endpoint_auth_method="none", refresh_always=True)


def browser_cookie(value: str) -> Mapping[str, str]:
    """The cookie that binds interactions to a browser."""
    return {settings.IDP.cookie("browser"): value or cookies.new_token()}
