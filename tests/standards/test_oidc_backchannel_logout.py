"""OpenID Connect Back-Channel Logout 1.0; modules of the conformance plan stand in the marks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import KeySet

from idp.accounts import password, people
from idp.accounts import session as sessions
from idp.accounts.expiry import end_expired
from idp.endpoints import discovery
from idp.models import LogoutNotification, Session
from idp.protocol import client_metadata
from idp.protocol.errors import InvalidClientMetadata
from tests.support import receiver as behaviours
from tests.support.logout import deliver, receiver, tokens  # noqa: F401 (a fixture)
from tests.support.protocol import (
    AFTER_LOGOUT,
    RelyingParty,
    World,
    agree,
    claims_of,
    cookie_of,
    header,
    header_of,
    json,
    sign_in,
)
from tests.support.receiver import Receiver

S = "OIDC Back-Channel Logout"


@pytest.fixture
def told(world: World, receiver: Receiver) -> RelyingParty:  # noqa: F811 (the fixture)
    """A client that is told of sign-outs."""
    return world.relying_party(
        grant_types=["authorization_code", "refresh_token"],
        backchannel_logout_uri=receiver.url("/logout"),
        backchannel_logout_session_required=True,
    )


def leave(world: World, hint: str) -> None:
    response = world.provider.get(
        "/end_session", {"id_token_hint": hint}, cookies=cookie_of(world.session)
    )
    assert header(response, "Location") == "/logout/done"
    deliver()


@pytest.mark.standard(S, "2.1", "discovery says that it is supported, with sid")
def test_discovery(world: World) -> None:
    document = json(world.provider.get(discovery.OPENID_PATH))
    assert document["backchannel_logout_supported"] is True
    assert document["backchannel_logout_session_supported"] is True


@pytest.mark.standard(S, "2.1", "sid is in the ID token, unguessable, one per client (row 136)")
def test_sid(world: World, told: RelyingParty) -> None:
    other = world.relying_party()
    mine, theirs = (
        claims_of(party.tokens(world.session)["id_token"])["sid"] for party in (told, other)
    )
    assert mine != theirs
    assert len(mine) == 32
    again = claims_of(told.tokens(sign_in(world.user))["id_token"])["sid"]
    assert again != mine


@pytest.mark.standard(S, "2.4", "the claims of a logout token (oidcc-backchannel-rp-initiated-…)")
def test_logout_token(world: World, told: RelyingParty, receiver: Receiver) -> None:  # noqa: F811
    id_token = told.tokens(world.session)["id_token"]
    leave(world, id_token)
    (token,) = tokens(receiver)
    claims = claims_of(token)
    assert claims.keys() == {"iss", "sub", "aud", "iat", "exp", "jti", "events", "sid"}
    assert claims["iss"] == settings.IDP.issuer
    assert claims["aud"] == told.id
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert 0 < claims["exp"] - claims["iat"] <= 120
    for member in ("sub", "sid"):
        assert claims[member] == claims_of(id_token)[member]


@pytest.mark.standard(S, "2.4", "typ is logout+jwt; no nonce; never taken for an ID token")
def test_type(world: World, told: RelyingParty, receiver: Receiver) -> None:  # noqa: F811
    leave(world, told.tokens(world.session)["id_token"])
    (token,) = tokens(receiver)
    assert header_of(token)["typ"] == "logout+jwt"
    assert "nonce" not in claims_of(token)
    new = sign_in(world.user)
    told.tokens(new)
    response = world.provider.get("/end_session", {"id_token_hint": token}, cookies=cookie_of(new))
    assert header(response, "Location").startswith("/logout/confirm/")


@pytest.mark.standard(S, "2.6", "signed as ID tokens are, with a published key")
@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
def test_signature(
    world: World,
    told: RelyingParty,
    receiver: Receiver,  # noqa: F811 (the fixture)
    algorithm: str,
) -> None:
    told.change(id_token_signed_response_alg=algorithm)
    leave(world, told.tokens(world.session)["id_token"])
    (token,) = tokens(receiver)
    key_set = KeySet.import_key_set(json(world.provider.get("/jwks")))
    assert jwt.decode(token, key_set, algorithms=[algorithm]).claims["aud"] == told.id


@pytest.mark.standard(S, "2.5", "a POST with the one parameter logout_token")
def test_request(world: World, told: RelyingParty, receiver: Receiver) -> None:  # noqa: F811
    leave(world, told.tokens(world.session)["id_token"])
    (received,) = receiver.received
    assert (received.method, received.path) == ("POST", "/logout")
    assert received.headers["content-type"] == "application/x-www-form-urlencoded"
    assert received.form.keys() == {"logout_token"}


@pytest.mark.standard(S, "2.2", "https, or loopback, without a fragment")
@pytest.mark.parametrize("uri", ["http://rp.example/out", "https://rp.example/out#x", "ftp://x/"])
def test_registered_address(uri: str) -> None:
    document = {"redirect_uris": ["https://rp.example/cb"], "backchannel_logout_uri": uri}
    with pytest.raises(InvalidClientMetadata):
        client_metadata.parse(document)


@pytest.mark.standard(S, "2.8", "200 is success, 400 a failure, anything else is tried again")
@pytest.mark.parametrize(
    ("status", "state"), [(200, "acknowledged"), (400, "failed"), (500, "retrying")]
)
def test_answers(
    world: World,
    told: RelyingParty,
    receiver: Receiver,  # noqa: F811 (the fixture)
    status: int,
    state: str,
) -> None:
    receiver.behaviours["/logout"] = behaviours.ok(status=status)
    leave(world, told.tokens(world.session)["id_token"])
    assert LogoutNotification.objects.get().state == state


@pytest.mark.standard(S, "4", "no address of our own network is told, whatever was registered")
@pytest.mark.parametrize("how", ["loopback", "redirect"])
def test_inner_addresses(
    world: World,
    told: RelyingParty,
    receiver: Receiver,  # noqa: F811 (the fixture)
    settings: Any,
    how: str,
) -> None:
    hint = told.tokens(world.session)["id_token"]
    if how == "loopback":
        settings.IDP = settings.IDP.model_copy(update={"outbound_allow": ()})
    else:
        receiver.behaviours["/logout"] = behaviours.redirect(receiver.url("/inner"))
    leave(world, hint)
    assert not receiver.at("/inner")
    assert len(receiver.received) == (how == "redirect")
    assert LogoutNotification.objects.get().state != "acknowledged"


@pytest.mark.standard(S, "2.8", "who does not answer is asked again later, and later still")
def test_tried_again(world: World, told: RelyingParty, receiver: Receiver) -> None:  # noqa: F811
    receiver.behaviours["/logout"] = behaviours.ok(status=503)
    leave(world, told.tokens(world.session)["id_token"])
    row = LogoutNotification.objects.get()
    assert (row.state, row.attempts) == ("retrying", 1)
    assert row.next_at > timezone.now()
    receiver.behaviours["/logout"] = behaviours.ok()
    LogoutNotification.objects.update(next_at=timezone.now())
    deliver()
    row.refresh_from_db()
    assert row.state == "acknowledged"
    first, second = tokens(receiver)
    assert claims_of(first)["sid"] == claims_of(second)["sid"]


@pytest.mark.standard(S, "2.5", "every client of the session, and nobody else")
def test_everybody(world: World, told: RelyingParty, receiver: Receiver) -> None:  # noqa: F811
    other = world.relying_party(backchannel_logout_uri=receiver.url("/other"))
    stranger = world.relying_party(backchannel_logout_uri=receiver.url("/stranger"))
    stranger.tokens(sign_in(world.user))
    hint = told.tokens(world.session)["id_token"]
    other.tokens(world.session)
    leave(world, hint)
    assert {one.path for one in receiver.received} == {"/logout", "/other"}
    assert claims_of(tokens(receiver, "/other")[0])["aud"] == other.id


def _everywhere(world: World) -> None:
    sessions.end_all(world.user, reason="signed out everywhere", now=timezone.now())


def _password(world: World) -> None:
    password.change(world.user, "a new secret, long enough", session=None, now=timezone.now())


def _disable(world: World) -> None:
    people.disable(world.user, now=timezone.now())


def _expire(world: World) -> None:
    Session.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert end_expired(now=timezone.now(), pause=0) == 1


def _somebody_else(world: World) -> None:
    other = world.user.__class__.objects.create(username="somebody-else", password="!")
    sessions.start(
        other,
        factor="password",
        amr=["pwd"],
        acr="pwd",
        request=_Origin(),
        now=timezone.now(),
        replacing=world.session,
    )


class _Origin:
    client_address = "192.0.2.7"
    user_agent = "Test"
    request_id = "test"


@pytest.mark.standard(S, "2.7", "whatever ends the session is told (row 137)")
@pytest.mark.parametrize("end", [_everywhere, _password, _disable, _expire, _somebody_else])
def test_every_end(
    world: World,
    told: RelyingParty,
    receiver: Receiver,  # noqa: F811 (the fixture)
    end: Any,
) -> None:
    sid = claims_of(told.tokens(world.session)["id_token"])["sid"]
    end(world)
    deliver()
    (token,) = tokens(receiver)
    assert claims_of(token)["sid"] == sid
    assert LogoutNotification.objects.get().state == "acknowledged"


@pytest.mark.standard(S, "2.7", "refresh tokens without offline_access end, those with it stay")
def test_refresh_tokens(world: World, told: RelyingParty) -> None:
    told.change(refresh_always=True)
    agree(world.user, told.application, "openid", "offline_access")
    bound = told.tokens(world.session)
    offline = told.tokens(world.session, scope="openid offline_access")
    leave(world, bound["id_token"])
    assert json(told.refresh(bound["refresh_token"]))["error"] == "invalid_grant"
    assert told.introspect(bound["access_token"]) == {"active": False}
    assert told.refresh(offline["refresh_token"]).status == 200


@pytest.mark.standard(S, "2.5", "pairwise clients are told of the person as they know them")
def test_pairwise(world: World, told: RelyingParty, receiver: Receiver) -> None:  # noqa: F811
    told.change(subject_type="pairwise")
    id_token = told.tokens(world.session)["id_token"]
    leave(world, id_token)
    (token,) = tokens(receiver)
    assert claims_of(token)["sub"] == claims_of(id_token)["sub"] != world.user.subject


@pytest.mark.standard("OIDC RP-Initiated Logout", "3", "the person does not wait for receivers")
def test_nobody_waits(world: World, told: RelyingParty, receiver: Receiver) -> None:  # noqa: F811
    receiver.behaviours["/logout"] = behaviours.hang()
    hint = told.tokens(world.session)["id_token"]
    response = world.provider.get(
        "/end_session",
        {"id_token_hint": hint, "post_logout_redirect_uri": AFTER_LOGOUT},
        cookies=cookie_of(world.session),
    )
    assert header(response, "Location") == AFTER_LOGOUT
    assert LogoutNotification.objects.get().attempts == 0
    assert receiver.received == []
