"""Metadata sources in the administration: settings, progress, choosing a service provider."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from federation.models import MetadataSource, ServiceProvider, Subscription
from idp import models
from tests.attacks.saml import service_provider
from tests.support import receiver
from tests.support.metadata import Federation, alone, group, provider
from tests.support.saml import metadata_of

LIST = "/admin/federation/metadatasource/"
A, B = provider("a"), provider("b")

pytestmark = pytest.mark.usefixtures("at_once")


def page(response: Any, status: int = 200) -> str:
    assert response.status_code == status, response.content.decode()[:3000]
    return response.content.decode()  # type: ignore[no-any-return]


def look(source: MetadataSource) -> str:
    return reverse("admin:federation_metadatasource_look", args=[source.pk])


def add(browser: Browser, federation: Federation, **answers: Any) -> Any:
    """Fill the form in; by default an aggregate with a pinned key."""
    values = {
        "name": "eduExample",
        "kind": "url",
        "url": federation.server.url("/metadata.xml"),
        "signing_certificates": federation.certificate,
        **answers,
    }
    sent = {name: value for name, value in values.items() if value not in ("", None)}
    return browser.post(f"{LIST}add/", sent)


def test_an_empty_list_says_what_to_do(browser: Browser) -> None:
    html = page(browser.get(LIST))
    assert "No metadata sources yet." in html
    assert f"{LIST}add/" in html
    assert "Metadata sources" in html


def test_an_aggregate_is_read_and_its_providers_registered(
    browser: Browser, federation: Federation
) -> None:
    federation.publish_entities(A, B)
    response = add(browser, federation)
    source = MetadataSource.objects.get()
    assert response.headers["Location"] == look(source)
    assert models.AuditEvent.objects.filter(action="metadata_source.created").exists()
    html = page(browser.get(look(source)))
    for words in (A.entity_id, B.entity_id, "2 service providers", "good"):
        assert words in html
    html = page(browser.get(look(source), {"q": "//b."}))
    assert B.entity_id in html
    assert A.entity_id not in html
    entity = source.entities.get(entity_id=B.entity_id)
    pick = reverse("admin:federation_metadatasource_pick", args=[source.pk, entity.pk])
    draft = browser.post(pick)
    html = page(browser.get(draft.headers["Location"]))
    assert "Signed by a pinned key, from eduExample" in html
    done = browser.post(draft.headers["Location"])
    row = ServiceProvider.objects.get()
    assert done.headers["Location"] == f"/admin/connect/{row.pk}/claims/"
    assert row.metadata_valid_until == source.valid_until
    assert Subscription.objects.get().source == source
    assert "registered</a>" in page(browser.get(look(source)))


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"signing_certificates": ""}, "Pin a key"),
        ({"tls_alone": "on"}, "choose one of the two"),
        ({"signing_certificates": "hello"}, "Key 1: A certificate cannot be read: it is damaged"),
        ({"url": ""}, "Say where the metadata is"),
        ({"url": "https://127.0.0.1/"}, "a private network and not in GATEHOUSE_OUTBOUND_ALLOW"),
        ({"url": "ftp://example.org/"}, "not https"),
        ({"kind": "file", "url": ""}, "Choose the file"),
    ],
)
def test_settings_that_cannot_be(
    browser: Browser, federation: Federation, answers: Any, words: str
) -> None:
    html = page(add(browser, federation, **answers))
    assert words in html
    assert not MetadataSource.objects.exists()


def test_tls_alone_is_an_explicit_choice(browser: Browser, federation: Federation) -> None:
    federation.publish(group(metadata_of(A)))
    add(browser, federation, signing_certificates="", tls_alone="on")
    html = page(browser.get(look(MetadataSource.objects.get())))
    assert "No key is pinned" in html
    assert A.entity_id in html


def test_a_public_key_can_be_pinned(browser: Browser, federation: Federation) -> None:
    pem = federation.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    federation.publish_entities(A)
    add(browser, federation, signing_certificates=pem.decode())
    assert MetadataSource.objects.get().error == ""


def test_what_is_due_comes_in_a_moment(browser: Browser) -> None:
    an_hour_ago = timezone.now() - timedelta(hours=1)
    source = MetadataSource.objects.create(
        name="eduExample", kind="url", url="https://a.example/", next_at=an_hour_ago
    )
    for address in (look(source), LIST):
        html = page(browser.get(address))
        assert "in a moment" in html
        assert "1 hour ago" not in html


def test_an_error_and_the_next_time_are_shown(browser: Browser, federation: Federation) -> None:
    federation.server.otherwise = receiver.ok(b"", status=500)
    add(browser, federation)
    source = MetadataSource.objects.get()
    html = page(browser.get(look(source)))
    assert "answers with status 500" in html
    assert "Next time" in html
    assert "failing" in page(browser.get(LIST))
    assert "Metadata source eduExample cannot be read" in page(browser.get("/admin/"))


def test_progress_is_shown_while_it_is_read(browser: Browser, federation: Federation) -> None:
    federation.publish_entities(A)
    source = federation.source()
    MetadataSource.objects.update(step="Storing 250 of 5,000", step_at=timezone.now())
    response = browser.get(look(source))
    assert "Storing 250 of 5,000" in page(response)
    assert response.headers["Refresh"] == "2"
    refused = browser.post(reverse("admin:federation_metadatasource_refresh", args=[source.pk]))
    assert "being read already" in page(browser.get(refused.headers["Location"]))
    # Whoever read it was cut off long ago.
    MetadataSource.objects.update(step_at=timezone.now() - timedelta(hours=1))
    assert "Refresh" not in browser.get(look(source)).headers
    browser.post(reverse("admin:federation_metadatasource_refresh", args=[source.pk]))
    assert source.entities.count() == 1


def test_refresh_now(browser: Browser, federation: Federation) -> None:
    federation.publish_entities(A)
    source = federation.source()
    url = reverse("admin:federation_metadatasource_refresh", args=[source.pk])
    assert browser.get(url).status_code == 404
    assert browser.post(url).status_code == 303
    assert source.entities.count() == 1
    assert models.AuditEvent.objects.get(action="metadata_source.refresh").actor == "root"


def test_a_file_is_read(browser: Browser, federation: Federation) -> None:
    document = federation.sign(group(metadata_of(A)))
    upload = SimpleUploadedFile("federation.xml", document)
    add(browser, federation, kind="file", url="", file=upload)
    source = MetadataSource.objects.get()
    assert source.entities.get().entity_id == A.entity_id
    assert source.next_at is None


def test_settings_that_change_judge_anew(browser: Browser, federation: Federation) -> None:
    federation.publish(federation.sign(group(metadata_of(A))), etag='"one"')
    add(browser, federation)
    source = MetadataSource.objects.get()
    browser.post(
        f"{LIST}{source.pk}/change/",
        {
            "name": "Other",
            "kind": "url",
            "url": source.url,
            "signing_certificates": federation.certificate,
            "longest_validity_days": "3",
        },
    )
    source.refresh_from_db()
    assert "at most 3 days" in source.error
    assert "if-none-match" not in federation.server.received[-1].headers


def test_a_query_service_is_asked_for_one(browser: Browser, federation: Federation) -> None:
    path = "/entities/https%3A%2F%2Fa.example.edu%2Fsp"
    federation.publish(federation.sign(alone(metadata_of(A))), path=path)
    add(browser, federation, kind="mdq", url=federation.server.url("/"))
    source = MetadataSource.objects.get()
    url = reverse("admin:federation_metadatasource_ask", args=[source.pk])
    draft = browser.post(url, {"entity_id": A.entity_id})
    assert A.acs_url in page(browser.get(draft.headers["Location"]))
    browser.post(draft.headers["Location"])
    assert Subscription.objects.get().service_provider.entity_id == A.entity_id
    federation.server.otherwise = receiver.ok(b"", status=404)
    lost = browser.post(url, {"entity_id": B.entity_id})
    assert "no such metadata" in page(browser.get(lost.headers["Location"]))


def test_removing_a_source_leaves_its_applications(
    browser: Browser, federation: Federation
) -> None:
    test_an_aggregate_is_read_and_its_providers_registered(browser, federation)
    source = MetadataSource.objects.get()
    html = page(browser.get(f"{LIST}{source.pk}/delete/"))
    assert "1 registered application" in html
    browser.post(f"{LIST}{source.pk}/delete/", {"post": "yes"})
    assert not MetadataSource.objects.exists()
    assert ServiceProvider.objects.get().entity_id == B.entity_id


def test_a_pin_vouches_for_nothing_that_it_did_not_verify(
    browser: Browser, federation: Federation
) -> None:
    federation.publish(group(metadata_of(A)))
    add(browser, federation, signing_certificates="", tls_alone="on")
    source = MetadataSource.objects.get()
    federation.server.behaviours["/metadata.xml"] = receiver.ok(b"", status=503)
    browser.post(
        f"{LIST}{source.pk}/change/",
        {
            "name": "eduExample",
            "kind": "url",
            "url": source.url,
            "signing_certificates": federation.certificate,
        },
    )
    assert MetadataSource.objects.get().is_pinned
    entity = source.entities.get()
    pick = reverse("admin:federation_metadatasource_pick", args=[source.pk, entity.pk])
    html = page(browser.get(browser.post(pick).headers["Location"]))
    assert "Signed by a pinned key" not in html
    assert "No pinned key signed it" in html


def test_what_another_key_verified_is_verified_no_longer(
    browser: Browser, federation: Federation
) -> None:
    federation.publish_entities(A)
    add(browser, federation)
    source = MetadataSource.objects.get()
    assert source.entities.get().signed
    other = service_provider.base64_der(
        service_provider.certificate(service_provider.rsa_key("other"))
    )
    values = {"name": "eduExample", "kind": "url", "url": source.url}
    browser.post(f"{LIST}{source.pk}/change/", {**values, "signing_certificates": other})
    assert "not signed by the expected key" in MetadataSource.objects.get().error
    assert not source.entities.get().signed
