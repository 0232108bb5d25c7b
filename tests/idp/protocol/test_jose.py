"""The door to JOSE: what we sign, and everything that must not verify."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwk, jws, jwt

from idp.protocol import jose

ISSUER = "https://id.example.org"
AUDIENCE = "https://api.example.org"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
EPOCH = int(NOW.timestamp())
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "alice",
    "iat": EPOCH,
    "exp": EPOCH + 600,
}
ALGORITHMS = pytest.mark.parametrize("algorithm", jose.ALGORITHMS)


@cache
def signer(algorithm: str, name: str = "a") -> jose.Signer:
    key = jose.generate(algorithm)
    return jose.Signer(jose.public_jwk(key, algorithm=algorithm)["kid"], algorithm, key)


def keys(*signers: jose.Signer) -> dict[str, jose.VerificationKey]:
    return {one.kid: one.verification_key() for one in signers or (signer("ES256"),)}


def verify(token: str, **changes: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "keys": keys(),
        "typ": ("at+jwt",),
        "algorithms": ("ES256",),
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "now": NOW,
        **changes,
    }
    return jose.verify(token, arguments.pop("keys"), **arguments)


def b64(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def forge(header: object = None, payload: object = None, *, by: jose.Signer | None = None) -> str:
    """A token with this exact header and payload, rightly signed."""
    own = by or signer("ES256")
    header = {"alg": own.algorithm, "kid": own.kid, "typ": "at+jwt"} if header is None else header
    signed = f"{b64(header)}.{b64(CLAIMS if payload is None else payload)}"
    return f"{signed}.{b64(own._sign(signed.encode()))}"


def header(**changes: Any) -> dict[str, Any]:
    own = signer("ES256")
    return {"alg": "ES256", "kid": own.kid, "typ": "at+jwt", **changes}


# --- signing ---


@pytest.mark.standard("RFC 7515", "5.1", "what we sign, others verify")
@pytest.mark.standard("RFC 7518", "3.1", "RS256, PS256, ES256, EdDSA")
@ALGORITHMS
def test_joserfc_verifies_what_we_sign(algorithm: str) -> None:
    own = signer(algorithm)
    public = jose.public_jwk(own.key, algorithm=algorithm)
    token = jwt.decode(own.sign(CLAIMS, typ="at+jwt"), jwk.import_key(public), [algorithm])
    assert token.claims == CLAIMS
    assert token.header == {"alg": algorithm, "typ": "at+jwt", "kid": own.kid}


@pytest.mark.standard("RFC 7515", "5.2", "what others sign, we verify")
@ALGORITHMS
def test_we_verify_what_joserfc_signs(algorithm: str) -> None:
    own = signer(algorithm)
    key = jwk.import_key(jose.to_pem(own.key), "EC" if algorithm == "ES256" else _kty(algorithm))
    head = {"alg": algorithm, "typ": "at+jwt", "kid": own.kid}
    token = jwt.encode(head, CLAIMS, key, [algorithm])
    assert verify(token, keys=keys(own), algorithms=[algorithm]) == CLAIMS


def _kty(algorithm: str) -> str:
    return "OKP" if algorithm == "EdDSA" else "RSA"


@pytest.mark.standard("RFC 8725", "3.11", "an explicit typ in every token")
def test_header_names_type_and_key() -> None:
    own = signer("ES256")
    for typ in ("at+jwt", "JWT", "at+jwt"):
        segment = own.sign({}, typ=typ).split(".")[0]
        assert json.loads(jose.decode(segment)) == {"alg": "ES256", "typ": typ, "kid": own.kid}


@pytest.mark.standard("RFC 7518", "3.4", "an ES256 signature is 64 bytes")
def test_es256_signature_is_raw() -> None:
    own = signer("ES256")
    lengths = {len(jose.decode(own.sign({"n": n}, typ="JWT").split(".")[2])) for n in range(64)}
    assert lengths == {64}


@pytest.mark.standard("RFC 8725", "3.1", "key and algorithm belong together")
@pytest.mark.parametrize("algorithm", [*jose.ALGORITHMS, "HS256", "none", "ES384", "RS512", ""])
def test_key_must_fit_the_algorithm(algorithm: str) -> None:
    p384 = ec.generate_private_key(ec.SECP384R1())
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    wrong = [signer(one).key for one in jose.ALGORITHMS if not _same_kind(one, algorithm)]
    for key in (p384, weak, *wrong):
        with pytest.raises(ValueError, match="does not fit"):
            jose.Signer("k", algorithm, key)
        with pytest.raises(ValueError, match="does not fit"):
            jose.VerificationKey("k", algorithm, key.public_key())
        with pytest.raises(ValueError, match="does not fit"):
            jose.public_jwk(key, algorithm=algorithm)


def _same_kind(one: str, other: str) -> bool:
    return one == other or {one, other} == {"RS256", "PS256"}


def test_unknown_algorithm_has_no_key() -> None:
    with pytest.raises(ValueError, match="unknown algorithm"):
        jose.generate("HS256")


# --- keys ---


@pytest.mark.standard("RFC 7638", "3", "the thumbprint is the kid")
@ALGORITHMS
def test_public_jwk(algorithm: str) -> None:
    own = signer(algorithm)
    public = jose.public_jwk(own.key, algorithm=algorithm)
    assert public["kid"] == jose.thumbprint(public) == jwk.import_key(public).thumbprint()
    assert (public["use"], public["alg"]) == ("sig", algorithm)
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & public.keys()
    assert jose.public_jwk(own.key.public_key(), algorithm=algorithm) == public


@pytest.mark.standard("RFC 7638", "3.1", "the example")
def test_thumbprint_example() -> None:
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_B"
        "JECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_F"
        "DW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4"
        "vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    key = {"kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}
    assert jose.thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize("key", [{}, {"kty": "oct", "k": "x"}, {"kty": "AKP"}])
def test_thumbprint_of_unknown_kinds(key: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="unknown kty"):
        jose.thumbprint(key)


@pytest.mark.standard("RFC 7518", "6.2.1.2", "coordinates keep their leading zeros")
def test_coordinates_have_full_length() -> None:
    for _ in range(600):
        public = jose.public_jwk(ec.generate_private_key(ec.SECP256R1()), algorithm="ES256")
        assert len(public["x"]) == len(public["y"]) == 43
        if jose.decode(public["x"])[0] == 0:
            return


@ALGORITHMS
def test_pem_round_trip(algorithm: str) -> None:
    own = signer(algorithm)
    pem = jose.to_pem(own.key)
    assert pem.startswith(b"-----BEGIN PRIVATE KEY-----")
    assert jose.to_pem(jose.from_pem(pem)) == pem


def test_from_pem_refuses_other_keys() -> None:
    other = ed448.Ed448PrivateKey.generate()
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match="neither"):
        jose.from_pem(pem)
    with pytest.raises(ValueError, match=r"."):
        jose.from_pem(b"not a key")
    locked = signer("ES256").key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")
    )
    with pytest.raises(TypeError):
        jose.from_pem(locked)


# --- verifying ---


@ALGORITHMS
def test_round_trip(algorithm: str) -> None:
    own = signer(algorithm)
    token = own.sign(CLAIMS, typ="at+jwt")
    assert verify(token, keys=keys(own), algorithms=[algorithm]) == CLAIMS


@pytest.mark.standard("RFC 8725", "3.1", "an algorithm that is not on the list is refused")
@ALGORITHMS
def test_algorithm_allowlist(algorithm: str) -> None:
    own = signer(algorithm)
    others = [one for one in jose.ALGORITHMS if one != algorithm]
    with pytest.raises(jose.InvalidJwt, match="algorithm"):
        verify(own.sign(CLAIMS, typ="at+jwt"), keys=keys(own), algorithms=others)


@pytest.mark.standard("RFC 8725", "3.1", "alg none and HMAC with a public key are refused")
@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "", "HS256", "RS256", "ES384", "es256"])
def test_refuses_other_algorithms_in_the_header(alg: str) -> None:
    for signature in (jose.decode(forge().split(".")[2]), b"", b"\x00" * 64):
        token = ".".join([b64(header(alg=alg)), b64(CLAIMS), b64(signature)])
        with pytest.raises(jose.InvalidJwt):
            verify(token, algorithms=["ES256", "RS256", "none", "HS256", alg])


def test_refuses_hmac_with_the_public_key_as_secret() -> None:
    own = signer("RS256")
    public = json.dumps(jose.public_jwk(own.key, algorithm="RS256")).encode()
    signed = f"{b64({'alg': 'HS256', 'kid': own.kid, 'typ': 'at+jwt'})}.{b64(CLAIMS)}"
    token = f"{signed}.{b64(hashlib.sha256(public + signed.encode()).digest())}"
    with pytest.raises(jose.InvalidJwt, match="algorithm"):
        verify(token, keys=keys(own), algorithms=["RS256", "HS256"])


@pytest.mark.standard("RFC 8725", "3.10", "keys come from our own store by kid")
def test_refuses_foreign_keys() -> None:
    foreign = jose.Signer(signer("ES256").kid, "ES256", jose.generate("ES256"))
    with pytest.raises(jose.InvalidJwt, match="signature"):
        verify(foreign.sign(CLAIMS, typ="at+jwt"))
    with pytest.raises(jose.InvalidJwt, match="unknown kid"):
        verify(signer("ES256", "other").sign(CLAIMS, typ="at+jwt"))
    with pytest.raises(jose.InvalidJwt, match="unknown kid"):
        verify(forge(), keys={})


@pytest.mark.standard("RFC 7515", "4.1.11", "crit is refused, known or not")
@pytest.mark.standard("RFC 8725", "3.10", "jwk, jku, x5u and x5c are never trusted")
@pytest.mark.parametrize(
    "member",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"b64": False},
        {"jwk": {"kty": "EC"}},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MII"]},
        {"x5t": "x"},
        {"zip": "DEF"},
        {"enc": "A128GCM"},
        {"cty": "JWT"},
        {"surprise": 1},
    ],
    ids=lambda member: next(iter(member)),
)
def test_refuses_other_header_members(member: dict[str, Any]) -> None:
    with pytest.raises(jose.InvalidJwt, match="not accepted"):
        verify(forge(header(**member)))


@pytest.mark.parametrize(
    "bad",
    [
        *({"kid": None}, {"kid": 1}, {"kid": ["x"]}, {"alg": None}, {"alg": ["ES256"]}, {"typ": 1}),
        *({"typ": None}, {"kid": {}}, {"alg": True}),
    ],
    ids=str,
)
def test_refuses_malformed_header_members(bad: dict[str, Any]) -> None:
    with pytest.raises(jose.InvalidJwt, match="missing or not a string"):
        verify(forge(header(**bad)))


def test_kid_is_required() -> None:
    with pytest.raises(jose.InvalidJwt, match="missing"):
        verify(forge({"alg": "ES256", "typ": "at+jwt"}))


@pytest.mark.parametrize(
    "raw", [b"", b"null", b"[]", b'"x"', b"{", b"\xff", b'{"alg":"ES256","alg":"none"}', b"{}"]
)
def test_refuses_headers_that_are_no_object(raw: bytes) -> None:
    with pytest.raises(jose.InvalidJwt):
        verify(forge(raw))


@pytest.mark.standard("RFC 8725", "3.11", "another type is refused")
@pytest.mark.standard("RFC 9068", "4", "an ID token is no access token")
@pytest.mark.parametrize("typ", ["JWT", "dpop+jwt", "logout+jwt", "at+jwt2", "", "at jwt"])
def test_refuses_other_types(typ: str) -> None:
    with pytest.raises(jose.InvalidJwt, match="typ"):
        verify(signer("ES256").sign(CLAIMS, typ=typ))


@pytest.mark.standard("RFC 7515", "4.1.9", "typ is a media type: no case, prefix optional")
@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+JWT"])
def test_type_spellings(typ: str) -> None:
    assert verify(forge(header(typ=typ))) == CLAIMS


def test_missing_type_only_where_allowed() -> None:
    bare = header()
    del bare["typ"]
    with pytest.raises(jose.InvalidJwt, match="typ"):
        verify(forge(bare))
    assert verify(forge(bare), typ=("JWT", "")) == CLAIMS


@pytest.mark.standard("RFC 7519", "7.2", "issuer and audience are checked")
@pytest.mark.parametrize(
    "change",
    [
        *({"iss": "https://evil.example"}, {"iss": None}, {"iss": [ISSUER]}, {"iss": ISSUER + "/"}),
        *({"aud": "https://other.example"}, {"aud": []}, {"aud": None}, {"aud": {"x": AUDIENCE}}),
        *({"aud": [AUDIENCE, 1]}, {"aud": [[AUDIENCE]]}, {"aud": AUDIENCE + "x"}, {"aud": 1}),
    ],
    ids=str,
)
def test_refuses_other_parties(change: dict[str, Any]) -> None:
    with pytest.raises(jose.InvalidJwt):
        verify(forge(payload={**CLAIMS, **change}))


def test_audience_lists() -> None:
    payload = {**CLAIMS, "aud": ["https://other.example", AUDIENCE]}
    assert verify(forge(payload=payload)) == payload
    assert verify(forge(payload=payload), audience=None) == payload
    with pytest.raises(jose.InvalidJwt, match="aud"):
        verify(forge(payload={**CLAIMS, "aud": None}), audience=None)


@pytest.mark.standard("RFC 7519", "4.1.4", "exp: valid before, not at, the instant")
def test_expiry() -> None:
    token = forge()
    assert verify(token, now=NOW + timedelta(seconds=599))
    for late in (600, 601, 10**6):
        with pytest.raises(jose.InvalidJwt, match="expired"):
            verify(token, now=NOW + timedelta(seconds=late))
    leeway = timedelta(seconds=5)
    assert verify(token, now=NOW + timedelta(seconds=604), leeway=leeway)
    with pytest.raises(jose.InvalidJwt, match="expired"):
        verify(token, now=NOW + timedelta(seconds=605), leeway=leeway)


@pytest.mark.standard("OIDC Core", "3.1.2.1", "id_token_hint may have expired, nothing else")
def test_allow_expired_forgives_only_exp() -> None:
    late = {"now": NOW + timedelta(days=400), "allow_expired": True}
    assert verify(forge(), **late) == CLAIMS
    for change in ({"exp": None}, {"exp": "1"}, {"iss": "x"}, {"aud": "x"}, {"nbf": EPOCH * 2}):
        with pytest.raises(jose.InvalidJwt):
            verify(forge(payload={**CLAIMS, **change}), **late)
    with pytest.raises(jose.InvalidJwt, match="signature"):
        verify(forge()[:-8] + "AAAAAAAA", **late)


@pytest.mark.standard("RFC 7519", "4.1.5", "nbf and iat must not lie in the future")
@pytest.mark.parametrize("name", ["nbf", "iat"])
def test_not_before(name: str) -> None:
    token = forge(payload={**CLAIMS, name: EPOCH + 10})
    with pytest.raises(jose.InvalidJwt, match=f"{name} lies in the future"):
        verify(token)
    assert verify(token, leeway=timedelta(seconds=10))
    assert verify(token, now=NOW + timedelta(seconds=10))
    absent = {key: value for key, value in CLAIMS.items() if key != "iat"}
    assert verify(forge(payload=absent)) == absent


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", ["1", True, False, [], {}, "", "2026-01-01"])
def test_refuses_malformed_times(name: str, value: object) -> None:
    with pytest.raises(jose.InvalidJwt, match="not a number"):
        verify(forge(payload={**CLAIMS, name: value}))


def test_accepts_fractions_and_refuses_no_expiry() -> None:
    assert verify(forge(payload={**CLAIMS, "exp": EPOCH + 0.5}))["exp"] == EPOCH + 0.5
    with pytest.raises(jose.InvalidJwt, match="exp missing"):
        verify(forge(payload={"iss": ISSUER, "aud": AUDIENCE}))


@pytest.mark.standard("RFC 7519", "4", "duplicate claims are refused")
@pytest.mark.standard("RFC 7515", "4", "duplicate header members are refused")
def test_refuses_duplicates() -> None:
    body = json.dumps(CLAIMS)[:-1]
    with pytest.raises(jose.InvalidJwt, match="repeated"):
        verify(forge(payload=(body + ', "sub": "mallory"}').encode()))
    with pytest.raises(jose.InvalidJwt, match="repeated"):
        verify(forge((json.dumps(header())[:-1] + ', "typ": "JWT"}').encode()))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_refuses_numbers_that_are_not_finite(number: str) -> None:
    payload = json.dumps(CLAIMS).replace(str(EPOCH + 600), number).encode()
    with pytest.raises(jose.InvalidJwt, match="JSON"):
        verify(forge(payload=payload))


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b'"x"', b"\xff", b"{}{}", b"[" * 3000])
def test_refuses_payloads_that_are_no_object(payload: bytes) -> None:
    with pytest.raises(jose.InvalidJwt, match="JSON"):
        verify(forge(payload=payload))


@pytest.mark.standard("RFC 8725", "3.6", "size is bounded before anything is decoded")
def test_refuses_oversized_tokens() -> None:
    with pytest.raises(jose.InvalidJwt, match="too long"):
        verify(forge(payload={**CLAIMS, "x": "x" * 16384}))
    fits = {**CLAIMS, "x": "x" * 10000}
    assert verify(forge(payload=fits)) == fits


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token + "=",
        lambda token: token + "A",
        lambda token: token[:-1],
        lambda token: token + ".",
        lambda token: token + ".x",
        lambda token: "." + token,
        lambda token: token.rsplit(".", 1)[0],
        lambda token: token.rsplit(".", 1)[0] + ".",
        lambda token: token.replace(".", "..", 1),
        lambda token: token.replace(".", ".=", 1),
        lambda token: " " + token,
        lambda token: token + "\n",
        lambda token: token.replace(".", "\n.", 1),
        lambda token: token.replace(".", ".\u00e9", 1),
        lambda token: "Bearer " + token,
        lambda token: "",
        lambda token: "..",
        lambda token: "a.b.c.d.e",
        lambda token: token.split(".")[0] + "." + b64({**CLAIMS, "sub": "eve"}) + ".AA",
    ],
)
def test_refuses_spoilt_tokens(spoil: Callable[[str], str]) -> None:
    with pytest.raises(jose.InvalidJwt):
        verify(spoil(forge()))


@pytest.mark.standard("RFC 7515", "2", "base64url has one spelling per value")
@pytest.mark.parametrize(
    "segment", ["AB", "AAB", "A", "AA==", "A+", "A/", "-_8=", "A A", "é", "A\n"]
)
def test_strict_base64url(segment: str) -> None:
    with pytest.raises(jose.InvalidJwt, match="base64url"):
        jose.decode(segment)


@given(st.binary())
def test_base64url_round_trip(raw: bytes) -> None:
    assert jose.decode(jose.encode(raw)) == raw


@given(st.text())
def test_nothing_but_invalid_jwt_escapes_decode(segment: str) -> None:
    try:
        assert jose.encode(jose.decode(segment)) == segment
    except jose.InvalidJwt:
        return


@pytest.mark.parametrize(
    "signature",
    [b"", b"\x00" * 63, b"\x00" * 64, b"\x00" * 65, b"\xff" * 64, b"\x30\x06\x02\x01\x01" * 14],
)
def test_refuses_malformed_ecdsa_signatures(signature: bytes) -> None:
    signed = forge().rsplit(".", 1)[0]
    with pytest.raises(jose.InvalidJwt, match="signature"):
        verify(f"{signed}.{b64(signature)}")


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "EdDSA"])
@pytest.mark.parametrize("signature", [b"", b"\x00", b"\xff" * 256, b"\x00" * 64, b"\x01" * 300])
def test_refuses_malformed_signatures(algorithm: str, signature: bytes) -> None:
    own = signer(algorithm)
    signed = own.sign(CLAIMS, typ="at+jwt").rsplit(".", 1)[0]
    with pytest.raises(jose.InvalidJwt, match="signature"):
        verify(f"{signed}.{b64(signature)}", keys=keys(own), algorithms=[algorithm])


def test_rsa_padding_belongs_to_the_algorithm() -> None:
    rs256 = signer("RS256")
    same_key = jose.Signer(rs256.kid, "PS256", rs256.key)
    token = same_key.sign(CLAIMS, typ="at+jwt")
    with pytest.raises(jose.InvalidJwt, match="algorithm"):
        verify(token, keys=keys(rs256), algorithms=["RS256", "PS256"])
    renamed = ".".join([rs256.sign(CLAIMS, typ="at+jwt").split(".")[0], *token.split(".")[1:]])
    with pytest.raises(jose.InvalidJwt, match="signature"):
        verify(renamed, keys=keys(rs256), algorithms=["RS256"])


SPOILT_CLAIMS = st.dictionaries(
    st.sampled_from(["iss", "aud", "exp", "iat", "nbf", "sub"]),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()),
)


@settings(deadline=None)
@given(SPOILT_CLAIMS)
def test_nothing_but_invalid_jwt_escapes_claims(changes: dict[str, Any]) -> None:
    try:
        verify(forge(payload={**CLAIMS, **changes}))
    except jose.InvalidJwt:
        return


@settings(deadline=None)
@given(st.one_of(st.text(), st.text("eyJ.-_AQ="), st.lists(st.binary().map(b64)).map(".".join)))
def test_nothing_but_invalid_jwt_escapes(token: str) -> None:
    with pytest.raises(jose.InvalidJwt):
        verify(token)


@settings(deadline=None)
@given(st.data())
def test_any_flipped_character_is_noticed(data: st.DataObject) -> None:
    token = forge()
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(max_codepoint=0x2FF).filter(lambda c: c != token[place]))
    with pytest.raises(jose.InvalidJwt):
        verify(token[:place] + other + token[place + 1 :])


# --- half hashes ---


@pytest.mark.standard("OIDC Core", "A.3", "the at_hash and c_hash of the appendix")
def test_at_hash_examples() -> None:
    assert jose.at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", "RS256") == (
        "77QmUPtjPfzWtF2AnpK9RQ"
    )
    code = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"
    assert jose.at_hash(code, "RS256") == "LDktKdoQak3Pk0cnXxCltA"


@pytest.mark.standard("OIDC Core", "3.1.3.6", "the hash of the ID token's algorithm")
def test_at_hash_follows_the_algorithm() -> None:
    assert len(jose.decode(jose.at_hash("x", "ES256"))) == 16
    assert jose.at_hash("x", "EdDSA") == jose.encode(hashlib.sha512(b"x").digest()[:32])
    with pytest.raises(ValueError, match="unknown algorithm"):
        jose.at_hash("x", "none")


def test_compact_serialisation_is_what_joserfc_reads() -> None:
    own = signer("ES256")
    found = jws.extract_compact(own.sign(CLAIMS, typ="JWT").encode())
    assert json.loads(found.payload) == CLAIMS
