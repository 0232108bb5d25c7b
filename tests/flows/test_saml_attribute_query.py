"""Attribute queries over real HTTP: once switched on, at the address of our metadata."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import requests

from federation.saml import datatypes, vocabulary, xml
from tests.attacks.saml import service_provider
from tests.flows.test_saml_sign_on import provider_at, register, sign_on
from tests.support.person import TIMEOUT, Person
from tests.support.saml import NAMESPACES, enveloped, in_body
from tests.support.server import Gatehouse

HEARD_EVERYWHERE = 0.3  # seconds until every process knows what has changed
XML = {"Content-Type": "text/xml; charset=utf-8"}


def ask(gatehouse: Gatehouse, sp: Any, name: str) -> Any:
    """A query about somebody, at the address that our metadata will say."""
    address = gatehouse.url("/saml/attributes")
    element = replace(sp, destination=address).element(
        tag="samlp:AttributeQuery",
        identifier=datatypes.new_id(),
        inside=f'<saml:Subject><saml:NameID Format="{vocabulary.PERSISTENT}">{name}'
        "</saml:NameID></saml:Subject>",
    )
    body = enveloped(service_provider.sign(element))
    return in_body(requests.post(address, body, headers=XML, timeout=TIMEOUT))


def codes(content: Any) -> list[str]:
    return content.xpath("samlp:Status//samlp:StatusCode/@Value", namespaces=NAMESPACES)


def switch_on(gatehouse: Gatehouse, sp: Any) -> None:
    """What the administration's form does: the row is saved, every process hears of it."""
    gatehouse.manage(
        "shell",
        "-c",
        "from federation.models import ServiceProvider as S;"
        f"row = S.objects.get(entity_id={sp.entity_id!r});"
        "row.attribute_queries = True; row.save()",
    )


def test_once_it_is_switched_on(gatehouse: Gatehouse) -> None:
    sp = provider_at(gatehouse)
    registered = register(gatehouse, sp)
    name = sign_on(gatehouse, sp, Person(), identifier="_id").name_id.text
    assert codes(ask(gatehouse, sp, name)) == [vocabulary.RESPONDER, vocabulary.REQUEST_DENIED]
    assert not services(registered)
    switch_on(gatehouse, sp)
    time.sleep(HEARD_EVERYWHERE)
    assert services(registered) == [gatehouse.url("/saml/attributes")]
    answer = ask(gatehouse, sp, name)
    assert codes(answer) == [vocabulary.SUCCESS]
    values = answer.xpath(".//saml:AttributeValue/text()", namespaces=NAMESPACES)
    assert "alice@example.org" in values
    assert name not in gatehouse.log


def services(registered: dict[str, Any]) -> list[str]:
    """Where its metadata says that attributes are asked for."""
    metadata = xml.parse(requests.get(registered["metadata_url"], timeout=TIMEOUT).content)
    return [one.get("Location") for one in metadata.iter(vocabulary.name("md:AttributeService"))]
