"""What a message says about its own signature: algorithm and certificate. None of it is verified.

For words to an administrator alone; `signature` decides, and never reads KeyInfo.
"""

from __future__ import annotations

from dataclasses import dataclass

from federation.saml import bindings, certificate, errors, vocabulary, xml

MAX_ALGORITHM = 100


@dataclass(frozen=True, slots=True)
class ClaimedSignature:
    """`algorithm`: its URI. `fingerprint`: of the certificate that comes along, "" if none does."""

    algorithm: str
    fingerprint: str = ""


def of(message: bindings.Message) -> ClaimedSignature | None:
    """Return what the message says of the signature over it, None if it has none."""
    if message.signature is not None:
        return ClaimedSignature(message.signature.algorithm[:MAX_ALGORITHM])
    try:
        root = xml.parse(message.xml)
    except errors.InvalidMessage:
        return None
    found = next(root.iterchildren(vocabulary.name("ds:Signature")), None)
    if found is None:
        return None
    method = next(found.iter(vocabulary.name("ds:SignatureMethod")), None)
    algorithm = "" if method is None else str(method.get("Algorithm", ""))
    return ClaimedSignature(algorithm[:MAX_ALGORITHM], _fingerprint(found))


def _fingerprint(signature: xml.Element) -> str:
    held = next(signature.iter(vocabulary.name("ds:X509Certificate")), None)
    if held is None:
        return ""
    try:
        return certificate.fingerprint(certificate.load("".join(held.itertext())))
    except errors.InvalidMetadata:
        return ""
