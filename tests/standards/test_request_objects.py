"""Request objects at the authorization endpoint (OIDC Core §6, RFC 9101)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from idp.authorization import continuation, request_objects
from idp.models import Interaction
from idp.protocol import pkce
from tests.support import receiver
from tests.support.crafted_jwt import ISSUER, ClientKeyRing, encrypt_to
from tests.support.protocol import VERIFIER, RelyingParty, World, answer, header, json
from tests.support.receiver import Receiver

S = "OIDC Core"


@pytest.fixture
def ring() -> ClientKeyRing:
    return ClientKeyRing("ES256", "RS256")


@pytest.fixture
def rp(world: World, ring: ClientKeyRing) -> RelyingParty:
    return world.relying_party(jwks=ring.public)


def claims(party: RelyingParty, **changes: Any) -> dict[str, Any]:
    """A whole request inside an object; a change of None leaves one out."""
    members = {
        **party.request(),
        "iss": party.id,
        "aud": ISSUER,
        "exp": int(time.time()) + 300,
        "state": "inside",
        **changes,
    }
    return {name: value for name, value in members.items() if value is not None}


def send(world: World, party: RelyingParty, text: str, **outside: Any) -> Any:
    """Send an object with the parameters that OAuth wants outside too (§6.1)."""
    return party.authorize(world.session, request=text, state="outside", **outside)


@pytest.mark.standard(S, "6.1", "the object's values win over those outside")
@pytest.mark.standard("RFC 9101", "6", "signed with the client's key")
@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_by_value(world: World, rp: RelyingParty, ring: ClientKeyRing, algorithm: str) -> None:
    found = answer(send(world, rp, ring.sign(claims(rp), algorithm)))
    assert found["code"]
    assert found["state"] == "inside"


@pytest.mark.standard(S, "6.1", "what is only outside supplements")
def test_supplement(world: World, rp: RelyingParty, ring: ClientKeyRing) -> None:
    text = ring.sign({"state": "inside", "client_id": rp.id, "response_type": "code"})
    assert answer(send(world, rp, text))["state"] == "inside"


@pytest.mark.standard("RFC 9101", "6.3", "where requests must be signed, nothing outside counts")
def test_strict(world: World, rp: RelyingParty, ring: ClientKeyRing) -> None:
    rp.change(require_signed_request_object=True)
    assert answer(send(world, rp, ring.sign(claims(rp))))["code"]
    found = answer(send(world, rp, ring.sign(claims(rp, scope=None, state=None))))
    assert found["error"] == "invalid_scope"
    assert "state" not in found
    unsigned = answer(rp.authorize(world.session))
    assert unsigned["error"] == "invalid_request"
    assert "signed" in unsigned["error_description"]


def test_required_object_survives_the_sign_in(
    world: World, rp: RelyingParty, ring: ClientKeyRing
) -> None:
    """The stored request is checked again, when the object itself is gone."""
    rp.change(require_signed_request_object=True)
    response = rp.authorize(None, request=ring.sign(claims(rp)))
    assert header(response, "Location").startswith("/interaction/")
    row = Interaction.objects.get()
    assert row.request["signed"] is True
    assert "request" not in row.request["parameters"]
    assert continuation._check(row, now=world.provider.now).reply_to.state == "inside"
    assert continuation.restart(row) == rp.application.launch_url


@pytest.mark.standard(S, "3.1.2.6", "invalid_request_object")
@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example"},
        {"iss": "other"},
        {"client_id": "other"},
        {"exp": 1},
        {"exp": time.time() + 10 * 365 * 24 * 3600},
        {"nbf": time.time() + 24 * 3600},
        {"response_type": "id_token"},
        {"sub": "anybody"},
        {"request": "a.b.c"},
        {"request_uri": "https://application.example/r"},
        {"scope": ["openid"]},
        {"state": {"a": 1}},
        {"state": "a\0b"},
    ],
)
def test_refused(
    world: World, rp: RelyingParty, ring: ClientKeyRing, changes: dict[str, Any]
) -> None:
    response = send(world, rp, ring.sign(claims(rp, **changes)))
    found = answer(response)
    assert found["error"] == "invalid_request_object"
    assert found["state"] == "outside"
    assert header(response, "Location").startswith(rp.client.redirect_uris[0])


@pytest.mark.standard("RFC 9101", "10.1", "unsigned, and signed by others")
def test_forged(world: World, rp: RelyingParty, ring: ClientKeyRing) -> None:
    head, body, signature = ring.sign(claims(rp)).split(".")
    stranger = ClientKeyRing("ES256").sign(claims(rp))
    for text in (
        f"eyJhbGciOiJub25lIn0.{body}.",
        f"eyJhbGciOiJIUzI1NiJ9.{body}.{'A' * 43}",
        f"{head}.{body}.",
        f"{head}.{body}x.{signature}",
        stranger,
        ring.sign(claims(rp), typ="at+jwt"),
        "x" * 20_000,
    ):
        assert answer(send(world, rp, text))["error"] == "invalid_request_object"


def test_registered_algorithm(world: World, rp: RelyingParty, ring: ClientKeyRing) -> None:
    rp.change(request_object_signing_alg="RS256")
    assert answer(send(world, rp, ring.sign(claims(rp), "RS256")))["code"]
    found = answer(send(world, rp, ring.sign(claims(rp), "ES256")))
    assert found["error"] == "invalid_request_object"


@pytest.mark.standard(S, "3.1.2.2", "an address in an object is checked like any other")
def test_redirect_uri_inside(world: World, rp: RelyingParty, ring: ClientKeyRing) -> None:
    evil = ring.sign(claims(rp, redirect_uri="https://evil.example/"))
    response = send(world, rp, evil)
    assert (response.status, header(response, "Location")) == (400, "")
    rp.change(redirect_uris=[*rp.client.redirect_uris, "https://application.example/other"])
    inside = ring.sign(claims(rp, redirect_uri="https://application.example/other"))
    response = send(world, rp, inside)
    assert header(response, "Location").startswith("https://application.example/other?")


def test_errors_go_to_no_address_that_is_not_registered(world: World, rp: RelyingParty) -> None:
    response = send(world, rp, "a.b.c", redirect_uri="https://evil.example/")
    assert (response.status, header(response, "Location")) == (400, "")
    response = send(world, rp, "a.b.c", redirect_uri=None)
    assert (response.status, header(response, "Location")) == (400, "")


@pytest.mark.standard(S, "6.1", "every parameter may be inside")
def test_everything_inside(world: World, rp: RelyingParty, ring: ClientKeyRing) -> None:
    text = ring.sign(
        claims(
            rp,
            max_age=3600,
            claims={"userinfo": {"name": {"essential": True}}},
            code_challenge=pkce.s256(VERIFIER),
            response_mode="fragment",
        )
    )
    response = rp.provider.get(
        "/authorize",
        {"client_id": rp.id, "request": text, "response_type": "code", "scope": "openid"},
        cookies={"gatehouse_session": world.session.token},  # type: ignore[attr-defined]
    )
    assert "#code=" in header(response, "Location")
    assert rp.redeem(answer(response)["code"]).status == 200


# ----- encrypted -----


@pytest.mark.standard(S, "10.2", "encrypted to us, signed inside")
@pytest.mark.parametrize("alg", ["RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW"])
def test_encrypted(world: World, rp: RelyingParty, ring: ClientKeyRing, alg: str) -> None:
    key_set = json(world.provider.get("/jwks"))
    text = encrypt_to(key_set, ring.sign(claims(rp)), alg=alg)
    assert answer(send(world, rp, text))["state"] == "inside"


@pytest.mark.standard("RFC 9101", "6.1", "encryption alone is no signature")
def test_encrypted_but_not_signed(world: World, rp: RelyingParty, ring: ClientKeyRing) -> None:
    key_set = json(world.provider.get("/jwks"))
    inner = encrypt_to(key_set, ring.sign(claims(rp)), alg="ECDH-ES")
    for content in ("{}", "eyJhbGciOiJub25lIn0.e30.", inner, ""):
        text = encrypt_to(key_set, content, alg="ECDH-ES")
        assert answer(send(world, rp, text))["error"] == "invalid_request_object"


# ----- by reference -----


@pytest.fixture
def server(settings: Any) -> Iterator[Receiver]:
    request_objects._kept.clear()
    with Receiver() as running:
        allowed = (f"127.0.0.1:{running.port}",)
        settings.IDP = settings.IDP.model_copy(update={"outbound_allow": allowed})
        yield running


def by_reference(world: World, party: RelyingParty, address: str) -> dict[str, str]:
    return answer(party.authorize(world.session, request_uri=address, state="outside"))


@pytest.mark.standard(S, "6.2", "fetched from a registered address")
def test_by_reference(
    world: World, rp: RelyingParty, ring: ClientKeyRing, server: Receiver
) -> None:
    address = server.url("/object")
    rp.change(request_uris=[address])
    server.behaviours["/object"] = receiver.ok(ring.sign(claims(rp), "RS256").encode())
    assert by_reference(world, rp, address)["state"] == "inside"
    assert by_reference(world, rp, address)["state"] == "inside"
    assert len(server.received) == 2


@pytest.mark.standard(S, "6.2", "a copy is kept where the fragment is its hash")
def test_kept_by_its_hash(
    world: World, rp: RelyingParty, ring: ClientKeyRing, server: Receiver
) -> None:
    text = ring.sign(claims(rp)).encode()
    server.behaviours["/object"] = receiver.ok(text)
    address = server.url(f"/object#{pkce.s256(text.decode())}")
    rp.change(request_uris=[server.url("/object")])
    for _ in range(3):
        assert by_reference(world, rp, address)["state"] == "inside"
    assert len(server.received) == 1
    assert by_reference(world, rp, server.url("/object#another"))["state"] == "inside"
    assert len(server.received) == 2


@pytest.mark.standard("RFC 9101", "10.4", "nothing else is ever fetched")
def test_unregistered(world: World, rp: RelyingParty, server: Receiver) -> None:
    rp.change(request_uris=[server.url("/object")])
    for address in (
        server.url("/other"),
        server.url("/object?x=1"),
        server.url("/object/"),
        "https://169.254.169.254/latest",
        "urn:ietf:params:oauth:request_uri:x",
        "x",
        server.url("/object") + "#" + "a" * 600,
    ):
        assert by_reference(world, rp, address)["error"] == "invalid_request_uri"
    assert not server.received


@pytest.mark.parametrize(
    "behaviour",
    [
        receiver.ok(b"", status=404),
        receiver.redirect("https://example.org/object"),
        receiver.big(),
        receiver.cut(),
        receiver.ok(b"\xff\xfe"),
    ],
)
def test_address_that_does_not_answer_well(
    world: World, rp: RelyingParty, server: Receiver, behaviour: receiver.Behaviour
) -> None:
    rp.change(request_uris=[server.url("/object")])
    server.otherwise = behaviour
    assert by_reference(world, rp, server.url("/object"))["error"] == "invalid_request_uri"


def test_private_addresses(world: World, rp: RelyingParty) -> None:
    rp.change(request_uris=["https://10.0.0.1/object"])
    found = by_reference(world, rp, "https://10.0.0.1/object")
    assert found["error"] == "invalid_request_uri"
    assert "10.0.0.1" not in found["error_description"]


def test_one_fetch_at_a_time(world: World, rp: RelyingParty, server: Receiver) -> None:
    rp.change(request_uris=[server.url("/object")])
    with request_objects._fetching:
        found = by_reference(world, rp, server.url("/object"))
    assert found["error"] == "temporarily_unavailable"
    assert not server.received


@pytest.mark.standard("RFC 9101", "5", "client_id is outside too, and the same as inside")
def test_client_id(world: World, rp: RelyingParty, ring: ClientKeyRing) -> None:
    other = world.relying_party(jwks=ring.public)
    mine = ring.sign(claims(rp))
    found = answer(other.authorize(world.session, request=mine, state="outside"))
    assert found["error"] == "invalid_request_object"
    without = {
        name: value for name, value in rp.request(request=mine).items() if name != "client_id"
    }
    response = rp.provider.get("/authorize", without)
    assert (response.status, header(response, "Location")) == (400, "")


@pytest.mark.standard("RFC 9101", "10.5", "asked of the clients that registered it, of no other")
def test_required(world: World, rp: RelyingParty, ring: ClientKeyRing) -> None:
    document = json(world.provider.get("/.well-known/oauth-authorization-server"))
    assert document.get("require_signed_request_object", False) is False
    assert answer(rp.authorize(world.session))["code"]
    rp.change(require_signed_request_object=True)
    assert answer(rp.authorize(world.session))["error"] == "invalid_request"
    assert answer(rp.authorize(world.session, prompt="none"))["error"] == "invalid_request"
    assert answer(send(world, rp, ring.sign(claims(rp))))["code"]


@pytest.mark.standard("RFC 9101", "5", "request and request_uri exclude each other")
def test_both(world: World, rp: RelyingParty, ring: ClientKeyRing) -> None:
    rp.change(request_uris=["https://application.example/r"])
    response = send(world, rp, ring.sign(claims(rp)), request_uri="https://application.example/r")
    assert answer(response)["error"] == "invalid_request"
