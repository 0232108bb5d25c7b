"""The SAML half on the application's page: addresses, NameID, signatures, keys that are shown."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from federation.models import ServiceProvider as Row
from federation.saml import vocabulary
from idp import models
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider
from tests.support.factories import ServiceProviderFactory


def url(row: Row) -> str:
    return f"/admin/idp/application/{row.pk}/change/"


def form(row: Row, **changes: Any) -> dict[str, Any]:
    prefix = "service_provider-0-"
    values = {
        "acs_urls": row.assertion_consumer_services[0]["url"],
        "default_name_id_format": row.default_name_id_format,
        "name_id_source": "username",
        "sign_response": "on",
        "sign_assertion": "on",
        "encrypt_assertion": "on",
        "signature_algorithm": "rsa-sha256",
        **changes,
    }
    return {
        "name": row.application.name,
        "access": "everyone",
        "service_provider-TOTAL_FORMS": 1,
        "service_provider-INITIAL_FORMS": 1,
        f"{prefix}application": str(row.pk),
        "mappings-TOTAL_FORMS": 0,
        "mappings-INITIAL_FORMS": 0,
        **{prefix + name: value for name, value in values.items() if value is not None},
    }


def test_shows_addresses_and_no_consent(browser: Browser) -> None:
    row = ServiceProviderFactory()
    html = browser.get(url(row)).content.decode()
    assert row.entity_id in html
    assert "No" in html
    assert "first_party" not in html
    assert "None are known: requests are not verified" in html


def test_shows_certificates_with_their_end(browser: Browser) -> None:
    der = service_provider.base64_der(ServiceProvider().certificate)
    row = ServiceProviderFactory(signing_certificates=[der], encryption_certificates=["broken"])
    html = browser.get(url(row)).content.decode()
    assert "signing: CN=" in html
    assert "cannot be read" in html


@pytest.mark.parametrize(
    ("bindings", "words"),
    [
        ([], "No address is known: people stay signed in there"),
        ([vocabulary.REDIRECT], "It is told in the browser"),
        ([vocabulary.POST, vocabulary.SOAP_BINDING], "It is told by SOAP."),
        (["urn:other"], "No address is known"),
    ],
)
def test_shows_how_it_hears_of_a_sign_out(
    browser: Browser, bindings: list[str], words: str
) -> None:
    services = [
        {"binding": one, "url": "https://sp.example/slo?a=1&b=2", "response_url": ""}
        for one in bindings
    ]
    row = ServiceProviderFactory(single_logout_services=services)
    html = browser.get(url(row)).content.decode()
    assert words in html
    assert "its own sign-out messages and answers are refused" in html
    assert html.count("https://sp.example/slo?a=1&amp;b=2") == len(bindings)
    der = service_provider.base64_der(ServiceProvider().certificate)
    Row.objects.filter(pk=row.pk).update(signing_certificates=[der])
    assert "sign-out messages and answers are refused" not in browser.get(url(row)).content.decode()


def test_saves_what_administrators_decide_and_keeps_indexes(browser: Browser) -> None:
    row = ServiceProviderFactory()
    first = row.assertion_consumer_services[0]
    first["index"] = 7
    row.save()
    addresses = f"https://new.example/acs\n{first['url']}"
    data = form(row, acs_urls=addresses, encrypt_assertion=None, signature_algorithm="rsa-sha512")
    assert browser.post(url(row), data).status_code == 302
    row.refresh_from_db()
    assert [one["index"] for one in row.assertion_consumer_services] == [0, 7]
    assert [one["is_default"] for one in row.assertion_consumer_services] == [True, False]
    assert not row.encrypt_assertion
    assert row.signature_algorithm == "rsa-sha512"
    event = models.AuditEvent.objects.get(action="application.changed")
    assert event.details["changes"]["signature_algorithm"]["before"] == "rsa-sha256"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"acs_urls": ""}, "required"),
        ({"acs_urls": "https://ok.example/\nhttp://a.example/"}, "Line 2:"),
        ({"sign_response": None, "sign_assertion": None}, "Sign the response, the assertion"),
        ({"want_authn_requests_signed": "on"}, "import its metadata first"),
        ({"signature_algorithm": "rsa-sha1"}, "not one of the available choices"),
        ({"default_name_id_format": "odd"}, "not one of the available choices"),
    ],
)
def test_refuses_and_keeps_what_was_typed(
    browser: Browser, changes: dict[str, Any], words: str
) -> None:
    row = ServiceProviderFactory()
    response = browser.post(url(row), form(row, name_id_source="typed", **changes))
    html = response.content.decode()
    assert response.status_code == 200
    assert words in html
    assert 'value="typed"' in html
