"""Client assertions: whose, for whom, until when, and once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.protocol import client_assertion
from idp.protocol.client_assertion import TYPE, Assertion
from idp.protocol.errors import InvalidClient
from tests.support.crafted_jwt import key_set, public, signed

ISSUER = "https://id.example.org"
TOKEN = "https://id.example.org/token"
CLIENT = "client-1"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
EPOCH = int(NOW.timestamp())
KEYS = key_set(public("P-256"), public("RSA"))
ABSENT = object()


def assertion(alg: str = "ES256", *, header: dict[str, Any] | None = None, **changes: Any) -> str:
    claims = {
        "iss": CLIENT,
        "sub": CLIENT,
        "aud": ISSUER,
        "jti": "1",
        "iat": EPOCH,
        "exp": EPOCH + 60,
        **changes,
    }
    kept = {name: value for name, value in claims.items() if value is not ABSENT}
    return signed(kept, alg, **(header or {}))


def verify(text: str, **changes: Any) -> Assertion:
    arguments: dict[str, Any] = {
        "client_id": CLIENT,
        "keys": KEYS,
        "algorithm": None,
        "audiences": (ISSUER, TOKEN),
        "now": NOW,
        **changes,
    }
    return client_assertion.verify(text, **arguments)


def strictly(text: str, **changes: Any) -> Assertion:
    return verify(text, **{"audiences": (ISSUER,), "strict": True, **changes})


def refused(text: str, reason: str, **changes: Any) -> None:
    with pytest.raises(InvalidClient, match=reason):
        verify(text, **changes)


def test_accepts() -> None:
    expected = Assertion("1", NOW + timedelta(seconds=60))
    assert verify(assertion()) == expected
    assert strictly(assertion()) == expected
    assert client_assertion.claimed_client(assertion()) == CLIENT


@pytest.mark.parametrize("name", ["iss", "sub"])
@pytest.mark.parametrize("value", [ABSENT, None, "", "client-2", CLIENT.upper(), [CLIENT], 1])
def test_is_the_clients_own(name: str, value: object) -> None:
    refused(assertion(**{name: value}), f"{name} is not the client_id")


@pytest.mark.parametrize(
    "aud",
    [
        *(ABSENT, None, "", [], {}, 1, "https://other.example", ISSUER + "/", [[ISSUER]]),
        *([ISSUER, "https://other.example"], [ISSUER, None], [ISSUER, 1], TOKEN + "?a=b"),
    ],
)
def test_is_for_us_alone(aud: object) -> None:
    refused(assertion(aud=aud), "aud must name this server alone")
    with pytest.raises(InvalidClient, match="aud"):
        strictly(assertion(aud=aud))


@pytest.mark.parametrize("aud", [ISSUER, TOKEN, [ISSUER], [TOKEN], [ISSUER, TOKEN]])
def test_our_names(aud: object) -> None:
    assert verify(assertion(aud=aud)).jti == "1"
    if aud != ISSUER:
        with pytest.raises(InvalidClient, match="aud"):
            strictly(assertion(aud=aud))


def test_lifetimes() -> None:
    for seconds in (1, 60, 300):
        assert strictly(assertion(exp=EPOCH + seconds)).exp == NOW + timedelta(seconds=seconds)
    for seconds in (331, 600, 3600):
        with pytest.raises(InvalidClient, match="300 seconds ahead"):
            strictly(assertion(exp=EPOCH + seconds))
    assert verify(assertion(exp=EPOCH + 3600)).exp == NOW + timedelta(hours=1)
    for far in (EPOCH + 3631, EPOCH + 10 * 365 * 86400, 2**63, 2**200, 1e300):
        refused(assertion(exp=far), "3600 seconds ahead")


@pytest.mark.parametrize("exp", [ABSENT, EPOCH, EPOCH - 300, 0, None, True, "9999999999", [1]])
def test_expires(exp: object) -> None:
    refused(assertion(exp=exp), "exp")


def test_skew() -> None:
    for ahead in (8, 10):
        assert strictly(assertion(iat=EPOCH + ahead, nbf=EPOCH + ahead))
    for name in ("iat", "nbf"):
        refused(assertion(**{name: EPOCH + 61}), "future")
        refused(assertion(**{name: "now"}), "not a number")
    assert verify(assertion(iat=ABSENT))


@pytest.mark.parametrize(
    "jti", [ABSENT, None, "", 1, True, ["1"], {"a": 1}, "x" * 256, "a\x00", "a\n", "\u202e"]
)
def test_has_a_jti(jti: object) -> None:
    refused(assertion(jti=jti), "jti")


def test_jti_may_be_long_or_not_ascii() -> None:
    for jti in ("x" * 255, "é✓", "a b"):
        assert verify(assertion(jti=jti)).jti == jti


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", TYPE, f"application/{TYPE.upper()}"])
def test_types(typ: str | None) -> None:
    text = assertion(header={"typ": typ})
    assert verify(text)
    if typ in (None, "JWT", "jwt"):
        refused(text, "client authentication failed", typ_required=True)
    else:
        assert strictly(text, typ_required=True)


@pytest.mark.parametrize(
    "typ",
    [
        *("dpop+jwt", "at+jwt", "logout+jwt", "secevent+jwt", "oauth-authz-req+jwt"),
        *("application/at+jwt", "AT+JWT", "id_token+jwt", ""),
    ],
)
def test_other_types_are_no_assertions(typ: str) -> None:
    if typ:
        refused(assertion(header={"typ": typ}), "client authentication failed")
    refused(assertion(header={"typ": typ}), "client authentication failed", typ_required=True)


@pytest.mark.parametrize("alg", client_assertion.ALGORITHMS)
def test_algorithm_is_the_registered_one(alg: str) -> None:
    text = assertion("RS256")
    if alg == "RS256":
        assert verify(text, algorithm=alg)
    else:
        refused(text, "client authentication failed", algorithm=alg)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "", "RS1"])
def test_a_registered_algorithm_that_is_none_of_ours_accepts_nothing(algorithm: str) -> None:
    refused(assertion(), "client authentication failed", algorithm=algorithm)


def test_unknown_key_asks_for_newer_keys() -> None:
    for text in (assertion(header={"kid": "new"}), assertion("EdDSA")):
        with pytest.raises(client_assertion.UnknownKey):
            verify(text)


def test_only_the_holder_of_the_key_is_told_why() -> None:
    foreign = signed({"iss": CLIENT, "aud": "wrong"}, name="evil", kid="P-256 a")
    for text in (foreign, "x", "", assertion() + "A", assertion(header={"kid": "new"})):
        with pytest.raises(InvalidClient) as caught:
            verify(text)
        assert caught.value.description == "client authentication failed"
        assert caught.value.detail.startswith("assertion: ")
        assert caught.value.status == 401


@pytest.mark.parametrize("text", ["", "x", "a.b.c", signed({}), signed({"sub": 1}), signed([])])
def test_claimed_client_of_what_is_none(text: str) -> None:
    with pytest.raises(InvalidClient):
        client_assertion.claimed_client(text)


SPOILT = st.dictionaries(
    st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "jti"]),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()),
)


@settings(deadline=None)
@given(SPOILT, st.booleans())
def test_nothing_but_invalid_client_escapes(changes: dict[str, Any], strict: bool) -> None:
    try:
        found = verify(assertion(**changes), strict=strict)
    except InvalidClient:
        return
    assert found.exp <= NOW + timedelta(hours=1, seconds=30)
