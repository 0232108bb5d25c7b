"""Which attributes a service provider asks for."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from federation.saml import errors, vocabulary
from federation.saml.metadata import attribute_consuming_service
from federation.saml.metadata.attribute_consuming_service import (
    AttributeConsumingService,
    RequestedAttribute,
)


def role(content: str) -> Any:
    return etree.fromstring(
        f'<md:SPSSODescriptor xmlns:md="{vocabulary.MD}" xmlns:saml="{vocabulary.SAML}">'
        f"{content}</md:SPSSODescriptor>"
    )


def test_reads_names_formats_and_values() -> None:
    found = attribute_consuming_service.read(
        role(
            '<md:AttributeConsumingService index="3" isDefault="true">'
            '<md:RequestedAttribute Name="a" NameFormat="urn:f" FriendlyName="A" isRequired="1">'
            "<saml:AttributeValue> one </saml:AttributeValue>"
            "<saml:AttributeValue>two</saml:AttributeValue></md:RequestedAttribute>"
            '<md:RequestedAttribute Name="b"/></md:AttributeConsumingService>'
            '<md:AttributeConsumingService isDefault="0"/>'
        )
    )
    assert found == (
        AttributeConsumingService(
            3,
            True,
            (
                RequestedAttribute("a", "urn:f", "A", True, ("one", "two")),
                RequestedAttribute("b"),
            ),
        ),
        AttributeConsumingService(None, False),
    )


@pytest.mark.parametrize(
    "content",
    [
        '<md:AttributeConsumingService index="-1"/>',
        '<md:AttributeConsumingService index="x"/>',
        '<md:AttributeConsumingService index="1" isDefault="maybe"/>',
        '<md:AttributeConsumingService index="1"><md:RequestedAttribute Name="a">'
        "<saml:AttributeValue>a<b/></saml:AttributeValue></md:RequestedAttribute>"
        "</md:AttributeConsumingService>",
    ],
)
def test_refuses_what_it_cannot_read(content: str) -> None:
    with pytest.raises(errors.SamlError):
        attribute_consuming_service.read(role(content))


FIRST, SECOND = AttributeConsumingService(0), AttributeConsumingService(7)
DEFAULT, LAST = AttributeConsumingService(8, True), AttributeConsumingService(9, False)


@pytest.mark.parametrize(
    ("services", "index", "expected"),
    [
        ((FIRST, SECOND), None, FIRST),
        ((FIRST, DEFAULT), None, DEFAULT),
        ((LAST, SECOND), None, SECOND),
        ((LAST,), None, LAST),
        ((FIRST, SECOND), 7, SECOND),
        ((FIRST, SECOND), 1, None),
        ((), None, None),
        ((), 0, None),
    ],
)
def test_chooses(services: Any, index: int | None, expected: Any) -> None:
    assert attribute_consuming_service.choose(services, index=index) is expected
