"""*Test sign-in* for SAML: the real flow up to the response, verified and shown."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from federation.models import ServiceProvider as Row
from federation.models import StoredArtifact
from federation.saml import vocabulary
from idp import models
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider
from tests.support.factories import ServiceProviderFactory

DER = service_provider.base64_der(ServiceProvider().certificate)


def tried(browser: Browser, row: Row) -> str:
    response = browser.post(f"/admin/connect/{row.pk}/test/", follow=True)
    assert response.status_code == 200
    return response.content.decode()


def test_shows_the_response_and_each_check(browser: Browser) -> None:
    html = tried(browser, ServiceProviderFactory(application__name="Payroll"))
    assert "It works: Payroll" in html
    for words in (
        "The response&#x27;s signature verifies",
        "The assertion&#x27;s signature verifies",
        "The response follows the schema",
        "&lt;samlp:Response",
        "root@example.org",
    ):
        assert words in html
    assert "failed" not in html
    row = models.SignIn.objects.get()
    assert (row.result, row.user_name) == ("success", "root")


def test_shows_what_is_inside_the_encryption(browser: Browser) -> None:
    html = tried(browser, ServiceProviderFactory(encryption_certificates=[DER]))
    assert "It works" in html
    assert "Inside the encryption" in html
    assert "EncryptedAssertion" in html
    assert "root@example.org" in html


def test_fetches_what_an_artifact_stands_for(browser: Browser) -> None:
    service = {"url": "https://sp.example/artifact", "binding": vocabulary.ARTIFACT, "index": 0}
    row = ServiceProviderFactory(assertion_consumer_services=[service], signing_certificates=[DER])
    html = tried(browser, row)
    assert "It works" in html
    assert "&lt;samlp:Response" in html
    assert not StoredArtifact.objects.exists()


def test_says_that_signed_requests_are_not_tested(browser: Browser) -> None:
    row = ServiceProviderFactory(want_authn_requests_signed=True, signing_certificates=[DER])
    html = tried(browser, row)
    assert "It works" in html
    assert "the signature of its requests" in html


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"default_name_id_format": "urn:odd"}, "failed"),
        ({"assertion_consumer_services": []}, "failed"),
    ],
)
def test_shows_what_fails(browser: Browser, change: dict[str, Any], words: str) -> None:
    html = tried(browser, ServiceProviderFactory(**change))
    assert "It does not work yet" in html
    assert words in html


def test_a_disabled_application_is_not_tested(browser: Browser) -> None:
    row = ServiceProviderFactory(application__enabled=False)
    assert "enable it first" in tried(browser, row)


def test_who_may_not_use_it_sees_the_page_that_says_so(browser: Browser) -> None:
    row = ServiceProviderFactory(application__access="nobody")
    response = browser.post(f"/admin/connect/{row.pk}/test/")
    step = browser.get(response.headers["Location"])
    assert step.headers["Location"].endswith("/not-allowed")


def test_shows_the_refusal_that_the_application_would_receive(browser: Browser) -> None:
    row = ServiceProviderFactory()
    user = models.User.objects.get()
    user.email_verified = False
    user.save()
    row.default_name_id_format = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
    row.save()
    html = tried(browser, row)
    assert "It does not work yet" in html
    assert "InvalidNameIDPolicy" in html
