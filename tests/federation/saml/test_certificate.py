"""Certificates: only the key counts, and it must be strong."""

from __future__ import annotations

import base64
import textwrap

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from federation.saml import certificate, errors
from tests.attacks.saml import service_provider


def weak_public_key() -> str:
    """An RSA key of 1024 bits in PEM."""
    key = service_provider.rsa_key("weak", 1024).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


GOOD = service_provider.certificate(service_provider.rsa_key())
TEXT = service_provider.base64_der(GOOD)


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        "\n".join(textwrap.wrap(TEXT, 64)),
        f"\n    {TEXT[:70]}\n\t{TEXT[70:]}\n",
        service_provider.pem(GOOD),
        service_provider.pem(GOOD).replace("\n", "\r\n"),
    ],
)
def test_loads_every_spelling(text: str) -> None:
    assert certificate.load(text) == GOOD
    assert certificate.base64_der(certificate.load(text)) == TEXT


@pytest.mark.parametrize("text", ["", "x", "AAAA", TEXT[:-8], TEXT + "AAAA", "\u00e9", "-----"])
def test_refuses_what_is_none(text: str) -> None:
    with pytest.raises(errors.InvalidMetadata) as refused:
        certificate.load(text)
    assert refused.value.check == "certificate"
    assert refused.value.description


@pytest.mark.parametrize(
    ("key", "check"),
    [
        (service_provider.rsa_key("weak", 1024), "weak_key"),
        (ec.generate_private_key(ec.SECP224R1()), "weak_key"),
        (ec.generate_private_key(ec.SECP256K1()), "weak_key"),
        (ed25519.Ed25519PrivateKey.generate(), "key_type"),
        (dsa.generate_private_key(1024), "key_type"),
    ],
    ids=["rsa_1024", "p224", "secp256k1", "ed25519", "dsa"],
)
def test_refuses_weak_and_strange_keys(key, check: str) -> None:
    with pytest.raises(errors.InvalidMetadata) as refused:
        certificate.public_key(service_provider.certificate(key))
    assert refused.value.check == check


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_takes_the_three_curves(curve: ec.EllipticCurve) -> None:
    key = ec.generate_private_key(curve)
    assert certificate.strong(key.public_key()) is not None


PUBLIC = GOOD.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize("text", [PUBLIC, TEXT, service_provider.pem(GOOD)])
def test_a_pinned_key_is_a_certificate_or_a_key(text: str) -> None:
    assert certificate.pinned_key(text) == GOOD.public_key()


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("x", "certificate"),
        (PUBLIC.replace("MII", "MIJ"), "key"),
        (PUBLIC[:60], "key"),
        (weak_public_key(), "weak_key"),
    ],
    ids=["nothing", "broken", "cut_off", "weak"],
)
def test_refuses_a_pinned_key(text: str, check: str) -> None:
    with pytest.raises(errors.InvalidMetadata) as refused:
        certificate.pinned_key(text)
    assert refused.value.check == check


def test_expiry_does_not_matter_here() -> None:
    ended = service_provider.certificate(service_provider.rsa_key(), ended=True)
    assert certificate.public_key(ended).key_size == 2048


def test_refuses_unknown_curves() -> None:
    der = base64.b64decode(
        service_provider.base64_der(service_provider.certificate(service_provider.ec_key()))
    )
    p256, unknown = (bytes.fromhex(f"06082a8648ce3d0301{last}") for last in ("07", "7f"))
    assert p256 in der
    one = certificate.load(base64.b64encode(der.replace(p256, unknown)).decode())
    with pytest.raises(errors.InvalidMetadata) as refused:
        certificate.public_key(one)
    assert refused.value.check == "key_type"
