"""Hostile algorithms, foreign keys, substituted keys, changes after signing."""

from __future__ import annotations

import base64
import re

import xmlsec
from cryptography.hazmat.primitives import serialization
from lxml import etree

from federation.saml import vocabulary
from tests.attacks.saml import service_provider
from tests.attacks.saml.attack import EVIL, Document, one, several, text
from tests.attacks.saml.message_types import AUTHN_REQUEST, TYPES
from tests.attacks.saml.references import EXCLUSIVE, INCLUSIVE, XPATH_URI, XSLT, XSLT_URI
from tests.attacks.saml.service_provider import DS, ServiceProvider, Shape


@several(
    "canonicalisation_algorithm",
    {"inclusive": INCLUSIVE, "with_comments": INCLUSIVE + "#WithComments"},
)
def canonicalisation(sp: ServiceProvider, uri: str) -> Document:
    return sp.signed(shape=Shape(canonicalisation=uri))


@several("canonicalisation_algorithm", {"xslt": XSLT_URI, "xpath": XPATH_URI, "none": "urn:x"})
def canonicalisation_by_program(sp: ServiceProvider, uri: str) -> Document:
    return text(sp.signed()).replace(
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"',
        f'<ds:CanonicalizationMethod Algorithm="{uri}"',
    )


@one("schema")
def canonicalisation_with_a_stylesheet(sp: ServiceProvider) -> Document:
    return text(sp.signed()).replace(
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>',
        f'<ds:CanonicalizationMethod Algorithm="{XSLT_URI}">{XSLT}</ds:CanonicalizationMethod>',
    )


@one("digest_algorithm")
def sha1_digest(sp: ServiceProvider) -> Document:
    return sp.signed(shape=Shape(digest=DS + "sha1"))


@several(
    "digest_algorithm",
    {"md5": "http://www.w3.org/2001/04/xmldsig-more#md5", "unknown": "urn:x", "empty": ""},
)
def weak_digest(sp: ServiceProvider, uri: str) -> Document:
    return text(sp.signed()).replace(vocabulary.SHA256, uri)


@one("signature_algorithm")
def rsa_sha1(sp: ServiceProvider) -> Document:
    return sp.signed(shape=Shape(method=DS + "rsa-sha1"))


@several(
    "signature_algorithm",
    {
        "rsa_md5": "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "dsa_sha1": DS + "dsa-sha1",
        "ecdsa_sha1": "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1",
        "unknown": "urn:example:signature",
        "empty": "",
        "case": vocabulary.RSA_SHA256.upper(),
    },
)
def signature_algorithm(sp: ServiceProvider, uri: str) -> Document:
    return text(sp.signed()).replace(vocabulary.RSA_SHA256, uri)


def secrets(sp: ServiceProvider) -> dict[str, bytes]:
    """Everything public that could be taken for the secret of an HMAC."""
    encoding, public = serialization.Encoding, serialization.PublicFormat.SubjectPublicKeyInfo
    key = sp.certificate.public_key()
    return {
        "certificate_pem": service_provider.pem(sp.certificate).encode(),
        "certificate_der": sp.certificate.public_bytes(encoding.DER),
        "certificate_base64": service_provider.base64_der(sp.certificate).encode(),
        "key_pem": key.public_bytes(encoding.PEM, public),
        "key_der": key.public_bytes(encoding.DER, public),
    }


HMACS = {
    f"{algorithm}-{secret}": (uri, secret)
    for algorithm, uri in (
        ("sha1", DS + "hmac-sha1"),
        ("sha256", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"),
    )
    for secret in ("certificate_pem", "certificate_der", "certificate_base64", "key_pem", "key_der")
}


@several("signature_algorithm", HMACS)
def hmac_keyed_with_something_public(sp: ServiceProvider, variant: tuple[str, str]) -> Document:
    uri, name = variant
    secret = secrets(sp)[name]
    key = xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataHmac, secret)
    return sp.signed(shape=Shape(method=uri), key=key)


@one("signature_children")
def output_length(sp: ServiceProvider) -> Document:
    method = f'<ds:SignatureMethod Algorithm="{vocabulary.RSA_SHA256}"'
    length = f"{method}><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>"
    return text(sp.signed()).replace(method + "/>", length)


@several("signature_value", {"bare": False, "with_its_certificate": True})
def foreign_key(sp: ServiceProvider, with_certificate: bool) -> Document:
    foreign = service_provider.rsa_key("foreign")
    info = service_provider.key_info(service_provider.certificate(foreign))
    shape = Shape(key_info=info if with_certificate else "")
    return sp.signed(shape=shape, key=service_provider.xmlsec_key(foreign))


@one("signature_value")
def foreign_key_with_the_right_certificate(sp: ServiceProvider) -> Document:
    shape = Shape(key_info=service_provider.key_info(sp.certificate))
    return sp.signed(
        shape=shape, key=service_provider.xmlsec_key(service_provider.rsa_key("foreign"))
    )


@one("signature_value")
def foreign_key_value(sp: ServiceProvider) -> Document:
    foreign = service_provider.rsa_key("foreign")
    numbers = foreign.public_key().public_numbers()
    modulus, exponent = (
        base64.b64encode(number.to_bytes(size, "big")).decode()
        for number, size in ((numbers.n, 256), (numbers.e, 3))
    )
    info = (
        f"<ds:KeyInfo><ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{modulus}</ds:Modulus>"
        f"<ds:Exponent>{exponent}</ds:Exponent></ds:RSAKeyValue></ds:KeyValue></ds:KeyInfo>"
    )
    return sp.signed(shape=Shape(key_info=info), key=service_provider.xmlsec_key(foreign))


@one("key_type")
def elliptic_curve_key(sp: ServiceProvider) -> Document:
    key = service_provider.xmlsec_key(service_provider.ec_key("foreign"))
    return sp.signed(shape=Shape(method=vocabulary.ECDSA_SHA256), key=key)


@several(
    "key_info",
    {
        "RetrievalMethod": f'<ds:RetrievalMethod URI="#k"><ds:Transforms><ds:Transform '
        f'Algorithm="{XSLT_URI}">{XSLT}</ds:Transform></ds:Transforms></ds:RetrievalMethod>',
        "EncryptedKey": f'<e:EncryptedKey xmlns:e="{vocabulary.XENC}"><e:CipherData>'
        "<e:CipherValue>AAAA</e:CipherValue></e:CipherData></e:EncryptedKey>",
        "MgmtData": "<ds:MgmtData>AAAA</ds:MgmtData>",
    },
)
def key_from_elsewhere(sp: ServiceProvider, content: str) -> Document:
    root = sp.signed()
    root[1].append(etree.fromstring(f'<ds:KeyInfo xmlns:ds="{DS}">{content}</ds:KeyInfo>'))
    return root


@several(
    "signature_value",
    {
        "destination": ('Destination="', 'Destination="x'),
        "added_attribute": (" Version=", ' Consent="urn:x" Version='),
        "issue_instant": ('IssueInstant="2', 'IssueInstant="3'),
        "identifier": ('"_request"', '"_other"'),
        "format": ("<saml:Issuer>", f'<saml:Issuer Format="{vocabulary.ENTITY}">'),
        "white_space": ("</saml:Issuer>", " </saml:Issuer>"),
    },
)
def changed_after_signing(sp: ServiceProvider, change: tuple[str, str]) -> Document:
    old, new = change
    if old == '"_request"':
        return text(sp.signed()).replace(old, new).replace('"#_request"', '"#_other"')
    return text(sp.signed()).replace(old, new, 1)


@one("signature_value", types=(AUTHN_REQUEST,))
def acs_changed_after_signing(sp: ServiceProvider) -> Document:
    return text(sp.signed()).replace(sp.acs_url, EVIL)


@one("signature_value", types=tuple(one for one in TYPES if one.forged))
def content_changed_after_signing(sp: ServiceProvider) -> Document:
    """The signature of a good message on one that says something else."""
    forged, signed = sp.element(content=sp.message.forged), sp.signed()
    forged.insert(1, signed[1])
    return forged


@several("signature_base64", {"SignatureValue": "SignatureValue", "DigestValue": "DigestValue"})
def empty_value(sp: ServiceProvider, name: str) -> Document:
    return re.sub(rf"<ds:{name}>[^<]*</ds:{name}>", f"<ds:{name}/>", text(sp.signed()))
