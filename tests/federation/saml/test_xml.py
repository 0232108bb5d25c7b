"""The one parser: what it refuses, and that text is whole."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.saml import errors, vocabulary, xml
from tests.attacks.saml.service_provider import ServiceProvider

HONEST = ServiceProvider().text(inside="<samlp:NameIDPolicy/>").encode()


def check_of(data: bytes, limits: xml.Limits = xml.MESSAGE) -> str:
    with pytest.raises(errors.InvalidMessage) as refused:
        xml.parse(data, limits=limits)
    return refused.value.check


def test_parses_an_honest_message() -> None:
    root = xml.parse(HONEST)
    assert root.tag == vocabulary.name("samlp:AuthnRequest")


def test_takes_a_byte_order_mark_and_a_declaration() -> None:
    declared = b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>\n' + HONEST
    assert xml.parse(declared).get("ID") == "_request"


@pytest.mark.standard("SAML Core", "1.3.4", "IDs are NCNames")
@pytest.mark.parametrize("identifier", ["_a", "a.b-c", "\u00e9t\u00e9", "_" + "x" * 255])
def test_takes_every_ncname(identifier: str) -> None:
    assert xml.parse(f'<a ID="{identifier}"/>'.encode()).get("ID") == identifier


def test_counts_depth_from_the_root() -> None:
    limit = xml.MESSAGE.depth
    xml.parse(b"<a>" * limit + b"</a>" * limit)
    assert check_of(b"<a>" * (limit + 1) + b"</a>" * (limit + 1)) == "depth"


def test_limits_are_inclusive() -> None:
    limits = xml.Limits(size=100, depth=2, elements=3, attribute=4, namespaces=1)
    xml.parse(b'<a xmlns="urn:a" b="1234"><c/><c/></a>', limits=limits)
    assert check_of(b'<a b="12345"/>', limits) == "attribute_size"
    assert check_of(b"<a><c/><c/><c/></a>", limits) == "elements"
    assert check_of(b'<a xmlns="urn:a" xmlns:b="urn:b"/>', limits) == "namespaces"
    assert check_of(b" " * 101, limits) == "size"


def test_limits_of_every_document_are_inclusive() -> None:
    xml.parse(b"<a %s/>" % b" ".join(b'a%d=""' % number for number in range(64)))
    assert check_of(b"<a %s/>" % b" ".join(b'a%d=""' % number for number in range(65))) == (
        "attributes"
    )
    longest = "_" + "x" * 255
    assert xml.parse(f'<a ID="{longest}"/>'.encode()).get("ID") == longest
    assert check_of(f'<a ID="{longest}x"/>'.encode()) == "id_syntax"


def test_attributes_and_tags_are_counted_over_the_whole_document() -> None:
    limits = xml.Limits(size=1_000, depth=2, elements=3, attribute=4, namespaces=1)
    xml.parse(b'<a b="" c="" d=""><e f="" g="" h=""/></a>', limits=limits)
    assert check_of(b'<a b="" c="" d=""><e f="" g="" h="" i=""/></a>', limits) == "attributes"
    dropped = replace(limits, drop_comments=True)
    xml.parse(b"<a>%s</a>" % (b"<!---->" * 10), limits=dropped)
    assert check_of(b"<a>%s</a>" % (b"<!---->" * 11), dropped) == "elements"


def test_a_byte_order_mark_hides_no_declaration() -> None:
    declared = b'<?xml version="1.0" encoding="UTF-7"?>' + HONEST
    assert check_of(b"\xef\xbb\xbf" + declared) == "encoding"


def test_drops_comments_and_instructions_in_metadata() -> None:
    root = xml.parse(b"<!-- x --><?y z?><a>b<!-- c -->d<?e f?>g</a><!-- h -->", limits=xml.METADATA)
    assert xml.text(root) == "bdg"
    assert len(root) == 0


def test_text_is_whole_or_refused() -> None:
    assert xml.text(xml.parse(b"<a>b<![CDATA[<c>]]>d</a>")) == "b<c>d"
    assert xml.text(xml.parse(b"<a/>")) == ""
    with pytest.raises(errors.InvalidMessage) as refused:
        xml.text(xml.parse(b"<a>admin@x<b/>.evil</a>"))
    assert refused.value.check == "text"


def test_token_drops_white_space_around() -> None:
    assert xml.token(xml.parse(b"<a>\n  b c\t</a>")) == "b c"


def test_child_refuses_several() -> None:
    root = xml.parse(f'<a xmlns:saml="{vocabulary.SAML}"><saml:Issuer/><saml:Issuer/></a>'.encode())
    with pytest.raises(errors.InvalidMessage) as refused:
        xml.child(root, "saml:Issuer")
    assert refused.value.check == "exactly_one"
    assert xml.child(root, "saml:NameID") is None


@pytest.mark.standard("SAML Core", "1.1", "messages are valid by the schema")
def test_validates_against_the_schema() -> None:
    root = xml.parse(HONEST)
    xml.validate(root, schema="protocol")
    root.set("ForceAuthn", "perhaps")
    with pytest.raises(errors.InvalidMessage, match="perhaps"):
        xml.validate(root, schema="protocol")


def test_compiles_a_schema_once() -> None:
    assert xml.compiled("protocol") is xml.compiled("protocol")


def test_reads_no_schema_that_the_message_names(tmp_path) -> None:
    schema = tmp_path / "evil.xsd"
    schema.write_text("this is not even XML")
    located = f'xsi:schemaLocation="urn:example:wrapper {schema.as_uri()}"'
    declared = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:x="urn:example:wrapper"'
    inside = f"<samlp:Extensions><x:a {declared} {located}/></samlp:Extensions>"
    xml.validate(xml.parse(ServiceProvider().text(inside=inside).encode()), schema="protocol")


def test_canonical_form_begins_with_the_element(monkeypatch) -> None:
    root = xml.parse(HONEST)
    assert xml.canonical(root).startswith(b"<samlp:AuthnRequest")
    assert xml.canonical(xml.parse(b'<a xmlns="urn:a" xmlns:b="urn:b"/>')) == (
        b'<a xmlns="urn:a"></a>'
    )
    monkeypatch.setattr(xml.etree, "tostring", lambda *args, **options: b"")
    with pytest.raises(errors.InvalidMessage) as refused:
        xml.canonical(root)
    assert refused.value.check == "canonicalisation"


def test_canonicalisation_that_fails_is_an_error() -> None:
    root = xml.etree.fromstring('<a xmlns:b="relative"/>')
    with pytest.raises(errors.InvalidMessage) as refused:
        xml.canonical(root)
    assert refused.value.check == "canonicalisation"


@pytest.mark.parametrize("value", ["\0", "a\x0bb", "\ud800", "\ufffe"])
def test_refuses_to_write_what_xml_cannot_hold(value: str) -> None:
    root = xml.new("saml:Issuer")
    with pytest.raises(errors.InvalidContent):
        xml.add(root, "saml:NameID", value)
    with pytest.raises(errors.InvalidContent):
        xml.add(root, "saml:NameID", attributes={"Format": value})
    with pytest.raises(errors.InvalidContent):
        xml.set_attribute(root, "Format", value)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")))
@settings(max_examples=100, deadline=None)
def test_whatever_is_written_is_read_again(value: str) -> None:
    root = xml.new("saml:Issuer")
    xml.add(root, "saml:NameID", value, attributes={"Format": value[:1_000]})
    again = xml.parse(xml.serialise(root))[0]
    assert xml.text(again) == value
    assert again.get("Format") == value[:1_000]


def test_serialises_without_declaration() -> None:
    assert xml.serialise(xml.parse(b"<a>\xc3\xa9</a>")) == b"<a>\xc3\xa9</a>"


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_octets_are_a_tree_or_a_clear_refusal(data: bytes) -> None:
    for octets in (data, HONEST[:100] + data + HONEST[100:], b"<a>" + data + b"</a>"):
        try:
            root = xml.parse(octets)
        except errors.InvalidMessage:
            continue
        xml.schema_error(root, schema="protocol")


@given(st.integers(0, len(HONEST) - 1), st.integers(0, 255))
@settings(max_examples=200, deadline=None)
def test_any_changed_octet_is_a_tree_or_a_clear_refusal(place: int, octet: int) -> None:
    data = HONEST[:place] + bytes([octet]) + HONEST[place + 1 :]
    with contextlib.suppress(errors.InvalidMessage):
        xml.validate(xml.parse(data), schema="protocol")
