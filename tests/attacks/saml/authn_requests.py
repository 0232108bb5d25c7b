"""Hostile AuthnRequests, each with the one check that stops it (the attack table of SAML).

Wherever it can be, the signature is good: made by the service provider's own key over what its
Reference says. So if the named check goes, the message gets further than it should, and the test
that compares the check fails. `ATTACKS` holds functions of a service provider; `payload(attack, sp)`
gives the raw query (Redirect) or form body (POST) for a request over HTTP.
"""

from __future__ import annotations

import base64
import functools
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import xmlsec
from lxml import etree

from federation.saml import vocabulary
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import DS, SAML, SAMLP, ServiceProvider, Shape

EVIL = "https://evil.example/acs"
POST = "post"
REDIRECT = "redirect"
WRAPPER = 'xmlns:x="urn:example:wrapper"'

Document = Any


@dataclass(frozen=True)
class Attack:
    """One hostile message. `check`: the name of the rule that must refuse it."""

    name: str
    check: str
    binding: str
    build: Callable[[ServiceProvider], Any]


ATTACKS: list[Attack] = []


def payload(attack: Attack, sp: ServiceProvider) -> bytes:
    """The raw query or form body of an attack."""
    built = attack.build(sp)
    if isinstance(built, Raw):
        return built.payload
    return sp.post(built) if attack.binding == POST else sp.redirect(built)


@dataclass(frozen=True)
class Raw:
    """A query or body that is to be sent as it is."""

    payload: bytes


def attack(check: str, *, binding: str = POST, name: str = "") -> Any:
    """Register a function that builds an attack; its name is the attack's."""

    def register(build: Callable[[ServiceProvider], Any]) -> Callable[[ServiceProvider], Any]:
        ATTACKS.append(Attack(name or build.__name__, check, binding, build))
        return build

    return register


def several(check: str, variants: dict[str, Any], *, binding: str = POST) -> Any:
    """Register a function of a service provider and a variant, once for each variant."""

    def register(build: Callable[[ServiceProvider, Any], Any]) -> Any:
        for name, variant in variants.items():
            ATTACKS.append(
                Attack(
                    f"{build.__name__}[{name}]",
                    check,
                    binding,
                    functools.partial(_with, build, variant),
                )
            )
        return build

    return register


def _with(build: Callable[[ServiceProvider, Any], Any], variant: Any, sp: ServiceProvider) -> Any:
    return build(sp, variant)


def text(element: Any) -> str:
    """An element as text, to be mutilated."""
    return etree.tostring(element, encoding="unicode")


def within_extensions(content: str) -> str:
    """Something in a place that the schema leaves open."""
    return f"<samlp:Extensions><x:any {WRAPPER}>{content}</x:any></samlp:Extensions>"


def within_confirmation(content: str) -> str:
    """Something in the other open place: SubjectConfirmationData."""
    return (
        "<saml:Subject><saml:NameID>alice</saml:NameID><saml:SubjectConfirmation "
        f'Method="{vocabulary.BEARER}"><saml:SubjectConfirmationData>{content}'
        "</saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject>"
    )


# --- Octets: encodings and entities --------------------------------------------------------------

DOCTYPES = {
    "empty": "<!DOCTYPE samlp:AuthnRequest>",
    "internal_entity": '<!DOCTYPE a [<!ENTITY e "https://evil.example">]>',
    "external_entity_file": '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
    "external_entity_http": '<!DOCTYPE a [<!ENTITY e SYSTEM "http://127.0.0.1:9/">]>',
    "external_dtd": '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/evil.dtd">',
    "public_dtd": '<!DOCTYPE a PUBLIC "-//x//y" "http://127.0.0.1:9/evil.dtd">',
    "parameter_entity": '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p"> %p;]>',
    "default_attribute": '<!DOCTYPE a [<!ATTLIST samlp:AuthnRequest IsPassive CDATA "true">]>',
    "id_attribute": "<!DOCTYPE a [<!ATTLIST samlp:AuthnRequest ID ID #REQUIRED>]>",
    "entity_bomb": "<!DOCTYPE a [<!ENTITY a0 'ha'>"
    + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))
    + "<!ENTITY e '&a9;'>]>",
    "quadratic_blow_up": f"<!DOCTYPE a [<!ENTITY e '{'x' * 50_000}'>]>",
}


@several("doctype", DOCTYPES)
def doctype(sp: ServiceProvider, declaration: str) -> Document:
    used = "e;" in declaration or "ENTITY e " in declaration
    extensions = within_extensions("&e;" * 200 if used and "external" not in declaration else "")
    return declaration + sp.text(inside=extensions)


@attack("doctype")
def doctype_after_declaration_and_white_space(sp: ServiceProvider) -> Document:
    return '<?xml version="1.0"?>\n\n  <!DOCTYPE a>' + text(sp.signed())


@attack("utf8")
def doctype_hidden_in_utf_16(sp: ServiceProvider) -> Document:
    return ("<!DOCTYPE a>" + sp.text()).encode("utf-16")


@attack("utf8")
def broken_utf8(sp: ServiceProvider) -> Document:
    return sp.text(attributes='ProviderName="\udcff"').encode("utf-8", "surrogateescape")


@attack("utf8")
def overlong_utf8(sp: ServiceProvider) -> Document:
    return sp.text().encode().replace(b'ID="_', b'ID="\xc1\x9f', 1)


@several("encoding", {"utf_7": "UTF-7", "latin_1": "ISO-8859-1", "ebcdic": "cp037"})
def declared_encoding(sp: ServiceProvider, name: str) -> Document:
    return f'<?xml version="1.0" encoding="{name}"?>' + sp.text()


@attack("xml_version")
def xml_1_1(sp: ServiceProvider) -> Document:
    return '<?xml version="1.1"?>' + sp.text()


@several(
    "well_formed",
    {
        "no_xml": "SAMLRequest",
        "json": '{"ID": "_a"}',
        "cut_off": "<samlp:AuthnRequest xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol'>",
        "unbound_prefix": "<samlp:AuthnRequest/>",
        "entity_without_doctype": f'<a xmlns="{SAMLP}">&xxe;</a>',
        "nul": f'<a xmlns="{SAMLP}">\0</a>',
        "same_attribute_twice": f'<a xmlns="{SAMLP}" ID="_1" ID="_2"/>',
        "same_attribute_by_two_prefixes": '<a xmlns:p="urn:p" xmlns:q="urn:p" p:v="1" q:v="2"/>',
        "xml_prefix_bound_elsewhere": '<a xmlns:xml="urn:evil"/>',
        "xmlns_prefix_bound": '<a xmlns:xmlns="urn:evil"/>',
    },
)
def not_well_formed(sp: ServiceProvider, document: str) -> Document:
    return document


@several("well_formed", {"before": True, "after": False})
def second_request_beside_the_root(sp: ServiceProvider, before: bool) -> Document:
    signed, forged = text(sp.signed()), sp.text(identifier="_forged", acs_url=EVIL)
    return forged + signed if before else signed + forged


@attack("size")
def too_large(sp: ServiceProvider) -> Document:
    return sp.text(inside=within_extensions("x" * 262_144))


# --- Nodes ---------------------------------------------------------------------------------------

HIDDEN = {"comment": "<!-- -->", "instruction": "<?php exit ?>"}


@several("comment", HIDDEN)
def in_issuer(sp: ServiceProvider, node: str) -> Document:
    name = f"{sp.entity_id[:12]}{node}{sp.entity_id[12:]}"
    return sp.text(issuer=f"<saml:Issuer>{name}</saml:Issuer>")


@several("comment", HIDDEN)
def in_issuer_after_signing(sp: ServiceProvider, node: str) -> Document:
    # Canonicalisation drops comments: the signature stays good.
    return text(sp.signed()).replace("</saml:Issuer>", f"{node}.evil.example</saml:Issuer>", 1)


@several("comment", HIDDEN)
def in_name_id(sp: ServiceProvider, node: str) -> Document:
    return sp.text(
        inside=f"<saml:Subject><saml:NameID>admin@x{node}.evil</saml:NameID></saml:Subject>"
    )


@several("comment", HIDDEN)
def before_the_root(sp: ServiceProvider, node: str) -> Document:
    return node + text(sp.signed())


@several("comment", HIDDEN)
def after_the_root(sp: ServiceProvider, node: str) -> Document:
    return text(sp.signed()) + node


@several("comment", {"DigestValue": "DigestValue", "SignatureValue": "SignatureValue"})
def comment_in_signature(sp: ServiceProvider, name: str) -> Document:
    return text(sp.signed()).replace(f"</ds:{name}>", f"<!-- -->AAAA</ds:{name}>")


@attack("comment")
def comment_in_signed_info(sp: ServiceProvider) -> Document:
    return text(sp.signed()).replace("<ds:Reference", "<!-- --><ds:Reference", 1)


@attack("depth")
def deep_nesting(sp: ServiceProvider) -> Document:
    return sp.text(inside=within_extensions("<x:a>" * 60 + "</x:a>" * 60))


@attack("well_formed")
def very_deep_nesting(sp: ServiceProvider) -> Document:
    return sp.text(inside=within_extensions("<x:a>" * 20_000 + "</x:a>" * 20_000))


@attack("elements")
def many_elements(sp: ServiceProvider) -> Document:
    return sp.text(inside=within_extensions("<x:a/>" * 2_000))


@attack("attribute_size")
def huge_attribute(sp: ServiceProvider) -> Document:
    return sp.text(attributes=f'ProviderName="{"x" * 100_000}"')


@attack("elements")
def many_elements_with_attributes(sp: ServiceProvider) -> Document:
    return sp.text(inside=within_extensions('<x:a b="" c=""/>' * 1_500))


@attack("namespaces")
def many_namespaces(sp: ServiceProvider) -> Document:
    declared = " ".join(f'xmlns:n{number}="urn:n{number}"' for number in range(500))
    return sp.text(attributes=declared)


@several("relative_namespace", {"path": "evil", "dots": "../x", "slash": "/x", "query": "?x"})
def relative_namespace(sp: ServiceProvider, uri: str) -> Document:
    # libxml2 canonicalises such a document to nothing at all.
    return sp.text(attributes=f'xmlns:r="{uri}"')


@several("relative_namespace", {"nested": "nested", "default": ""})
def relative_namespace_inside(sp: ServiceProvider, prefix: str) -> Document:
    declared = f'xmlns:{prefix}="evil"' if prefix else 'xmlns="evil"'
    return sp.text(inside=within_extensions(f"<x:a {declared}/>"))


@several("duplicate_id", {"ID": "ID", "Id": "Id", "id": "id", "xml_id": "xml:id"})
def same_id_elsewhere(sp: ServiceProvider, attribute: str) -> Document:
    return sp.text(inside=within_extensions(f'<x:a {attribute}="_request"/>'))


@attack("duplicate_id")
def two_ids_on_one_element(sp: ServiceProvider) -> Document:
    return sp.text(attributes='xml:id="_request"')


@several(
    "id_syntax",
    {
        "digit": "1request",
        "empty": "",
        "space": "a b",
        "colon": "a:b",
        "xpointer": "a')|//*|id('",
        "long": "_" + "x" * 300,
    },
)
def malformed_id(sp: ServiceProvider, identifier: str) -> Document:
    return sp.text(identifier=identifier)


@several("qualified_id", {"own": "samlp:ID", "assertion": "saml:ID", "lower": "saml:id"})
def id_with_a_prefix(sp: ServiceProvider, attribute: str) -> Document:
    return sp.text(attributes=f'{attribute}="_other"')


# --- The message itself --------------------------------------------------------------------------


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


@attack("message_type")
def two_requests_in_one_root(sp: ServiceProvider) -> Document:
    forged = sp.text(identifier="_forged", acs_url=EVIL)
    return f"<x:a {WRAPPER}>{text(sp.signed())}{forged}</x:a>"


@attack("message_type")
def saml_1_namespace(sp: ServiceProvider) -> Document:
    return sp.text().replace(SAMLP, "urn:oasis:names:tc:SAML:1.0:protocol")


@attack("message_type")
def request_in_the_response_parameter(sp: ServiceProvider) -> Document:
    return Raw(sp.post(sp.signed(), kind="SAMLResponse"))


@several("version", {"1.1": "1.1", "3.0": "3.0", "empty": "", "2": "2"})
def wrong_version(sp: ServiceProvider, version: str) -> Document:
    return sp.text(version=version)


@attack("version")
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
    again = service_provider.blank(Shape(), identifier="_request")
    if position == 2:
        service_provider.sign(root)
        return root
    signature = root[1]
    root.remove(signature)
    del again
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


@attack("schema")
def element_in_digest_value(sp: ServiceProvider) -> Document:
    return text(sp.signed()).replace("</ds:DigestValue>", "<ds:X/></ds:DigestValue>")


@attack("issuer")
def no_issuer(sp: ServiceProvider) -> Document:
    return re.sub(r"<saml:Issuer>.*</saml:Issuer>", "", sp.text())


@several("issuer", {"empty": "", "blank": " ", "long": "https://sp.example/" + "x" * 1_100})
def useless_issuer(sp: ServiceProvider, name: str) -> Document:
    return sp.text(issuer=f"<saml:Issuer>{name}</saml:Issuer>")


@attack("issuer")
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


# --- A second message or signature in every position ---------------------------------------------

PLACES = {"extensions": within_extensions, "confirmation": within_confirmation}


@several("nested_message", PLACES)
def forged_around_signed(sp: ServiceProvider, place: Callable[[str], str]) -> Document:
    """XSW: the good request, whole, inside an unsigned forged one."""
    return sp.text(identifier="_forged", acs_url=EVIL, inside=place(text(sp.signed())))


@several("nested_message", PLACES)
def signed_around_forged(sp: ServiceProvider, place: Callable[[str], str]) -> Document:
    return sp.signed(inside=place(sp.text(identifier="_forged", acs_url=EVIL)))


@several(
    "nested_message",
    {
        "Assertion": '<saml:Assertion ID="_a" Version="2.0" IssueInstant="2026-01-01T00:00:00Z">'
        "<saml:Issuer>x</saml:Issuer></saml:Assertion>",
        "Response": '<samlp:Response ID="_a" Version="2.0" IssueInstant="2026-01-01T00:00:00Z">'
        f'<samlp:Status><samlp:StatusCode Value="{vocabulary.SUCCESS}"/></samlp:Status>'
        "</samlp:Response>",
        "LogoutRequest": '<samlp:LogoutRequest ID="_a" Version="2.0" '
        'IssueInstant="2026-01-01T00:00:00Z"><saml:NameID>x</saml:NameID></samlp:LogoutRequest>',
    },
)
def another_message_inside(sp: ServiceProvider, message: str) -> Document:
    return sp.signed(inside=within_extensions(message))


def moved(sp: ServiceProvider, *, keep: bool = False) -> tuple[Any, str, str]:
    """Return a forged root, and the signature and the rest of a good request as text."""
    original = sp.signed()
    signature = text(original[1])
    if not keep:
        original.remove(original[1])
    return sp.element(identifier="_forged", acs_url=EVIL), signature, text(original)


def with_object(signature: str, content: str) -> Any:
    """A signature with a ds:Object that nobody signed."""
    return etree.fromstring(
        signature.replace("</ds:Signature>", f"<ds:Object>{content}</ds:Object></ds:Signature>")
    )


@several("nested_message", {"XSW1": False, "XSW8": True})
def original_in_object_of_its_signature(sp: ServiceProvider, keep: bool) -> Document:
    forged, signature, original = moved(sp, keep=keep)
    forged.insert(1, with_object(signature, original))
    return forged


@several("nested_message", {"XSW2": True, "XSW3": False})
def original_beside_its_signature(sp: ServiceProvider, before: bool) -> Document:
    forged, signature, original = moved(sp)
    forged.insert(1, etree.fromstring(signature))
    content = f"<x:before/>{original}" if before else f"{original}<x:after/>"
    forged.insert(2, etree.fromstring(within_extensions_alone(content)))
    return forged


@several("nested_message", {"XSW4": within_confirmation, "XSW7": within_extensions})
def original_without_signature_inside(sp: ServiceProvider, place: Callable[[str], str]) -> Document:
    _, signature, original = moved(sp)
    forged = sp.element(identifier="_forged", acs_url=EVIL, inside=place(original))
    forged.insert(1, etree.fromstring(signature))
    return forged


@attack("duplicate_id", name="XSW5_same_id_on_forged_and_original")
def same_id_on_forged_and_original(sp: ServiceProvider) -> Document:
    _, signature, original = moved(sp)
    forged = sp.element(identifier="_request", acs_url=EVIL, inside=within_extensions(original))
    forged.insert(1, etree.fromstring(signature))
    return forged


@attack("nested_message", name="XSW6_original_in_key_info_of_its_signature")
def original_in_key_info(sp: ServiceProvider) -> Document:
    forged, signature, original = moved(sp)
    info = f"<ds:KeyInfo><x:a {WRAPPER}>{original}</x:a></ds:KeyInfo></ds:Signature>"
    forged.insert(1, etree.fromstring(signature.replace("</ds:Signature>", info)))
    return forged


def within_extensions_alone(content: str) -> str:
    """The extensions with the declarations they need to be parsed alone."""
    return within_extensions(content).replace(
        "<samlp:Extensions>", f'<samlp:Extensions xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}">'
    )


@several("signature_parent", PLACES)
def signature_inside(sp: ServiceProvider, place: Callable[[str], str]) -> Document:
    good = text(service_provider.blank(Shape(), identifier="_request"))
    filled = good.replace("<ds:DigestValue/>", "<ds:DigestValue>AAAA</ds:DigestValue>").replace(
        "<ds:SignatureValue/>", "<ds:SignatureValue>AAAA</ds:SignatureValue>"
    )
    return sp.signed(inside=place(filled))


@attack("signature_parent")
def only_signature_in_extensions(sp: ServiceProvider) -> Document:
    # Signed by position: the signature is good and over the root, but it is not the root's child.
    root = sp.element(inside=within_extensions(""))
    service_provider.sign(root, parent=root[1][0])
    return root


@attack("signature_children")
def signature_in_object_of_signature(sp: ServiceProvider) -> Document:
    root = sp.signed()
    inner = text(root[1])
    root[1].append(etree.fromstring(f'<ds:Object xmlns:ds="{DS}">{inner}</ds:Object>'))
    return root


@attack("key_info")
def signature_in_key_info_of_signature(sp: ServiceProvider) -> Document:
    root = sp.signed()
    inner = text(root[1])
    root[1].append(
        etree.fromstring(f'<ds:KeyInfo xmlns:ds="{DS}"><x:a {WRAPPER}>{inner}</x:a></ds:KeyInfo>')
    )
    return root


@attack("signature_children")
def empty_object(sp: ServiceProvider) -> Document:
    return sp.signed(shape=Shape(extra="<ds:Object/>"))


# --- References and transforms -------------------------------------------------------------------

XSLT = (
    '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
    '<xsl:template match="/"><a/></xsl:template></xsl:stylesheet>'
)
XSLT_URI = "http://www.w3.org/TR/1999/REC-xslt-19991116"
XPATH = f'<ds:XPath xmlns:ds="{DS}">not(ancestor-or-self::ds:Signature)</ds:XPath>'
XPATH_URI = "http://www.w3.org/TR/1999/REC-xpath-19991116"
XPATH2_URI = "http://www.w3.org/2002/06/xmldsig-filter2"
XPATH2 = f'<f:XPath xmlns:f="{XPATH2_URI}" Filter="intersect">/*</f:XPath>'
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
ENVELOPED = vocabulary.ENVELOPED_SIGNATURE
EXCLUSIVE = vocabulary.EXCLUSIVE_C14N


@attack("reference_uri")
def empty_reference(sp: ServiceProvider) -> Document:
    root = sp.element()
    signature = service_provider.blank(Shape(), identifier="")
    signature.find(f".//{{{DS}}}Reference").set("URI", "")
    return signed_with(root, signature)


@attack("reference_uri")
def missing_reference_uri(sp: ServiceProvider) -> Document:
    root = sp.element()
    return signed_with(root, service_provider.blank(Shape(uri=None), identifier=""))


def signed_with(root: Any, signature: Any) -> Any:
    """Fill in a signature that stands right after the Issuer."""
    root.insert(1, signature)
    context = xmlsec.SignatureContext()
    context.key = service_provider.xmlsec_key(service_provider.rsa_key())
    context.register_id(root, "ID", None)
    context.sign(signature)
    return root


@several("reference_uri", {"root": "#xpointer(/)", "id": "#xpointer(id('_request'))"})
def xpointer_reference(sp: ServiceProvider, uri: str) -> Document:
    return sp.signed(shape=Shape(uri=uri))


@several(
    "reference_uri",
    {"file": "file:///etc/hostname", "http": "http://127.0.0.1:9/", "relative": "request.xml"},
)
def external_reference(sp: ServiceProvider, uri: str) -> Document:
    return text(sp.signed()).replace('URI="#_request"', f'URI="{uri}"')


@attack("reference_uri")
def reference_to_something_harmless(sp: ServiceProvider) -> Document:
    # The signature is good, but over an element in the extensions.
    root = sp.element(inside=within_extensions('<x:a Id="_signed">harmless</x:a>'))
    signature = service_provider.blank(Shape(uri="#_signed"), identifier="")
    root.insert(1, signature)
    context = xmlsec.SignatureContext()
    context.key = service_provider.xmlsec_key(service_provider.rsa_key())
    context.register_id(root[2][0][0], "Id", None)
    context.sign(signature)
    return root


@attack("reference_uri")
def reference_with_a_type(sp: ServiceProvider) -> Document:
    manifest = f'URI="#_request" Type="{DS}Manifest"'
    return text(sp.signed()).replace('URI="#_request"', manifest)


@several("signature_children", {"two": 2, "many": 50})
def several_references(sp: ServiceProvider, number: int) -> Document:
    return sp.signed(shape=Shape(references=number))


TRANSFORMS = {
    "xslt": ((ENVELOPED, XSLT_URI, EXCLUSIVE), {XSLT_URI: XSLT}),
    "xslt_alone": ((XSLT_URI,), {XSLT_URI: XSLT}),
    "xslt_last": ((ENVELOPED, XSLT_URI), {XSLT_URI: XSLT}),
    "xpath": ((XPATH_URI, EXCLUSIVE), {XPATH_URI: XPATH}),
    "xpath_between": ((ENVELOPED, XPATH_URI, EXCLUSIVE), {XPATH_URI: XPATH}),
    "xpath_filter_2": ((ENVELOPED, XPATH2_URI), {XPATH2_URI: XPATH2}),
    "enveloped_alone": ((ENVELOPED,), {}),
    "inclusive": ((ENVELOPED, INCLUSIVE), {}),
    "inclusive_too": ((ENVELOPED, INCLUSIVE, EXCLUSIVE), {}),
    "exclusive_twice": ((ENVELOPED, EXCLUSIVE, EXCLUSIVE), {}),
    "enveloped_twice": ((ENVELOPED, ENVELOPED, EXCLUSIVE), {}),
}


@several("transforms", TRANSFORMS)
def transform(sp: ServiceProvider, transforms: Any) -> Document:
    names, content = transforms
    return sp.signed(shape=Shape(transforms=names, transform_content=content))


@several("transforms", {"base64": DS + "base64", "unknown": "urn:example:transform", "none": ""})
def transform_that_cannot_be_signed(sp: ServiceProvider, uri: str) -> Document:
    added = f'<ds:Transform Algorithm="{uri}"/></ds:Transforms>' if uri else "</ds:Transforms>"
    signed = text(sp.signed())
    if not uri:
        signed = signed.replace(f'<ds:Transform Algorithm="{ENVELOPED}"/>', "")
    return signed.replace("</ds:Transforms>", added)


@attack("transforms")
def xslt_that_takes_for_ever(sp: ServiceProvider) -> Document:
    """Unsigned, so anybody could send it: the stylesheet doubles its work at each level."""
    stylesheet = (
        '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
        '<xsl:template match="/"><xsl:call-template name="f"><xsl:with-param name="n" select="40"/>'
        '</xsl:call-template></xsl:template><xsl:template name="f"><xsl:param name="n"/>'
        '<xsl:if test="$n &gt; 0"><xsl:call-template name="f"><xsl:with-param name="n" '
        'select="$n - 1"/></xsl:call-template><xsl:call-template name="f"><xsl:with-param name="n" '
        'select="$n - 1"/></xsl:call-template></xsl:if></xsl:template></xsl:stylesheet>'
    )
    added = f'<ds:Transform Algorithm="{XSLT_URI}">{stylesheet}</ds:Transform></ds:Transforms>'
    return text(sp.signed()).replace("</ds:Transforms>", added)


@attack("signature_children")
def content_in_enveloped_transform(sp: ServiceProvider) -> Document:
    return sp.signed(shape=Shape(transform_content={ENVELOPED: XPATH}))


def inclusive_namespaces(prefixes: str) -> str:
    """What exclusive canonicalisation takes as its parameter."""
    return f'<ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" PrefixList="{prefixes}"/>'


PREFIX_LISTS = {
    "default": "#default",
    "unbound": "saml nobody",
    "many": "saml samlp " * 6,
}


@several("inclusive_namespaces", PREFIX_LISTS)
def prefix_list_of_transform(sp: ServiceProvider, prefixes: str) -> Document:
    content = {EXCLUSIVE: inclusive_namespaces(prefixes)}
    return sp.signed(shape=Shape(transform_content=content))


@several("inclusive_namespaces", PREFIX_LISTS)
def prefix_list_of_signed_info(sp: ServiceProvider, prefixes: str) -> Document:
    return sp.signed(shape=Shape(canonicalisation_content=inclusive_namespaces(prefixes)))


@attack("signature_children")
def two_prefix_lists(sp: ServiceProvider) -> Document:
    listed = inclusive_namespaces("saml")
    signed = text(sp.signed(shape=Shape(transform_content={EXCLUSIVE: listed})))
    return signed.replace(listed, listed * 2)


# --- Algorithms and keys -------------------------------------------------------------------------


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


@attack("schema")
def canonicalisation_with_a_stylesheet(sp: ServiceProvider) -> Document:
    return text(sp.signed()).replace(
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>',
        f'<ds:CanonicalizationMethod Algorithm="{XSLT_URI}">{XSLT}</ds:CanonicalizationMethod>',
    )


@attack("digest_algorithm")
def sha1_digest(sp: ServiceProvider) -> Document:
    return sp.signed(shape=Shape(digest=DS + "sha1"))


@several(
    "digest_algorithm",
    {"md5": "http://www.w3.org/2001/04/xmldsig-more#md5", "unknown": "urn:x", "empty": ""},
)
def weak_digest(sp: ServiceProvider, uri: str) -> Document:
    return text(sp.signed()).replace(vocabulary.SHA256, uri)


@attack("signature_algorithm")
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


@several("signature_algorithm", {"sha1": DS + "hmac-sha1", "sha256": "hmac-sha256"})
def hmac_keyed_with_the_certificate(sp: ServiceProvider, uri: str) -> Document:
    uri = uri if ":" in uri else f"http://www.w3.org/2001/04/xmldsig-more#{uri}"
    secret = service_provider.pem(sp.certificate).encode()
    key = xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataHmac, secret)
    return sp.signed(shape=Shape(method=uri), key=key)


@attack("signature_children")
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


@attack("signature_value")
def foreign_key_with_the_right_certificate(sp: ServiceProvider) -> Document:
    shape = Shape(key_info=service_provider.key_info(sp.certificate))
    return sp.signed(
        shape=shape, key=service_provider.xmlsec_key(service_provider.rsa_key("foreign"))
    )


@attack("signature_value")
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


@attack("key_type")
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
        "acs": ("https://sp.example/acs", EVIL),
        "destination": ("Destination=", 'IsPassive="true" Destination='),
        "added_attribute": (" Version=", ' ProviderName="x" Version='),
        "issue_instant": ('IssueInstant="2', 'IssueInstant="3'),
    },
)
def changed_after_signing(sp: ServiceProvider, change: tuple[str, str]) -> Document:
    old, new = (one.replace("https://sp.example/acs", sp.acs_url) for one in change)
    return text(sp.signed()).replace(old, new, 1)


@several("signature_base64", {"SignatureValue": "SignatureValue", "DigestValue": "DigestValue"})
def empty_value(sp: ServiceProvider, name: str) -> Document:
    return re.sub(rf"<ds:{name}>[^<]*</ds:{name}>", f"<ds:{name}/>", text(sp.signed()))


# --- The bindings --------------------------------------------------------------------------------


@several("one_message", {"none": b"", "other": b"a=b", "case": b"samlrequest=AAAA"})
def no_message(sp: ServiceProvider, body: bytes) -> Document:
    return Raw(body)


@several("one_message", {"request_first": True, "response_first": False})
def request_and_response_together(sp: ServiceProvider, first: bool) -> Document:
    request, response = sp.post(sp.signed()), sp.post(sp.signed(), kind="SAMLResponse")
    return Raw(b"&".join((request, response) if first else (response, request)))


@attack("repeated_parameter")
def request_twice(sp: ServiceProvider) -> Document:
    forged = sp.post(sp.text(identifier="_forged", acs_url=EVIL))
    return Raw(sp.post(sp.signed()) + b"&" + forged)


@attack("repeated_parameter")
def relay_state_twice(sp: ServiceProvider) -> Document:
    return Raw(sp.post(sp.signed(), relay_state="a") + b"&RelayState=b")


@attack("parameter")
def name_with_escapes(sp: ServiceProvider) -> Document:
    forged = sp.post(sp.text(identifier="_forged")).replace(b"SAMLRequest", b"SAML%52equest")
    return Raw(sp.post(sp.signed()) + b"&" + forged)


@several("parameter", {"SigAlg": b"&SigAlg=x", "Signature": b"&Signature=AAAA"})
def redirect_parameter_by_post(sp: ServiceProvider, added: bytes) -> Document:
    return Raw(sp.post(sp.signed()) + added)


@several("base64", {"empty": b"", "alphabet": b"%21%21%21%21", "padding": b"QQ", "url": b"-_-_"})
def broken_base64(sp: ServiceProvider, value: bytes) -> Document:
    return Raw(b"SAMLRequest=" + value)


@several("escape", {"half": b"%4", "no_hex": b"%zz", "utf8": b"%ff"})
def broken_escape(sp: ServiceProvider, value: bytes) -> Document:
    return Raw(sp.post(sp.signed()) + b"&RelayState=" + value)


@several("relay_state", {"long": "x" * 2_049, "long_in_bytes": "\u20ac" * 700, "nul": "a\0b"})
def relay_state(sp: ServiceProvider, value: str) -> Document:
    return Raw(sp.post(sp.signed(), relay_state=value))


@attack("size", binding=REDIRECT)
def huge_query(sp: ServiceProvider) -> Document:
    return Raw(b"SAMLRequest=" + b"A" * 600_000)


def _packed(packed: bytes) -> Raw:
    return Raw(urlencode({"SAMLRequest": base64.b64encode(packed).decode()}).encode())


@functools.cache
def bomb() -> bytes:
    """200 MB of white space in 200 kB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    chunk = b" " * 1_000_000
    return b"".join(packer.compress(chunk) for _ in range(200)) + packer.flush()


@attack("inflated_size", binding=REDIRECT)
def deflate_bomb(sp: ServiceProvider) -> Document:
    return _packed(bomb())


@attack("inflate_ratio", binding=REDIRECT)
def deflate_bomb_within_the_size(sp: ServiceProvider) -> Document:
    return _packed(service_provider.deflate(sp.text().encode() + b" " * 200_000))


@attack("inflate_ratio", binding=REDIRECT)
def small_deflate_bomb(sp: ServiceProvider) -> Document:
    return _packed(service_provider.deflate(b" " * 1_000_000))


def _mutilated(sp: ServiceProvider) -> Iterator[tuple[str, bytes]]:
    whole = service_provider.deflate(sp.text().encode())
    yield "cut_off", whole[:-20]
    yield "followed", whole + b"garbage"
    yield "two_streams", whole + whole
    yield "zlib_header", zlib.compress(sp.text().encode())
    yield "not_deflated", sp.text().encode()


@several(
    "deflate",
    {name: name for name, _ in _mutilated(ServiceProvider())},
    binding=REDIRECT,
)
def broken_deflate(sp: ServiceProvider, name: str) -> Document:
    return _packed(dict(_mutilated(sp))[name])


@attack("encoding", binding=REDIRECT)
def unknown_encoding(sp: ServiceProvider) -> Document:
    return Raw(sp.redirect(sp.text()) + b"&SAMLEncoding=urn:example:zip")


@attack("embedded_signature", binding=REDIRECT)
def xml_signature_by_redirect(sp: ServiceProvider) -> Document:
    return Raw(sp.redirect(sp.signed(), signed=False))


@several(
    "signature_algorithm",
    {
        "sha1": DS + "rsa-sha1",
        "unknown": "urn:example:signature",
        "empty": "",
        "hmac": "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
    },
    binding=REDIRECT,
)
def redirect_algorithm(sp: ServiceProvider, algorithm: str) -> Document:
    if algorithm in service_provider.HASHES:
        return Raw(sp.redirect(sp.text(), algorithm=algorithm))
    query = sp.redirect(sp.text()).decode()
    return Raw(re.sub(r"SigAlg=[^&]*", f"SigAlg={quote(algorithm, safe='')}", query).encode())


@attack("key_type", binding=REDIRECT)
def redirect_with_an_elliptic_curve_algorithm(sp: ServiceProvider) -> Document:
    query = sp.redirect(sp.text()).decode()
    return Raw(query.replace("rsa-sha256", "ecdsa-sha256").encode())


@several("signature_pair", {"SigAlg": "SigAlg", "Signature": "Signature"}, binding=REDIRECT)
def half_a_signature(sp: ServiceProvider, dropped: str) -> Document:
    query = sp.redirect(sp.text()).decode()
    return Raw(re.sub(rf"&{dropped}=[^&]*", "", query).encode())


@several(
    "repeated_parameter",
    {name: name for name in ("SAMLRequest", "RelayState", "SigAlg", "Signature")},
    binding=REDIRECT,
)
def redirect_parameter_twice(sp: ServiceProvider, name: str) -> Document:
    query = sp.redirect(sp.text(), relay_state="a").decode()
    again = re.search(rf"{name}=[^&]*", query)
    return Raw(f"{query}&{again[0]}".encode())


@attack("signature_value", binding=REDIRECT)
def redirect_with_a_foreign_key(sp: ServiceProvider) -> Document:
    return Raw(sp.redirect(sp.text(), key=service_provider.rsa_key("foreign")))


@several("signature_value", {"changed": "b", "dropped": "", "added": "c"}, binding=REDIRECT)
def redirect_relay_state(sp: ServiceProvider, change: str) -> Document:
    """The RelayState is not the one that was signed."""
    signed = sp.redirect(sp.text(), relay_state=None if change == "c" else "a").decode()
    if change == "c":
        return Raw(f"{signed}&RelayState=c".encode())
    wanted = f"&RelayState={change}" if change else ""
    return Raw(signed.replace("&RelayState=a", wanted).encode())


@attack("signature_value", binding=REDIRECT)
def redirect_signature_over_another_request(sp: ServiceProvider) -> Document:
    good = sp.redirect(sp.text()).decode()
    forged = sp.redirect(sp.text(identifier="_forged", acs_url=EVIL), signed=False).decode()
    return Raw(re.sub(r"SAMLRequest=[^&]*", lambda _: forged, good).encode())


@attack("signature_value", binding=REDIRECT)
def redirect_signature_in_the_order_of_the_query(sp: ServiceProvider) -> Document:
    """Signed as RelayState, SAMLRequest, SigAlg, which is not the order of the standard."""
    request = sp.redirect(sp.text(), signed=False).decode()
    algorithm = quote(vocabulary.RSA_SHA256, safe="")
    query = f"RelayState=a&{request}&SigAlg={algorithm}"
    return Raw(query.encode() + b"&Signature=" + sp.value(query))


@several("signature_base64", {"empty": "", "alphabet": "%21"}, binding=REDIRECT)
def redirect_signature_value(sp: ServiceProvider, value: str) -> Document:
    query = sp.redirect(sp.text()).decode()
    return Raw(re.sub(r"Signature=[^&]*", f"Signature={value}", query).encode())
