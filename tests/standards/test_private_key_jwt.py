"""private_key_jwt at the endpoints (RFC 7523 §2.2, OIDC Core §9), and where a client's keys are."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from idp import directory
from idp.models import RemoteDocument
from idp.protocol import jwk
from idp.protocol.client_assertion import ASSERTION_TYPE
from tests.support import receiver
from tests.support.crafted_jwt import ISSUER, ClientKeyRing
from tests.support.protocol import RelyingParty, World, claims_of, json
from tests.support.receiver import Receiver

S = "RFC 7523"
TOKEN = f"{ISSUER}/token"


@pytest.fixture
def ring() -> ClientKeyRing:
    return ClientKeyRing("ES256", "PS256", "RS256", "EdDSA")


@pytest.fixture
def party(world: World, ring: ClientKeyRing) -> RelyingParty:
    """A web application with keys instead of a secret."""
    return world.relying_party(
        token_endpoint_auth_method="private_key_jwt",
        jwks=ring.public,
        refresh_always=True,
        grant_types=["authorization_code", "refresh_token", "client_credentials"],
    )


def proven(assertion: str) -> dict[str, str]:
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}


def ask(party: RelyingParty, assertion: str) -> Any:
    """Whether the assertion proves the client: the answer of the token endpoint."""
    return party.token(grant_type="client_credentials", **proven(assertion))


def refused(response: Any) -> bool:
    assert response.status in (200, 401), response.body
    return response.status == 401 and json(response)["error"] == "invalid_client"


@pytest.mark.standard(S, "2.2", "a whole flow of a client that has no secret")
@pytest.mark.parametrize("algorithm", ["PS256", "ES256", "EdDSA", "RS256"])
def test_flow(world: World, party: RelyingParty, ring: ClientKeyRing, algorithm: str) -> None:
    def fresh() -> dict[str, str]:
        return proven(ring.assertion(party.id, algorithm))

    tokens = json(party.redeem(party.code(world.session), **fresh()))
    assert claims_of(tokens["id_token"])["aud"] == party.id
    renewed = json(party.refresh(tokens["refresh_token"], **fresh()))
    found = party.provider.post("/introspect", {"token": renewed["access_token"], **fresh()})
    assert json(found)["active"] is True
    gone = party.provider.post("/revoke", {"token": renewed["refresh_token"], **fresh()})
    assert gone.status == 200
    assert refused(party.redeem(party.code(world.session)))


@pytest.mark.standard(S, "3", "(7) a jti is taken once, at whatever endpoint, until it expires")
def test_replay(party: RelyingParty, ring: ClientKeyRing) -> None:
    assertion = ring.assertion(party.id, jti="once")
    assert ask(party, assertion).status == 200
    assert refused(ask(party, assertion))
    assert party.provider.post("/revoke", {"token": "x", **proven(assertion)}).status == 401
    assert refused(ask(party, ring.assertion(party.id, "RS256", jti="once")))
    assert ask(party, ring.assertion(party.id, jti="another")).status == 200


@pytest.mark.standard(S, "3", "(1)-(6) issuer, subject, audience, and a short time")
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "other"},
        {"sub": "other"},
        {"sub": None},
        {"aud": "https://other.example"},
        {"aud": [ISSUER, "https://other.example"]},
        {"aud": f"{ISSUER}/"},
        {"exp": None},
        {"exp": timedelta(seconds=-1)},
        {"exp": timedelta(hours=2)},
        {"nbf": timedelta(minutes=2)},
        {"iat": timedelta(minutes=2)},
        {"jti": None},
    ],
)
def test_claims(party: RelyingParty, ring: ClientKeyRing, changes: dict[str, Any]) -> None:
    now = time.time()
    dated = {
        name: now + value.total_seconds() if isinstance(value, timedelta) else value
        for name, value in changes.items()
    }
    assert refused(ask(party, ring.assertion(party.id, **dated)))


@pytest.mark.standard(S, "3", "(5), (6) a clock eight seconds ahead is none that is wrong")
@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_clock(party: RelyingParty, ring: ClientKeyRing, name: str) -> None:
    assert ask(party, ring.assertion(party.id, **{name: int(time.time()) + 8})).status == 200


@pytest.mark.standard(S, "3", "(3) the issuer, or the endpoint that is asked, but no other")
def test_audience(party: RelyingParty, ring: ClientKeyRing) -> None:
    for audience in (ISSUER, TOKEN, [ISSUER, TOKEN]):
        assert ask(party, ring.assertion(party.id, aud=audience)).status == 200
    assert refused(ask(party, ring.assertion(party.id, aud=f"{ISSUER}/introspect")))
    own = proven(ring.assertion(party.id, aud=f"{ISSUER}/introspect"))
    assert party.provider.post("/introspect", {"token": "x", **own}).status == 200


@pytest.mark.standard("RFC 8725", "3.1", "the registered algorithm alone, never a shared key")
def test_algorithm(party: RelyingParty, ring: ClientKeyRing) -> None:
    body = ring.assertion(party.id).split(".")[1]
    for forged in (f"eyJhbGciOiJub25lIn0.{body}.", f"eyJhbGciOiJIUzI1NiJ9.{body}.{'A' * 43}"):
        assert refused(ask(party, forged))
    assert refused(ask(party, ClientKeyRing("ES256").assertion(party.id)))
    party.change(token_endpoint_auth_signing_alg="PS256")
    assert ask(party, ring.assertion(party.id, "PS256")).status == 200
    for other in ("ES256", "RS256", "EdDSA"):
        assert refused(ask(party, ring.assertion(party.id, other)))


@pytest.mark.standard("RFC 8725", "3.11", "the type of assertions, or none; no other kind")
@pytest.mark.parametrize(
    ("typ", "taken"),
    [
        *((typ, True) for typ in (None, "JWT", "client-authentication+jwt")),
        *((typ, False) for typ in ("dpop+jwt", "at+jwt", "logout+jwt", "secevent+jwt")),
        ("oauth-authz-req+jwt", False),
    ],
)
def test_type(party: RelyingParty, ring: ClientKeyRing, typ: str | None, taken: bool) -> None:
    response = ask(party, ring.assertion(party.id, header={"typ": typ}))
    assert refused(response) is not taken


# ----- keys by address -----


@pytest.fixture
def server(settings: Any, ring: ClientKeyRing) -> Iterator[Receiver]:
    with Receiver() as running:
        allowed = (f"127.0.0.1:{running.port}",)
        settings.IDP = settings.IDP.model_copy(update={"outbound_allow": allowed})
        running.behaviours["/jwks"] = receiver.ok(ring.public)
        yield running


@pytest.fixture
def by_address(party: RelyingParty, server: Receiver) -> RelyingParty:
    party.change(jwks={}, jwks_uri=server.url("/jwks"))
    return party


def later() -> None:
    """Let the last attempt be longer ago than we wait between two."""
    for row in RemoteDocument.objects.all():
        row.attempted_at -= timedelta(seconds=11)
        row.save()
    directory.forget()


@pytest.mark.standard("OIDC Registration", "2", "jwks_uri: read once, and again for an unknown kid")
def test_rotation_of_the_client(
    by_address: RelyingParty, server: Receiver, ring: ClientKeyRing
) -> None:
    for _ in range(3):
        assert ask(by_address, ring.assertion(by_address.id)).status == 200
    assert len(server.at("/jwks")) == 1
    ring.add("ES256")
    server.behaviours["/jwks"] = receiver.ok(ring.public)
    later()
    assert ask(by_address, ring.assertion(by_address.id)).status == 200
    assert len(server.at("/jwks")) == 2


@pytest.mark.standard("OIDC Core", "10.1.1", "unknown kids do not make us ask on and on")
def test_unknown_kids(by_address: RelyingParty, server: Receiver, ring: ClientKeyRing) -> None:
    assert ask(by_address, ring.assertion(by_address.id)).status == 200
    for _ in range(10):
        assert refused(ask(by_address, ClientKeyRing("ES256").assertion(by_address.id)))
    assert len(server.at("/jwks")) == 1
    assert ask(by_address, ring.assertion(by_address.id)).status == 200


@pytest.mark.standard("RFC 7517", "9.2", "a set with private keys, or too large, is no set")
@pytest.mark.parametrize("kind", ["private", "shared", "large", "redirect"])
def test_bad_sets(
    by_address: RelyingParty, server: Receiver, ring: ClientKeyRing, kind: str
) -> None:
    key = ring.keys["ES256"]
    large = {"keys": ring.public["keys"], "x": "x" * jwk.MAX_BYTES}
    server.behaviours["/jwks"] = {
        "private": receiver.ok({"keys": [key.as_dict(private=True)]}),
        "shared": receiver.ok({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": key.kid}]}),
        "large": receiver.ok(large),
        "redirect": receiver.redirect(server.url("/other")),
    }[kind]
    server.behaviours["/other"] = receiver.ok(ring.public)
    assert refused(ask(by_address, ring.assertion(by_address.id)))
    assert not server.at("/other")
