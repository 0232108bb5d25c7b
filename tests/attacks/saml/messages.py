"""Hostile messages: wrong roots and versions, broken schemas, useless issuers and subjects."""

from __future__ import annotations

import re

from federation.saml import vocabulary
from tests.attacks.saml import service_provider
from tests.attacks.saml.attack import EVIL, WRAPPER, Document, Raw, one, several, text
from tests.attacks.saml.service_provider import SAMLP, ServiceProvider


@several(
    "message_type",
    {
        "LogoutRequest": "samlp:LogoutRequest",
        "Response": "samlp:Response",
        "Assertion": "saml:Assertion",
        "other_namespace": "x:AuthnRequest",
        "case": "samlp:authnRequest",
    },
)
def wrong_root(sp: ServiceProvider, tag: str) -> Document:
    return sp.text(tag=tag, attributes=WRAPPER)


@one("message_type")
def two_requests_in_one_root(sp: ServiceProvider) -> Document:
    forged = sp.text(identifier="_forged", acs_url=EVIL)
    return f"<x:a {WRAPPER}>{text(sp.signed())}{forged}</x:a>"


@one("message_type")
def saml_1_namespace(sp: ServiceProvider) -> Document:
    return sp.text().replace(SAMLP, "urn:oasis:names:tc:SAML:1.0:protocol")


@one("message_type")
def request_in_the_response_parameter(sp: ServiceProvider) -> Document:
    return Raw(sp.post(sp.signed(), kind="SAMLResponse"))


@several("version", {"1.1": "1.1", "3.0": "3.0", "empty": "", "2": "2"})
def wrong_version(sp: ServiceProvider, version: str) -> Document:
    return sp.text(version=version)


@one("version")
def version_by_prefix(sp: ServiceProvider) -> Document:
    return sp.text().replace(' Version="2.0"', ' samlp:Version="2.0"')


SCHEMA = {
    "two_issuers": {"inside": "<saml:Issuer>https://evil.example</saml:Issuer>"},
    "issuer_with_child": {"issuer": f"<saml:Issuer><x:a {WRAPPER}/></saml:Issuer>"},
    "attribute_by_prefix": {"attributes": 'samlp:IsPassive="true"'},
    "boolean": {"attributes": 'ForceAuthn="yes"'},
    "negative_index": {"attributes": 'AttributeConsumingServiceIndex="-1"'},
    "two_policies": {"inside": '<samlp:NameIDPolicy/><samlp:NameIDPolicy Format="urn:x"/>'},
    "request_in_extensions": {
        "inside": '<samlp:Extensions><samlp:AuthnRequest ID="_f" Version="2.0" '
        'IssueInstant="2026-01-01T00:00:00Z"/></samlp:Extensions>'
    },
    "request_inside": {
        "inside": '<samlp:AuthnRequest ID="_f" Version="2.0" IssueInstant="2026-01-01T00:00:00Z"/>'
    },
    "assertion_inside": {"inside": '<saml:Assertion ID="_f"/>'},
    "base_id": {"inside": "<saml:Subject><saml:BaseID/></saml:Subject>"},
}


@several("schema", SCHEMA)
def breaks_the_schema(sp: ServiceProvider, options: dict[str, str]) -> Document:
    return sp.text(**options)


@several("schema", {"before_issuer": 0, "twice": 2, "last": 3})
def signature_in_another_place(sp: ServiceProvider, position: int) -> Document:
    root = sp.signed(inside="<samlp:NameIDPolicy/>")
    if position == 2:
        return service_provider.sign(root)
    signature = root[1]
    root.remove(signature)
    root.insert(position, signature)
    return root


@several(
    "schema",
    {
        "SignedInfo": r"(<ds:SignedInfo>.*</ds:SignedInfo>)",
        "SignatureValue": r"(<ds:SignatureValue>.*</ds:SignatureValue>)",
        "DigestValue": r"(<ds:DigestValue>.*</ds:DigestValue>)",
        "SignatureMethod": r"(<ds:SignatureMethod[^>]*/>)",
    },
)
def twice_in_one_signature(sp: ServiceProvider, pattern: str) -> Document:
    return re.sub(pattern, r"\1\1", text(sp.signed()), flags=re.DOTALL)


@one("schema")
def element_in_digest_value(sp: ServiceProvider) -> Document:
    return text(sp.signed()).replace("</ds:DigestValue>", "<ds:X/></ds:DigestValue>")


@one("issuer")
def no_issuer(sp: ServiceProvider) -> Document:
    return re.sub(r"<saml:Issuer>.*</saml:Issuer>", "", sp.text())


@several("issuer", {"empty": "", "blank": " ", "long": "https://sp.example/" + "x" * 1_100})
def useless_issuer(sp: ServiceProvider, name: str) -> Document:
    return sp.text(issuer=f"<saml:Issuer>{name}</saml:Issuer>")


@one("issuer")
def issuer_is_a_person(sp: ServiceProvider) -> Document:
    return sp.text(
        issuer=f'<saml:Issuer Format="{vocabulary.EMAIL_ADDRESS}">{sp.entity_id}</saml:Issuer>'
    )


@several("acs_exclusive", {"url": "", "binding": f'ProtocolBinding="{vocabulary.POST}"'})
def index_beside(sp: ServiceProvider, other: str) -> Document:
    request = sp.text(attributes=f'AssertionConsumerServiceIndex="0" {other}')
    if other:
        return re.sub(r'AssertionConsumerServiceURL="[^"]*"', "", request)
    return request


@several(
    "subject",
    {
        "EncryptedID": "<saml:EncryptedID/>",
        "confirmation_only": f'<saml:SubjectConfirmation Method="{vocabulary.BEARER}"/>',
    },
)
def subject_without_name(sp: ServiceProvider, content: str) -> Document:
    if "EncryptedID" in content:
        content = (
            f'<saml:EncryptedID><xenc:EncryptedData xmlns:xenc="{vocabulary.XENC}">'
            "<xenc:CipherData><xenc:CipherValue>AAAA</xenc:CipherValue></xenc:CipherData>"
            "</xenc:EncryptedData></saml:EncryptedID>"
        )
    return sp.text(inside=f"<saml:Subject>{content}</saml:Subject>")


@several("instant", {"year": "12026-01-01T00:00:00Z", "midnight": "2026-01-01T24:00:00Z"})
def impossible_instant(sp: ServiceProvider, instant: str) -> Document:
    return re.sub(r'IssueInstant="[^"]*"', f'IssueInstant="{instant}"', sp.text())
