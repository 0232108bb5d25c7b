"""RFC 9700, Best Current Practice for OAuth 2.0 Security, through the endpoints."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client as DjangoClient
from django.utils import timezone

from idp import registration, subjects
from idp.accounts import people
from idp.models import (
    AuditEvent,
    AuthenticationEvent,
    Client,
    Grant,
    Interaction,
    Participant,
    Session,
    SignIn,
)
from idp.protocol import client_metadata, subject
from tests.attacks import redirect_uris
from tests.support import dynamic
from tests.support.protocol import (
    AFTER_LOGOUT,
    FORM,
    VERIFIER,
    RelyingParty,
    World,
    agree,
    answer,
    claims_of,
    cookie_of,
    header,
    json,
)
from tests.support.sign_in import (  # noqa: F401 (fixtures)
    PASSWORD,
    Browser,
    alice,
    browser,
    quick_hashes,
)

S = "RFC 9700"
REGISTERED = "https://application.example:8443/callback?kept=1"


def error(response: Any) -> tuple[int, str]:
    return response.status, json(response)["error"]


# ----- §2, §4.1 redirect URIs -----


@pytest.mark.standard("Security control", "32", "exact redirect URIs, in every mode")
@pytest.mark.standard(S, "4.1.3", "no address but the very same string is led to, in any mode")
@pytest.mark.parametrize("mode", [None, "query", "fragment", "form_post"])
def test_exact_redirect_uris(world: World, mode: str | None) -> None:
    party = world.relying_party(redirect_uris=[REGISTERED])
    for mutation in redirect_uris.mutations(REGISTERED):
        response = party.authorize(
            world.session, redirect_uri=mutation.uri, response_mode=mode, scope="unknown"
        )
        assert (response.status, header(response, "Location")) == (400, ""), mutation
        assert b"<form" not in response.body, mutation
    assert answer(party.authorize(world.session, redirect_uri=REGISTERED))["code"]


@pytest.mark.standard(S, "2.3", "an access token has one audience, and the least of the scopes")
def test_least_privilege(world: World, web: RelyingParty) -> None:
    world.resource("https://orders.example", "orders:read", "orders:write", clients=[web])
    world.resource("https://stock.example", "stock:read", clients=[web])
    scope = "openid email orders:read stock:read"
    code = web.code(world.session, scope=scope, resource="https://orders.example")
    claims = claims_of(json(web.redeem(code))["access_token"])
    assert (claims["aud"], claims["scope"]) == ("https://orders.example", "orders:read")
    assert web.userinfo(json(web.redeem(web.code(world.session)))["access_token"]).status == 200


@pytest.mark.standard(S, "2.4", "the password grant does not exist")
def test_password_grant(world: World, web: RelyingParty) -> None:
    web.change(grant_types=["password", "authorization_code"])
    form = {"grant_type": "password", "username": world.user.username, "password": PASSWORD}
    assert error(web.token(**form)) == (400, "unsupported_grant_type")


@pytest.mark.standard(S, "2.5", "keys instead of secrets are offered wherever clients authenticate")
def test_asymmetric_client_authentication(world: World) -> None:
    document = json(world.provider.get("/.well-known/oauth-authorization-server"))
    for endpoint in ("token", "revocation", "introspection"):
        assert "private_key_jwt" in document[f"{endpoint}_endpoint_auth_methods_supported"]
        algorithms = document[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
        assert {"RS256", "PS256", "ES256", "EdDSA"} <= set(algorithms)
        assert not {one for one in algorithms if one.startswith("HS") or one == "none"}


@pytest.mark.standard(S, "2.6", "any origin may read, but at the authorization endpoint")
def test_cors(world: World, public: RelyingParty) -> None:
    provider = world.provider
    tokens = public.tokens(world.session)
    bearer = (f"Bearer {tokens['access_token']}",)
    for response in (
        provider.get("/.well-known/openid-configuration", origin="https://spa.example"),
        provider.get("/.well-known/oauth-authorization-server", origin="https://spa.example"),
        provider.get("/jwks", origin="https://spa.example"),
        provider.get("/userinfo", authorization=bearer, origin="https://spa.example"),
        provider.get("/userinfo", origin="https://spa.example"),
        public.token(grant_type="authorization_code"),
        public.revoke(tokens["refresh_token"]),
    ):
        assert header(response, "Access-Control-Allow-Origin") == "*"
        assert header(response, "Access-Control-Allow-Credentials") == ""
    for response in (
        public.authorize(world.session),
        provider.get("/authorize", public.request(), origin="https://spa.example"),
        provider.send("OPTIONS", "/authorize", origin="https://spa.example"),
    ):
        assert header(response, "Access-Control-Allow-Origin") == ""


# ----- §4.2, §4.3 what leaks -----


@pytest.mark.standard(S, "4.2.4", "pages send no referrer, answers with codes are not kept")
def test_referrers_and_caches(world: World, web: RelyingParty) -> None:
    for response in (
        web.authorize(world.session, response_mode="form_post"),
        web.authorize(world.session, client_id="unknown"),
    ):
        assert header(response, "Referrer-Policy") == "no-referrer"
        assert header(response, "Cache-Control") == "no-store"
    assert header(web.authorize(world.session), "Cache-Control") == "no-store"


@pytest.mark.standard("Security control", "58", "no secret is logged")
@pytest.mark.standard(S, "4.2", "no code, token or secret in the rows or the log of a flow")
@pytest.mark.standard(S, "4.3.2", "codes and tokens are in no log")
def test_nothing_is_written_down(
    world: World, web: RelyingParty, caplog: pytest.LogCaptureFixture, capsys: Any
) -> None:
    caplog.set_level("DEBUG")
    web.change(refresh_always=True)
    unused = web.code(world.session)
    code = web.code(world.session)
    tokens = json(web.redeem(code))
    renewed = json(web.refresh(tokens["refresh_token"]))
    web.redeem(code)
    web.token(grant_type="refresh_token", refresh_token=renewed["refresh_token"] + "x")
    world.provider.get("/userinfo", {"access_token": tokens["access_token"]})
    world.provider.get("/token", {"code": unused, "client_secret": web.secret})
    secrets = [code, unused, web.secret, VERIFIER, world.session.token]  # type: ignore[attr-defined]
    for one in (tokens, renewed):
        secrets += [one["access_token"], one["refresh_token"], one["id_token"]]
    kept = [
        row
        for model in (
            *(AuditEvent, AuthenticationEvent, Client, Grant),
            *(Interaction, Participant, Session, SignIn),
        )
        for row in model.objects.values_list()
    ]
    assert kept
    written = f"{kept}{caplog.text}{capsys.readouterr()}"
    for secret in secrets:
        assert secret not in written
        assert secret.rpartition(".")[2] not in written


# ----- §4.8 -----


@pytest.mark.standard(S, "4.8.2", "a challenge that was stripped on the way is missed")
def test_stripped_challenge(world: World, web: RelyingParty) -> None:
    code = web.code(world.session, code_challenge=None, code_challenge_method=None)
    assert error(web.redeem(code, code_verifier=VERIFIER)) == (400, "invalid_grant")


# ----- §4.11 open redirectors -----


@pytest.mark.standard(S, "4.11", "no address of a request but a registered one is ever led to")
def test_no_open_redirector(world: World, web: RelyingParty) -> None:
    evil = "https://evil.example/"
    provider, cookies = world.provider, cookie_of(world.session)
    for path, parameters in (
        ("/authorize", web.request(redirect_uri=evil)),
        ("/authorize", web.request(redirect_uri=evil, prompt="none")),
        ("/authorize", {**web.request(client_id="x"), "redirect_uri": evil}),
        ("/authorize", {**web.request(), "request": evil, "redirect_uri": evil}),
        ("/end_session", {"post_logout_redirect_uri": evil}),
        ("/end_session", {"post_logout_redirect_uri": evil, "client_id": web.id}),
        ("/end_session", {"post_logout_redirect_uri": evil, "client_id": "x"}),
        ("/end_session", {"post_logout_redirect_uri": evil, "id_token_hint": "x"}),
        ("/saml/sso", {"RelayState": evil}),
        ("/saml/sso", {"SAMLRequest": "x", "RelayState": evil}),
    ):
        for response in (
            provider.get(path, parameters, cookies=cookies),
            provider.get(path, parameters),
        ):
            assert "evil.example" not in header(response, "Location").partition("ticket=")[0]
            assert b'action="https://evil' not in response.body


@pytest.mark.standard(S, "4.11.2", "the sign-in page leads to our own pages alone")
@pytest.mark.parametrize(
    "address",
    [
        *("https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example"),
        *("/%2f/evil.example", "///evil.example", "https:evil.example", "javascript:alert(1)"),
        *("http://localhost:8000@evil.example/", "/\t/evil.example", " //evil.example"),
    ],
)
@pytest.mark.usefixtures("alice", "quick_hashes")
def test_sign_in_page(db: None, browser: Browser, address: str) -> None:  # noqa: F811 (fixture)
    page = browser.open("/login", data={"next": address})
    answered = browser.submit(page, follow=False, username="alice", password=PASSWORD)
    assert answered.status_code == 303
    location = answered.headers["Location"]
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\", "/%2f"))
    assert urlsplit(location).netloc == ""


@pytest.mark.standard(S, "4.11.2", "and it does lead to those")
@pytest.mark.usefixtures("alice", "quick_hashes")
def test_sign_in_page_leads_on(db: None, browser: Browser) -> None:  # noqa: F811 (fixture)
    page = browser.open("/login", data={"next": "/account/sessions"})
    answered = browser.submit(page, follow=False, username="alice", password=PASSWORD)
    assert browser.open(answered.headers["Location"]).path == "/account/sessions"


# ----- §4.12, §4.16 -----


@pytest.mark.standard(S, "4.12", "whatever was posted goes on by 303, and never by 307")
@pytest.mark.usefixtures("quick_hashes")
def test_redirects(world: World, web: RelyingParty, browser: Browser) -> None:  # noqa: F811 (fixture)
    world.user.set_password(PASSWORD)
    world.user.save()
    posted = world.provider.post("/authorize", web.request(), cookies=cookie_of(world.session))
    assert posted.status == 303
    assert web.authorize(world.session).status == 303
    assert world.provider.post("/end_session", {"state": "s"}).status == 303
    page = browser.open("/login")
    signed_in = browser.submit(page, follow=False, username=world.user.username, password=PASSWORD)
    assert signed_in.status_code == 303
    assert "password" not in signed_in.headers["Location"]


@pytest.mark.standard(S, "4.16", "no page may be framed")
def test_clickjacking(world: World, browser: Browser) -> None:  # noqa: F811 (fixture)
    party = world.relying_party(trusted=False)
    asking = party.authorize(world.session)
    browser.cookies.load(cookie_of(world.session))
    for cookie in [value for name, value in asking.headers if name == "Set-Cookie"]:
        browser.cookies.load(cookie)
    consent = browser.open(header(asking, "Location"))
    assert b'name="decision"' in consent.content
    for page in (consent, DjangoClient().get("/login"), browser.open("/logout")):
        assert page.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
        assert page.headers["Referrer-Policy"] in ("no-referrer", "same-origin")


# ----- §4.13 -----


@pytest.mark.standard(S, "4.13", "forwarded headers from outside change nothing")
@pytest.mark.parametrize(
    "forged",
    [
        {"HTTP_X_FORWARDED_HOST": "evil.example", "HTTP_X_FORWARDED_PROTO": "https"},
        {"HTTP_FORWARDED": "for=198.51.100.1;host=evil.example;proto=https"},
        {"HTTP_X_FORWARDED_FOR": "198.51.100.1", "HTTP_X_REAL_IP": "198.51.100.1"},
        {"HTTP_X_ORIGINAL_URL": "/admin/", "HTTP_X_REWRITE_URL": "/admin/"},
        {"HTTP_X_SSL_CLIENT_CERT": "x", "HTTP_CLIENT_CERT": ":eA==:", "HTTP_REMOTE_USER": "alice"},
    ],
)
def test_forwarded_headers(world: World, web: RelyingParty, forged: dict[str, str]) -> None:
    outside = DjangoClient(REMOTE_ADDR="192.0.2.9")
    document = outside.get("/.well-known/openid-configuration", **forged)  # type: ignore[arg-type]
    assert document.json()["issuer"] == "http://localhost:8000"
    assert b"evil" not in document.content
    refused = outside.post(
        "/token",
        f"grant_type=client_credentials&client_id={web.id}",
        content_type=FORM,
        **forged,  # type: ignore[arg-type]
    )
    assert refused.status_code == 401
    (event,) = AuditEvent.objects.filter(action="token.refused")
    assert event.client_address == "192.0.2.9"


# ----- §4.14 refresh tokens -----


@pytest.fixture
def party(world: World) -> RelyingParty:
    return world.relying_party(refresh_always=True)


@pytest.mark.standard(S, "4.14.2", "each use gives a new refresh token, public clients too")
def test_rotation(world: World, party: RelyingParty, public: RelyingParty) -> None:
    for one in (party, public):
        tokens = [one.tokens(world.session)["refresh_token"]]
        for _ in range(3):
            tokens.append(json(one.refresh(tokens[-1]))["refresh_token"])
        assert len(set(tokens)) == 4


@pytest.mark.standard("Security control", "36", "a replay ends the family")
@pytest.mark.standard(S, "4.14.2", "a replayed refresh token ends the whole family")
@pytest.mark.parametrize("old", [0, 1])
def test_replay(world: World, party: RelyingParty, old: int) -> None:
    tokens = [party.tokens(world.session)]
    for _ in range(2):
        tokens.append(json(party.refresh(tokens[-1]["refresh_token"])))
    world.provider.ahead = timedelta(seconds=11)
    assert error(party.refresh(tokens[old]["refresh_token"])) == (400, "invalid_grant")
    for one in tokens:
        assert error(party.refresh(one["refresh_token"])) == (400, "invalid_grant")
        assert party.introspect(one["access_token"]) == {"active": False}


@pytest.mark.standard(S, "4.14.2", "grace is short, and for the direct predecessor alone")
def test_grace(world: World, party: RelyingParty) -> None:
    first = party.tokens(world.session)["refresh_token"]
    second = json(party.refresh(first))["refresh_token"]
    world.provider.ahead = timedelta(seconds=9)
    assert json(party.refresh(first))["refresh_token"] == second
    third = json(party.refresh(second))["refresh_token"]
    assert error(party.refresh(first)) == (400, "invalid_grant")
    assert error(party.refresh(third)) == (400, "invalid_grant")


@pytest.mark.standard("Security control", "36", "revocation beats grace")
@pytest.mark.standard(S, "4.14.2", "no grace after a token was revoked")
def test_revocation_beats_grace(world: World, party: RelyingParty) -> None:
    first = party.tokens(world.session)["refresh_token"]
    second = json(party.refresh(first))["refresh_token"]
    assert party.revoke(second).status == 200
    for token in (first, second):
        assert error(party.refresh(token)) == (400, "invalid_grant")


@pytest.mark.standard(S, "4.14.2", "unused it expires, and it ends on its day however often used")
def test_lifetimes(world: World, party: RelyingParty) -> None:
    agree(world.user, party.application, "openid", "offline_access")
    idle, used = (
        party.tokens(world.session, scope="openid offline_access")["refresh_token"]
        for _ in range(2)
    )
    for days in (29, 58, 87):
        world.provider.ahead = timedelta(days=days)
        used = json(party.refresh(used))["refresh_token"]
    assert error(party.refresh(idle)) == (400, "invalid_grant")
    world.provider.ahead = timedelta(days=91)
    assert error(party.refresh(used)) == (400, "invalid_grant")


@pytest.mark.standard(S, "4.14.2", "signing out and a disabled person end it")
@pytest.mark.parametrize("how", ["sign out", "disable"])
def test_revoked_with_the_session(world: World, party: RelyingParty, how: str) -> None:
    tokens = party.tokens(world.session)
    if how == "disable":
        people.disable(world.user, now=timezone.now())
    else:
        parameters = {
            "id_token_hint": tokens["id_token"],
            "post_logout_redirect_uri": AFTER_LOGOUT,
        }
        world.provider.get("/end_session", parameters, cookies=cookie_of(world.session))
    assert error(party.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


# ----- §4.15 -----


@pytest.mark.standard(S, "4.15", "no client has an identifier that could be a person's sub")
def test_client_identifiers(world: World) -> None:
    client, _ = registration.register(
        client_metadata.parse({"redirect_uris": ["https://a.example/cb"]})
    )
    assert subject.may_be_client_id(client.client_id)
    assert not subject.is_person(client.client_id)
    for sub in (world.user.subject, subjects.in_sector("a.example", world.user.pk)):
        assert subject.is_person(sub)
        assert not subject.may_be_client_id(sub)


@pytest.mark.standard(S, "4.15", "a client cannot choose its identifier")
def test_chosen_identifier(world: World) -> None:
    dynamic.policy()
    found = dynamic.registered(world.provider, client_id=world.user.subject)
    assert found.id != world.user.subject
