"""The SAML half on the application's page: addresses, NameID, signatures, keys that are shown."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from federation.admin.service_provider_form import ServiceProviderForm
from federation.identity_provider import registration
from federation.models import ServiceProvider as Row
from federation.saml import vocabulary
from idp import models
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider
from tests.support.factories import ServiceProviderFactory
from tests.support.saml import metadata_of


def url(row: Row) -> str:
    return f"/admin/idp/application/{row.pk}/change/"


def form(row: Row, **changes: Any) -> dict[str, Any]:
    prefix = "service_provider-0-"
    values = {
        "acs_urls": row.assertion_consumer_services[0]["url"],
        "default_name_id_format": row.default_name_id_format,
        "name_id_source": "username",
        "name_qualifier": "",
        "sign_response": "on",
        "sign_assertion": "on",
        "encrypt_assertion": "on",
        "signature_algorithm": "rsa-sha256",
        "attribute_release": "mapping",
        "subject_identifier": "metadata",
        **changes,
    }
    return {
        "name": row.application.name,
        "access": "everyone",
        "service_provider-TOTAL_FORMS": 1,
        "service_provider-INITIAL_FORMS": 1,
        f"{prefix}application": str(row.pk),
        f"initial-{prefix}acs_urls": row.assertion_consumer_services[0]["url"],
        f"initial-{prefix}want_authn_requests_signed": str(row.want_authn_requests_signed),
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


def test_an_affiliation_is_nobodys_entity_id(browser: Browser) -> None:
    row, other = ServiceProviderFactory(), ServiceProviderFactory()
    for name in (other.entity_id, row.entity_id, f" {other.entity_id} "):
        html = browser.post(url(row), form(row, name_qualifier=name)).content.decode()
        assert "not of a group of them" in html
    group = "https://group.example"
    assert browser.post(url(row), form(row, name_qualifier=group)).status_code == 302
    row.refresh_from_db()
    assert row.name_qualifier == group


def test_keeps_both_bindings_of_one_address(browser: Browser) -> None:
    row = ServiceProviderFactory()
    (first,) = row.assertion_consumer_services
    artifact = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"
    row.assertion_consumer_services = [first, {**first, "binding": artifact, "index": 1}]
    row.save()
    assert browser.post(url(row), form(row)).status_code == 302
    row.refresh_from_db()
    assert [(one["binding"][-8:], one["index"]) for one in row.assertion_consumer_services] == [
        ("TTP-POST", 0),
        ("Artifact", 1),
    ]
    assert not models.AuditEvent.objects.filter(action="application.changed").exists()


def test_which_attributes_it_gets(browser: Browser) -> None:
    row = ServiceProviderFactory()
    assert "it gets no attributes" in browser.get(url(row)).content.decode()
    row.attribute_consuming_services = [
        {"index": 0, "attributes": [{"name": "urn:a", "friendly_name": "first"}]},
        {"index": 7, "attributes": [{"name": "urn:b"}]},
        {"index": 8, "attributes": []},
    ]
    row.entity_attributes = [
        {
            "name": "http://macedir.org/entity-category",
            "values": [
                "http://refeds.org/category/research-and-scholarship",
                "https://other.example/<category>",
            ],
        },
        {"name": "urn:oasis:names:tc:SAML:profiles:subject-id:req", "values": ["pairwise-id"]},
    ]
    row.save()
    html = browser.get(url(row)).content.decode()
    assert "Service 0: first (urn:a)" in html
    assert "Service 7: urn:b" in html
    assert "Service 8" not in html
    assert "Research and Scholarship, https://other.example/&lt;category&gt;" in html
    assert "Subject identifier that it gets: pairwise-id" in html
    data = form(row, attribute_release="requested", subject_identifier="none")
    assert browser.post(url(row), data).status_code == 302
    row.refresh_from_db()
    assert (row.attribute_release, row.subject_identifier) == ("requested", "none")
    # A form that was opened before an upgrade changes neither.
    late = form(row, attribute_release=None, subject_identifier=None)
    assert browser.post(url(row), late).status_code == 302
    row.refresh_from_db()
    assert (row.attribute_release, row.subject_identifier) == ("requested", "none")


def test_what_it_is_started_with(browser: Browser) -> None:
    row = ServiceProviderFactory()
    assert "Off. Once switched on" in browser.get(url(row)).content.decode()
    data = form(row, idp_initiated="on", relay_states="https://app.example/\n second ")
    assert browser.post(url(row), data).status_code == 302
    row.refresh_from_db()
    assert row.idp_initiated
    assert row.relay_states == ["https://app.example/", "second"]
    html = browser.get(url(row)).content.decode()
    assert f"/saml/launch/{row.slug}</code>" in html
    assert "Off. Once" not in html


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"acs_urls": ""}, "required"),
        ({"acs_urls": "https://ok.example/\nhttp://a.example/"}, "Line 2:"),
        ({"sign_response": None, "sign_assertion": None}, "Sign the response, the assertion"),
        ({"want_authn_requests_signed": "on"}, "import its metadata first"),
        ({"attribute_queries": "on"}, "import its metadata first"),
        ({"signature_algorithm": "rsa-sha1"}, "not one of the available choices"),
        ({"attribute_release": "all"}, "not one of the available choices"),
        ({"subject_identifier": "both"}, "not one of the available choices"),
        ({"relay_states": "first\n" + "x" * 2049}, "Line 2: at most 2048 bytes"),
        ({"relay_states": "a\u202eb"}, "Line 1: at most"),
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


HIDDEN = re.compile(r'name="(initial-service_provider-0-[a-z_]+)" value="([^"]*)"')


def test_a_form_that_was_open_takes_newer_metadata_back_in_nothing(browser: Browser) -> None:
    """The refresh will not do it again: for it the source has said nothing new."""
    sp = ServiceProvider(entity_id="https://a.example.edu/sp", acs_url="https://a.example.edu/old")
    row = registration.register_from_metadata(metadata_of(sp)).service_provider
    seen = dict(HIDDEN.findall(browser.get(url(row)).content.decode()))
    newer = metadata_of(replace(sp, acs_url="https://a.example.edu/new"))
    newer = newer.replace(b'AuthnRequestsSigned="false"', b'AuthnRequestsSigned="true"')
    registration.register_from_metadata(newer)
    data = {**form(row, name_id_source="email"), **seen}
    assert browser.post(url(row), data).status_code == 302
    now = Row.objects.get()
    assert now.name_id_source == "email"
    assert [one["url"] for one in now.assertion_consumer_services] == ["https://a.example.edu/new"]
    assert now.want_authn_requests_signed


@pytest.mark.django_db
def test_a_save_leaves_what_a_refresh_writes_at_the_same_time() -> None:
    """Keys above all: a form that was read a moment ago must not bring old ones back."""
    sp = ServiceProvider(entity_id="https://a.example.edu/sp", acs_url="https://a.example.edu/acs")
    row = registration.register_from_metadata(metadata_of(sp)).service_provider
    prefix = "service_provider-0-"
    data = {
        name.removeprefix(prefix): value
        for name, value in form(row, name_id_source="email").items()
        if name.startswith(prefix)
    }
    bound = ServiceProviderForm(data, instance=Row.objects.get())
    assert bound.is_valid(), bound.errors
    fresh = service_provider.base64_der(
        service_provider.certificate(service_provider.rsa_key("fresh"))
    )
    old = service_provider.base64_der(sp.certificate)
    newer = metadata_of(sp).decode().replace(old, fresh)
    registration.register_from_metadata(newer.encode())
    bound.save()
    now = Row.objects.get()
    assert now.name_id_source == "email"
    assert now.signing_certificates == [fresh]


def test_a_demand_is_switched_on_and_off(browser: Browser) -> None:
    der = service_provider.base64_der(ServiceProvider().certificate)
    row = ServiceProviderFactory(signing_certificates=[der])
    for wanted in ("on", None):
        seen = dict(HIDDEN.findall(browser.get(url(row)).content.decode()))
        data = {**form(row, want_authn_requests_signed=wanted), **seen}
        assert browser.post(url(row), data).status_code == 302
        row.refresh_from_db()
        assert row.want_authn_requests_signed == bool(wanted)


def test_more_addresses_than_a_form_takes_lock_nobody_out(browser: Browser) -> None:
    """Metadata decides how many there are; an administrator must still be able to say stop."""
    row = ServiceProviderFactory()
    (first,) = row.assertion_consumer_services
    row.assertion_consumer_services = [
        {**first, "url": f"https://sp.example/{index}", "index": index} for index in range(101)
    ]
    row.save()
    assert "disabled" in browser.get(url(row)).content.decode().partition("acs_urls")[2][:600]
    posted = form(row, changes_wait="on", acs_urls="https://evil.example/")
    assert browser.post(url(row), posted).status_code == 302
    row.refresh_from_db()
    assert row.changes_wait
    assert len(row.assertion_consumer_services) == 101


def test_what_was_said_before_the_first_sign_in_ends_with_it(browser: Browser) -> None:
    row = ServiceProviderFactory()
    assert "Before the first sign-in" in browser.get(url(row)).content.decode()
    models.Application.objects.update(last_used_at=timezone.now())
    html = browser.get(url(row)).content.decode()
    assert "Before the first sign-in" not in html
    assert "good to know" not in html


def test_what_stops_sign_ins_is_said_after_the_first_too(browser: Browser) -> None:
    row = ServiceProviderFactory()
    models.Application.objects.update(last_used_at=timezone.now())
    Row.objects.update(want_authn_requests_signed=True, signing_certificates=[])
    html = browser.get(url(row)).content.decode()
    assert "What to look at" in html
    assert "stops sign-ins" in html
