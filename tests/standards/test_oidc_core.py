"""OpenID Connect Core 1.0; the names of the Basic OP conformance modules stand in the marks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.test import Client as DjangoClient
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import KeySet

from idp import directory, keys
from idp.accounts import password
from idp.models import ClaimMapping, Session, SigningKey
from idp.protocol import jose
from tests.support.factories import PASSWORD, UserFactory
from tests.support.protocol import (
    FORM,
    RelyingParty,
    World,
    agree,
    answer,
    claims_of,
    cookie_of,
    header,
    header_of,
    json,
    sign_in,
)
from tests.support.sign_in import Browser

S = "OIDC Core"


@pytest.fixture
def full(world: World) -> None:
    """A person about whom everything is known."""
    for name, value in {
        "name": "Alice Adams",
        "given_name": "Alice",
        "family_name": "Adams",
        "middle_name": "M",
        "nickname": "al",
        "profile": "https://alice.example/",
        "picture": "https://alice.example/p.png",
        "website": "https://alice.example/",
        "gender": "female",
        "birthdate": "1990-01-02",
        "zoneinfo": "Europe/Berlin",
        "locale": "en-GB",
        "phone_number": "+493012345678",
        "phone_number_verified": True,
        "address": {"street_address": "Main St 1", "locality": "Berlin", "country": "DE"},
    }.items():
        setattr(world.user, name, value)
    world.user.save()


# ----- §2 ID token -----


@pytest.mark.standard(S, "2", "iss, sub, aud, exp, iat, nonce, auth_time, acr, amr, sid")
def test_id_token(world: World, web: RelyingParty) -> None:
    claims = claims_of(web.tokens(world.session)["id_token"])
    assert claims["iss"] == settings.IDP.issuer
    assert claims["aud"] == web.id
    assert "azp" not in claims
    assert claims["sub"] == world.user.subject
    assert claims["exp"] - claims["iat"] == 600
    assert claims["nonce"] == "nonce-1"
    assert claims["auth_time"] == int(world.session.authenticated_at.timestamp())
    assert (claims["acr"], claims["amr"]) == ("pwd", ["pwd"])
    assert len(claims["sid"]) == 32


@pytest.mark.standard(S, "2", "sub: at most 255 ASCII characters, stable")
def test_subject(world: World, web: RelyingParty) -> None:
    other = world.relying_party()
    subs = {claims_of(party.tokens(world.session)["id_token"])["sub"] for party in (web, other)}
    assert len(subs) == 1
    assert subs.pop().isascii()


@pytest.mark.standard(S, "2", "sub: never given to somebody else")
def test_subject_is_not_reassigned(world: World, web: RelyingParty) -> None:
    name, address = world.user.username, world.user.email
    first = claims_of(web.tokens(world.session)["id_token"])["sub"]
    world.user.delete()
    double = sign_in(UserFactory(username=name, email=address))
    second = claims_of(web.tokens(double)["id_token"])["sub"]
    assert second != first
    assert len(first) == len(second) == 32


@pytest.mark.standard(S, "15.1", "RS256 unless registered otherwise (oidcc-idtoken-signature)")
@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_signature(world: World, algorithm: str) -> None:
    party = world.relying_party(id_token_signed_response_alg=algorithm)
    token = party.tokens(world.session)["id_token"]
    assert header_of(token)["alg"] == algorithm
    assert header_of(token)["kid"]
    key_set = KeySet.import_key_set(json(world.provider.get("/jwks")))
    assert jwt.decode(token, key_set, algorithms=[algorithm]).claims == claims_of(token)


@pytest.mark.standard(S, "15.1", "the default is RS256")
def test_default_algorithm(world: World, web: RelyingParty) -> None:
    assert header_of(web.tokens(world.session)["id_token"])["alg"] == "RS256"


@pytest.mark.standard(S, "3.1.3.6", "at_hash")
def test_at_hash(world: World, web: RelyingParty) -> None:
    tokens = web.tokens(world.session)
    expected = jose.at_hash(tokens["access_token"], "RS256")
    assert claims_of(tokens["id_token"])["at_hash"] == expected


# ----- §3.1.2 authorization -----


@pytest.mark.standard(S, "3.1.2.1", "scope openid decides")
def test_without_openid(world: World, web: RelyingParty) -> None:
    assert "id_token" not in web.tokens(world.session, scope="profile")


@pytest.mark.standard(S, "3.1.2.1", "a nonce is returned byte for byte, and none is made up")
@pytest.mark.parametrize("nonce", ["a" * 200, "é 漢 \"'<>", None])
def test_nonce(world: World, web: RelyingParty, nonce: str | None) -> None:
    claims = claims_of(web.tokens(world.session, nonce=nonce)["id_token"])
    assert claims.get("nonce") == nonce


@pytest.mark.standard(S, "3.1.2.1", "neither state, nonce nor PKCE where the client may (Basic OP)")
def test_bare_request(world: World) -> None:
    party = world.relying_party(pkce="optional")
    code = party.code(
        world.session, state=None, nonce=None, code_challenge=None, code_challenge_method=None
    )
    assert party.redeem(code, code_verifier=None).status == 200


@pytest.mark.standard(S, "3.1.2.1", "prompt=none stands alone")
@pytest.mark.parametrize("other", ["login", "consent", "select_account"])
def test_prompt_none_alone(world: World, web: RelyingParty, other: str) -> None:
    response = web.authorize(world.session, prompt=f"none {other}")
    assert answer(response)["error"] == "invalid_request"


@pytest.mark.standard(S, "3.1.2.6", "login_required and consent_required without a page")
def test_prompt_none_errors(world: World) -> None:
    party = world.relying_party(trusted=False)
    state = "s" * 128
    nobody = answer(party.authorize(None, prompt="none", state=state))
    assert (nobody["error"], nobody["state"]) == ("login_required", state)
    somebody = answer(party.authorize(world.session, prompt="none", state=state))
    assert (somebody["error"], somebody["state"]) == ("consent_required", state)


@pytest.mark.standard(S, "3.1.2.6", "errors of prompt=none only after client and address")
def test_prompt_none_is_no_redirector(world: World, web: RelyingParty) -> None:
    response = web.authorize(None, prompt="none", redirect_uri="https://evil.example/")
    assert (response.status, header(response, "Location")) == (400, "")


@pytest.mark.standard(
    S, "3.1.2.1", "prompt=none keeps sub and auth_time (oidcc-prompt-none-logged-in)"
)
def test_silent(world: World, web: RelyingParty) -> None:
    first = claims_of(web.tokens(world.session)["id_token"])
    world.provider.ahead = timedelta(seconds=30)
    second = claims_of(web.tokens(world.session, prompt="none")["id_token"])
    assert (first["sub"], first["auth_time"]) == (second["sub"], second["auth_time"])


@pytest.mark.standard(S, "3.1.2.1", "max_age (oidcc-max-age-1, oidcc-max-age-10000)")
def test_max_age(world: World, web: RelyingParty) -> None:
    Session.objects.update(authenticated_at=timezone.now() - timedelta(seconds=5))
    assert header(web.authorize(world.session, max_age="1"), "Location").startswith("/interaction")
    times = {
        claims_of(web.tokens(world.session, max_age=age)["id_token"])["auth_time"]
        for age in ("15000", "10000")
    }
    assert len(times) == 1


@pytest.mark.standard(S, "3.1.2.1", "id_token_hint, expired too (oidcc-id-token-hint)")
def test_hint(world: World, web: RelyingParty) -> None:
    hint = web.tokens(world.session)["id_token"]
    world.provider.ahead = timedelta(hours=1)
    assert answer(web.authorize(world.session, prompt="none", id_token_hint=hint))["code"]
    other = sign_in(UserFactory())
    refused = answer(web.authorize(other, prompt="none", id_token_hint=hint))
    assert refused["error"] == "login_required"


@pytest.mark.standard(S, "3.1.2.1", "login_hint, display, ui_locales, claims_locales are accepted")
@pytest.mark.parametrize(
    "parameter",
    [
        {"login_hint": "alice"},
        {"display": "page"},
        {"display": "popup"},
        {"display": "touch"},
        {"ui_locales": "se"},
        {"claims_locales": "se"},
        {"extra": "foobar"},
        {"acr_values": "1 2"},
        {"id_token_hint": ""},
    ],
)
def test_accepted(world: World, web: RelyingParty, parameter: dict[str, str]) -> None:
    assert answer(web.authorize(world.session, **parameter))["code"]


@pytest.mark.standard(S, "3.1.2.1", "acr_values: one of those asked for is stated")
def test_acr_values(world: World, web: RelyingParty) -> None:
    claims = claims_of(web.tokens(world.session, acr_values="phr pwd")["id_token"])
    assert claims["acr"] == "pwd"


@pytest.mark.standard(S, "5.5.1.1", "an essential acr is reached or refused")
def test_essential_acr(world: World, web: RelyingParty) -> None:
    claims = '{"id_token":{"acr":{"essential":true,"values":["%s"]}}}'
    assert answer(web.authorize(world.session, claims=claims % "pwd"))["code"]
    refused = answer(web.authorize(world.session, claims=claims % "phr"))
    assert refused["error"] == "unmet_authentication_requirements"
    voluntary = '{"id_token":{"acr":{"values":["phr"]}}}'
    assert answer(web.authorize(world.session, claims=voluntary))["code"]


@pytest.mark.standard(S, "3.1.2.6", "request, request_uri and registration have codes of their own")
@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("request", "invalid_request_object"),
        ("request_uri", "invalid_request_uri"),
        ("registration", "registration_not_supported"),
    ],
)
def test_errors_of_parameters(world: World, web: RelyingParty, name: str, error: str) -> None:
    value = "eyJhbGciOiJub25lIn0.e30."
    assert answer(web.authorize(world.session, **{name: value}))["error"] == error


@pytest.mark.standard(S, "3.1.2.2", "a request object cannot bring its own redirect_uri")
def test_request_object_with_redirect_uri(world: World, web: RelyingParty) -> None:
    response = web.authorize(world.session, request="a.b.", redirect_uri="https://evil.example/")
    assert (response.status, header(response, "Location")) == (400, "")


# ----- through the pages -----


@pytest.fixture
def browser(world: World, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """A browser; alice has a password that costs little."""
    monkeypatch.setattr(password.Argon2id, "memory_cost", 64)
    monkeypatch.setattr(password.Argon2id, "time_cost", 1)
    world.user.set_password(PASSWORD)
    world.user.save()
    return Browser()


def begin(browser: Browser, party: RelyingParty, **changes: Any) -> Any:
    return browser.open(f"/authorize?{urlencode(party.request(**changes))}")


def arrived(page: Any) -> dict[str, str]:
    """What came back to the application."""
    location = page.headers["Location"]
    assert location.startswith("https://application.example/callback?"), location
    return dict(parse_qsl(urlsplit(location).query))


def prove(browser: Browser, world: World, page: Any) -> Any:
    assert b"id_password" in page.content
    return browser.submit(page, username=world.user.username, password=PASSWORD)


@pytest.mark.standard(S, "3.1.2.1", "prompt=login and max_age lead to a new proof and auth_time")
@pytest.mark.parametrize("asked", [{"prompt": "login"}, {"max_age": "60"}, {"max_age": "0"}])
def test_new_proof(
    world: World, web: RelyingParty, browser: Browser, asked: dict[str, str]
) -> None:
    earlier = timezone.now() - timedelta(hours=1)
    browser.cookies.load(cookie_of(sign_in(world.user, authenticated_at=earlier)))
    silent = arrived(begin(browser, web))
    first = claims_of(json(web.redeem(silent["code"]))["id_token"])
    assert first["auth_time"] == int(earlier.timestamp())
    page = begin(browser, web, **asked)
    assert "code" not in page.headers.get("Location", "")
    wrong = browser.submit(page, username=world.user.username, password="not the password")
    assert b"id_password" in wrong.content
    second = claims_of(json(web.redeem(arrived(prove(browser, world, wrong))["code"]))["id_token"])
    assert second["sub"] == first["sub"]
    assert second["auth_time"] >= int((timezone.now() - timedelta(minutes=1)).timestamp())


@pytest.mark.standard(S, "3.1.2.1", "prompt=consent asks again, prompt=select_account who it is")
def test_asked_again(world: World, web: RelyingParty, browser: Browser) -> None:
    browser.cookies.load(cookie_of(world.session))
    page = begin(browser, web, prompt="consent")
    assert arrived(browser.submit(page, decision="allow"))["code"]
    page = begin(browser, web, prompt="consent")
    assert arrived(browser.submit(page, decision="deny"))["error"] == "access_denied"
    page = begin(browser, web, prompt="select_account")
    assert world.user.username in page.content.decode()
    assert "Location" not in page.headers


@pytest.mark.standard(S, "3.1.2.1", "unknown values of prompt are ignored")
def test_unknown_prompt(world: World, web: RelyingParty) -> None:
    assert answer(web.authorize(world.session, prompt="create"))["code"]
    assert answer(web.authorize(world.session, prompt="none create"))["error"] == (
        "invalid_request"
    )


@pytest.mark.standard(S, "3.1.2.1", "a POST from another site: stored, 303, and on by GET")
@pytest.mark.parametrize("prompt", ["", "none"])
def test_cross_site_post(world: World, web: RelyingParty, browser: Browser, prompt: str) -> None:
    foreign = DjangoClient(enforce_csrf_checks=True)
    form = urlencode(web.request(state="posted", prompt=prompt))
    response = foreign.post("/authorize", form, content_type=FORM)
    assert response.status_code == 303
    browser.cookies.load(cookie_of(world.session))
    back = arrived(browser.open(response.headers["Location"]))
    assert back["state"] == "posted"
    assert web.redeem(back["code"]).status == 200
    again = browser.open(response.headers["Location"])
    assert "code=" not in again.headers.get("Location", "")


@pytest.mark.standard(S, "3.1.2.1", "id_token_hint is a hint: it signs nobody in")
def test_hint_is_no_proof(world: World, web: RelyingParty) -> None:
    hint = web.tokens(world.session)["id_token"]
    assert answer(web.authorize(None, prompt="none", id_token_hint=hint))["error"] == (
        "login_required"
    )
    location = header(web.authorize(None, id_token_hint=hint), "Location")
    assert location.startswith("/interaction/")
    foreign = world.relying_party().tokens(world.session)["id_token"]
    for wrong in (foreign, hint[:-8] + "AAAAAAAA", "x"):
        found = answer(web.authorize(world.session, id_token_hint=wrong, prompt="none"))
        assert found["error"] == "invalid_request"


@pytest.mark.standard(S, "3.1.2.6", "each reason that needs a page has its error with prompt=none")
def test_reasons_of_prompt_none(world: World) -> None:
    """There is one account in a session: account_selection_required has no occasion here."""
    party = world.relying_party(trusted=False)
    agree(world.user, party.application, "openid")

    def found(session: Session | None = world.session, **changes: Any) -> str:
        sent = answer(party.authorize(session, prompt="none", **changes))
        return sent.get("error", "code")

    assert found() == "code"
    assert found(None) == "login_required"
    assert found(max_age="0") == "login_required"
    assert found(sign_in(UserFactory())) == "consent_required"
    assert found(scope="openid email") == "consent_required"
    assert found(claims='{"userinfo":{"phone_number":null}}') == "consent_required"
    party.change_application(access="nobody")
    assert found() == "access_denied"


@pytest.mark.standard("OIDC Registration", "2", "default_max_age is asked where max_age is not")
def test_default_max_age(world: World) -> None:
    party = world.relying_party(default_max_age=60)
    Session.objects.update(authenticated_at=timezone.now() - timedelta(minutes=5))
    assert answer(party.authorize(world.session, prompt="none"))["error"] == "login_required"
    code = answer(party.authorize(world.session, prompt="none", max_age="3600"))["code"]
    assert claims_of(json(party.redeem(code))["id_token"])["auth_time"]


@pytest.mark.standard("OIDC Registration", "2", "require_auth_time: it is in every ID token")
def test_require_auth_time(world: World) -> None:
    party = world.relying_party(require_auth_time=True, refresh_always=True)
    tokens = party.tokens(world.session)
    renewed = json(party.refresh(tokens["refresh_token"]))
    for one in (tokens, renewed):
        assert isinstance(claims_of(one["id_token"])["auth_time"], int)


@pytest.mark.standard("OIDC Registration", "2", "default_acr_values are a wish, as acr_values are")
def test_default_acr_values(world: World) -> None:
    party = world.relying_party(default_acr_values=["phr", "pwd"])
    assert claims_of(party.tokens(world.session)["id_token"])["acr"] == "pwd"
    Session.objects.update(acr="mfa")
    assert claims_of(party.tokens(world.session)["id_token"])["acr"] == "pwd"
    assert claims_of(party.tokens(world.session, acr_values="mfa")["id_token"])["acr"] == "mfa"


# ----- §5 claims -----

SCOPES = {
    "profile": {
        *("name", "family_name", "given_name", "middle_name", "nickname", "preferred_username"),
        *("profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale"),
        "updated_at",
    },
    "email": {"email", "email_verified"},
    "address": {"address"},
    "phone": {"phone_number", "phone_number_verified"},
}


@pytest.mark.standard(S, "5.4", "claims of scopes at UserInfo (oidcc-scope-*)")
@pytest.mark.parametrize("scope", [*SCOPES, "profile email address phone"])
def test_scopes(world: World, web: RelyingParty, full: None, scope: str) -> None:
    tokens = web.tokens(world.session, scope=f"openid {scope}")
    expected = set().union(*(SCOPES[one] for one in scope.split()))
    said = json(web.userinfo(tokens["access_token"]))
    assert said.keys() == expected | {"sub"}
    assert not expected & claims_of(tokens["id_token"]).keys()


@pytest.mark.standard(S, "5.1", "types: address object, booleans, number")
def test_types(world: World, web: RelyingParty, full: None) -> None:
    tokens = web.tokens(world.session, scope="openid profile email address phone")
    said = json(web.userinfo(tokens["access_token"]))
    assert said["address"]["country"] == "DE"
    assert said["email_verified"] is True
    assert said["phone_number_verified"] is True
    assert isinstance(said["updated_at"], int)


@pytest.mark.standard(S, "5.1", "what is not known is left out")
def test_empty_claims(world: World, web: RelyingParty) -> None:
    tokens = web.tokens(world.session, scope="openid profile address phone")
    said = json(web.userinfo(tokens["access_token"]))
    assert None not in said.values()
    assert "" not in said.values()
    assert not {"address", "phone_number", "phone_number_verified"} & said.keys()


@pytest.mark.standard(S, "5.1", "telephone numbers are E.164, languages BCP 47")
@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("phone_number", "+493012345678", "030 12345678"),
        ("phone_number", "+12025550123", "+0123456789"),
        ("locale", "en-GB", "en_GB"),
        ("locale", "zh-Hant-TW", "English"),
        ("locale", "de", "x!"),
        ("birthdate", "1990-01-02", "2.1.1990"),
    ],
)
def test_syntax_of_claims(world: World, web: RelyingParty, field: str, good: str, bad: str) -> None:
    setattr(world.user, field, bad)
    with pytest.raises(ValidationError) as refused:
        world.user.full_clean()
    assert field in refused.value.message_dict
    setattr(world.user, field, good)
    world.user.full_clean()
    world.user.save()
    tokens = web.tokens(world.session, scope="openid profile phone")
    assert json(web.userinfo(tokens["access_token"]))[field] == good


@pytest.mark.standard(S, "5.4", "scope claims in the ID token by the client's setting")
def test_id_token_scope_claims(world: World, web: RelyingParty) -> None:
    web.change(id_token_scope_claims=True)
    claims = claims_of(web.tokens(world.session, scope="openid email groups")["id_token"])
    assert claims["email"] == world.user.email


@pytest.mark.standard(S, "5.3", "UserInfo by GET and POST, sub as in the ID token")
def test_userinfo(world: World, web: RelyingParty) -> None:
    tokens = web.tokens(world.session)
    token = tokens["access_token"]
    bearer = (f"Bearer {token}",)
    for response in (
        world.provider.get("/userinfo", authorization=bearer),
        world.provider.send("POST", "/userinfo", authorization=bearer),
        world.provider.post("/userinfo", {"access_token": token}),
    ):
        assert json(response)["sub"] == claims_of(tokens["id_token"])["sub"]
        assert header(response, "Content-Type") == "application/json"


@pytest.mark.standard(
    S, "5.5", "claims by name, where they were asked for (oidcc-claims-essential)"
)
def test_claims_parameter(world: World, web: RelyingParty) -> None:
    claims = (
        '{"userinfo":{"name":{"essential":true},"shoe_size":null},'
        '"id_token":{"email":null,"auth_time":{"essential":true}}}'
    )
    tokens = web.tokens(world.session, claims=claims)
    assert json(web.userinfo(tokens["access_token"])).keys() == {"sub", "name"}
    said = claims_of(tokens["id_token"])
    assert said["email"] == world.user.email
    assert "name" not in said
    assert said["auth_time"]


@pytest.mark.standard(S, "5.5", "the claims parameter holds for refreshed tokens too")
def test_claims_parameter_after_refresh(world: World) -> None:
    party = world.relying_party(refresh_always=True)
    tokens = party.tokens(world.session, claims='{"id_token":{"email":null}}')
    refreshed = json(party.refresh(tokens["refresh_token"]))
    assert claims_of(refreshed["id_token"])["email"] == world.user.email


@pytest.mark.standard(S, "5.5.1", "a demanded sub is this person's or an error")
def test_claims_sub(world: World, web: RelyingParty) -> None:
    claims = '{"userinfo":{"sub":{"value":"%s"}}}'
    mine = web.authorize(world.session, prompt="none", claims=claims % world.user.subject)
    assert answer(mine)["code"]
    other = web.authorize(world.session, prompt="none", claims=claims % UserFactory().subject)
    assert answer(other)["error"] == "login_required"
    both = '{"userinfo":{"sub":{"value":"a"}},"id_token":{"sub":{"value":"b"}}}'
    assert answer(web.authorize(world.session, claims=both))["error"] == "invalid_request"


@pytest.mark.standard(S, "5.5", "mapping rows go where they are sent")
def test_mapping_rows(world: World, web: RelyingParty) -> None:
    for claim, target in (("a", "to_id_token"), ("b", "to_userinfo"), ("c", "to_access_token")):
        ClaimMapping.objects.create(
            application=web.application,
            claim=claim,
            source="user",
            key="username",
            **{target: True},
        )
    tokens = web.tokens(world.session)
    said = {
        "a": claims_of(tokens["id_token"]),
        "b": json(web.userinfo(tokens["access_token"])),
        "c": claims_of(tokens["access_token"]),
    }
    for claim, members in said.items():
        assert members[claim] == world.user.username
        assert not ({"a", "b", "c"} - {claim}) & members.keys()


# ----- §11, §12 -----


@pytest.mark.standard(S, "11", "offline_access without a consent for it is ignored")
def test_offline_access(world: World, web: RelyingParty) -> None:
    tokens = web.tokens(world.session, scope="openid offline_access")
    assert "refresh_token" not in tokens
    agree(world.user, web.application, "openid", "offline_access")
    assert web.tokens(world.session, scope="openid offline_access")["refresh_token"]


@pytest.mark.standard(S, "11", "prompt=consent asks for it")
def test_offline_access_asks(world: World, web: RelyingParty) -> None:
    response = web.authorize(world.session, scope="openid offline_access", prompt="consent")
    assert header(response, "Location").startswith("/interaction/")


@pytest.mark.standard(
    S, "12.2", "a refreshed ID token keeps iss, sub, aud, auth_time (oidcc-refresh-token)"
)
def test_refresh(world: World) -> None:
    party, other = (world.relying_party(refresh_always=True) for _ in range(2))
    tokens = party.tokens(world.session)
    assert other.refresh(tokens["refresh_token"]).status == 400
    old = claims_of(tokens["id_token"])
    world.provider.ahead = timedelta(minutes=5)
    new = claims_of(json(party.refresh(tokens["refresh_token"]))["id_token"])
    for name in ("iss", "sub", "aud", "auth_time"):
        assert new[name] == old[name]
    assert new["iat"] > old["iat"]
    assert "nonce" not in new


@pytest.mark.standard(S, "3.1.3.2", "a code again, at once and after 30 seconds (oidcc-codereuse)")
@pytest.mark.parametrize("seconds", [0, 30])
def test_code_reuse(world: World, web: RelyingParty, seconds: int) -> None:
    code = web.code(world.session)
    first = json(web.redeem(code))
    world.provider.ahead = timedelta(seconds=seconds)
    again = web.redeem(code)
    assert (again.status, json(again)["error"]) == (400, "invalid_grant")
    assert web.userinfo(first["access_token"]).status == 401


@pytest.mark.standard(S, "9", "client_secret_post (oidcc-server-client-secret-post)")
def test_client_secret_post(world: World) -> None:
    party = world.relying_party(token_endpoint_auth_method="client_secret_post")
    code = party.code(world.session)
    secret, party.secret = party.secret, ""
    assert party.redeem(code, client_id=party.id, client_secret=secret).status == 200


@pytest.mark.standard(S, "10.1.1", "rotation: published, signing, retired while tokens live")
def test_rotation(world: World, web: RelyingParty) -> None:
    before = {key["kid"]: key for key in _key_set(world)}
    old = web.tokens(world.session)["id_token"]
    keys.rotate(keys.OIDC, "RS256")
    new = web.tokens(world.session)["id_token"]
    assert header_of(new)["kid"] != header_of(old)["kid"]
    assert header_of(new)["kid"] in before
    published = KeySet.import_key_set({"keys": _key_set(world)})
    for token in (old, new):
        assert jwt.decode(token, published, algorithms=["RS256"]).claims == claims_of(token)
    longest = max(settings.IDP.access_token_lifetime, settings.IDP.id_token_lifetime)
    assert keys.overlap() >= longest
    retired = timezone.now() - keys.overlap() - timedelta(seconds=1)
    SigningKey.objects.filter(kid=header_of(old)["kid"]).update(retired_at=retired)
    directory.forget()
    assert header_of(old)["kid"] not in {key["kid"] for key in _key_set(world)}


@pytest.mark.standard("RFC 7638", "3", "a kid is the thumbprint of its key")
@pytest.mark.standard(S, "10.1.1", "caches keep the set for minutes, and can ask whether it is new")
def test_key_set_document(world: World) -> None:
    response = world.provider.get("/jwks")
    assert header(response, "Cache-Control") == "public, max-age=300"
    known = world.provider.get("/jwks", if_none_match=header(response, "ETag"))
    assert (known.status, known.body) == (304, b"")
    for key in json(response)["keys"]:
        assert KeySet.import_key_set({"keys": [key]}).keys[0].thumbprint() == key["kid"]


def _key_set(world: World) -> list[dict[str, Any]]:
    return json(world.provider.get("/jwks"))["keys"]


@pytest.mark.standard(S, "10.1", "unique kids, use and alg, no private parts")
def test_key_set(world: World) -> None:
    keys = _key_set(world)
    assert len({key["kid"] for key in keys}) == len(keys)
    assert all(key["use"] == "enc" or key["alg"] for key in keys)
    assert not any({"d", "k"} & key.keys() for key in keys)
