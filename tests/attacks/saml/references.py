"""Hostile references and transforms of otherwise good signatures."""

from __future__ import annotations

from typing import Any

from federation.saml import vocabulary
from tests.attacks.saml import service_provider
from tests.attacks.saml.attack import Document, one, several, text, within_extensions
from tests.attacks.saml.service_provider import DS, ServiceProvider, Shape

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


@one("reference_uri")
def empty_reference(sp: ServiceProvider) -> Document:
    root = sp.element()
    root.insert(1, service_provider.blank(Shape(uri="empty"), identifier=""))
    root.find(f".//{{{DS}}}Reference").set("URI", "")
    return service_provider.fill(root[1], identified=root)


@one("reference_uri")
def missing_reference_uri(sp: ServiceProvider) -> Document:
    return sp.signed(shape=Shape(uri=None))


@several("reference_uri", {"root": "#xpointer(/)", "id": "#xpointer(id('_request'))"})
def xpointer_reference(sp: ServiceProvider, uri: str) -> Document:
    return sp.signed(shape=Shape(uri=uri))


@several(
    "reference_uri",
    {"file": "file:///etc/hostname", "http": "http://127.0.0.1:9/", "relative": "request.xml"},
)
def external_reference(sp: ServiceProvider, uri: str) -> Document:
    return text(sp.signed()).replace('URI="#_request"', f'URI="{uri}"')


@one("reference_uri")
def reference_to_something_harmless(sp: ServiceProvider) -> Document:
    # The signature is good, but over an element in the extensions.
    root = sp.element(inside=within_extensions('<x:a Id="_signed">harmless</x:a>'))
    root.insert(1, service_provider.blank(Shape(uri="#_signed"), identifier=""))
    service_provider.fill(root[1], identified=root[2][0][0], attribute="Id")
    return root


@one("reference_uri")
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


@one("transforms")
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


@one("signature_children")
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


@one("signature_children")
def two_prefix_lists(sp: ServiceProvider) -> Document:
    listed = inclusive_namespaces("saml")
    signed = text(sp.signed(shape=Shape(transform_content={EXCLUSIVE: listed})))
    return signed.replace(listed, listed * 2)
