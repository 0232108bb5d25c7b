"""The demonstration's web application signs nobody in by a response that it must not believe."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from deploy.demo import environment, site
from deploy.demo.web_application import WebApplication, decoded

ISSUER = "http://localhost:9000"
KEY = ECKey.generate_key("P-256", {"kid": "one", "use": "sig"})
CLIENT = {
    "client_id": "web",
    "client_secret": "secret",
    "id_token_signed_response_alg": "ES256",
}
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "userinfo_endpoint": f"{ISSUER}/userinfo",
    "end_session_endpoint": f"{ISSUER}/end_session",
    "jwks_uri": f"{ISSUER}/jwks",
}


class Provider:
    """What Gatehouse would answer; tests change it."""

    def __init__(self) -> None:
        now = int(time.time())
        self.key = KEY
        self.claims = {
            "iss": ISSUER,
            "sub": "alice",
            "aud": "web",
            "iat": now,
            "exp": now + 600,
        }
        self.userinfo: dict[str, Any] = {"sub": "alice", "name": "Alice"}
        self.token_request: dict[str, Any] = {}

    def fetch(self, url: str, **options: Any) -> dict[str, Any]:
        """A document."""
        documents: dict[str, Any] = {
            "/.well-known/openid-configuration": METADATA,
            "/jwks": KeySet([KEY]).as_dict(private=False),
            "/userinfo": self.userinfo,
        }
        return dict(documents[urlsplit(url).path])

    def fetch_token(self, url: str, **options: Any) -> dict[str, Any]:
        """The token response."""
        self.token_request = options
        header = {"alg": "ES256", "kid": "one"}
        token = jwt.encode(header, self.claims, self.key)
        return {"access_token": token, "id_token": token, "expires_in": 600}


@pytest.fixture
def provider() -> Provider:
    """A provider that behaves."""
    return Provider()


@pytest.fixture
def application(
    tmp_path: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> WebApplication:
    """The application, which asks that provider."""
    made = WebApplication(environment.at(tmp_path, port=9000), CLIENT)
    monkeypatch.setattr(made, "fetch", provider.fetch)
    monkeypatch.setattr(
        "deploy.demo.web_application.OAuth2Session.fetch_token",
        lambda session, url, **options: provider.fetch_token(url, **options),
    )
    return made


def request(session: dict[str, Any], **query: str) -> site.Request:
    """A request with this session."""
    return site.Request("GET", "/", "", query, {}, session)


def begin(application: WebApplication, session: dict[str, Any], **query: str) -> dict[str, str]:
    """Start a sign-in and return the parameters of the authorization request."""
    location = dict(application.login(request(session, **query)).headers)["Location"]
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def sign_in(application: WebApplication, provider: Provider, session: dict[str, Any]) -> None:
    """A whole sign-in with what the provider says."""
    sent = begin(application, session)
    provider.claims.setdefault("nonce", sent["nonce"])
    application.callback(request(session, state=sent["state"], iss=ISSUER, code="code"))


def test_asks_with_pkce_state_and_nonce(application: WebApplication) -> None:
    sent = begin(application, {})
    assert sent["response_type"] == "code"
    assert sent["code_challenge_method"] == "S256"
    assert sent["redirect_uri"] == "http://localhost:9001/callback"
    assert len({sent["state"], sent["nonce"], sent["code_challenge"]}) == 3


@pytest.mark.parametrize(("prompt", "sent"), [("login", "login"), ("anything", None)])
def test_passes_on_only_prompts_that_it_knows(
    application: WebApplication, prompt: str, sent: str | None
) -> None:
    assert begin(application, {}, prompt=prompt).get("prompt") == sent


def test_shows_what_it_received(application: WebApplication, provider: Provider) -> None:
    session: dict[str, Any] = {}
    sign_in(application, provider, session)
    shown = application.home(request(session)).body.decode()
    assert 'id="id-token"' in shown
    assert "Alice" in shown
    assert len(provider.token_request["code_verifier"]) >= 43


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"nonce": "another"}, "nonce"),
        ({"aud": "somebody-else"}, "aud"),
        ({"iss": "http://localhost:1"}, "iss"),
        ({"exp": 1}, "exp"),
        ({"aud": ["web", "other"], "azp": "other"}, "azp"),
        ({"at_hash": "AAAA"}, "at_hash"),
    ],
)
def test_refuses_a_wrong_claim(
    application: WebApplication, provider: Provider, change: dict[str, Any], reason: str
) -> None:
    provider.claims |= change
    session: dict[str, Any] = {}
    with pytest.raises(site.Problem) as refused:
        sign_in(application, provider, session)
    assert reason in refused.value.explanation
    assert "received" not in session


def test_refuses_a_foreign_signature(application: WebApplication, provider: Provider) -> None:
    provider.key = ECKey.generate_key("P-256", {"kid": "one"})
    with pytest.raises(site.Problem, match="not valid"):
        sign_in(application, provider, {})


def test_refuses_userinfo_about_somebody_else(
    application: WebApplication, provider: Provider
) -> None:
    provider.userinfo["sub"] = "bob"
    with pytest.raises(site.Problem, match="somebody else"):
        sign_in(application, provider, {})


def test_refuses_an_unknown_state(application: WebApplication) -> None:
    session: dict[str, Any] = {}
    begin(application, session)
    with pytest.raises(site.Problem, match="did not begin here"):
        application.callback(request(session, state="guessed", iss=ISSUER, code="code"))


def test_refuses_the_state_of_another_browser(application: WebApplication) -> None:
    sent = begin(application, {})
    with pytest.raises(site.Problem, match="did not begin here"):
        application.callback(request({}, state=sent["state"], iss=ISSUER, code="code"))


def test_refuses_a_second_response(application: WebApplication, provider: Provider) -> None:
    session: dict[str, Any] = {}
    sent = begin(application, session)
    provider.claims["nonce"] = sent["nonce"]
    response = request(session, state=sent["state"], iss=ISSUER, code="code")
    application.callback(response)
    with pytest.raises(site.Problem, match="did not begin here"):
        application.callback(response)


@pytest.mark.parametrize("issuer", [{}, {"iss": "http://attacker.example"}])
def test_refuses_a_response_of_another_issuer(
    application: WebApplication, issuer: dict[str, str]
) -> None:
    session: dict[str, Any] = {}
    sent = begin(application, session)
    with pytest.raises(site.Problem, match="Somebody else answered"):
        application.callback(request(session, state=sent["state"], code="code", **issuer))


def test_shows_the_error_that_came(application: WebApplication) -> None:
    session: dict[str, Any] = {}
    sent = begin(application, session)
    with pytest.raises(site.Problem) as told:
        application.callback(
            request(session, state=sent["state"], iss=ISSUER, error="access_denied")
        )
    assert told.value.code == "access_denied"
    assert "said no" in told.value.explanation


def test_signs_out_at_gatehouse_with_the_id_token(
    application: WebApplication, provider: Provider
) -> None:
    session: dict[str, Any] = {}
    sign_in(application, provider, session)
    location = dict(application.logout_everywhere(request(session)).headers)["Location"]
    sent = parse_qs(urlsplit(location).query)
    assert sent["id_token_hint"][0].count(".") == 2
    assert sent["post_logout_redirect_uri"] == ["http://localhost:9001/signed-out"]
    assert session == {}


def test_shows_an_opaque_access_token_as_it_is() -> None:
    assert decoded("opaque") == ({}, {"value": "opaque"})


def logout_token(header: dict[str, str] | None = None, **changes: Any) -> str:
    """What Gatehouse posts when a session ends (OIDC Back-Channel Logout §2.4)."""
    now = int(time.time())
    event = {"http://schemas.openid.net/event/backchannel-logout": {}}
    claims = {"iss": ISSUER, "aud": "web", "iat": now, "exp": now + 120, "jti": "1"}
    claims |= {"sub": "alice", "sid": "one", "events": event, **changes}
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(
        {"alg": "ES256", "kid": "one", "typ": "logout+jwt", **(header or {})}, kept, KEY
    )


def tell(application: WebApplication, token: str) -> site.Response:
    """Post a logout token."""
    form = {"logout_token": token}
    return application.backchannel_logout(
        site.Request("POST", "/backchannel-logout", "", {}, form, {})
    )


def test_an_ended_session_is_over_here_too(application: WebApplication, provider: Provider) -> None:
    ended: dict[str, Any] = {}
    other: dict[str, Any] = {}
    for session, sid in ((ended, "one"), (other, "two")):
        provider.claims = {**provider.claims, "sid": sid}
        provider.claims.pop("nonce", None)
        sign_in(application, provider, session)
    assert tell(application, logout_token()).status == 200
    assert "You were signed out" in application.home(request(ended)).body.decode()
    assert not ended
    assert "Alice" in application.home(request(other)).body.decode()


@pytest.mark.parametrize(
    "token",
    [
        "",
        "no.token",
        logout_token(iss="http://localhost:1"),
        logout_token(aud="another"),
        logout_token(exp=1),
        logout_token(sid=None),
        logout_token(nonce="of an ID token"),
        logout_token(events={"urn:other": {}}),
        logout_token(events=None),
        logout_token({"typ": "JWT"}),
    ],
)
def test_believes_no_other_logout_token(application: WebApplication, token: str) -> None:
    with pytest.raises(site.Problem):
        tell(application, token)
    assert not application.ended
