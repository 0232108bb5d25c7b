"""The keys of a role: which sign, which are encrypted to (SAML Metadata §2.4.1.1, IIP-MD07).

A KeyDescriptor without `use` serves both purposes. Weak keys are refused; that a certificate has
expired is a warning, since only its key counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from federation.saml import certificate, datatypes, encryption, errors, signature, xml

USES = ("signing", "encryption")


@dataclass(slots=True)
class RoleKeys:
    """Certificates as base64 DER, in the order of the metadata, each once."""

    signing_certificates: tuple[str, ...] = ()
    encryption_certificates: tuple[str, ...] = ()
    encryption_methods: tuple[encryption.EncryptionMethod, ...] = ()
    warnings: list[str] = field(default_factory=list)


def read(role: xml.Element, *, now: datetime) -> RoleKeys:
    """Return the keys of a role descriptor. Raises InvalidMetadata."""
    keys = RoleKeys()
    for descriptor in xml.children(role, "md:KeyDescriptor"):
        _add_descriptor(keys, descriptor, now=now)
    if max(len(keys.signing_certificates), len(keys.encryption_certificates)) > signature.MAX_KEYS:
        raise errors.InvalidMetadata(
            "too_many_keys", f"The metadata has more than {signature.MAX_KEYS} keys for one use."
        )
    if keys.encryption_certificates:
        _check_encryption(keys)
    return keys


def _add_descriptor(keys: RoleKeys, descriptor: xml.Element, *, now: datetime) -> None:
    use = descriptor.get("use")
    if use not in (None, *USES):
        raise errors.InvalidMetadata("key_use", f"A key has the use {use[:40]!r}.")
    found = list(_certificates(descriptor))
    if not found:
        keys.warnings.append("A KeyDescriptor without X509Certificate is not used.")
    for one in found:
        public_key = certificate.public_key(one)
        _warn_of_expiry(keys, one, now=now)
        text = certificate.base64_der(one)
        if use != "encryption" and text not in keys.signing_certificates:
            keys.signing_certificates += (text,)
        if use == "encryption" or (use is None and isinstance(public_key, rsa.RSAPublicKey)):
            _add_encryption(keys, descriptor, text, public_key)


def _certificates(descriptor: xml.Element) -> Iterator[x509.Certificate]:
    info = xml.child(descriptor, "ds:KeyInfo")
    for data in [] if info is None else xml.children(info, "ds:X509Data"):
        for element in xml.children(data, "ds:X509Certificate"):
            yield certificate.load(xml.text(element))


def _warn_of_expiry(keys: RoleKeys, one: x509.Certificate, *, now: datetime) -> None:
    if one.not_valid_after_utc <= now:
        ended = datatypes.format_instant(one.not_valid_after_utc)
        warning = f"A certificate expired on {ended}; its key is used all the same."
        if warning not in keys.warnings:
            keys.warnings.append(warning)


def _add_encryption(
    keys: RoleKeys, descriptor: xml.Element, text: str, public_key: certificate.PublicKey
) -> None:
    """Add a key to encrypt to: RSA, for there is no key agreement here."""
    if not isinstance(public_key, rsa.RSAPublicKey):
        raise errors.InvalidMetadata(
            "key_type", "An encryption key is not RSA: nothing else is used."
        )
    if text not in keys.encryption_certificates:
        keys.encryption_certificates += (text,)
    methods = tuple(_method(one) for one in xml.children(descriptor, "md:EncryptionMethod"))
    keys.encryption_methods += tuple(
        method for method in methods if method not in keys.encryption_methods
    )


def _method(element: xml.Element) -> encryption.EncryptionMethod:
    def algorithm(name: str) -> str:
        found = xml.child(element, name)
        return "" if found is None else str(found.get("Algorithm", ""))

    return encryption.EncryptionMethod(
        algorithm=element.get("Algorithm", ""),
        digest_method=algorithm("ds:DigestMethod"),
        mask_function=algorithm("xenc11:MGF"),
    )


def _check_encryption(keys: RoleKeys) -> None:
    """Say at import what would otherwise be found out at the first sign-in."""
    try:
        encryption.choose(keys.encryption_methods)
    except errors.NoCommonAlgorithm as error:
        keys.warnings.append(
            "Assertions cannot be encrypted for it, since it lists none of the algorithms used "
            f"here (AES-GCM with RSA-OAEP): {error.detail}. Without encryption switched off, "
            "nobody can sign in there."
        )
