"""Enveloped XML signatures: verify, which returns the verified element, and sign (SAML Core §5).

`verify` inspects the shape of every signature (`signature_profile`), then lets xmlsec check the
one over the given element, with the peer's keys alone: KeyInfo is never read, and xmlsec knows
no transform but the four it needs. Read on only from the element that `verify` returns.

`sign` canonicalises with lxml and signs with the kept key object: no key is parsed per message.
"""

from __future__ import annotations

import base64
import copy
import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import xmlsec
from cryptography import x509
from cryptography.exceptions import InvalidSignature as BadSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from federation.saml import certificate, errors, signature_profile, vocabulary, xml

MAX_KEYS = 32

_HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
_DIGEST_OF_HASH = {name: uri for uri, name in signature_profile.DIGEST_ALGORITHMS.items()}

_REFERENCE_TRANSFORMS = (
    xmlsec.constants.TransformEnveloped,
    xmlsec.constants.TransformExclC14N,
    xmlsec.constants.TransformExclC14NWithComments,
    xmlsec.constants.TransformSha256,
    xmlsec.constants.TransformSha384,
    xmlsec.constants.TransformSha512,
)
_SIGNATURE_TRANSFORMS = (
    xmlsec.constants.TransformExclC14N,
    xmlsec.constants.TransformExclC14NWithComments,
    xmlsec.constants.TransformRsaSha256,
    xmlsec.constants.TransformRsaSha384,
    xmlsec.constants.TransformRsaSha512,
    xmlsec.constants.TransformEcdsaSha256,
    xmlsec.constants.TransformEcdsaSha384,
    xmlsec.constants.TransformEcdsaSha512,
)


@dataclass(frozen=True, slots=True, eq=False)
class VerificationKey:
    """A peer's public key from its metadata; kept, because a fresh one is slow to use first."""

    public_key: certificate.PublicKey
    kind: str = field(init=False)
    xmlsec_key: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the strength, find the kind (RSA or EC) and give xmlsec its own form."""
        strong = certificate.strong(self.public_key)
        pem = strong.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        kind = "RSA" if isinstance(strong, rsa.RSAPublicKey) else "EC"
        object.__setattr__(self, "kind", kind)
        object.__setattr__(
            self, "xmlsec_key", xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatPem, None)
        )


@functools.lru_cache(maxsize=4_096)
def verification_key(certificate_text: str) -> VerificationKey:
    """Return the key of a certificate (base64 DER, PEM) or of PEM itself, parsed once.

    Raises InvalidMetadata.
    """
    return VerificationKey(certificate.pinned_key(certificate_text))


class SigningKey:
    """Our private key with its certificate, kept for the life of the process."""

    __slots__ = ("_private_key", "certificate", "kind")

    def __init__(
        self,
        private_key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
        certificate_pem: str | bytes,
    ) -> None:
        """`certificate_pem`: of the same key; goes into KeyInfo. Raises InvalidMetadata."""
        pem = certificate_pem.encode() if isinstance(certificate_pem, str) else certificate_pem
        loaded = x509.load_pem_x509_certificate(pem)
        public_key = certificate.public_key(loaded)
        if public_key != private_key.public_key():
            raise errors.InvalidMetadata("certificate", "The certificate is not the key's own.")
        self._private_key = private_key
        self.certificate = certificate.base64_der(loaded)
        self.kind = "RSA" if isinstance(private_key, rsa.RSAPrivateKey) else "EC"

    @property
    def default_algorithm(self) -> str:
        """The signature algorithm to use where nothing else is asked for."""
        return vocabulary.RSA_SHA256 if self.kind == "RSA" else vocabulary.ECDSA_SHA256

    def sign(self, data: bytes, *, algorithm: str) -> bytes:
        """Return the signature value over `data` (RFC 9231 §2.3). Unknown algorithms raise."""
        kind, hash_name = _known(algorithm)
        if kind != self.kind:
            raise errors.InvalidContent("key_type", f"{algorithm} with a key of type {self.kind}")
        if isinstance(self._private_key, rsa.RSAPrivateKey):
            return self._private_key.sign(data, padding.PKCS1v15(), _HASHES[hash_name])
        return _concatenated(self._private_key, data, _HASHES[hash_name])


def _known(algorithm: str) -> tuple[str, str]:
    known = signature_profile.SIGNATURE_ALGORITHMS.get(algorithm)
    if known is None:
        raise errors.InvalidContent("signature_algorithm", f"{algorithm!r} is not allowed")
    return known


def _concatenated(
    key: ec.EllipticCurvePrivateKey, data: bytes, algorithm: hashes.HashAlgorithm
) -> bytes:
    """Return r and s side by side, as XML has them (XML Signature 1.1 §6.4.3)."""
    r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(algorithm)))
    size = (key.curve.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def is_signed(element: xml.Element) -> bool:
    """Tell whether a signature claims to be over `element`; says nothing about its worth."""
    return bool(xml.children(element, "ds:Signature"))


def verify(element: xml.Element, *, keys: Sequence[VerificationKey]) -> xml.Element:
    """Verify the enveloped signature over `element` and return that element (SAML Core §5.4).

    Inspects every signature of the document first. `keys`: all signing keys of the peer's
    metadata, tried in turn where their type fits the algorithm. Raises InvalidSignature.
    """
    root = element.getroottree().getroot()
    found = [one for one in signature_profile.inspect(root) if one.signed is element]
    if len(found) != 1:
        raise errors.InvalidSignature("signature_missing", f"no signature over {element.tag}")
    if not keys:
        raise errors.InvalidSignature("no_key", "signed, but no signing key of the peer is known")
    _check_canonical(element)
    kind, _ = signature_profile.SIGNATURE_ALGORITHMS[found[0].algorithm]
    fitting = [key for key in keys if key.kind == kind][:MAX_KEYS]
    if not fitting:
        raise errors.InvalidSignature("key_type", f"no {kind} key for {found[0].algorithm}")
    if not any(_verifies(found[0], key) for key in _signers(found[0], fitting)):
        raise errors.InvalidSignature("signature_value", "none of the peer's keys verifies it")
    return element


def _signers(
    signature: signature_profile.EnvelopedSignature, keys: Sequence[VerificationKey]
) -> list[VerificationKey]:
    """Return those of `keys` that made the SignatureValue over SignedInfo.

    SignedInfo is short. xmlsec, which decides, digests the whole message for every key that it is
    asked with: a stranger's message would cost as often as the peer has keys.
    """
    info, value = signature.element[0], signature.element[1]
    inclusive = [prefix for one in info[0] for prefix in one.get("PrefixList", "").split()]
    try:
        octets = xml.canonical(info, inclusive=inclusive)
    except errors.InvalidMessage as error:
        raise errors.InvalidSignature(error.check, error.detail) from error
    _, hash_name = signature_profile.SIGNATURE_ALGORITHMS[signature.algorithm]
    made = base64.b64decode(xml.text(value))
    return [key for key in keys if _verifies_octets(key, made, octets, _HASHES[hash_name])]


def _check_canonical(element: xml.Element) -> None:
    try:
        xml.check_canonical(element)
    except errors.InvalidMessage as error:
        raise errors.InvalidSignature(error.check, error.detail) from error


def _verifies(signature: signature_profile.EnvelopedSignature, key: VerificationKey) -> bool:
    """Ask xmlsec, with everything but the allowed transforms switched off."""
    context = xmlsec.SignatureContext()
    for transform in _REFERENCE_TRANSFORMS:
        context.enable_reference_transform(transform)
    for transform in _SIGNATURE_TRANSFORMS:
        context.enable_signature_transform(transform)
    context.key = key.xmlsec_key
    try:
        context.register_id(signature.signed, "ID", None)
        context.verify(signature.element)
    except xmlsec.Error:
        return False
    return True


def verify_octets(
    signature: bytes, data: bytes, *, algorithm: str, keys: Sequence[VerificationKey]
) -> None:
    """Verify a detached signature, that of the Redirect binding (SAML Bindings §3.4.4.1).

    Raises InvalidSignature; there is no fallback for an unknown algorithm.
    """
    known = signature_profile.SIGNATURE_ALGORITHMS.get(algorithm)
    if known is None:
        raise errors.InvalidSignature("signature_algorithm", f"{algorithm!r} is not allowed")
    if not keys:
        raise errors.InvalidSignature("no_key", "signed, but no signing key of the peer is known")
    kind, hash_name = known
    fitting = [key for key in keys if key.kind == kind][:MAX_KEYS]
    if not fitting:
        raise errors.InvalidSignature("key_type", f"no {kind} key for {algorithm}")
    if not any(_verifies_octets(key, signature, data, _HASHES[hash_name]) for key in fitting):
        raise errors.InvalidSignature("signature_value", "none of the peer's keys verifies it")


def _verifies_octets(
    key: VerificationKey, signature: bytes, data: bytes, algorithm: hashes.HashAlgorithm
) -> bool:
    try:
        if isinstance(key.public_key, rsa.RSAPublicKey):
            key.public_key.verify(signature, data, padding.PKCS1v15(), algorithm)
        else:
            size = (key.public_key.curve.key_size + 7) // 8
            if len(signature) != 2 * size:
                return False
            r, s = (int.from_bytes(half, "big") for half in (signature[:size], signature[size:]))
            encoded = utils.encode_dss_signature(r, s)
            key.public_key.verify(encoded, data, ec.ECDSA(algorithm))
    except BadSignature:
        return False
    return True


def sign(element: xml.Element, *, key: SigningKey, algorithm: str | None = None) -> None:
    """Insert the enveloped signature over `element`, right after its Issuer (SAML Core §5.4).

    `element` must have its ID and all its content, and must not change afterwards.
    """
    algorithm = algorithm or key.default_algorithm
    _, hash_name = _known(algorithm)
    digest = hashlib.new(hash_name, xml.canonical(element)).digest()
    signature = copy.deepcopy(_blank(algorithm, key.certificate))
    info, value, _ = signature
    reference = info[-1]
    xml.set_attribute(reference, "URI", f"#{element.attrib['ID']}")
    xml.add(reference, "ds:DigestValue", _base64(digest))
    value.text = _base64(key.sign(xml.canonical(info), algorithm=algorithm))
    after_issuer = len(element) and element[0].tag == vocabulary.name("saml:Issuer")
    element.insert(1 if after_issuer else 0, signature)


@functools.lru_cache(maxsize=64)
def _blank(algorithm: str, certificate_base64: str) -> xml.Element:
    """Return a ds:Signature without reference, digest and value, to be copied, never changed."""
    _, hash_name = _known(algorithm)
    signature = xml.new("ds:Signature")
    info = xml.add(signature, "ds:SignedInfo")
    _add_method(info, "ds:CanonicalizationMethod", vocabulary.EXCLUSIVE_C14N)
    _add_method(info, "ds:SignatureMethod", algorithm)
    reference = xml.add(info, "ds:Reference")
    transforms = xml.add(reference, "ds:Transforms")
    _add_method(transforms, "ds:Transform", vocabulary.ENVELOPED_SIGNATURE)
    _add_method(transforms, "ds:Transform", vocabulary.EXCLUSIVE_C14N)
    _add_method(reference, "ds:DigestMethod", _DIGEST_OF_HASH[hash_name])
    xml.add(signature, "ds:SignatureValue")
    data = xml.add(xml.add(signature, "ds:KeyInfo"), "ds:X509Data")
    xml.add(data, "ds:X509Certificate", certificate_base64)
    return signature


def _add_method(parent: xml.Element, name: str, algorithm: str) -> None:
    xml.add(parent, name, attributes={"Algorithm": algorithm})


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")
