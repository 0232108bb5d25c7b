"""Hostile messages: wrong roots and versions, broken schemas, useless issuers and subjects."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from federation.saml import vocabulary
from tests.attacks.saml import service_provider
from tests.attacks.saml.attack import (
    WRAPPER,
    Document,
    Raw,
    forgery,
    one,
    several,
    text,
    within_extensions,
)
from tests.attacks.saml.message_types import AUTHN_REQUEST, POST, TYPES, MessageType
from tests.attacks.saml.service_provider import SAMLP, ServiceProvider


@several(
    "message_type",
    {
        "Response": "samlp:Response",
        "Assertion": "saml:Assertion",
        "other_namespace": "x:{}",
        "assertion_namespace": "saml:{}",
        "longer": "samlp:{}s",
    },
)
def wrong_root(sp: ServiceProvider, tag: str) -> Document:
    return sp.text(tag=tag.format(sp.message.local), attributes=WRAPPER)


@several("message_type", {one.local: one for one in TYPES})
def another_message(sp: ServiceProvider, other: MessageType) -> Document:
    """A good one of another type; for its own, one in the wrong case."""
    if other is sp.message:
        return sp.text(tag=f"samlp:{sp.message.local.lower()}")
    return replace(sp, message=other).signed()


@one("message_type")
def two_messages_in_one_root(sp: ServiceProvider) -> Document:
    return f"<x:a {WRAPPER}>{text(sp.signed())}{sp.text(**forgery(sp))}</x:a>"


@one("message_type")
def saml_1_namespace(sp: ServiceProvider) -> Document:
    return sp.text().replace(SAMLP, "urn:oasis:names:tc:SAML:1.0:protocol")


@one("message_type", by=(POST,))
def in_the_other_parameter(sp: ServiceProvider) -> Document:
    (other,) = {"SAMLRequest", "SAMLResponse"} - {sp.message.parameter}
    return Raw(sp.post(sp.signed(), kind=other))


@several("version", {"1.1": "1.1", "3.0": "3.0", "empty": "", "2": "2"})
def wrong_version(sp: ServiceProvider, version: str) -> Document:
    return sp.text(version=version)


@one("version")
def version_by_prefix(sp: ServiceProvider) -> Document:
    return sp.text().replace(' Version="2.0"', ' samlp:Version="2.0"')


NO_REQUEST = 'ID="_f" Version="2.0" IssueInstant="2026-01-01T00:00:00Z"'
SCHEMA = {
    "two_issuers": {"inside": "<saml:Issuer>https://evil.example</saml:Issuer>"},
    "issuer_with_child": {"issuer": f"<saml:Issuer><x:a {WRAPPER}/></saml:Issuer>"},
    "attribute_by_prefix": {"attributes": 'samlp:Consent="urn:x"'},
    "unknown_attribute": {"attributes": 'Evil="true"'},
    "message_in_extensions": {
        "inside": f"<samlp:Extensions><samlp:LogoutRequest {NO_REQUEST}/></samlp:Extensions>"
    },
    "message_inside": {"inside": f"<samlp:LogoutRequest {NO_REQUEST}/>"},
    "assertion_inside": {"inside": '<saml:Assertion ID="_f"/>'},
    "two_extensions": {"inside": within_extensions("") * 2},
    "empty_extensions": {"inside": "<samlp:Extensions/>"},
    "text_between": {"inside": "evil"},
}


@several("schema", SCHEMA)
def breaks_the_schema(sp: ServiceProvider, options: dict[str, str]) -> Document:
    return sp.text(**options)


@several(
    "schema",
    {"boolean": 'ForceAuthn="yes"', "negative_index": 'AttributeConsumingServiceIndex="-1"'},
    types=(AUTHN_REQUEST,),
)
def attribute_breaks_the_schema(sp: ServiceProvider, attribute: str) -> Document:
    return sp.text(attributes=attribute)


def _with_broken_content(content: str) -> Callable[[ServiceProvider], Document]:
    return lambda sp: sp.signed(content=content)


for _type in TYPES:
    for _name, _content in _type.broken.items():
        one("schema", types=(_type,), name=f"broken_content[{_name}]")(
            _with_broken_content(_content)
        )


@several("schema", {"before_issuer": 0, "after_extensions": 2, "last": 99, "twice": -1})
def signature_in_another_place(sp: ServiceProvider, position: int) -> Document:
    root = sp.signed(inside=within_extensions(""))
    if position < 0:
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


@several(
    "acs_exclusive",
    {"url": "", "binding": f'ProtocolBinding="{vocabulary.POST}"'},
    types=(AUTHN_REQUEST,),
)
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
    types=(AUTHN_REQUEST,),
)
def subject_without_name(sp: ServiceProvider, content: str) -> Document:
    if "EncryptedID" in content:
        content = (
            f'<saml:EncryptedID><xenc:EncryptedData xmlns:xenc="{vocabulary.XENC}">'
            "<xenc:CipherData><xenc:CipherValue>AAAA</xenc:CipherValue></xenc:CipherData>"
            "</xenc:EncryptedData></saml:EncryptedID>"
        )
    return sp.text(inside=f"<saml:Subject>{content}</saml:Subject>")


@several(
    "instant",
    {"year": "12026-01-01T00:00:00Z", "midnight": "2026-01-01T24:00:00Z"},
    types=(AUTHN_REQUEST,),
)
def impossible_instant(sp: ServiceProvider, instant: str) -> Document:
    return re.sub(r'IssueInstant="[^"]*"', f'IssueInstant="{instant}"', sp.text())
