"""Entity categories and subject-id:req, as federations write them."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from federation.saml import errors, vocabulary
from federation.saml.metadata import entity_attributes
from federation.saml.metadata.entity_attributes import EntityAttribute

URI = vocabulary.NAME_FORMAT_URI


def entity(content: str, *, around: str = "md:Extensions") -> Any:
    return etree.fromstring(
        f'<md:EntityDescriptor xmlns:md="{vocabulary.MD}" xmlns:saml="{vocabulary.SAML}" '
        f'xmlns:mdattr="{vocabulary.MDATTR}"><{around}><mdattr:EntityAttributes>{content}'
        f"</mdattr:EntityAttributes></{around}></md:EntityDescriptor>"
    )


def attribute(name: str, *values: str, name_format: str = URI) -> str:
    inside = "".join(f"<saml:AttributeValue>{one}</saml:AttributeValue>" for one in values)
    return f'<saml:Attribute Name="{name}" NameFormat="{name_format}">{inside}</saml:Attribute>'


def test_reads_attributes_in_order() -> None:
    found = entity_attributes.read(
        entity(attribute(entity_attributes.ENTITY_CATEGORY, "urn:one", "\n urn:two \n"))
    )
    assert found == (EntityAttribute(entity_attributes.ENTITY_CATEGORY, ("urn:one", "urn:two")),)
    assert entity_attributes.values(found, entity_attributes.ENTITY_CATEGORY) == (
        "urn:one",
        "urn:two",
    )
    assert entity_attributes.values(found, "other") == ()


def test_another_name_format_is_another_attribute() -> None:
    assert entity_attributes.read(entity(attribute("n", "v", name_format="urn:other"))) == ()
    assert entity_attributes.read(entity('<saml:Attribute Name="n"/>')) == ()


def test_only_what_stands_in_the_entitys_own_extensions() -> None:
    assert entity_attributes.read(entity(attribute("n", "v"), around="md:SPSSODescriptor")) == ()


def test_an_assertion_about_the_entity_is_not_read() -> None:
    inside = (
        "<saml:Assertion><saml:AttributeStatement>"
        + attribute("n", "v")
        + "</saml:AttributeStatement></saml:Assertion>"
    )
    assert entity_attributes.read(entity(inside)) == ()


def test_a_value_that_is_more_than_text() -> None:
    with pytest.raises(errors.InvalidMessage):
        entity_attributes.read(entity(attribute("n", "a<saml:x/>b")))
