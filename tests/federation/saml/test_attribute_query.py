"""AttributeQuery as service providers write it."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from federation.saml import attribute_query, errors, vocabulary
from federation.saml.attribute_query import QueriedAttribute
from federation.saml.name_id import NameID


def query(inside: str) -> Any:
    return etree.fromstring(
        f'<p:AttributeQuery xmlns:p="{vocabulary.SAMLP}" xmlns:saml="{vocabulary.SAML}">'
        f"{inside}</p:AttributeQuery>"
    )


SUBJECT = (
    f'<saml:Subject><saml:NameID Format="{vocabulary.PERSISTENT}" SPNameQualifier="urn:sp">abc'
    "</saml:NameID></saml:Subject>"
)


def test_reads_subject_names_and_values() -> None:
    read = attribute_query.read(
        query(
            SUBJECT
            + '<saml:Attribute Name="a" NameFormat="urn:f"><saml:AttributeValue> one '
            + '</saml:AttributeValue></saml:Attribute><saml:Attribute Name="a"/>'
            + '<saml:Attribute Name="b"/>'
        )
    )
    assert read.subject == NameID("abc", vocabulary.PERSISTENT, "", "urn:sp")
    assert read.attributes == (
        QueriedAttribute("a", "urn:f", ("one",)),
        QueriedAttribute("a"),
        QueriedAttribute("b"),
    )


def test_naming_nothing_asks_for_all() -> None:
    assert attribute_query.read(query(SUBJECT)).attributes == ()


@pytest.mark.parametrize(
    ("inside", "check"),
    [
        ("", "subject"),
        ("<saml:Subject/>", "subject"),
        ("<saml:Subject><saml:EncryptedID/></saml:Subject>", "subject"),
        (SUBJECT * 2, "exactly_one"),
        ("<saml:Subject><saml:NameID>a<x/>b</saml:NameID></saml:Subject>", "text"),
        (SUBJECT + '<saml:Attribute Name="a"/>' * 2, "repeated_attribute"),
        (
            SUBJECT + '<saml:Attribute Name="a"><saml:AttributeValue>a<x/>b</saml:AttributeValue>'
            "</saml:Attribute>",
            "text",
        ),
    ],
)
def test_refuses(inside: str, check: str) -> None:
    with pytest.raises(errors.InvalidMessage) as refusal:
        attribute_query.read(query(inside))
    assert refusal.value.check == check
