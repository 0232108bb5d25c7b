"""The key sets of clients: what is read, what is ignored, what spoils the whole set."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import RSAKey

from idp.protocol import jose, jwk
from tests.support import crafted_jwt
from tests.support.crafted_jwt import KIND_OF, b64, key_set, public

# RFC 7517 §A.1.
EC_EXAMPLE = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    "use": "enc",
    "kid": "1",
}
RSA_EXAMPLE = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJ"
    "ECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY"
    "368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4l"
    "Fd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}


@pytest.mark.standard("RFC 7517", "A.1", "the public keys of the appendix")
def test_the_example_of_the_standard() -> None:
    keys = key_set(EC_EXAMPLE, RSA_EXAMPLE)
    assert [(key.kid, key.use, key.algorithm) for key in keys.keys] == [
        ("1", "enc", ""),
        ("2011-04-29", "", "RS256"),
    ]
    assert keys.has_kid("1")
    assert not keys.has_kid("3")


@pytest.mark.standard("RFC 7517", "5", "keys of unknown kind are ignored, unknown members too")
@pytest.mark.parametrize(
    "unknown",
    [
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"},
        {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "Ed448", "x": "AA"},
        {"kty": "EC", "x": "AA", "y": "AA"},
    ],
)
def test_ignores_unknown_kinds(unknown: dict[str, Any]) -> None:
    keys = jwk.parse_set({"keys": [unknown, public("P-256", x5c=["MII"], more=1)], "more": 2})
    assert [key.kid for key in keys.keys] == ["P-256 a"]


@pytest.mark.standard("RFC 7517", "9.2", "a set with a private or shared key is refused")
@pytest.mark.parametrize(
    "private",
    [
        *(public("RSA", **{name: "AQAB"}) for name in ("d", "p", "q", "dp", "dq", "qi", "oth")),
        public("P-256", d="AQAB"),
        public("Ed25519", d=None),
        {"kty": "oct", "kid": "s"},
        {"kty": "oct", "k": "AQAB"},
        {"kty": "AKP", "k": "AQAB"},
    ],
)
def test_refuses_private_keys(private: dict[str, Any]) -> None:
    with pytest.raises(jwk.InvalidKeySet, match="private"):
        key_set(public("P-384"), private)


@pytest.mark.standard("RFC 7517", "4.5", "one kid is one key")
def test_refuses_a_kid_twice() -> None:
    with pytest.raises(jwk.InvalidKeySet, match="same kid"):
        key_set(public("RSA", kid="1"), public("P-256", kid="1"))
    with pytest.raises(jwk.InvalidKeySet, match="same kid"):
        key_set({"kty": "unknown", "kid": "1"}, public("P-256", kid="1"))


def rsa_jwk(n: int, e: int = 65537) -> dict[str, str]:
    return {"kty": "RSA", "n": jose.encode(octets(n)), "e": jose.encode(octets(e))}


def octets(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8 or 1, "big")


N = int.from_bytes(jose.decode(RSA_EXAMPLE["n"]), "big")


@pytest.mark.standard("RFC 7518", "3.3", "RSA keys of 2048 bits or more")
@pytest.mark.parametrize(
    ("n", "e", "reason"),
    [
        (N >> 1 | 1, 65537, "2047 bits"),
        (2**1023 + 1, 65537, "1024 bits"),
        (2**8192 + 1, 65537, "8193 bits"),
        (N, 1, "exponent"),
        (N, 3, "exponent"),
        (N, 65536, "exponent"),
        (N, 65538, "exponent"),
        (N, 2**32 + 1, "exponent"),
        (N, N - 2, "exponent"),
        (N + 1, 65537, "even modulus"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_refuses_weak_rsa_keys(n: int, e: int, reason: str) -> None:
    with pytest.raises(jwk.InvalidKeySet, match=reason):
        key_set(rsa_jwk(n, e))


def test_accepts_rsa_keys_up_to_8192_bits() -> None:
    for n in (N, 2**4095 + 1, 2**8191 + 1):
        assert len(key_set(rsa_jwk(n)).keys) == 1


@pytest.mark.standard("RFC 7518", "6.2.1", "a point in full length, on its curve")
@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"x": b64(bytes(32)), "y": b64(bytes(32))}, "numbers"),
        ({"y": b64(b"\x01" * 32)}, "numbers"),
        ({"x": b64(b"\xff" * 32)}, "numbers"),
        ({"x": b64(bytes(31))}, "32 octets"),
        ({"x": b64(bytes(33))}, "32 octets"),
        ({"crv": "P-384"}, "48 octets"),
        ({"y": None}, "no string"),
        ({"y": 5}, "no string"),
        ({"y": ["A"]}, "no string"),
        ({"x": "=" * 43}, "base64url"),
        ({"x": "A" * 43 + "="}, "base64url"),
        ({"x": "é" * 43}, "base64url"),
        ({"x": "A" * 2000}, "too long"),
    ],
)
def test_refuses_points_off_the_curve(members: dict[str, Any], reason: str) -> None:
    with pytest.raises(jwk.InvalidKeySet, match=reason):
        key_set({**public("P-256"), **members})


def test_a_point_of_another_curve_is_refused() -> None:
    numbers = ec.generate_private_key(ec.SECP256K1()).public_key().public_numbers()
    x, y = (b64(one.to_bytes(32, "big")) for one in (numbers.x, numbers.y))
    with pytest.raises(jwk.InvalidKeySet, match="numbers"):
        key_set({"kty": "EC", "crv": "P-256", "x": x, "y": y})


@pytest.mark.standard("RFC 8037", "2", "Ed25519 and X25519 keys of 32 octets")
@pytest.mark.parametrize("crv", ["Ed25519", "X25519"])
@pytest.mark.parametrize("size", [0, 31, 33])
def test_refuses_okp_keys_of_other_lengths(crv: str, size: int) -> None:
    with pytest.raises(jwk.InvalidKeySet, match="32 octets"):
        key_set({"kty": "OKP", "crv": crv, "x": b64(b"x" * size)})


@pytest.mark.standard("RFC 7748", "6.1", "no X25519 point of small order")
@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31)])
def test_refuses_points_of_small_order(point: bytes) -> None:
    with pytest.raises(jwk.InvalidKeySet, match="numbers"):
        key_set({"kty": "OKP", "crv": "X25519", "x": b64(point)})


@pytest.mark.parametrize("member", ["n", "e"])
def test_refuses_numbers_with_leading_zeros(member: str) -> None:
    for raw in (b"", b"\x00" + jose.decode(RSA_EXAMPLE[member])):
        with pytest.raises(jwk.InvalidKeySet, match=member):
            key_set({**RSA_EXAMPLE, member: jose.encode(raw)})


@pytest.mark.parametrize(
    "document",
    [
        *({}, {"keys": None}, {"keys": {}}, {"keys": "x"}, {"keys": [None]}, {"keys": [[]]}),
        *({"keys": [{}]}, {"keys": [{"kty": 1}]}, {"keys": [{"kty": ""}]}),
        {"keys": [public("P-256", kid=1)]},
        {"keys": [public("P-256", kid=None)]},
        {"keys": [public("P-256", kid="a\x00")]},
        {"keys": [public("P-256", kid="x" * 256)]},
        {"keys": [public("P-256", alg=["ES256"])]},
        {"keys": [public("P-256", use={})]},
        {"keys": [public("P-256", key_ops="verify")]},
        {"keys": [public("P-256", key_ops=[1])]},
    ],
)
def test_refuses_what_is_no_key_set(document: dict[str, Any]) -> None:
    with pytest.raises(jwk.InvalidKeySet):
        jwk.parse_set(document)


def test_is_bounded() -> None:
    many = [public("P-256", kid=str(n)) for n in range(21)]
    assert len(jwk.parse_set({"keys": many[:20]}).keys) == 20
    with pytest.raises(jwk.InvalidKeySet, match="more than 20"):
        jwk.parse_set({"keys": many})
    with pytest.raises(jwk.InvalidKeySet, match="more than 2 "):
        jwk.parse_set({"keys": many[:3]}, max_keys=2)


@pytest.mark.standard("RFC 7517", "4", "no member twice")
@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"keys":[],"keys":[]}', "repeated"),
        (json.dumps({"keys": [EC_EXAMPLE]}).encode()[:-3] + b',"kid":"2"}]}', "repeated"),
        (b'{"keys":[' + b" " * jwk.MAX_BYTES + b"]}", "larger"),
        (b"[" * 50_000, "not a JSON"),
        (b"[]", "not an object"),
        (b"\xff", "not a JSON"),
        (b"", "not a JSON"),
    ],
)
def test_refuses_ambiguous_and_huge_documents(raw: bytes, reason: str) -> None:
    with pytest.raises(jwk.InvalidKeySet, match=reason):
        jwk.load_set(raw)


def test_loads_a_document() -> None:
    assert jwk.load_set(json.dumps({"keys": [EC_EXAMPLE]}).encode()) == key_set(EC_EXAMPLE)


# --- which key ---


@pytest.mark.standard("OIDC Core", "10.1", "kid names the key; without it there is but one")
def test_kid_may_be_left_out_with_a_single_key() -> None:
    keys = key_set(public("RSA"), public("P-256"), public("P-256", "b", use="enc"))
    (only,) = keys.verification(None, "ES256")
    assert only.kid == "P-256 a"
    assert keys.verification("P-256 a", "ES256") == (only,)
    assert keys.verification("P-256 b", "ES256") == ()
    assert keys.verification("RSA a", "ES256") == ()
    assert keys.verification("other", "ES256") == ()
    assert key_set(public("P-256"), public("P-256", "b")).verification(None, "ES256") == ()


def test_kid_does_not_name_a_key_without_one() -> None:
    member = public("P-256")
    del member["kid"]
    keys = key_set(member)
    assert keys.verification("x", "ES256") == ()
    assert len(keys.verification(None, "ES256")) == 1
    assert not keys.has_kid("x")


@pytest.mark.standard("RFC 7517", "4.2", "use, key_ops and alg are honoured")
@pytest.mark.parametrize(
    ("members", "signs", "encrypts"),
    [
        ({}, True, True),
        ({"use": "sig"}, True, False),
        ({"use": "enc"}, False, True),
        ({"use": "tls"}, False, False),
        ({"key_ops": ["verify"]}, True, False),
        ({"key_ops": ["sign"]}, False, False),
        ({"key_ops": ["wrapKey"]}, False, True),
        ({"key_ops": []}, True, True),
        ({"use": "sig", "key_ops": ["encrypt"]}, False, False),
        ({"alg": "RS256"}, True, False),
        ({"alg": "PS256"}, False, False),
        ({"alg": "RSA-OAEP"}, False, True),
        ({"alg": "RSA-OAEP-256"}, False, False),
        ({"alg": "HS256"}, False, False),
        ({"alg": "none"}, False, False),
    ],
)
def test_what_a_key_is_for(members: dict[str, Any], signs: bool, encrypts: bool) -> None:
    (key,) = key_set(public("RSA", **members)).keys
    assert key.verifies("RS256") is signs
    assert key.encrypts("RSA-OAEP") is encrypts


@pytest.mark.standard("RFC 8725", "3.1", "each algorithm with its own kind of key")
@pytest.mark.parametrize("kind", crafted_jwt.KINDS)
def test_key_and_algorithm_belong_together(kind: str) -> None:
    (key,) = key_set(public(kind)).keys
    fitting = {alg for alg in (*jwk.SIGNING_ALGORITHMS, "HS256", "none", "") if key.verifies(alg)}
    assert fitting == {alg for alg, needed in KIND_OF.items() if needed == kind}
    agreement = kind in ("P-256", "P-384", "P-521", "X25519")
    for alg in (*jwk.KEY_ALGORITHMS, "RSA1_5", "dir", "PBES2-HS256+A128KW", "ECDH-ES+A192KW", ""):
        known = alg in jwk.KEY_ALGORITHMS
        expected = known and (
            (alg.startswith("RSA") and kind == "RSA") or ("ECDH" in alg and agreement)
        )
        assert key.encrypts(alg) is expected


@pytest.mark.standard("RFC 9864", "2.2", "Ed25519 is what EdDSA has meant")
def test_both_names_of_ed25519() -> None:
    for pinned in ("EdDSA", "Ed25519"):
        (key,) = key_set(public("Ed25519", alg=pinned)).keys
        assert key.verifies("EdDSA")
        assert key.verifies("Ed25519")


@pytest.mark.standard("OIDC Core", "10.2", "the key meant for encryption is preferred")
def test_key_for_encryption() -> None:
    plain, meant, other = (
        public("RSA"),
        public("RSA", "b", use="enc"),
        public("RSA", "c", use="enc", alg="RSA-OAEP-256"),
    )
    assert _chosen("RSA-OAEP", plain, meant, other) == "RSA b"
    assert _chosen("RSA-OAEP-256", plain, meant, other) == "RSA c"
    assert _chosen("RSA-OAEP", plain, other) == "RSA a"
    assert _chosen("RSA-OAEP", public("RSA", use="sig"), public("P-256")) is None
    assert _chosen("ECDH-ES", plain) is None


def _chosen(alg: str, *members: dict[str, Any]) -> str | None:
    key = key_set(*members).encryption(alg)
    return key and key.kid


# --- signatures ---


@pytest.mark.standard("RFC 7518", "3.1", "what clients sign, we verify")
@pytest.mark.parametrize("alg", jwk.SIGNING_ALGORITHMS)
def test_accepts_signatures(alg: str) -> None:
    (key,) = key_set(public(KIND_OF[alg])).keys
    signed, _, signature = crafted_jwt.signed({"a": 1}, alg).rpartition(".")
    raw = jose.decode(signature)
    assert key.accepts(raw, signed.encode(), algorithm=alg)
    assert not key.accepts(raw, signed.encode() + b"x", algorithm=alg)
    for wrong in (b"", raw[:-1], raw + b"\x00", bytes(len(raw)), raw[::-1]):
        assert not key.accepts(wrong, signed.encode(), algorithm=alg)


@pytest.mark.parametrize("other", ["RS384", "PS256", "HS256", "none", "ES256", ""])
def test_a_signature_counts_for_its_algorithm_only(other: str) -> None:
    (key,) = key_set(public("RSA")).keys
    signed, _, signature = crafted_jwt.signed({}, "RS256").rpartition(".")
    assert not key.accepts(jose.decode(signature), signed.encode(), algorithm=other)


def test_a_key_for_agreement_verifies_nothing() -> None:
    (key,) = key_set(public("X25519")).keys
    assert not key.accepts(bytes(64), b"x", algorithm="ES256")
    with pytest.raises(InvalidSignature):
        jwk._check(key.key, bytes(64), b"x", "ES256")


def test_pss_needs_a_salt_of_the_hash_length() -> None:
    private = crafted_jwt.key("RSA")
    assert isinstance(private, RSAKey)
    raw = private.private_key
    assert isinstance(raw, rsa.RSAPrivateKey)
    (key,) = key_set(public("RSA")).keys
    for length, accepted in ((32, True), (20, False), (0, False)):
        scheme = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=length)
        assert key.accepts(raw.sign(b"x", scheme, SHA256()), b"x", algorithm="PS256") is accepted


NAMES = st.sampled_from(["kty", "crv", "x", "y", "n", "e", "kid", "use", "alg", "key_ops", "d"])
VALUES = st.none() | st.integers() | st.text() | st.lists(st.text()) | st.just("AQAB")


@settings(deadline=None)
@given(st.sampled_from(["RSA", "P-256", "Ed25519", "X25519"]), st.dictionaries(NAMES, VALUES))
def test_nothing_but_invalid_key_set_escapes(kind: str, changes: dict[str, Any]) -> None:
    try:
        keys = jwk.parse_set({"keys": [{**public(kind), **changes}]})
    except jwk.InvalidKeySet:
        return
    assert len(keys.keys) <= 1


@given(st.binary(max_size=200))
def test_nothing_but_invalid_key_set_escapes_documents(raw: bytes) -> None:
    with pytest.raises(jwk.InvalidKeySet):
        jwk.load_set(raw)
