"""The assertion that answers an AttributeQuery."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import etree

from federation.saml import attribute_assertion, errors, vocabulary, xml
from federation.saml.assertion import Attribute
from federation.saml.attribute_assertion import AttributeAssertion
from federation.saml.name_id import NameID

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
CONTENT = AttributeAssertion(
    issuer="urn:idp",
    audience="urn:sp",
    name_id=NameID("abc", vocabulary.PERSISTENT, "urn:idp", "urn:sp"),
    issue_instant=NOW,
    attributes=(Attribute("a", ("<&>",)),),
)


@pytest.mark.standard("SAML Profiles", "6.4.2", "Subject, conditions and attributes, nothing else")
def test_says_who_and_what() -> None:
    root = xml.parse(xml.serialise(attribute_assertion.build(CONTENT)))
    names = [etree.QName(child).localname for child in root]
    assert names == ["Issuer", "Subject", "Conditions", "AttributeStatement"]
    assert [etree.QName(child).localname for child in root[1]] == ["NameID"]
    assert root[2].get("NotOnOrAfter") == "2026-11-28T12:05:00Z"
    assert root.find(f".//{{{vocabulary.SAML}}}Audience").text == "urn:sp"
    assert root.find(f".//{{{vocabulary.SAML}}}AttributeValue").text == "<&>"
    around = xml.new("samlp:Response", prefixes=("saml",))
    for name, value in {
        "ID": "_r",
        "Version": "2.0",
        "IssueInstant": "2026-11-28T12:00:00Z",
    }.items():
        around.set(name, value)
    status = xml.add(around, "samlp:Status")
    xml.add(status, "samlp:StatusCode", attributes={"Value": vocabulary.SUCCESS})
    around.append(root)
    xml.validate(around, schema="protocol")


@pytest.mark.parametrize(
    "change",
    [
        {"attributes": ()},
        {"audience": ""},
        {"issuer": ""},
        {"lifetime": timedelta(0)},
        {"lifetime": timedelta(minutes=6)},
    ],
)
def test_refuses_what_nobody_may_be_told(change: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidContent):
        replace(CONTENT, **change)
