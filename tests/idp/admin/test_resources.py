"""API resources: identifier, scopes, who may ask for tokens and who may introspect them."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import Client as Browser

from idp import models
from tests.support.factories import ClientFactory, ResourceFactory

LIST = "/admin/idp/resource/"


def form(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Orders",
        "identifier": "https://orders.example",
        "scopes-TOTAL_FORMS": 1,
        "scopes-INITIAL_FORMS": 0,
        "scopes-0-name": "orders.read",
        "scopes-0-description": "read your orders",
        **changes,
    }


def test_creates_with_scopes_and_applications(browser: Browser) -> None:
    asks, introspects = ClientFactory(), ClientFactory()
    data = form(clients=[str(asks.pk)], introspectors=[str(introspects.pk)])
    assert browser.post(f"{LIST}add/", data).status_code == 302
    api = models.Resource.objects.get()
    assert [scope.name for scope in api.scopes.all()] == ["orders.read"]
    assert list(api.clients.all()) == [asks]
    assert list(api.introspectors.all()) == [introspects]
    event = models.AuditEvent.objects.get(action="resource.created")
    assert event.details["changes"]["scopes"]["added"] == ["orders.read"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"identifier": "nothing"}, "Resource nothing is not an absolute URI"),
        ({"identifier": "https://a.example/#x"}, "fragment"),
        ({"scopes-0-name": "a b"}, "no spaces"),
        ({"scopes-0-name": "openid"}, "belongs to OpenID Connect"),
        ({"scopes-0-description": ""}, "required"),
    ],
)
def test_refuses_and_keeps_what_was_typed(
    browser: Browser, changes: dict[str, str], words: str
) -> None:
    html = browser.post(f"{LIST}add/", form(name="Typed", **changes)).content.decode()
    assert words in html
    assert 'value="Typed"' in html
    assert not models.Resource.objects.exists()


def test_our_own_address_is_no_api(browser: Browser) -> None:
    data = form(identifier=settings.IDP.issuer)
    assert "need no API resource" in browser.post(f"{LIST}add/", data).content.decode()
    assert not models.Resource.objects.exists()


def test_identifiers_are_unique(browser: Browser) -> None:
    ResourceFactory(identifier="https://orders.example")
    assert "already exists" in browser.post(f"{LIST}add/", form()).content.decode()


def test_a_form_of_another_tab_that_adds_the_same_scope_is_told_so(browser: Browser) -> None:
    api = ResourceFactory(identifier="https://orders.example", scopes=["orders.read"])
    page = f"{LIST}{api.pk}/change/"
    response = browser.post(page, form())
    assert response.headers["Location"] == page
    assert "has just saved the same" in browser.get(page).content.decode()
    assert api.scopes.count() == 1


def test_public_clients_may_not_introspect(browser: Browser) -> None:
    client = ClientFactory(public=True)
    html = browser.post(f"{LIST}add/", form(introspectors=[str(client.pk)])).content.decode()
    assert "not one of the available choices" in html


def test_lists_and_says_what_goes_with_it(browser: Browser) -> None:
    api = ResourceFactory(name="Orders", scopes=["read", "write"])
    ClientFactory().resources.add(api)
    assert "read, write" in browser.get(LIST).content.decode()
    html = browser.get(f"{LIST}{api.pk}/delete/").content.decode()
    assert "Its scopes: read, write." in html
    assert "1 application can no longer" in html
    assert browser.post(f"{LIST}{api.pk}/delete/", {"post": "yes"}).status_code == 302
