"""RFC 9101, request objects: the rules that need no server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from idp.protocol import jose, jwe, request_object, request_uri
from idp.protocol.errors import InvalidRequestObject, InvalidRequestUri
from idp.protocol.parameters import Parameters
from tests.support.crafted_jwt import b64, key_set, public, signed

S = "RFC 9101"
CLIENT = "client-1"
ISSUER = "https://id.example.org"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
EPOCH = int(NOW.timestamp())
CLAIMS = {
    "iss": CLIENT,
    "aud": ISSUER,
    "response_type": "code",
    "client_id": CLIENT,
    "state": "inside",
    "max_age": 86400,
}


def read(text: str, **changes: Any) -> Parameters:
    arguments: dict[str, Any] = {
        "client_id": CLIENT,
        "keys": key_set(public("P-256")),
        "algorithm": None,
        "issuer": ISSUER,
        "now": NOW,
        "outer": Parameters([("client_id", CLIENT), ("nonce", "outside"), ("state", "outside")]),
        **changes,
    }
    return request_object.read(text, **arguments)


def refused(text: str, **changes: Any) -> None:
    with pytest.raises(InvalidRequestObject) as caught:
        read(text, **changes)
    assert caught.value.error == "invalid_request_object"


@pytest.mark.standard(S, "4", "parameters are claims, numbers are numbers")
def test_parameters_are_claims() -> None:
    found = read(signed(CLAIMS), supplement=False)
    assert found.as_dict() == {
        "response_type": "code",
        "client_id": CLIENT,
        "state": "inside",
        "max_age": "86400",
    }


@pytest.mark.standard(S, "4", "request and request_uri are not inside")
@pytest.mark.parametrize("name", ["request", "request_uri"])
def test_no_request_inside(name: str) -> None:
    refused(signed({**CLAIMS, name: "https://client.example.org/x"}))


@pytest.mark.standard(S, "4", "iss is the client, aud names us")
def test_parties() -> None:
    refused(signed({**CLAIMS, "iss": "client-2"}))
    refused(signed({**CLAIMS, "aud": "https://other.example"}))
    assert read(signed({**CLAIMS, "aud": ["https://other.example", ISSUER]}))


@pytest.mark.standard(S, "5", "client_id is the same inside")
def test_client_id() -> None:
    refused(signed({**CLAIMS, "client_id": "client-2"}))


@pytest.mark.standard(S, "5.2", "a request_uri has at most 512 characters")
@pytest.mark.standard(S, "10.4.1", "and is registered")
def test_request_uri() -> None:
    long = "https://client.example.org/" + "x" * 500
    for address in (long, "https://other.example/"):
        with pytest.raises(InvalidRequestUri) as caught:
            request_uri.find(address, [long])
        assert caught.value.error == "invalid_request_uri"


@pytest.mark.standard(S, "6.1", "encrypted to us, signed inside")
def test_encrypted() -> None:
    ours = jwe.DecryptionKey("e", jose.generate("ES256"))
    (key,) = key_set(ours.public_jwk()).keys
    for content, accepted in ((signed(CLAIMS), True), (unsigned(), False)):
        text = jwe.encrypt(content.encode(), key=key, alg="ECDH-ES", enc="A256GCM")
        if accepted:
            found = read(text, decrypt=lambda token: jwe.decrypt(token, {"e": ours}))
            assert found.one("state") == "inside"
        else:
            refused(text, decrypt=lambda token: jwe.decrypt(token, {"e": ours}))


def unsigned() -> str:
    return f"{b64({'alg': 'none'})}.{b64(CLAIMS)}."


@pytest.mark.standard(S, "6.2", "the signature of the client, by its algorithm")
def test_signature() -> None:
    refused(signed(CLAIMS, name="evil", kid="P-256 a"))
    refused(signed(CLAIMS), algorithm="PS256")


@pytest.mark.standard(S, "6.3", "only what is inside counts; OIDC Core §6.1 lets more be beside")
def test_assembly() -> None:
    assert read(signed(CLAIMS), supplement=False).one("nonce") is None
    found = read(signed(CLAIMS), supplement=True)
    assert found.one("nonce") == "outside"
    assert found.one("state") == "inside"


@pytest.mark.standard(S, "10.1", "never without a signature")
def test_none() -> None:
    refused(unsigned())
    refused(unsigned(), algorithm="none")


@pytest.mark.standard("RFC 7519", "4.1.4", "a request object is not valid for ever")
@pytest.mark.parametrize("exp", [EPOCH - 1, EPOCH + 10 * 365 * 86400])
def test_expiry(exp: int) -> None:
    refused(signed({**CLAIMS, "exp": exp}))


@pytest.mark.standard(S, "10.8", "neither sub nor another type: it is no client assertion")
def test_cross_jwt_confusion() -> None:
    refused(signed({**CLAIMS, "sub": CLIENT}))
    refused(signed(CLAIMS, typ="client-authentication+jwt"))
    assert read(signed(CLAIMS, typ="oauth-authz-req+jwt"))
