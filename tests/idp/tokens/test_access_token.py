"""Access tokens: what they say, what passes for one, what is remembered of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from idp import directory, keys
from idp.protocol.errors import InvalidToken
from idp.tokens import access_token
from tests.support.protocol import RelyingParty, World, claims_of, header_of


def issue(world: World, party: RelyingParty, **changes: Any) -> str:
    arguments = {
        "subject": party.id,
        "scope": ("read",),
        "audience": ("https://api.example",),
        "now": world.provider.now,
        **changes,
    }
    return access_token.issue(party.client, **arguments)


def test_says_what_rfc_9068_wants(world: World, web: RelyingParty) -> None:
    token = issue(world, web)
    assert header_of(token)["typ"] == "at+jwt"
    assert header_of(token)["alg"] == "ES256"
    claims = claims_of(token)
    assert claims["exp"] - claims["iat"] == 600
    assert (claims["iss"], claims["aud"]) == (settings.IDP.issuer, "https://api.example")


def test_several_audiences_are_a_list(world: World, web: RelyingParty) -> None:
    token = issue(world, web, audience=("https://a.example", "https://b.example"))
    assert access_token.audience_of(claims_of(token)) == ("https://a.example", "https://b.example")


def test_mapped_claims_never_replace_the_protocols(world: World, web: RelyingParty) -> None:
    token = issue(world, web, claims={"sub": "x", "exp": 1, "scope": "admin", "team": "red"})
    claims = claims_of(token)
    assert (claims["sub"], claims["scope"], claims["team"]) == (web.id, "read", "red")


def test_is_verified_and_remembered(world: World, web: RelyingParty) -> None:
    token = issue(world, web)
    first = access_token.verify(token, now=world.provider.now)
    assert access_token.verify(token, now=world.provider.now) is first


def test_expires_also_when_remembered(world: World, web: RelyingParty) -> None:
    token = issue(world, web)
    access_token.verify(token, now=world.provider.now)
    with pytest.raises(InvalidToken):
        access_token.verify(token, now=world.provider.now + timedelta(seconds=600))


def test_is_forgotten_when_its_key_goes(world: World, web: RelyingParty) -> None:
    token = issue(world, web)
    access_token.verify(token, now=world.provider.now)
    for row in keys.SigningKey.objects.filter(purpose="oidc", algorithm="ES256"):
        row.delete()
    with pytest.raises(InvalidToken):
        access_token.verify(token, now=world.provider.now)


def test_memory_is_bounded(
    world: World, web: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_token, "MOST_REMEMBERED", 3)
    for _ in range(6):
        access_token.verify(issue(world, web), now=world.provider.now)
    assert len(directory.cached("access-tokens", dict)) == 3


def test_token_of_a_disabled_application_is_dead(world: World, web: RelyingParty) -> None:
    token = issue(world, web)
    web.change_application(enabled=False)
    with pytest.raises(InvalidToken):
        access_token.verify(token, now=world.provider.now)


def test_token_of_a_deleted_client_is_dead(world: World, web: RelyingParty) -> None:
    token = issue(world, web)
    web.application.delete()
    with pytest.raises(InvalidToken):
        access_token.verify(token, now=world.provider.now)


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "\ud800", "é.é.é", "a" * 20_000, "." * 9])
def test_nonsense_is_refused(world: World, token: str) -> None:
    with pytest.raises(InvalidToken):
        access_token.verify(token, now=world.provider.now)


def test_other_jwt_of_ours_is_refused(world: World, web: RelyingParty) -> None:
    for typ in ("JWT", "", "logout+jwt", "at+jwt2", "application/at+jwt2"):
        signer = keys.signer("ES256")
        token = signer.sign(claims_of(issue(world, web)), typ=typ)
        with pytest.raises(InvalidToken):
            access_token.verify(token, now=world.provider.now)


def test_signature_in_another_algorithm_is_refused(world: World, web: RelyingParty) -> None:
    token = keys.signer("RS256").sign(claims_of(issue(world, web)), typ="at+jwt")
    with pytest.raises(InvalidToken):
        access_token.verify(token, now=world.provider.now)
