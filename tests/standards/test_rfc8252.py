"""RFC 8252, OAuth 2.0 for Native Apps."""

from __future__ import annotations

import pytest

from tests.support import dynamic
from tests.support.protocol import RelyingParty, World, agree, answer, header, json

S = "RFC 8252"


@pytest.fixture
def native(world: World) -> RelyingParty:
    return world.relying_party(
        redirect_uris=[
            "http://127.0.0.1/callback",
            "http://[::1]:5000/callback",
            "com.example.app:/callback",
            "https://app.example/callback",
        ],
        token_endpoint_auth_method="none",
        application_profile="native",
        refresh_always=True,
    )


def leads(world: World, party: RelyingParty, redirect_uri: str) -> bool:
    """Whether the address is taken (the person is asked) or shown as wrong."""
    response = party.authorize(world.session, redirect_uri=redirect_uri)
    assert response.status in (303, 400)
    return response.status == 303


@pytest.mark.standard(S, "7.3", "any port of a registered loopback literal")
@pytest.mark.parametrize(
    ("redirect_uri", "taken"),
    [
        ("http://127.0.0.1/callback", True),
        ("http://127.0.0.1:1/callback", True),
        ("http://127.0.0.1:65535/callback", True),
        ("http://[::1]:8080/callback", True),
        ("http://127.0.0.1:65536/callback", False),
        ("http://127.0.0.1:8080/other", False),
        ("http://127.0.0.1:8080/callback?x", False),
        ("http://localhost:8080/callback", False),
        ("http://127.0.0.2:8080/callback", False),
        ("http://127.1:8080/callback", False),
        ("http://127.0.0.1:8080@evil.example/callback", False),
        ("https://127.0.0.1:8080/callback", False),
    ],
)
def test_loopback(world: World, native: RelyingParty, redirect_uri: str, taken: bool) -> None:
    assert leads(world, native, redirect_uri) is taken


@pytest.mark.standard(S, "7.3", "only for native applications")
def test_loopback_of_a_web_application(world: World) -> None:
    web = world.relying_party(redirect_uris=["http://127.0.0.1/callback"])
    assert not leads(world, web, "http://127.0.0.1:8080/callback")


@pytest.mark.standard(S, "7.1", "private-use schemes in reverse domain form")
def test_private_scheme(world: World, native: RelyingParty) -> None:
    assert leads(world, native, "com.example.app:/callback")
    assert not leads(world, native, "com.example.app:/callback/x")
    assert not leads(world, native, "com.example.APP:/callback")


@pytest.mark.standard(S, "8.1", "native applications must use PKCE")
def test_proof_key(world: World, native: RelyingParty) -> None:
    response = native.authorize(world.session, code_challenge=None, code_challenge_method=None)
    assert answer(response)["error"] == "invalid_request"


@pytest.mark.standard(S, "8.6", "never answered without asking, unless the address is claimed")
def test_no_silent_approval(world: World, native: RelyingParty) -> None:
    agree(world.user, native.application, "openid")
    response = native.authorize(world.session)
    assert header(response, "Location").startswith("/interaction/")
    claimed = native.authorize(world.session, redirect_uri="https://app.example/callback")
    assert answer(claimed)["code"]


@pytest.mark.standard(S, "7.3", "localhost is a name: the very address that was registered")
def test_localhost(world: World) -> None:
    party = world.relying_party(
        redirect_uris=["http://localhost:7777/callback"],
        token_endpoint_auth_method="none",
        application_profile="native",
    )
    assert leads(world, party, "http://localhost:7777/callback")
    for other in ("http://localhost:7778/callback", "http://127.0.0.1:7777/callback"):
        assert not leads(world, party, other)


@pytest.mark.standard(S, "7", "what a native client may register")
@pytest.mark.parametrize(
    ("redirect_uri", "taken"),
    [
        ("com.example.wiki:/callback", True),
        ("http://127.0.0.1/callback", True),
        ("http://[::1]:8000/callback", True),
        ("http://localhost/callback", True),
        ("https://wiki.example/callback", True),
        ("wiki:/callback", False),
        ("wiki://callback", False),
        ("com.example.wiki:/callback#x", False),
        ("com.example.wiki:callback", False),
        ("http://wiki.example/callback", False),
        ("http://127.0.0.2/callback", False),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("file:///etc/passwd", False),
        ("urn:ietf:wg:oauth:2.0:oob", False),
        ("urn:ietf:wg:oauth:2.0:oob:auto", False),
    ],
)
def test_registration(world: World, redirect_uri: str, taken: bool) -> None:
    dynamic.policy()
    response = dynamic.register(
        world.provider,
        application_type="native",
        token_endpoint_auth_method="none",
        redirect_uris=[redirect_uri],
    )
    assert response.status == (201 if taken else 400), response.body
    if not taken:
        assert json(response)["error"] == "invalid_redirect_uri"


@pytest.mark.standard(S, "8.6", "nor silently: prompt=none says that the person has to agree")
def test_no_silent_answer(world: World, native: RelyingParty) -> None:
    agree(world.user, native.application, "openid")
    found = answer(native.authorize(world.session, prompt="none"))
    assert found["error"] == "consent_required"


@pytest.mark.standard(S, "8.12", "no out-of-band address")
def test_out_of_band(world: World, native: RelyingParty) -> None:
    assert not leads(world, native, "urn:ietf:wg:oauth:2.0:oob")
