"""The certificates of metadata: bags for a public key (SAML Metadata §2.4.1.1, IIP-MD06).

Only the key counts: no chain, no revocation, no name; that a certificate has expired is worth a
word to the administrator, no more (SAML V2.0 Metadata Interoperability Profile §2.6.1).
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from federation.saml import errors

PublicKey: TypeAlias = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192
MIN_EC_BITS = 256
CURVES = ("secp256r1", "secp384r1", "secp521r1")

_ARMOUR = re.compile(r"-----(BEGIN|END) CERTIFICATE-----")
_WHITE_SPACE = re.compile(r"\s+")


def load(text: str) -> x509.Certificate:
    """Return the certificate in base64 DER, as in ds:X509Certificate, or in PEM.

    Raises InvalidMetadata.
    """
    compact = _WHITE_SPACE.sub("", _ARMOUR.sub("", text))
    try:
        return x509.load_der_x509_certificate(binascii.a2b_base64(compact, strict_mode=True))
    except (ValueError, UnsupportedAlgorithm) as error:
        # What the parser says is of use to nobody who pastes a certificate.
        raise errors.InvalidMetadata(
            "certificate",
            "A certificate cannot be read: it is damaged, or neither PEM nor DER in base64",
        ) from error


def pinned_key(text: str) -> PublicKey:
    """Return the strong key of a certificate (PEM, base64 DER), or of a public key in PEM.

    Raises InvalidMetadata.
    """
    if "BEGIN PUBLIC KEY" not in text:
        return public_key(load(text))
    try:
        return strong(serialization.load_pem_public_key(text.encode()))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise errors.InvalidMetadata("key", f"The key cannot be read: {error}") from error


def public_key(certificate: x509.Certificate) -> PublicKey:
    """Return the public key if it is strong enough (IIP-ALG, SDP-MD07). Raises InvalidMetadata."""
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise errors.InvalidMetadata(
            "key_type", f"The key of a certificate cannot be read: {error}"
        ) from error
    return strong(key)


def strong(key: object) -> PublicKey:
    """Return `key` if it is RSA of 2048 bits or more, or on P-256, P-384, P-521."""
    if isinstance(key, rsa.RSAPublicKey):
        if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            raise errors.InvalidMetadata(
                "weak_key",
                f"An RSA key has {key.key_size} bits; {MIN_RSA_BITS} to {MAX_RSA_BITS} are needed",
            )
        return key
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name not in CURVES:
            raise errors.InvalidMetadata(
                "weak_key", f"The curve {key.curve.name} is none of {', '.join(CURVES)}"
            )
        return key
    raise errors.InvalidMetadata("key_type", "A key is neither RSA nor elliptic curve")


def base64_der(certificate: x509.Certificate) -> str:
    """Return the content of ds:X509Certificate: base64 DER in one line."""
    der = certificate.public_bytes(serialization.Encoding.DER)
    return base64.b64encode(der).decode("ascii")


def fingerprint(certificate: x509.Certificate) -> str:
    """Return its SHA-256 as people compare it: pairs of hexadecimal digits."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()
