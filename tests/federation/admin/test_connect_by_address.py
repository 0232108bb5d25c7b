"""The wizard: metadata at an address, with a pinned key or TLS alone by choice."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from federation.models import MetadataSource, ServiceProvider, Subscription
from tests.attacks.saml import service_provider
from tests.support import receiver
from tests.support.metadata import Federation, alone, group, provider
from tests.support.saml import metadata_of

URL = "/admin/connect/saml/address/"
A, B = provider("a"), provider("b")


def send(browser: Browser, federation: Federation, **answers: Any) -> Any:
    values = {"url": federation.server.url("/metadata.xml"), "keys": federation.certificate}
    values |= answers
    return browser.post(URL, {name: value for name, value in values.items() if value})


def page(response: Any, status: int = 200) -> str:
    assert response.status_code == status, response.content.decode()[:3000]
    return response.content.decode()  # type: ignore[no-any-return]


def test_the_card_leads_here(browser: Browser) -> None:
    assert URL in page(browser.get("/admin/connect/saml/"))
    assert "Pinned key" in page(browser.get(URL))


def test_a_signed_document_is_registered_and_followed(
    browser: Browser, federation: Federation
) -> None:
    federation.publish(federation.sign(alone(metadata_of(A))))
    response = send(browser, federation, name="Library")
    assert response.status_code == 303
    html = page(browser.get(response.headers["Location"]))
    assert "Signed by a pinned key" in html
    assert not ServiceProvider.objects.exists()
    assert not MetadataSource.objects.exists()
    browser.post(response.headers["Location"])
    row = ServiceProvider.objects.get()
    assert row.application.name == "Library"
    source = Subscription.objects.get().source
    assert source.url == federation.server.url("/metadata.xml")
    assert source.signing_certificates == [federation.certificate]
    assert source.next_at is not None


def test_unsigned_metadata_is_said_to_be(browser: Browser, federation: Federation) -> None:
    federation.publish(metadata_of(A))
    response = send(browser, federation, keys="", tls_alone="on")
    html = page(browser.get(response.headers["Location"]))
    # The federation of the tests speaks plain http.
    assert "plain http protects nothing" in html
    assert "TLS says" not in html


def test_one_of_several_is_chosen(browser: Browser, federation: Federation) -> None:
    federation.publish_entities(A, B)
    response = send(browser, federation)
    assert B.entity_id in page(browser.get(response.headers["Location"]))
    chosen = browser.post(response.headers["Location"], {"entity_id": B.entity_id})
    browser.post(chosen.headers["Location"])
    assert Subscription.objects.get().service_provider.entity_id == B.entity_id


def test_the_same_address_is_one_source(browser: Browser, federation: Federation) -> None:
    federation.publish_entities(A, B)
    for one in (A, B):
        response = send(browser, federation)
        chosen = browser.post(response.headers["Location"], {"entity_id": one.entity_id})
        browser.post(chosen.headers["Location"])
    assert Subscription.objects.count() == 2
    assert MetadataSource.objects.count() == 1


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"keys": ""}, "Pin a key"),
        ({"tls_alone": "on"}, "choose one of the two"),
        ({"url": ""}, "This field is required"),
        ({"url": "https://10.1.2.3/metadata"}, "inside a private network"),
        ({"url": "http://example.org/metadata"}, "nor is example.org in GATEHOUSE_OUTBOUND_ALLOW"),
        ({"keys": "x" * 50_000}, "at most"),
    ],
)
def test_what_cannot_be_asked(
    browser: Browser, federation: Federation, answers: Any, words: str
) -> None:
    assert words in page(send(browser, federation, **answers), 422)
    assert not federation.server.received


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (receiver.ok(metadata_of(A)), "not signed by the expected key"),
        (receiver.redirect("https://example.org/"), "redirects"),
        (receiver.big(2 * receiver.MEGABYTE), "larger than"),
        (receiver.ok(b"<html/>"), "not SAML metadata"),
        (receiver.ok(b"", status=404), "status 404"),
    ],
    ids=["unsigned", "redirect", "large", "html", "missing"],
)
def test_what_is_no_use(
    browser: Browser, federation: Federation, behaviour: Any, words: str
) -> None:
    federation.server.behaviours["/metadata.xml"] = behaviour
    assert words in page(send(browser, federation), 422)


def test_a_foreign_signature(browser: Browser, federation: Federation) -> None:
    foreign = service_provider.rsa_key("foreign")
    federation.publish(federation.sign(group(metadata_of(A)), key=foreign))
    assert "not signed by the expected key" in page(send(browser, federation), 422)
