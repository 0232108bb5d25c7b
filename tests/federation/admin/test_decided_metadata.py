"""A decided change: its difference, and a refusal that is taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from federation.identity_provider import registration
from federation.models import MetadataProposal, ServiceProvider, Subscription
from idp import models
from tests.support.factories import UserFactory
from tests.support.metadata import Federation, alone, provider
from tests.support.saml import metadata_of

A = provider("a")
MOVED = "https://a.example.edu/moved"

pytestmark = pytest.mark.usefixtures("at_once")


def acs() -> str:
    return str(ServiceProvider.objects.get().assertion_consumer_services[0]["url"])


def html(browser: Browser, url: str) -> str:
    response = browser.get(url)
    assert response.status_code == 200
    return response.content.decode()


def button(text: str, name: str) -> str:
    """The value of a button of the page."""
    return text.partition(f'name="{name}" value="')[2].partition('"')[0]


@pytest.fixture
def refused(browser: Browser, federation: Federation) -> str:
    """The page of a change that was refused; its document is the source's still."""
    row = registration.register_from_metadata(metadata_of(A), name="Library").service_provider
    Subscription.objects.create(service_provider=row, source=federation.source())
    ServiceProvider.objects.update(changes_wait=True)
    document = metadata_of(A).replace(A.acs_url.encode(), MOVED.encode())
    federation.publish(federation.sign(alone(document)))
    page = reverse("admin:saml_metadata", args=[row.pk])
    browser.post(page, {"refresh": "yes"})
    browser.post(page, {"refuse": button(html(browser, page), "refuse")})
    proposal = MetadataProposal.objects.get(state="refused")
    url = reverse("admin:saml_metadata_decided", args=[row.pk, proposal.pk])
    assert f'href="{url}"' in html(browser, page)
    return url


def test_a_refusal_is_taken_back(browser: Browser, refused: str) -> None:
    text = html(browser, refused)
    for words in (MOVED, A.acs_url, "Assertion consumer services", "Accept it after all"):
        assert words in text
    assert "compares it anew" not in text
    browser.post(refused, {"accept": button(text, "accept")})
    assert acs() == MOVED
    assert MetadataProposal.objects.get().state == "accepted"
    assert models.AuditEvent.objects.get(action="metadata.accepted").actor == "root"
    assert Subscription.objects.get().in_use
    assert "Accept it after all" not in html(browser, refused)


def test_what_has_changed_since_is_said_and_compared_anew(browser: Browser, refused: str) -> None:
    seen = button(html(browser, refused), "accept")
    registration.register(A.entity_id, "https://a.example.edu/third")
    browser.post(refused, {"accept": seen})
    assert acs() == "https://a.example.edu/third"
    assert MetadataProposal.objects.get().state == "refused"
    text = html(browser, refused)
    assert "compares it anew" in text
    assert "https://a.example.edu/third" in text
    browser.post(refused, {"accept": button(text, "accept")})
    assert acs() == MOVED


def test_what_has_ended_is_never_used(browser: Browser, refused: str) -> None:
    seen = button(html(browser, refused), "accept")
    MetadataProposal.objects.update(valid_until=timezone.now() - timedelta(minutes=1))
    assert "Accept it after all" not in html(browser, refused)
    browser.post(refused, {"accept": seen})
    assert acs() == A.acs_url
    assert MetadataProposal.objects.get().state == "refused"


def test_twice_is_once(browser: Browser, refused: str) -> None:
    seen = button(html(browser, refused), "accept")
    for _ in range(2):
        browser.post(refused, {"accept": seen})
    assert models.AuditEvent.objects.filter(action="metadata.accepted").count() == 1


@pytest.mark.parametrize("state", ["accepted", "overtaken"])
def test_only_what_was_refused_is_taken_back(browser: Browser, refused: str, state: str) -> None:
    seen = button(html(browser, refused), "accept")
    MetadataProposal.objects.update(state=state)
    browser.post(refused, {"accept": seen})
    assert acs() == A.acs_url


def test_another_source_document_is_compared_again(browser: Browser, refused: str) -> None:
    Subscription.objects.update(digest="another", in_use=True)
    browser.post(refused, {"accept": button(html(browser, refused), "accept")})
    assert Subscription.objects.get().digest == ""
    assert not Subscription.objects.get().in_use


def test_it_belongs_to_its_application(browser: Browser, refused: str) -> None:
    other = registration.register("https://b.example", "https://b.example/acs").service_provider
    pk = MetadataProposal.objects.get().pk
    url = reverse("admin:saml_metadata_decided", args=[other.pk, pk])
    assert browser.get(url).status_code == 404


def test_is_for_administrators(browser_of: object, refused: str) -> None:
    person = browser_of(UserFactory())  # type: ignore[operator]
    assert person.get(refused).status_code == 403
    assert person.post(refused, {"accept": "x"}).status_code == 403
    assert acs() == A.acs_url
