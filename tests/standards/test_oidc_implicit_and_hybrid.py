"""OpenID Connect Core 1.0 §3.2, §3.3: tokens in the front channel, where a client may have them."""

from __future__ import annotations

import re
from itertools import permutations
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.conf import settings
from django.utils import timezone

from idp.models import Grant, RegistrationPolicy
from idp.protocol import jose, vocabulary
from idp.tokens import id_token
from tests.support.protocol import (
    RelyingParty,
    World,
    agree,
    answer,
    claims_of,
    header,
    json,
)

S = "OIDC Core"
FRONT = vocabulary.FRONT_CHANNEL_RESPONSE_TYPES


@pytest.fixture
def rp(world: World) -> RelyingParty:
    """A client of the profile compatibility, registered for everything."""
    return world.relying_party(
        application_profile="compatibility",
        grant_types=["authorization_code", "implicit", "refresh_token"],
        response_types=list(vocabulary.RESPONSE_TYPES),
    )


def fragment(response: Any) -> dict[str, str]:
    """The parameters of an answer that has nothing in its query."""
    location = urlsplit(header(response, "Location"))
    assert location.query == ""
    return dict(parse_qsl(location.fragment))


@pytest.mark.standard(S, "3.2.2.5", "what an implicit response brings")
@pytest.mark.standard(S, "3.3.2.5", "what a hybrid response brings")
@pytest.mark.standard("OAuth Multiple Response Types", "5", "in the fragment by default")
@pytest.mark.parametrize("kind", FRONT)
def test_members(world: World, rp: RelyingParty, kind: str) -> None:
    found = fragment(rp.authorize(world.session, response_type=kind))
    expected = {"state", "iss", "session_state", *kind.split(" ")} - {"token"}
    if "token" in kind.split(" "):
        expected |= {"access_token", "token_type", "expires_in", "scope"}
        assert (found["token_type"], found["expires_in"]) == ("Bearer", "600")
    assert set(found) == expected
    assert found["iss"] == settings.IDP.issuer


@pytest.mark.standard("OAuth Multiple Response Types", "3", "the order of the words means nothing")
def test_any_order(world: World, rp: RelyingParty) -> None:
    for words in permutations(["code", "id_token", "token"]):
        found = fragment(rp.authorize(world.session, response_type=" ".join(words)))
        assert {"code", "id_token", "access_token"} <= set(found)


@pytest.mark.standard(S, "3.2.2.10", "at_hash where an access token comes along")
@pytest.mark.standard(S, "3.3.2.11", "c_hash where a code comes along")
@pytest.mark.parametrize("kind", [one for one in FRONT if "id_token" in one])
def test_hashes_bind_the_id_token(world: World, rp: RelyingParty, kind: str) -> None:
    found = fragment(rp.authorize(world.session, response_type=kind))
    claims = claims_of(found["id_token"])
    hashes = {
        name: jose.at_hash(found[of], "RS256")
        for name, of in (("at_hash", "access_token"), ("c_hash", "code"))
        if of in found
    }
    assert {name: claims[name] for name in ("at_hash", "c_hash") if name in claims} == hashes
    assert claims["nonce"] == "nonce-1"
    assert claims["aud"] == rp.id
    read = id_token.read_hint(found["id_token"], client_id=rp.id, now=timezone.now())
    assert read["sub"] == world.user.subject


@pytest.mark.standard(S, "3.3.3.6", "both ID tokens of a hybrid flow name the same person")
def test_second_id_token(world: World, rp: RelyingParty) -> None:
    found = fragment(rp.authorize(world.session, response_type="code id_token token"))
    response = rp.redeem(found["code"])
    assert response.status == 200, response.body
    first, second = claims_of(found["id_token"]), claims_of(json(response)["id_token"])
    for name in ("iss", "sub", "aud", "nonce", "auth_time", "sid"):
        assert first[name] == second[name]
    assert second["at_hash"] == jose.at_hash(json(response)["access_token"], "RS256")


@pytest.mark.standard(S, "3.2.2.1", "nonce is required")
@pytest.mark.standard(S, "3.3.2.11", "nonce is required where an ID token comes with the response")
@pytest.mark.parametrize("kind", [one for one in FRONT if "id_token" in one])
def test_without_nonce(world: World, rp: RelyingParty, kind: str) -> None:
    found = fragment(rp.authorize(world.session, response_type=kind, nonce=None))
    assert found["error"] == "invalid_request"
    assert found["state"] == "state-1"


@pytest.mark.standard(S, "3.3.2.2", "code token has no ID token to bind")
def test_code_token_without_nonce(world: World, rp: RelyingParty) -> None:
    found = fragment(rp.authorize(world.session, response_type="code token", nonce=None))
    assert "access_token" in found


@pytest.mark.standard(S, "3.1.2.1", "an ID token needs the scope openid")
def test_without_openid(world: World, rp: RelyingParty) -> None:
    found = fragment(rp.authorize(world.session, response_type="id_token", scope="email"))
    assert found["error"] == "invalid_scope"


@pytest.mark.standard(S, "5.4", "without an access token the claims are in the ID token")
def test_claims_of_scopes(world: World, rp: RelyingParty) -> None:
    world.user.email_verified = True
    world.user.save()
    scope = "openid email profile"
    for kind, inside in (("id_token", True), ("id_token token", False), ("code id_token", False)):
        found = fragment(rp.authorize(world.session, response_type=kind, scope=scope))
        claims = claims_of(found["id_token"])
        assert ("email" in claims) is inside, kind
        assert ("name" in claims) is inside, kind


@pytest.mark.standard(S, "5.5", "the claims parameter in an implicit flow")
def test_claims_parameter(world: World, rp: RelyingParty) -> None:
    claims = '{"userinfo": {"name": {"essential": true}}, "id_token": {"email": null}}'
    found = fragment(rp.authorize(world.session, response_type="id_token token", claims=claims))
    assert claims_of(found["id_token"])["email"] == world.user.email
    assert json(rp.userinfo(found["access_token"]))["name"] == "Alice Adams"


@pytest.mark.standard(S, "5.3", "UserInfo takes an access token of the front channel")
def test_access_token(world: World, rp: RelyingParty) -> None:
    found = fragment(rp.authorize(world.session, response_type="id_token token"))
    assert json(rp.userinfo(found["access_token"]))["sub"] == world.user.subject
    assert rp.introspect(found["access_token"])["active"]
    assert "refresh_token" not in found


@pytest.mark.standard("RFC 7009", "2.1", "it can be taken back")
def test_revocation(world: World, rp: RelyingParty) -> None:
    token = fragment(rp.authorize(world.session, response_type="id_token token"))["access_token"]
    assert rp.revoke(token).status == 200
    assert not rp.introspect(token)["active"]


@pytest.mark.standard("RFC 6749", "4.1.2", "a code that comes again ends its own grant")
def test_code_is_single_use(world: World, rp: RelyingParty) -> None:
    found = fragment(rp.authorize(world.session, response_type="code token"))
    first = json(rp.redeem(found["code"]))
    assert json(rp.redeem(found["code"]))["error"] == "invalid_grant"
    assert not rp.introspect(first["access_token"])["active"]


@pytest.mark.standard(S, "11", "offline_access is for flows with a code")
def test_offline_access(world: World, rp: RelyingParty) -> None:
    agree(world.user, rp.application, "openid", "offline_access")
    scope = "openid offline_access"
    found = fragment(rp.authorize(world.session, response_type="id_token token", scope=scope))
    assert found["scope"] == "openid"
    found = fragment(rp.authorize(world.session, response_type="code token", scope=scope))
    assert found["scope"] == "openid"
    assert "refresh_token" in json(rp.redeem(found["code"]))


@pytest.mark.standard("OAuth Multiple Response Types", "5", "no tokens in a query")
@pytest.mark.parametrize("kind", FRONT)
def test_query_is_refused(world: World, rp: RelyingParty, kind: str) -> None:
    found = fragment(rp.authorize(world.session, response_type=kind, response_mode="query"))
    assert found["error"] == "invalid_request"


@pytest.mark.standard("OAuth Multiple Response Types", "2.1", "fragment may be asked for a code")
def test_code_in_fragment(world: World, web: RelyingParty) -> None:
    assert "code" in fragment(web.authorize(world.session, response_mode="fragment"))


@pytest.mark.standard("OAuth Form Post", "2", "success and errors of implicit and hybrid")
@pytest.mark.parametrize("kind", FRONT)
def test_form_post(world: World, rp: RelyingParty, kind: str) -> None:
    response = rp.authorize(world.session, response_type=kind, response_mode="form_post")
    assert response.status == 200
    names = set(re.findall(r'name="([a-z_]+)"', response.body.decode()))
    assert {"state", "iss"} < names
    assert ("id_token" in names) is ("id_token" in kind)
    response = rp.authorize(
        world.session, response_type=kind, response_mode="form_post", prompt="none consent"
    )
    assert 'value="invalid_request"' in response.body.decode()


@pytest.mark.standard(S, "3.2.2.6", "errors are in the fragment")
def test_silent_question(world: World, rp: RelyingParty) -> None:
    found = fragment(rp.authorize(None, response_type="id_token", prompt="none"))
    assert found["error"] == "login_required"


@pytest.mark.standard("RFC 9700", "2.1.2", "no other profile gets tokens in the front channel")
@pytest.mark.parametrize("kind", FRONT)
def test_other_profiles(world: World, rp: RelyingParty, web: RelyingParty, kind: str) -> None:
    found = fragment(web.authorize(world.session, response_type=kind))
    assert found["error"] == "unauthorized_client"
    web.change(response_types=[kind], grant_types=["authorization_code", "implicit"])
    found = fragment(web.authorize(world.session, response_type=kind))
    assert found["error"] == "unauthorized_client"
    assert not Grant.objects.exists()


def test_nothing_without_compatibility(world: World, web: RelyingParty) -> None:
    found = fragment(web.authorize(world.session, response_type="id_token"))
    assert found["error"] == "unsupported_response_type"


def test_not_registered(world: World, rp: RelyingParty) -> None:
    rp.change(response_types=["id_token"], grant_types=["implicit"])
    assert fragment(rp.authorize(world.session, response_type="id_token"))["id_token"]
    found = answer(rp.authorize(world.session, response_type="code"))
    assert found["error"] == "unauthorized_client"
    found = fragment(rp.authorize(world.session, response_type="id_token token"))
    assert found["error"] == "unauthorized_client"


def test_ended_session_gets_nothing(world: World, rp: RelyingParty) -> None:
    world.session.ended_at = timezone.now()
    world.session.save()
    found = fragment(rp.authorize(world.session, response_type="id_token", prompt="none"))
    assert found["error"] == "login_required"
    assert not Grant.objects.exists()


@pytest.mark.standard("OIDC Discovery", "3", "implicit and hybrid are published where offered")
def test_discovery(world: World, web: RelyingParty) -> None:
    def published() -> dict[str, Any]:
        return json(world.provider.get("/.well-known/openid-configuration"))

    assert published()["response_types_supported"] == ["code"]
    assert "implicit" not in published()["grant_types_supported"]
    assert published()["response_modes_supported"] == ["query", "fragment", "form_post"]
    policy = RegistrationPolicy.objects.create(mode="open", profile="compatibility")
    assert published()["response_types_supported"] == list(vocabulary.RESPONSE_TYPES)
    assert "implicit" in published()["grant_types_supported"]
    policy.mode = "off"
    policy.save()
    assert published()["response_types_supported"] == ["code"]
    web.change_application(profile="compatibility")
    assert published()["response_types_supported"] == list(vocabulary.RESPONSE_TYPES)


def test_token_endpoint_knows_no_implicit_grant(world: World, rp: RelyingParty) -> None:
    response = rp.token(grant_type="implicit")
    assert json(response)["error"] == "unsupported_grant_type"
    assert response.status == 400


@pytest.mark.standard("OAuth Multiple Response Types", "2.1", "response modes of a client")
def test_ways_of_answering(world: World, rp: RelyingParty) -> None:
    rp.change(response_modes=["form_post"])
    posted = rp.authorize(world.session, response_mode="form_post")
    assert 'name="code"' in posted.body.decode()
    for mode in ("query", "fragment", None):
        refused = rp.authorize(world.session, response_mode=mode)
        assert refused.status == 200
        assert 'value="invalid_request"' in refused.body.decode()
    rp.change(response_modes=["query", "fragment"])
    assert "code" in answer(rp.authorize(world.session))
    assert "id_token" in fragment(rp.authorize(world.session, response_type="id_token"))
    refused = answer(rp.authorize(world.session, response_mode="form_post"))
    assert refused["error"] == "invalid_request"
