"""Encryption: what clients can read, and everything that must not decrypt."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwe as library
from joserfc.jwk import OctKey

from idp.protocol import jose, jwe
from idp.protocol.jwk import ClientKey
from tests.support import crafted_jwt
from tests.support.crafted_jwt import b64, key_set, public

PAYLOAD = b"a.b.c"
EVERYTHING = library.JWERegistry(
    algorithms=[*library.JWERegistry.algorithms["alg"], *library.JWERegistry.algorithms["enc"]]
)
EVERYTHING_AND_ZIP = library.JWERegistry(algorithms=[*(EVERYTHING.allowed or ()), "DEF"])
RSA = jwe.DecryptionKey("r", jose.generate("RS256"))
EC = jwe.DecryptionKey("e", jose.generate("ES256"))
KEYS = {"r": RSA, "e": EC}
ALGORITHMS = pytest.mark.parametrize("alg", jwe.KEY_ALGORITHMS)
CONTENTS = pytest.mark.parametrize("enc", jwe.CONTENT_ALGORITHMS)


def ours(alg: str) -> jwe.DecryptionKey:
    return RSA if alg.startswith("RSA") else EC


def encrypt(payload: bytes = PAYLOAD, alg: str = "RSA-OAEP-256", enc: str = "A128GCM") -> str:
    (key,) = key_set(ours(alg).public_jwk()).keys
    return jwe.encrypt(payload, key=key, alg=alg, enc=enc)


def refused(token: str, reason: str = "does not decrypt", **changes: Any) -> None:
    with pytest.raises(jose.InvalidJwt, match=reason):
        jwe.decrypt(token, changes.get("keys", KEYS))


def forge(alg: str = "ECDH-ES", enc: str = "A128GCM", **header: Any) -> str:
    """What the library encrypts to one of our keys, with a header of one's own."""
    head = {"alg": alg, "enc": enc, "kid": ours(alg).kid, **header}
    key = jwe._library_key(ours(alg).key.public_key())
    return library.encrypt_compact(head, PAYLOAD, key, registry=EVERYTHING)


def with_header(token: str, **changes: Any) -> str:
    """The same token under another header, as one who cannot encrypt would send it."""
    head, _, rest = token.partition(".")
    members = {**json.loads(jose.decode(head)), **changes}
    return f"{b64({name: v for name, v in members.items() if v is not ...})}.{rest}"


# --- to clients ---


@pytest.mark.standard("RFC 7516", "5.1", "what we encrypt, clients read")
@ALGORITHMS
@CONTENTS
@pytest.mark.parametrize("kind", crafted_jwt.KINDS)
def test_clients_read_what_we_encrypt(kind: str, alg: str, enc: str) -> None:
    (key,) = key_set(public(kind)).keys
    if not key.encrypts(alg):
        with pytest.raises(ValueError, match="no encryption"):
            jwe.encrypt(PAYLOAD, key=key, alg=alg, enc=enc)
        return
    token = jwe.encrypt(PAYLOAD, key=key, alg=alg, enc=enc)
    found = library.decrypt_compact(token, crafted_jwt.key(kind), registry=EVERYTHING)
    assert found.plaintext == PAYLOAD
    epk = {"epk": found.protected["epk"]} if "ECDH" in alg else {}
    assert found.protected == {"alg": alg, "enc": enc, "cty": "JWT", "kid": f"{kind} a", **epk}
    assert "d" not in epk.get("epk", {})


@pytest.mark.parametrize(
    ("alg", "enc"),
    [
        *(("RSA1_5", "A128GCM"), ("dir", "A128GCM"), ("PBES2-HS256+A128KW", "A128GCM")),
        *(("RSA-OAEP", "A192GCM"), ("RSA-OAEP", "none"), ("", ""), ("RSA-OAEP-512", "A128GCM")),
    ],
)
def test_no_other_algorithm(alg: str, enc: str) -> None:
    (key,) = key_set(public("RSA")).keys
    with pytest.raises(ValueError, match="no encryption"):
        jwe.encrypt(PAYLOAD, key=key, alg=alg, enc=enc)


def test_a_key_meant_for_signatures_or_another_algorithm_is_not_used() -> None:
    for members in ({"use": "sig"}, {"alg": "RSA-OAEP"}, {"alg": "RS256"}, {"key_ops": ["verify"]}):
        (key,) = key_set(public("RSA", **members)).keys
        with pytest.raises(ValueError, match="no encryption"):
            jwe.encrypt(PAYLOAD, key=key, alg="RSA-OAEP-256", enc="A128GCM")


def test_content_type_and_kid_are_what_they_are() -> None:
    token = jwe.encrypt(b"{}", key=_nameless(), alg="RSA-OAEP", enc="A128GCM", cty="json")
    head = json.loads(jose.decode(token.partition(".")[0]))
    assert head == {"alg": "RSA-OAEP", "enc": "A128GCM", "cty": "json"}


def _nameless() -> ClientKey:
    member = public("RSA")
    del member["kid"]
    return key_set(member).keys[0]


# --- to us ---


@pytest.mark.standard("RFC 7516", "5.2", "what clients encrypt, we read")
@ALGORITHMS
@CONTENTS
def test_we_read_what_clients_encrypt(alg: str, enc: str) -> None:
    assert jwe.decrypt(encrypt(alg=alg, enc=enc), KEYS) == PAYLOAD
    assert jwe.decrypt(forge(alg, enc, typ="JWT", cty="JWT"), KEYS) == PAYLOAD


@pytest.mark.standard("RFC 7518", "4.6.1", "apu and apv take part in the agreement")
def test_party_information() -> None:
    token = forge("ECDH-ES+A256KW", apu=b64(b"client"), apv=b64(b"server"))
    assert jwe.decrypt(token, KEYS) == PAYLOAD
    refused(with_header(token, apu=b64(b"other")))
    refused(with_header(token, apu="="), "base64url")


@ALGORITHMS
def test_without_kid_there_is_but_one_key(alg: str) -> None:
    head = {"alg": alg, "enc": "A128GCM"}
    key = jwe._library_key(ours(alg).key.public_key())
    token = library.encrypt_compact(head, PAYLOAD, key, registry=EVERYTHING)
    assert jwe.decrypt(token, KEYS) == PAYLOAD
    second = jwe.DecryptionKey("2", jose.generate("RS256" if ours(alg) is RSA else "ES256"))
    refused(token, "no single key", keys={**KEYS, "2": second})
    refused(token, "no single key", keys={})


@pytest.mark.parametrize("kid", ["other", "", "e"])
def test_kid_names_a_key_of_ours_or_none(kid: str) -> None:
    refused(with_header(encrypt(), kid=kid), "no key")


@pytest.mark.standard("RFC 8725", "3.2", "no weak or shared-key algorithm, no compression")
@pytest.mark.parametrize(
    "changes",
    [
        *({"alg": "RSA1_5"}, {"alg": "dir"}, {"alg": "A128KW"}, {"alg": "PBES2-HS256+A128KW"}),
        *(
            {"alg": "none"},
            {"alg": ""},
            {"alg": "A128GCMKW"},
            {"alg": "ECDH-ES+A192KW"},
            {"alg": 1},
        ),
        *({"enc": "A192GCM"}, {"enc": "none"}, {"enc": ["A128GCM"]}, {"enc": ...}, {"alg": ...}),
        *({"zip": "DEF"}, {"zip": ""}, {"crit": ["exp"]}, {"crit": []}, {"b64": True}, {"p2c": 9}),
        *({"jwk": {}}, {"jku": "https://x.example"}, {"x5c": []}, {"x5u": "https://x.example"}),
        *({"alg": 1}, {"kid": 1}, {"typ": None}, {"cty": {}}, {"unknown": "x"}),
    ],
    ids=str,
)
def test_refuses_headers(changes: dict[str, Any]) -> None:
    refused(with_header(encrypt(), **changes), "not accepted|not a string")


@pytest.mark.standard("RFC 8725", "3.6", "no compression: a small token holds no large one")
def test_refuses_a_zip_bomb() -> None:
    head = {"alg": "RSA-OAEP-256", "enc": "A128GCM", "kid": "r", "zip": "DEF"}
    key = jwe._library_key(RSA.key.public_key())
    token = library.encrypt_compact(head, bytes(10_000_000), key, registry=EVERYTHING_AND_ZIP)
    assert len(token) < jwe.MAX_TOKEN_BYTES
    refused(token, "'zip' not accepted")


def test_refuses_rsa1_5_and_shared_keys_that_would_decrypt() -> None:
    key = jwe._library_key(RSA.key.public_key())
    with pytest.warns(match="RSA1_5"):
        token = library.encrypt_compact(
            {"alg": "RSA1_5", "enc": "A128GCM", "kid": "r"}, PAYLOAD, key, registry=EVERYTHING
        )
    refused(token, "not accepted")
    secret = OctKey.import_key(b"0123456789abcdef")
    token = library.encrypt_compact(
        {"alg": "dir", "enc": "A128GCM", "kid": "r"}, PAYLOAD, secret, registry=EVERYTHING
    )
    refused(token, "not accepted")


def point(curve: ec.EllipticCurve, name: str) -> dict[str, str]:
    numbers = ec.generate_private_key(curve).public_key().public_numbers()
    size = (curve.key_size + 7) // 8
    x, y = (b64(one.to_bytes(size, "big")) for one in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": name, "x": x, "y": y}


@pytest.mark.standard("RFC 8725", "3.4", "an ephemeral key lies on the curve of ours")
@pytest.mark.parametrize(
    "epk",
    [
        {"kty": "EC", "crv": "P-256", "x": b64(bytes(32)), "y": b64(bytes(32))},
        {"kty": "EC", "crv": "P-256", "x": b64(b"\x05" * 32), "y": b64(b"\x07" * 32)},
        point(ec.SECP256K1(), "P-256"),
        point(ec.SECP384R1(), "P-384"),
        public("X25519"),
        public("Ed25519"),
        public("RSA"),
        *({}, {"kty": "EC"}, {"kty": "oct", "k": "AAAA"}, [], "x", None, 1, ...),
    ],
)
def test_refuses_points_off_the_curve(epk: object) -> None:
    for alg in ("ECDH-ES", "ECDH-ES+A128KW"):
        refused(with_header(forge(alg), epk=epk), "epk|not a string")


def test_every_other_failure_looks_the_same() -> None:
    for alg in jwe.KEY_ALGORITHMS:
        for enc in jwe.CONTENT_ALGORITHMS:
            token = encrypt(alg=alg, enc=enc)
            reasons = {str(_failure(spoilt)) for spoilt in _spoilt(token)}
            assert reasons == {"does not decrypt"}


def _spoilt(token: str) -> list[str]:
    head, key, iv, content, tag = token.split(".")

    def turned(segment: str) -> str:
        return b64(bytes(byte ^ 1 for byte in jose.decode(segment)))

    return [
        ".".join((with_header(head, typ="JWT").rstrip("."), key, iv, content, tag)),
        ".".join((head, turned(key) or "AAAA", iv, content, tag)),
        ".".join((head, b64(jose.decode(key)[1:]) or "AAAA", iv, content, tag)),
        ".".join((head, b64(bytes(64)), iv, content, tag)),
        ".".join((head, key, turned(iv), content, tag)),
        ".".join((head, key, "", content, tag)),
        ".".join((head, key, iv + "AAAA", content, tag)),
        ".".join((head, key, iv, turned(content), tag)),
        ".".join((head, key, iv, "", tag)),
        ".".join((head, key, iv, content, turned(tag))),
        ".".join((head, key, iv, content, "")),
        ".".join((head, key, iv, content, b64(jose.decode(tag)[:4]))),
        ".".join((head, key, iv, content, tag + "AAAA")),
    ]


def _failure(token: str) -> Exception:
    with pytest.raises(jose.InvalidJwt) as caught:
        jwe.decrypt(token, KEYS)
    return caught.value


@pytest.mark.parametrize(
    "token",
    [
        *("", "x", "a.b.c", "....", "a.b.c.d.e", "é.é.é.é.é", "e30....", "e30.AA.AA.AA.AA"),
        *(encrypt() + ".", encrypt() + "=", "A" * 10_000_000, f"{'A' * 1025}...."),
        f"{b64(b'[' * 700)}....",
        b64(b'{"alg":"dir","alg":"RSA-OAEP-256","enc":"A128GCM"}') + "....",
    ],
    ids=lambda value: value[:20],
)
def test_refuses_what_is_no_jwe(token: str) -> None:
    with pytest.raises(jose.InvalidJwt):
        jwe.decrypt(token, KEYS)


def test_is_bounded() -> None:
    assert len(jwe.decrypt(encrypt(b"x" * 16_000), KEYS)) == 16_000
    refused(encrypt(b"x" * 20_000), "too long")


@pytest.mark.standard("RFC 8725", "3.5", "no weak key")
def test_keys_of_ours() -> None:
    weak = rsa.generate_private_key(65537, 1024)
    for key in (weak, ec.generate_private_key(ec.SECP384R1())):
        with pytest.raises(ValueError, match="2048"):
            jwe.DecryptionKey("x", key)
    for own in (RSA, EC):
        shown = own.public_jwk()
        assert shown["use"] == "enc"
        assert shown["kid"] == own.kid
        assert not {"d", "p", "q", "dp", "dq", "qi"} & shown.keys()


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["alg", "enc", "kid", "epk", "apu", "cty"]),
        st.none() | st.integers() | st.text() | st.dictionaries(st.text(), st.text()),
    )
)
def test_nothing_but_invalid_jwt_escapes(changes: dict[str, Any]) -> None:
    token = with_header(forge("ECDH-ES+A128KW"), typ="spoilt", **changes)
    with pytest.raises(jose.InvalidJwt):
        jwe.decrypt(token, KEYS)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40).map(b64), min_size=4, max_size=4))
def test_nothing_but_invalid_jwt_escapes_segments(segments: list[str]) -> None:
    for alg in ("RSA-OAEP", "ECDH-ES", "ECDH-ES+A128KW"):
        head = encrypt(alg=alg, enc="A128CBC-HS256").partition(".")[0]
        with pytest.raises(jose.InvalidJwt):
            jwe.decrypt(".".join((head, *segments)), KEYS)
