"""Hostile octets: encodings, DOCTYPEs, entities, comments, instructions, sizes, IDs."""

from __future__ import annotations

from tests.attacks.saml import message_types
from tests.attacks.saml.attack import Document, forgery, one, several, text, within_extensions
from tests.attacks.saml.message_types import SOAP
from tests.attacks.saml.service_provider import SAMLP, Encoded, ServiceProvider

WITH_PERSON = (
    message_types.AUTHN_REQUEST,
    message_types.LOGOUT_REQUEST,
    message_types.ATTRIBUTE_QUERY,
)

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


@one("doctype")
def doctype_after_declaration_and_white_space(sp: ServiceProvider) -> Document:
    return '<?xml version="1.0"?>\n\n  <!DOCTYPE a>' + text(sp.signed())


@one("utf8")
def doctype_hidden_in_utf_16(sp: ServiceProvider) -> Document:
    return Encoded("<!DOCTYPE a>" + sp.text(), "utf-16")


@several("utf8", {"utf_16": "utf-16", "utf_32": "utf-32", "ebcdic": "cp037"})
def another_encoding(sp: ServiceProvider, codec: str) -> Document:
    return Encoded(f'<?xml version="1.0" encoding="{codec}"?>{sp.text()}', codec)


@several("utf8", {"latin_1": "latin-1", "windows_1252": "cp1252"})
def another_encoding_that_is_not_declared(sp: ServiceProvider, codec: str) -> Document:
    return Encoded(sp.text(inside=within_extensions("\u00e9")), codec)


@several("well_formed", {"utf_16_be": "utf-16-be", "utf_16_le": "utf-16-le"})
def encoding_without_a_mark(sp: ServiceProvider, codec: str) -> Document:
    """Octets that are UTF-8 too, but no XML in it."""
    return Encoded(sp.text(), codec)


@one("utf8")
def broken_utf8(sp: ServiceProvider) -> Document:
    return sp.text(attributes='Consent="\udcff"').encode("utf-8", "surrogateescape")


@one("utf8")
def overlong_utf8(sp: ServiceProvider) -> Document:
    return sp.text().encode().replace(b'ID="_', b'ID="\xc1\x9f', 1)


@several(
    "utf8",
    {
        "nul": b"\xc0\x80",
        "less_than": b"\xc0\xbc",
        "three": b"\xe0\x80\xbc",
        "four": b"\xf0\x80\x80\xbc",
        "surrogate": b"\xed\xa0\x80",
        "beyond": b"\xf4\x90\x80\x80",
        "cut_off": b"\xe2\x82",
    },
)
def octets_that_are_no_utf8(sp: ServiceProvider, inserted: bytes) -> Document:
    return sp.text(inside=within_extensions("here")).encode().replace(b"here", inserted)


@several("encoding", {"utf_7": "UTF-7", "latin_1": "ISO-8859-1", "ebcdic": "cp037"})
def declared_encoding(sp: ServiceProvider, name: str) -> Document:
    return f'<?xml version="1.0" encoding="{name}"?>' + sp.text()


@one("xml_version")
def xml_1_1(sp: ServiceProvider) -> Document:
    return '<?xml version="1.1"?>' + sp.text()


@several(
    "well_formed",
    {
        "cut_off": "<samlp:AuthnRequest xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol'>",
        "unbound_prefix": "<samlp:AuthnRequest/>",
        "entity_without_doctype": f'<a xmlns="{SAMLP}">&xxe;</a>',
        "nul": f'<a xmlns="{SAMLP}">\0</a>',
        "nul_reference": f'<a xmlns="{SAMLP}">&#0;</a>',
        "control_character": f'<a xmlns="{SAMLP}">\x0b</a>',
        "no_character": f'<a xmlns="{SAMLP}">\ufffe</a>',
        "surrogate_reference": f'<a xmlns="{SAMLP}">&#xd800;</a>',
        "same_attribute_twice": f'<a xmlns="{SAMLP}" ID="_1" ID="_2"/>',
        "same_attribute_by_two_prefixes": '<a xmlns:p="urn:p" xmlns:q="urn:p" p:v="1" q:v="2"/>',
        "xml_prefix_bound_elsewhere": '<a xmlns:xml="urn:evil"/>',
        "xmlns_prefix_bound": '<a xmlns:xmlns="urn:evil"/>',
    },
)
def not_well_formed(sp: ServiceProvider, document: str) -> Document:
    return document


@several("well_formed", {"text": "SAMLRequest", "json": '{"ID": "_a"}'}, soap="soap_body")
def no_xml(sp: ServiceProvider, document: str) -> Document:
    return document


@several("well_formed", {"before": True, "after": False}, soap="soap_body")
def second_message_beside_the_root(sp: ServiceProvider, before: bool) -> Document:
    signed, forged = text(sp.signed()), sp.text(**forgery(sp))
    return forged + signed if before else signed + forged


@one("size", redirect="inflated_size")
def too_large(sp: ServiceProvider) -> Document:
    return sp.text(inside=within_extensions("x" * 262_144))


@one("size", by=(SOAP,))
def ten_megabytes(sp: ServiceProvider) -> Document:
    return sp.text(inside=within_extensions("x" * 10_000_000))


HIDDEN = {"comment": "<!-- -->", "instruction": "<?php exit ?>"}


@several("comment", HIDDEN)
def in_issuer(sp: ServiceProvider, node: str) -> Document:
    name = f"{sp.entity_id[:12]}{node}{sp.entity_id[12:]}"
    return sp.text(issuer=f"<saml:Issuer>{name}</saml:Issuer>")


@several("comment", HIDDEN)
def in_issuer_after_signing(sp: ServiceProvider, node: str) -> Document:
    # Canonicalisation drops comments: the signature stays good.
    return text(sp.signed()).replace("</saml:Issuer>", f"{node}.evil.example</saml:Issuer>", 1)


@several("comment", HIDDEN, types=WITH_PERSON)
def in_name_id(sp: ServiceProvider, node: str) -> Document:
    named = sp.message.content or "<saml:Subject><saml:NameID>alice</saml:NameID></saml:Subject>"
    return sp.signed(content=named.replace("alice", f"admin@x{node}.evil"))


@several("comment", HIDDEN, types=WITH_PERSON)
def in_name_id_after_signing(sp: ServiceProvider, node: str) -> Document:
    """Canonicalisation drops comments: the signature stays good, and half the name is left."""
    named = sp.message.content or "<saml:Subject><saml:NameID>alice</saml:NameID></saml:Subject>"
    signed = sp.signed(content=named.replace("alice", "admin.evil"))
    return text(signed).replace("admin.evil", f"admin{node}.evil")


@several("comment", HIDDEN, types=(message_types.ARTIFACT_RESOLVE,))
def in_artifact(sp: ServiceProvider, node: str) -> Document:
    return text(sp.signed()).replace("</samlp:Artifact>", f"{node}</samlp:Artifact>")


@several("comment", HIDDEN)
def before_the_root(sp: ServiceProvider, node: str) -> Document:
    return node + text(sp.signed())


@several("comment", HIDDEN)
def after_the_root(sp: ServiceProvider, node: str) -> Document:
    return text(sp.signed()) + node


@several("comment", {"DigestValue": "DigestValue", "SignatureValue": "SignatureValue"})
def comment_in_signature(sp: ServiceProvider, name: str) -> Document:
    return text(sp.signed()).replace(f"</ds:{name}>", f"<!-- -->AAAA</ds:{name}>")


@one("comment")
def comment_in_signed_info(sp: ServiceProvider) -> Document:
    return text(sp.signed()).replace("<ds:Reference", "<!-- --><ds:Reference", 1)


@one("depth")
def deep_nesting(sp: ServiceProvider) -> Document:
    return sp.text(inside=within_extensions("<x:a>" * 60 + "</x:a>" * 60))


@one("elements")
def very_deep_nesting(sp: ServiceProvider) -> Document:
    return sp.text(inside=within_extensions("<x:a>" * 20_000 + "</x:a>" * 20_000))


@one("well_formed")
def nesting_deeper_than_the_parser_goes(sp: ServiceProvider) -> Document:
    return sp.text(inside=within_extensions("<x:a>" * 1_900 + "</x:a>" * 1_900))


@one("elements")
def many_elements(sp: ServiceProvider) -> Document:
    return sp.text(inside=within_extensions("<x:a/>" * 2_000))


@one("attribute_size")
def huge_attribute(sp: ServiceProvider) -> Document:
    return sp.text(attributes=f'Consent="urn:{"x" * 100_000}"')


@one("attributes")
def many_elements_with_attributes(sp: ServiceProvider) -> Document:
    return sp.text(inside=within_extensions('<x:a b="" c=""/>' * 1_500))


@one("attributes")
def many_attributes(sp: ServiceProvider) -> Document:
    listed = " ".join(f'a{number}=""' for number in range(20_000))
    return sp.text(inside=within_extensions(f"<x:a {listed}/>"))


@one("namespaces")
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


@one("duplicate_id")
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
