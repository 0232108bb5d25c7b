"""private_key_jwt at the token endpoint: who made the assertion, for whom, when, how often."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.db import connection

from idp.models import AuditEvent, SpentIdentifier
from idp.protocol.client_assertion import ASSERTION_TYPE
from tests.support.crafted_jwt import ISSUER, ClientKeyRing
from tests.support.protocol import RelyingParty, World, basic, header, json

TOKEN = f"{ISSUER}/token"


@pytest.fixture
def ring() -> ClientKeyRing:
    return ClientKeyRing("ES256", "RS256", "EdDSA")


@pytest.fixture
def machine(world: World, ring: ClientKeyRing) -> RelyingParty:
    """A client with keys of its own instead of a secret."""
    return world.relying_party(
        token_endpoint_auth_method="private_key_jwt",
        jwks=ring.public,
        grant_types=["client_credentials"],
        response_types=[],
    )


def ask(party: RelyingParty, assertion: str | None, path: str = "/token", **form: Any) -> Any:
    """Send an assertion; answers the response."""
    members = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
        **form,
    }
    present = {name: value for name, value in members.items() if value is not None}
    return party.provider.post(path, present)


def refused(response: Any) -> str:
    """Client authentication has failed; returns the description."""
    assert (response.status, json(response)["error"]) == (401, "invalid_client")
    return json(response)["error_description"]


@pytest.mark.standard("OIDC Core", "9", "private_key_jwt")
@pytest.mark.standard("RFC 7523", "2.2", "client_assertion and client_assertion_type")
@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
def test_signs_with_its_own_key(machine: RelyingParty, ring: ClientKeyRing, algorithm: str) -> None:
    response = ask(machine, ring.assertion(machine.id, algorithm))
    assert response.status == 200, response.body
    assert json(response)["access_token"]


@pytest.mark.standard("RFC 7523", "3", "the audience is the issuer or the endpoint")
@pytest.mark.parametrize("audience", [ISSUER, TOKEN, [ISSUER], [TOKEN, ISSUER]])
def test_audiences(machine: RelyingParty, ring: ClientKeyRing, audience: Any) -> None:
    assert ask(machine, ring.assertion(machine.id, aud=audience)).status == 200


@pytest.mark.standard("RFC 7523", "3", "what is not for us, not now, or not the client's")
@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example"},
        {"aud": [ISSUER, "https://other.example"]},
        {"aud": []},
        {"aud": None},
        {"aud": f"{ISSUER}/"},
        {"iss": "other"},
        {"sub": "other"},
        {"iss": None},
        {"sub": None},
        {"exp": None},
        {"exp": 1},
        {"exp": time.time() + 7200},
        {"exp": time.time() + 10 * 365 * 24 * 3600},
        {"exp": "soon"},
        {"nbf": time.time() + 24 * 3600},
        {"iat": time.time() + 24 * 3600},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"jti": "j" * 300},
    ],
)
def test_claims(machine: RelyingParty, ring: ClientKeyRing, changes: dict[str, Any]) -> None:
    refused(ask(machine, ring.assertion(machine.id, **changes)))
    assert not SpentIdentifier.objects.exists()


@pytest.mark.standard("RFC 8725", "3.11", "JWTs of other kinds are no assertions")
@pytest.mark.parametrize(
    ("typ", "accepted"),
    [
        (None, True),
        ("JWT", True),
        ("client-authentication+jwt", True),
        ("at+jwt", False),
        ("dpop+jwt", False),
        ("logout+jwt", False),
        ("oauth-authz-req+jwt", False),
        ("secevent+jwt", False),
    ],
)
def test_types(machine: RelyingParty, ring: ClientKeyRing, typ: str | None, accepted: bool) -> None:
    response = ask(machine, ring.assertion(machine.id, header={"typ": typ}))
    assert (response.status == 200) is accepted


@pytest.mark.standard("RFC 7523", "3", "(7) a jti is taken once")
def test_replay(machine: RelyingParty, ring: ClientKeyRing) -> None:
    assertion = ring.assertion(machine.id)
    assert ask(machine, assertion).status == 200
    assert "used before" in refused(ask(machine, assertion))
    again = ring.assertion(machine.id, jti="mine")
    assert ask(machine, again, path="/introspect", token="x").status == 200
    assert "used before" in refused(ask(machine, ring.assertion(machine.id, jti="mine")))


def test_the_same_jti_of_two_clients(
    world: World, machine: RelyingParty, ring: ClientKeyRing
) -> None:
    other = world.relying_party(
        token_endpoint_auth_method="private_key_jwt",
        jwks=ring.public,
        grant_types=["client_credentials"],
    )
    for party in (machine, other):
        assert ask(party, ring.assertion(party.id, jti="the same")).status == 200


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_fifty_replays_at_once(world: World, machine: RelyingParty, ring: ClientKeyRing) -> None:
    assertion = ring.assertion(machine.id)
    statuses: list[int] = []

    def replay() -> None:
        statuses.append(ask(machine, assertion).status)
        connection.close()

    threads = [threading.Thread(target=replay) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, *[401] * 49]


def test_signed_by_somebody_else(machine: RelyingParty) -> None:
    stranger = ClientKeyRing("ES256")
    assert refused(ask(machine, stranger.assertion(machine.id))) == "client authentication failed"


def test_symmetric_and_unsigned(machine: RelyingParty, ring: ClientKeyRing) -> None:
    head, body, _ = ring.assertion(machine.id).split(".")
    none = f"eyJhbGciOiJub25lIn0.{body}."
    hs256 = f"eyJhbGciOiJIUzI1NiJ9.{body}.{'A' * 43}"
    for forged in (none, hs256, f"{head}.{body}.", f"{head}.{body}.{'A' * 86}", "a.b.c", "x"):
        assert "failed" in refused(ask(machine, forged))


def test_registered_algorithm_is_the_only_one(machine: RelyingParty, ring: ClientKeyRing) -> None:
    machine.change(token_endpoint_auth_signing_alg="RS256")
    assert ask(machine, ring.assertion(machine.id, "RS256")).status == 200
    refused(ask(machine, ring.assertion(machine.id, "ES256")))


@pytest.mark.standard("RFC 6749", "2.3", "one method per request, the registered one")
def test_methods_do_not_mix(
    world: World, web: RelyingParty, machine: RelyingParty, ring: ClientKeyRing
) -> None:
    assertion = ring.assertion(machine.id)
    both = machine.provider.post(
        "/token",
        {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        },
        authorization=basic(machine.id, "secret"),
    )
    assert json(both)["error"] == "invalid_request"
    assert json(ask(machine, assertion, client_secret="x", client_id=machine.id))["error"] == (
        "invalid_request"
    )
    web.change(jwks=ring.public)
    refused(ask(web, ring.assertion(web.id)))
    refused(ask(machine, None, client_id=machine.id))
    assert json(ask(machine, assertion, client_id=web.id))["error"] == "invalid_request"
    assert ask(machine, assertion, client_id=machine.id).status == 200


@pytest.mark.parametrize("kind", [None, "", "jwt", ASSERTION_TYPE.upper()])
def test_assertion_type(machine: RelyingParty, ring: ClientKeyRing, kind: str | None) -> None:
    refused(ask(machine, ring.assertion(machine.id), client_assertion_type=kind))


def test_unknown_and_disabled(machine: RelyingParty, ring: ClientKeyRing) -> None:
    assert refused(ask(machine, ring.assertion("nobody"))) == "client authentication failed"
    machine.change_application(enabled=False)
    assert refused(ask(machine, ring.assertion(machine.id))) == "client authentication failed"
    assert header(ask(machine, "x"), "Cache-Control") == "no-store"


def test_without_keys(machine: RelyingParty, ring: ClientKeyRing) -> None:
    machine.change(jwks={})
    assert refused(ask(machine, ring.assertion(machine.id))) == "client authentication failed"


def test_ten_megabytes(machine: RelyingParty) -> None:
    response = ask(machine, "x" * 10_000_000)
    assert response.status in (401, 413)


def test_no_assertion_is_written_down(machine: RelyingParty, ring: ClientKeyRing) -> None:
    assertion = ring.assertion(machine.id, aud="https://other.example")
    refused(ask(machine, assertion))
    (event,) = AuditEvent.objects.filter(action="token.refused")
    assert assertion.split(".")[2] not in str(event.__dict__)


@pytest.mark.standard("OIDC Core", "9", "at every endpoint that authenticates clients")
@pytest.mark.parametrize("path", ["/introspect", "/revoke"])
def test_other_endpoints(machine: RelyingParty, ring: ClientKeyRing, path: str) -> None:
    for audience in (ISSUER, TOKEN, ISSUER + path):
        response = ask(machine, ring.assertion(machine.id, aud=audience), path=path, token="x")
        assert response.status == 200
