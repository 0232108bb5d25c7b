"""RFC 7523 and RFC 10070, client assertions: the rules that need no server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from idp.protocol import client_assertion
from idp.protocol.client_assertion import Assertion
from idp.protocol.errors import InvalidClient
from tests.support.crafted_jwt import key_set, public, signed

S = "RFC 7523"
CLIENT = "client-1"
ISSUER = "https://id.example.org"
TOKEN = "https://id.example.org/token"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
EPOCH = int(NOW.timestamp())
CLAIMS = {"iss": CLIENT, "sub": CLIENT, "aud": ISSUER, "jti": "1", "exp": EPOCH + 60}


def verify(text: str, **changes: Any) -> Assertion:
    arguments: dict[str, Any] = {
        "client_id": CLIENT,
        "keys": key_set(public("P-256")),
        "algorithm": "ES256",
        "audiences": (ISSUER, TOKEN),
        "now": NOW,
        **changes,
    }
    return client_assertion.verify(text, **arguments)


def refused(text: str, **changes: Any) -> None:
    with pytest.raises(InvalidClient) as caught:
        verify(text, **changes)
    assert caught.value.error == "invalid_client"
    assert caught.value.status == 401


def without(name: str) -> dict[str, object]:
    return {one: value for one, value in CLAIMS.items() if one != name}


@pytest.mark.standard(S, "2.2", "the registered client_assertion_type")
def test_assertion_type() -> None:
    registered = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert registered == client_assertion.ASSERTION_TYPE


@pytest.mark.standard(S, "3", "(1), (2) issuer and subject are the client_id")
@pytest.mark.parametrize("name", ["iss", "sub"])
def test_parties(name: str) -> None:
    refused(signed(without(name)))
    refused(signed({**CLAIMS, name: "client-2"}))


@pytest.mark.standard(S, "3", "(3) we are the audience: the issuer, or the token endpoint")
def test_audience() -> None:
    for aud in (ISSUER, TOKEN, [ISSUER, TOKEN]):
        assert verify(signed({**CLAIMS, "aud": aud}))
    refused(signed(without("aud")))
    refused(signed({**CLAIMS, "aud": "https://other.example"}))


@pytest.mark.standard(S, "3", "(3) as RFC 10070 updates it: the issuer alone, as one string")
def test_strict_audience() -> None:
    strict = {"audiences": (ISSUER,), "strict": True}
    assert verify(signed(CLAIMS), **strict)
    for aud in (TOKEN, [ISSUER], [ISSUER, "https://other.example"]):
        refused(signed({**CLAIMS, "aud": aud}), **strict)
    refused(signed({**CLAIMS, "aud": [ISSUER, "https://other.example"]}))


@pytest.mark.standard(S, "3", "(4) exp is there, in the future and not too far in it")
def test_expiry() -> None:
    refused(signed(without("exp")))
    for exp in (EPOCH, EPOCH - 300, EPOCH + 86400):
        refused(signed({**CLAIMS, "exp": exp}))


@pytest.mark.standard(S, "3", "(5), (6) nbf and iat, with some allowance for clocks")
@pytest.mark.parametrize("name", ["nbf", "iat"])
def test_not_before(name: str) -> None:
    assert verify(signed({**CLAIMS, name: EPOCH + 8}))
    refused(signed({**CLAIMS, name: EPOCH + 61}))


@pytest.mark.standard(S, "3", "(7) jti tells assertions apart; OIDC Core §9 demands it")
def test_jti() -> None:
    assert verify(signed(CLAIMS)).jti == "1"
    refused(signed(without("jti")))


@pytest.mark.standard(S, "3", "(9) signed with the client's key")
def test_signature() -> None:
    refused(signed(CLAIMS, name="evil", kid="P-256 a"))
    refused(signed(CLAIMS)[:-8] + "AAAAAAAA")


@pytest.mark.standard(S, "3", "(10) what is no valid JWT is refused")
@pytest.mark.parametrize("text", ["", "x", "a.b.c", "e30.e30."])
def test_malformed(text: str) -> None:
    refused(text)


@pytest.mark.standard(S, "3", "as RFC 10070 updates it: the type client-authentication+jwt")
def test_type() -> None:
    assert verify(signed(CLAIMS, typ="client-authentication+jwt"), typ_required=True)
    refused(signed(CLAIMS), typ_required=True)
    for typ in ("dpop+jwt", "at+jwt", "logout+jwt", "secevent+jwt", "oauth-authz-req+jwt"):
        refused(signed(CLAIMS, typ=typ))
