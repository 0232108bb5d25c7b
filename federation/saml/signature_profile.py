"""What a ds:Signature may look like, before any library processes it (SAML Core §5.4).

xmlsec runs what a signature says: XSLT, XPath, many references, before it knows the key. So every
ds:Signature of the document is inspected first, by position and by closed lists of children and
algorithms. Verifies nothing: see `signature`.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Container
from dataclasses import dataclass

from federation.saml import errors, vocabulary, xml

SIGNATURE_ALGORITHMS = {
    vocabulary.RSA_SHA256: ("RSA", "sha256"),
    vocabulary.RSA_SHA384: ("RSA", "sha384"),
    vocabulary.RSA_SHA512: ("RSA", "sha512"),
    vocabulary.ECDSA_SHA256: ("EC", "sha256"),
    vocabulary.ECDSA_SHA384: ("EC", "sha384"),
    vocabulary.ECDSA_SHA512: ("EC", "sha512"),
}
DIGEST_ALGORITHMS = {
    vocabulary.SHA256: "sha256",
    vocabulary.SHA384: "sha384",
    vocabulary.SHA512: "sha512",
}
CANONICALISATIONS = (vocabulary.EXCLUSIVE_C14N, vocabulary.EXCLUSIVE_C14N_WITH_COMMENTS)
MAX_PREFIXES = 10

# Whatever carries an enveloped signature in SAML: the messages, assertions, metadata.
SIGNABLE = frozenset(
    vocabulary.name(name)
    for name in (
        "samlp:AuthnRequest",
        "samlp:LogoutRequest",
        "samlp:LogoutResponse",
        "samlp:ArtifactResolve",
        "samlp:ArtifactResponse",
        "samlp:AttributeQuery",
        "samlp:Response",
        "saml:Assertion",
        "md:EntityDescriptor",
        "md:EntitiesDescriptor",
    )
)

_SIGNATURE = vocabulary.name("ds:Signature")
_INCLUSIVE_NAMESPACES = f"{{{vocabulary.EXCLUSIVE_C14N}}}InclusiveNamespaces"
_KEY_INFO_CHILDREN = frozenset(
    vocabulary.name(name) for name in ("ds:KeyName", "ds:KeyValue", "ds:X509Data")
)
_WHITE_SPACE = re.compile(r"[ \t\r\n]+")


@dataclass(frozen=True, slots=True, eq=False)
class EnvelopedSignature:
    """A signature whose shape is allowed. `signed`: its parent, which its Reference names."""

    element: xml.Element
    signed: xml.Element
    algorithm: str


def inspect(root: xml.Element) -> list[EnvelopedSignature]:
    """Return every signature of the document. Raises InvalidSignature if one is out of shape."""
    return [_inspect(element) for element in root.iter(_SIGNATURE)]


def _inspect(element: xml.Element) -> EnvelopedSignature:
    signed = _signed_parent(element)
    info, value, *rest = _children(
        element, "ds:SignedInfo", "ds:SignatureValue", optional="ds:KeyInfo"
    )
    canonicalisation, method, reference = _children(
        info, "ds:CanonicalizationMethod", "ds:SignatureMethod", "ds:Reference"
    )
    _check_canonicalisation(canonicalisation)
    algorithm = _algorithm(method, allowed=SIGNATURE_ALGORITHMS, check="signature_algorithm")
    _children(method)
    _check_reference(reference, signed)
    _check_base64(value)
    for key_info in rest:
        _check_key_info(key_info)
    return EnvelopedSignature(element=element, signed=signed, algorithm=algorithm)


def _signed_parent(element: xml.Element) -> xml.Element:
    """Return the parent: something signable, with the signature where SAML puts it.

    That is right after Issuer, or first where there is no Issuer (metadata). A second signature in
    the same parent is in neither place.
    """
    parent = element.getparent()
    if parent is None or parent.tag not in SIGNABLE:
        raise errors.InvalidSignature("signature_parent", "a signature in an unexpected place")
    before = list(element.itersiblings(preceding=True))
    if before != xml.children(parent, "saml:Issuer"):
        raise errors.InvalidSignature("signature_position", "a signature not after its Issuer")
    return parent


def _children(element: xml.Element, *names: str, optional: str = "") -> list[xml.Element]:
    """Return the children, which must be exactly `names`, then perhaps one `optional`."""
    found = [child.tag for child in element]
    wanted = [vocabulary.name(name) for name in names]
    if found != wanted and not (optional and found == [*wanted, vocabulary.name(optional)]):
        raise errors.InvalidSignature("signature_children", f"{element.tag} holds {found}")
    return list(element)


def _algorithm(element: xml.Element, *, allowed: Container[str], check: str) -> str:
    """Return the Algorithm, which must be the only attribute and in the closed list."""
    algorithm: str = element.get("Algorithm", "")
    if algorithm not in allowed or len(element.attrib) != 1:
        raise errors.InvalidSignature(check, f"{element.tag}: {algorithm!r}")
    return algorithm


def _check_canonicalisation(element: xml.Element) -> None:
    """Only exclusive canonicalisation, with few and bound extra prefixes (SAML Core §5.4.3)."""
    _algorithm(element, allowed=CANONICALISATIONS, check="canonicalisation_algorithm")
    if [child.tag for child in element] not in ([], [_INCLUSIVE_NAMESPACES]):
        raise errors.InvalidSignature("signature_children", f"inside {element.tag}")
    for inclusive in element:
        prefixes = inclusive.get("PrefixList", "").split()
        bound = all(prefix in inclusive.nsmap for prefix in prefixes)
        if len(prefixes) > MAX_PREFIXES or not bound or len(inclusive):
            raise errors.InvalidSignature("inclusive_namespaces", f"{prefixes[:20]}")


def _check_reference(element: xml.Element, signed: xml.Element) -> None:
    """One Reference, to the parent's own ID and nothing else (SAML Core §5.4.2)."""
    identifier = signed.get("ID")
    if dict(element.attrib) != {"URI": f"#{identifier}"} or not identifier:
        raise errors.InvalidSignature("reference_uri", f"{dict(element.attrib)}, not #{identifier}")
    transforms, method, value = _children(
        element, "ds:Transforms", "ds:DigestMethod", "ds:DigestValue"
    )
    _check_transforms(transforms)
    _algorithm(method, allowed=DIGEST_ALGORITHMS, check="digest_algorithm")
    _children(method)
    _check_base64(value)


def _check_transforms(element: xml.Element) -> None:
    """Exactly enveloped-signature, then exclusive canonicalisation (SAML Core §5.4.4)."""
    algorithms = [child.get("Algorithm", "") for child in element]
    allowed = [[vocabulary.ENVELOPED_SIGNATURE, method] for method in CANONICALISATIONS]
    if algorithms not in allowed:
        raise errors.InvalidSignature("transforms", f"{algorithms[:5]}")
    enveloped, canonicalisation = _children(element, "ds:Transform", "ds:Transform")
    _children(enveloped)
    _check_canonicalisation(canonicalisation)


def _check_base64(element: xml.Element) -> None:
    try:
        value = _WHITE_SPACE.sub("", xml.text(element))
        octets = binascii.a2b_base64(value, strict_mode=True)
    except (ValueError, errors.InvalidMessage) as error:
        raise errors.InvalidSignature("signature_base64", f"{element.tag}: {error}") from error
    if not octets:
        raise errors.InvalidSignature("signature_base64", f"{element.tag} is empty")


def _check_key_info(element: xml.Element) -> None:
    """KeyInfo is never used; nothing in it may point elsewhere (RetrievalMethod)."""
    if any(child.tag not in _KEY_INFO_CHILDREN for child in element):
        raise errors.InvalidSignature("key_info", f"{[child.tag for child in element]}")
