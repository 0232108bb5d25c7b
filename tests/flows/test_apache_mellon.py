"""Debian's Apache with mod_auth_mellon signs people in at a real Gatehouse."""

from __future__ import annotations

import re

import requests

from tests.support.apache import Apache, variables
from tests.support.browser import Visitor
from tests.support.person import TIMEOUT
from tests.support.server import Gatehouse


def start(apache: Apache, gatehouse: Gatehouse, *, bindings: str = "HTTP-(Redirect|POST)") -> None:
    """Exchange metadata both ways, by address and command alone.

    `bindings`: which of Gatehouse's addresses for requests the module gets to know.
    """
    metadata = requests.get(gatehouse.url("/saml/metadata"), timeout=TIMEOUT).text
    services = re.findall(r"<[^<]*SingleSignOnService[^>]*/>", metadata)
    assert len(services) == 2
    for service in services:
        if not re.search(bindings, service):
            metadata = metadata.replace(service, "")
    apache.mellon(idp_metadata=metadata)
    own = requests.get(f"{apache.address}/mellon/metadata", timeout=TIMEOUT).text
    gatehouse.register_service_provider(own)


def test_signs_in_and_receives_the_usual_attributes(
    gatehouse: Gatehouse, apache: Apache, visitor: Visitor
) -> None:
    start(apache, gatehouse)
    page = visitor.page
    page.goto(apache.protected)
    visitor.sign_in("alice", gatehouse.password)
    page.wait_for_url(apache.protected)
    known = " ".join(variables(page.content()).values())
    for value in ("alice@example.org", "Archer", "staff", "users"):
        assert value in known


def test_signs_in_with_a_request_by_post(
    gatehouse: Gatehouse, apache: Apache, visitor: Visitor
) -> None:
    start(apache, gatehouse, bindings="HTTP-POST")
    page = visitor.page
    page.goto(apache.protected)
    visitor.sign_in("bob", gatehouse.password)
    page.wait_for_url(apache.protected)
    assert "bob@example.org" in page.content()


def test_a_second_application_asks_for_nothing(
    gatehouse: Gatehouse, apache: Apache, visitor: Visitor
) -> None:
    start(apache, gatehouse)
    page = visitor.page
    page.goto(apache.protected)
    visitor.sign_in("alice", gatehouse.password)
    page.wait_for_url(apache.protected)
    visitor.context.clear_cookies(name="mellon-cookie")
    page.goto(apache.protected)
    page.wait_for_url(apache.protected)
    assert "alice@example.org" in page.content()
