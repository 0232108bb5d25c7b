"""The preview of a SAML assertion: what sign-on would really post."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from federation.admin import assertion_preview, saml_notices
from idp import models
from idp.admin.preview import Case, NothingIssued
from idp.claims import applications
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider
from tests.support.factories import ServiceProviderFactory, UserFactory


@pytest.fixture
def alice(admin_user: models.User) -> models.User:
    return UserFactory(username="alice", given_name="Alice", groups=["staff"])


def case_for(row: Any, user: models.User | None) -> Case:
    half = assertion_preview.find(row.pk)
    rows = applications.rows(half.application)
    return Case(half=half, rows=rows, user=user, now=timezone.now())


def test_shows_the_usual_attributes_without_a_mapping(alice: models.User) -> None:
    shown = assertion_preview.show(case_for(ServiceProviderFactory(), alice))
    for words in ("<saml:Assertion", "alice@example.org", "isMemberOf", "staff", "persistent"):
        assert words in shown.text
    assert shown.size > len(shown.text)
    assert any(reason.released for reason in shown.reasons)


def test_keeps_no_name_id(alice: models.User) -> None:
    shown = assertion_preview.show(case_for(ServiceProviderFactory(), alice))
    assert "made at the first sign-in" in shown.text
    from federation.models import PersistentNameId

    assert not PersistentNameId.objects.exists()


def test_shows_unsaved_rows(browser: Browser, alice: models.User) -> None:
    row = ServiceProviderFactory()
    data = {
        "mappings-TOTAL_FORMS": 1,
        "mappings-INITIAL_FORMS": 0,
        "mappings-0-claim": "urn:oid:2.5.4.42",
        "mappings-0-source": "user",
        "mappings-0-key": "given_name",
        "mappings-0-transforms": "upper",
        "mappings-0-friendly_name": "givenName",
        "preview-person": "alice",
        "preview-target": "assertion",
    }
    html = browser.post(f"/admin/preview/{row.pk}/", data).content.decode()
    assert "ALICE" in html
    assert "differs from today" in html
    assert not models.ClaimMapping.objects.exists()


def test_follows_the_unsaved_name_id(browser: Browser, alice: models.User) -> None:
    row = ServiceProviderFactory()
    data = {
        "mappings-TOTAL_FORMS": 0,
        "mappings-INITIAL_FORMS": 0,
        "preview-person": "alice",
        "service_provider-0-default_name_id_format": (
            "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
        ),
    }
    html = browser.post(f"/admin/preview/{row.pk}/", data).content.decode()
    assert "emailAddress" in html
    assert "differs from today" in html


def test_follows_the_unsaved_choice_of_attributes(browser: Browser, alice: models.User) -> None:
    row = ServiceProviderFactory(requested_attributes=[{"name": "urn:oid:2.5.4.42"}])
    data = {
        "mappings-TOTAL_FORMS": 0,
        "mappings-INITIAL_FORMS": 0,
        "preview-person": "alice",
        "service_provider-0-attribute_release": "requested",
        "service_provider-0-subject_identifier": "subject-id",
    }
    html = browser.post(f"/admin/preview/{row.pk}/", data).content.decode()
    assert f"{alice.id.hex}@localhost" in html
    assert "metadata does not ask for it" in html
    data["service_provider-0-attribute_release"] = "odd"
    assert (
        "metadata does not ask for it"
        not in browser.post(f"/admin/preview/{row.pk}/", data).content.decode()
    )


def test_an_assertion_that_names_nobody(alice: models.User) -> None:
    shown = assertion_preview.show(
        case_for(ServiceProviderFactory(default_name_id_format="none"), alice)
    )
    assert "NameID" not in shown.text


def test_one_that_takes_artifacts_alone(alice: models.User) -> None:
    service = {
        "url": "https://sp.example/artifact",
        "binding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact",
    }
    row = ServiceProviderFactory(assertion_consumer_services=[service])
    assert 'Recipient="https://sp.example/artifact"' in (
        assertion_preview.show(case_for(row, alice)).text
    )
    notices = saml_notices.of_application(row.application)
    assert any("key is missing" in one.text for one in notices)


def test_says_when_it_is_encrypted(alice: models.User) -> None:
    der = service_provider.base64_der(ServiceProvider().certificate)
    row = ServiceProviderFactory(encryption_certificates=[der])
    shown = assertion_preview.show(case_for(row, alice))
    assert shown.note == assertion_preview.ENCRYPTED
    assert "alice@example.org" in shown.text


@pytest.mark.parametrize(
    "change",
    [
        {"assertion_consumer_services": []},
        {"signature_algorithm": "rsa-sha1"},
        {"default_name_id_format": "odd"},
        {"sign_response": False, "sign_assertion": False},
    ],
)
def test_says_why_nothing_would_be_issued(alice: models.User, change: dict[str, Any]) -> None:
    with pytest.raises(NothingIssued):
        assertion_preview.show(case_for(ServiceProviderFactory(**change), alice))


def test_machines_and_the_disabled_get_nothing(alice: models.User) -> None:
    row = ServiceProviderFactory()
    alice.is_active = False
    for user in (None, alice):
        with pytest.raises(NothingIssued):
            assertion_preview.show(case_for(row, user))
