"""Connecting a SAML application: metadata or two addresses, looked at before it is saved."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser

from federation.models import ServiceProvider as Row
from federation.saml import certificate, vocabulary
from idp import keys, models
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider
from tests.support.factories import ServiceProviderFactory
from tests.support.saml import metadata_of

URL = "/admin/connect/saml/"
SP = ServiceProvider()
MEGABYTE = 1024 * 1024


def document(sp: ServiceProvider = SP, **keys: bool) -> str:
    return metadata_of(sp, **keys).decode()


def send(browser: Browser, **answers: Any) -> Any:
    return browser.post(URL, answers)


def page(response: Any) -> str:
    return response.content.decode()  # type: ignore[no-any-return]


def registered(browser: Browser, response: Any) -> Row:
    """Say yes to the draft that a response leads to."""
    assert response.status_code == 303, page(response)
    done = browser.post(response.headers["Location"])
    assert done.status_code == 303
    row = Row.objects.select_related("application").latest("registered_at")
    assert done.headers["Location"] == f"/admin/connect/{row.pk}/claims/"
    return row


def test_takes_pasted_metadata_after_a_look(browser: Browser) -> None:
    response = send(browser, name="Payroll", xml=document(encryption=True))
    html = page(browser.get(response.headers["Location"]))
    for words in (SP.entity_id, SP.acs_url, "signing:", "encryption:", "Register it"):
        assert words in html
    assert not Row.objects.exists()
    row = registered(browser, response)
    assert row.application.name == "Payroll"
    assert row.application.kind == models.Application.Kind.SAML
    assert models.AuditEvent.objects.get(action="application.created").actor == "root"
    assert not models.OneTimeValue.objects.exists()


def test_takes_a_file(browser: Browser) -> None:
    upload = SimpleUploadedFile("metadata.xml", document().encode())
    row = registered(browser, send(browser, file=upload))
    assert row.entity_id == SP.entity_id


def test_takes_two_addresses(browser: Browser) -> None:
    response = send(
        browser, name="Old", entity_id="https://old.example/sp", acs_url="https://old.example/acs"
    )
    assert "not verified" in page(browser.get(response.headers["Location"]))
    row = registered(browser, response)
    assert row.assertion_consumer_services[0]["url"] == "https://old.example/acs"


@pytest.mark.parametrize(
    ("entity_id", "warned"),
    [("not a uri", True), ("old", True), ("urn:old:sp", False), ("https://old.example/sp", False)],
)
def test_warns_of_an_entity_id_that_is_no_uri(
    browser: Browser, entity_id: str, warned: bool
) -> None:
    response = send(browser, entity_id=entity_id, acs_url="https://old.example/acs")
    html = page(browser.get(response.headers["Location"]))
    assert ("is not a URI" in html) is warned
    assert registered(browser, response).entity_id == entity_id


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"xml": "<not xml"}, "cannot be read"),
        ({"xml": "just words"}, "cannot be read"),
        ({"xml": "<x/>"}, "not SAML metadata"),
        ({"xml": "\n<html><body>Sign in</body></html>"}, "This is a web page (HTML)"),
        ({"xml": "<!DOCTYPE html><p>Sign in"}, "This is a web page (HTML)"),
        ({"xml": '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'}, "cannot be read"),
        (
            {"xml": document().replace("AssertionConsumerService", "ManageNameIDService")},
            "errorlist",
        ),
        ({}, "Give the metadata, or the entity ID and one address."),
        ({"entity_id": "https://a.example/"}, "Both are needed"),
        ({"entity_id": "x", "acs_url": "http://a.example/"}, "is http"),
        ({"entity_id": "x", "acs_url": "javascript:alert(1)"}, "neither https nor http"),
        ({"entity_id": "x", "acs_url": "https://a.example/#f"}, "fragment"),
    ],
)
def test_refuses_clearly_and_loses_nothing(
    browser: Browser, answers: dict[str, str], words: str
) -> None:
    response = send(browser, name="Typed", **answers)
    html = page(response)
    assert response.status_code == 422
    assert words in html
    assert 'value="Typed"' in html
    assert not Row.objects.exists()


def test_keeps_the_text_of_a_file_that_is_wrong(browser: Browser) -> None:
    upload = SimpleUploadedFile("metadata.xml", b"<wrong>the text</wrong>")
    html = page(send(browser, name="Typed", file=upload))
    assert "&lt;wrong&gt;the text" in html
    assert 'value="Typed"' in html


def test_refuses_binary_files(browser: Browser) -> None:
    upload = SimpleUploadedFile("metadata.xml", bytes(range(256)) * 10)
    assert send(browser, file=upload).status_code == 422


def test_refuses_a_file_of_five_megabytes(browser: Browser) -> None:
    upload = SimpleUploadedFile("metadata.xml", b" " * 5 * MEGABYTE)
    response = send(browser, name="Typed", file=upload)
    html = page(response)
    assert response.status_code == 422
    assert "The file has 5.0 MB." in html
    assert 'value="Typed"' in html


def test_refuses_five_pasted_megabytes_and_keeps_the_rest(browser: Browser) -> None:
    strict = Browser(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    response = send(
        strict,
        name="Typed",
        entity_id="https://typed.example/",
        acs_url="https://typed.example/acs",
        xml="x" * 5 * MEGABYTE,
    )
    html = page(response)
    assert response.status_code == 413
    assert "larger than 1 MB" in html
    for words in ("Typed", "https://typed.example/", "https://typed.example/acs"):
        assert f'value="{words}"' in html
    assert len(html) < 50_000


def test_checks_the_form_token_of_what_can_be_read(browser: Browser) -> None:
    strict = Browser(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    strict.post(URL, {"xml": document()})
    assert not models.OneTimeValue.objects.exists()
    assert not Row.objects.exists()


def test_asks_which_of_several(browser: Browser) -> None:
    other = ServiceProvider(
        entity_id="https://other.example/sp", acs_url="https://other.example/acs"
    )
    both = (
        f'<md:EntitiesDescriptor xmlns:md="{vocabulary.MD}">'
        f"{document()}{document(other)}</md:EntitiesDescriptor>"
    )
    response = send(browser, xml=both)
    html = page(browser.get(response.headers["Location"]))
    assert "Which one is it?" in html
    assert "2 service providers" in html
    assert f'<a class="button" href="{URL}">Back</a>' in html
    assert browser.post(response.headers["Location"], {"entity_id": "odd"}).status_code == 200
    chosen = browser.post(response.headers["Location"], {"entity_id": other.entity_id})
    assert registered(browser, chosen).entity_id == other.entity_id


def test_an_expired_certificate_is_a_warning(browser: Browser) -> None:
    old = service_provider.certificate(SP.key, ended=True)
    response = send(
        browser,
        xml=document().replace(
            service_provider.base64_der(SP.certificate), service_provider.base64_der(old)
        ),
    )
    html = page(browser.get(response.headers["Location"]))
    assert "expired" in html
    assert "2020-12-31" in html
    registered(browser, response)


def test_shows_the_difference_for_one_that_is_registered(browser: Browser) -> None:
    row = registered(browser, send(browser, name="Payroll", xml=document()))
    models.ClaimMapping.objects.create(
        application=row.application, claim="x", source="constant", key="y", to_saml=True
    )
    same = send(browser, xml=document())
    assert "Nothing changes" in page(browser.get(same.headers["Location"]))
    moved = document().replace(SP.acs_url, "https://moved.example/acs")
    response = send(browser, xml=moved)
    html = page(browser.get(response.headers["Location"]))
    for words in ("This changes Payroll", SP.acs_url, "https://moved.example/acs", "changes"):
        assert words in html
    assert browser.post(response.headers["Location"]).status_code == 303
    again = Row.objects.get()
    assert again.assertion_consumer_services[0]["url"] == "https://moved.example/acs"
    assert again.application.name == "Payroll"
    assert again.application.mappings.count() == 1


def test_names_required_attributes_without_a_mapping(browser: Browser) -> None:
    asked = (
        '<md:AttributeConsumingService index="0"><md:ServiceName xml:lang="en">x</md:ServiceName>'
        '<md:RequestedAttribute Name="urn:oid:1.2.3" FriendlyName="costCentre" isRequired="true"/>'
        "</md:AttributeConsumingService></md:SPSSODescriptor>"
    )
    response = send(browser, xml=document().replace("</md:SPSSODescriptor>", asked))
    html = page(browser.get(response.headers["Location"]))
    assert "need a mapping row: costCentre" in html


def test_a_draft_belongs_to_one_session(
    browser: Browser, admin_user: models.User, browser_of: Any
) -> None:
    response = send(browser, xml=document())
    other = browser_of(admin_user)
    assert other.get(response.headers["Location"]).headers["Location"] == URL
    assert other.post(response.headers["Location"]).headers["Location"] == URL
    assert not Row.objects.exists()


@pytest.mark.parametrize("draft", ["odd", "0" * 32])
def test_a_draft_that_is_gone_leads_back(browser: Browser, draft: str) -> None:
    assert browser.get(f"{URL}review/{draft}/").headers["Location"] == URL


def test_settings_are_ready_to_copy(browser: Browser) -> None:
    row = registered(browser, send(browser, xml=document()))
    html = page(browser.get(f"/admin/connect/{row.pk}/settings/"))
    for words in (
        f"/saml/metadata/{row.slug}",
        "/saml/sso",
        "BEGIN CERTIFICATE",
        "mod_auth_mellon",
        certificate.fingerprint(certificate.load(keys.saml_signing().certificate)),
    ):
        assert words in html
    assert "data-secret" not in html


def test_why_it_cannot_be_registered_is_said(browser: Browser) -> None:
    ServiceProviderFactory(name_qualifier=SP.entity_id)
    draft = send(browser, xml=document())
    again = browser.post(draft.headers["Location"])
    assert "affiliation of applications" in page(browser.get(again.headers["Location"]))
    assert not Row.objects.filter(entity_id=SP.entity_id).exists()
