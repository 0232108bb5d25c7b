"""JWTs of clients: only their own keys count, and nothing in the token changes that."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.protocol import client_jwt, jose
from tests.support.crafted_jwt import KIND_OF, b64, key, key_set, public, signed

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
EPOCH = int(NOW.timestamp())
CLAIMS = {"iss": "client", "n": 1}
KEYS = key_set(public("P-256"), public("RSA"))


def verify(token: str, **changes: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {"algorithms": client_jwt.ALGORITHMS, "types": ("", "jwt")}
    arguments |= changes
    return client_jwt.verify(token, arguments.pop("keys", KEYS), **arguments)


def refused(token: str, reason: str, **changes: Any) -> None:
    with pytest.raises(jose.InvalidJwt, match=reason):
        verify(token, **changes)


@pytest.mark.standard("RFC 7515", "5.2", "what clients sign, we verify")
@pytest.mark.parametrize("alg", client_jwt.ALGORITHMS)
def test_verifies(alg: str) -> None:
    keys = key_set(public(KIND_OF[alg]), public("P-256", "b"), public("RSA", "b"))
    assert verify(signed(CLAIMS, alg), keys=keys) == CLAIMS


@pytest.mark.standard("RFC 7515", "4", "members that are not understood are ignored")
def test_header_members_that_only_hint() -> None:
    token = signed(CLAIMS, typ="JWT", cty="JWT", x5t="AAAA", more={"a": 1}, **{"x5t#S256": "A"})
    assert verify(token) == CLAIMS
    assert verify(signed(CLAIMS, typ="application/JWT")) == CLAIMS


@pytest.mark.standard("OIDC Core", "10.1", "kid may be left out with a single key")
def test_kid_may_be_left_out() -> None:
    assert verify(signed(CLAIMS, kid=None)) == CLAIMS
    assert verify(signed(CLAIMS, kid="")) == CLAIMS
    with pytest.raises(client_jwt.UnknownKey):
        verify(signed(CLAIMS, kid=None), keys=key_set(public("P-256"), public("P-256", "b")))


@pytest.mark.parametrize("kid", ["P-256 b", "RSA a", "../key", "' OR 1=1", "P-256 a\x00", "🔑"])
def test_kid_names_a_key_of_the_client_or_none(kid: str) -> None:
    with pytest.raises(client_jwt.UnknownKey):
        verify(signed(CLAIMS, kid=kid))


@pytest.mark.standard("RFC 8725", "3.10", "no key and no address of a key from a token")
@pytest.mark.standard("RFC 7515", "4.1.11", "crit is refused, as we understand none")
@pytest.mark.parametrize(
    "member",
    [
        {"jwk": public("P-256", "evil")},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/x5u"},
        {"x5c": ["MIIB"]},
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"b64": False, "crit": ["b64"]},
        {"b64": True},
        {"zip": "DEF"},
        {"enc": "A128GCM"},
    ],
)
def test_refuses_header_members(member: dict[str, Any]) -> None:
    refused(signed(CLAIMS, **member), "header member")


def test_an_embedded_key_verifies_nothing() -> None:
    token = signed(CLAIMS, name="evil", jwk=public("P-256", "evil"), kid=None)
    refused(token, "header member 'jwk'")


@pytest.mark.standard("RFC 8725", "3.1", "none and HMAC never, whatever is asked for")
@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "nOnE", "", "HS256", "HS512", "RS1", "dir"]
)
def test_refuses_algorithms(alg: str) -> None:
    unsigned = f"{b64({'alg': alg, 'kid': 'P-256 a'})}.{b64(CLAIMS)}."
    refused(unsigned, "algorithm")
    refused(unsigned + "AAAA", "algorithm", algorithms=(*client_jwt.ALGORITHMS, alg))


@pytest.mark.standard("RFC 8725", "2.1", "no HMAC under a public key")
@pytest.mark.parametrize("kind", ["RSA", "P-256"])
def test_refuses_an_hmac_with_the_public_key(kind: str) -> None:
    raw = key(kind).public_key
    pem = raw.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = f"{b64({'alg': 'HS256', 'kid': f'{kind} a'})}.{b64(CLAIMS)}"
    token = f"{head}.{b64(hmac.digest(pem, head.encode(), 'sha256'))}"
    refused(token, "algorithm", algorithms=("HS256", "RS256", "ES256"))


@pytest.mark.standard("RFC 8725", "3.1", "the registered algorithm and no other")
def test_the_algorithm_is_the_registered_one() -> None:
    token = signed(CLAIMS, "PS256")
    assert verify(token, algorithms=("PS256",)) == CLAIMS
    refused(token, "algorithm", algorithms=("RS256",))
    renamed = f"{b64({'alg': 'RS256', 'kid': 'RSA a'})}.{token.partition('.')[2]}"
    refused(renamed, "signature", algorithms=("RS256",))
    with pytest.raises(client_jwt.UnknownKey):
        verify(token, keys=key_set(public("RSA", alg="RS256")))
    with pytest.raises(client_jwt.UnknownKey):
        verify(token, keys=key_set(public("RSA", use="enc")))


@pytest.mark.standard("RFC 8725", "3.11", "typ is one of those that are meant")
@pytest.mark.parametrize("typ", ["dpop+jwt", "at+jwt", "logout+jwt", "secevent+jwt", "x", "jwt "])
def test_refuses_other_types(typ: str) -> None:
    refused(signed(CLAIMS, typ=typ), "typ")
    refused(signed(CLAIMS, typ=f"application/{typ}"), "typ")


def test_type_may_be_demanded() -> None:
    refused(signed(CLAIMS), "typ", types=("a+jwt",))
    assert verify(signed(CLAIMS, typ="application/A+JWT"), types=("a+jwt",)) == CLAIMS


@pytest.mark.parametrize(
    "header",
    [
        *([], "x", 1, None, {}),
        *({"alg": 1}, {"alg": ["ES256"]}, {"alg": None}, {"kid": "P-256 a"}),
        *({"alg": "ES256", "kid": 1}, {"alg": "ES256", "kid": ["P-256 a"]}),
        *({"alg": "ES256", "typ": 1}, {"alg": "ES256", "typ": None}),
    ],
)
def test_refuses_malformed_headers(header: object) -> None:
    refused(f"{b64(header)}.{b64(CLAIMS)}.AAAA", "missing|not an object")


@pytest.mark.standard("RFC 7515", "4", "no header member twice")
def test_refuses_repeated_members() -> None:
    token = signed(CLAIMS)
    twice = b64(b'{"alg":"ES256","alg":"none","kid":"P-256 a"}')
    refused(f"{twice}.{token.partition('.')[2]}", "repeated")
    refused(signed(b'{"iss":"a","iss":"b"}'), "repeated")
    refused(signed(b'{"iss":"a","a":{"b":1,"b":2}}'), "repeated")


@pytest.mark.parametrize("size", [jose.MAX_TOKEN_BYTES, 10_000_000])
def test_refuses_huge_tokens(size: int) -> None:
    refused("A" * (size + 1), "too long")
    refused(signed({"a": "x" * size}), "too long")


def test_refuses_nesting() -> None:
    token = signed(CLAIMS)
    for _ in range(10):
        token = signed(token.encode(), cty="JWT")
    refused(token, "JSON|too long")
    refused(signed(b"[" * 10_000), "JSON")


@pytest.mark.parametrize(
    "token",
    [
        *("", ".", "..", "...", "a.b", "a.b.c.d.e", "é.é.é", "eyJ9.eyJ9.AA", " . . "),
        *(signed(CLAIMS) + ".", signed(CLAIMS) + "=", signed(CLAIMS) + "\n", " " + signed(CLAIMS)),
    ],
)
def test_refuses_what_is_no_jwt(token: str) -> None:
    with pytest.raises(jose.InvalidJwt):
        verify(token)


@pytest.mark.standard("RFC 7515", "F", "no detached content")
def test_refuses_detached_content() -> None:
    head, body, signature = signed(CLAIMS).split(".")
    refused(f"{head}..{signature}", "signature")
    refused(signed(b""), "JSON")
    assert body


def test_a_foreign_or_altered_signature_fails() -> None:
    head, body, signature = signed(CLAIMS).split(".")
    foreign = signed(CLAIMS, name="evil", kid="P-256 a")
    for token in (
        foreign,
        f"{head}.{b64({'iss': 'other'})}.{signature}",
        f"{head}.{body}.{b64(bytes(64))}",
        f"{head}.{body}.",
    ):
        refused(token, "signature")


def test_peek_believes_nothing_but_reads() -> None:
    head, claims = client_jwt.peek(signed(CLAIMS, name="evil", typ="X"))
    assert head == ("ES256", "P-256 evil", "x")
    assert claims == CLAIMS
    for text in ("", "a.b.c", signed([]), signed(CLAIMS, jwk={}), "x" * 20_000, signed(b"{")):
        with pytest.raises(jose.InvalidJwt):
            client_jwt.peek(text)


# --- times ---


def times(**claims: Any) -> client_jwt.Times:
    return client_jwt.check_times(claims, now=NOW)


@pytest.mark.standard("RFC 7519", "4.1.4", "an expiry is never forgiven")
@pytest.mark.parametrize("exp", [EPOCH, EPOCH - 1, EPOCH - 0.5, 0, -1, -1e300])
def test_refuses_expired(exp: float) -> None:
    with pytest.raises(jose.InvalidJwt, match="expired"):
        times(exp=exp)


@pytest.mark.standard("RFC 7519", "4.1.5", "a clock ten seconds ahead is forgiven, a minute is not")
@pytest.mark.parametrize("name", ["nbf", "iat"])
def test_skew(name: str) -> None:
    for ahead in (-(10**9), 0, 10, 30):
        assert getattr(times(**{name: EPOCH + ahead}), name) == EPOCH + ahead
    for ahead in (31, 61, 10**9, 10**300, 1e308):
        with pytest.raises(jose.InvalidJwt, match="future"):
            times(**{name: EPOCH + ahead})


@pytest.mark.standard("RFC 7519", "2", "a NumericDate is a number")
@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", [True, False, None, str(EPOCH + 60), [EPOCH + 60], {}, ""])
def test_instants_are_numbers(name: str, value: object) -> None:
    with pytest.raises(jose.InvalidJwt, match="not a number"):
        times(**{name: value})


def test_times_may_be_absent_or_fractions() -> None:
    assert times() == (None, None, None)
    assert times(exp=EPOCH + 0.5).exp == EPOCH + 0.5
    assert timedelta(seconds=10) <= client_jwt.SKEW <= timedelta(seconds=60)


@settings(deadline=None)
@given(st.one_of(st.text(), st.text("eyJ.-_AQ="), st.lists(st.binary().map(b64)).map(".".join)))
def test_nothing_but_invalid_jwt_escapes(token: str) -> None:
    with pytest.raises(jose.InvalidJwt):
        verify(token)
    try:
        client_jwt.peek(token)
    except jose.InvalidJwt:
        return


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "cty", "jwk", "crit"]),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()),
    )
)
def test_nothing_but_invalid_jwt_escapes_headers(header: dict[str, Any]) -> None:
    try:
        verify(f"{b64(header)}.{b64(CLAIMS)}.AAAA")
    except jose.InvalidJwt:
        return
    pytest.fail("a signature of three bytes")


@settings(deadline=None)
@given(st.data())
def test_any_flipped_character_is_noticed(data: st.DataObject) -> None:
    token = signed(CLAIMS)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(max_codepoint=0x2FF).filter(lambda c: c != token[place]))
    with pytest.raises(jose.InvalidJwt):
        verify(token[:place] + other + token[place + 1 :])
