"""The metadata page of an application: state, a waiting change, yes and no."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from federation.identity_provider import registration
from federation.models import MetadataProposal, MetadataSource, ServiceProvider, Subscription
from idp import models
from tests.attacks.saml import service_provider
from tests.support import receiver
from tests.support.factories import UserFactory
from tests.support.metadata import Federation, alone, provider
from tests.support.saml import metadata_of

A = provider("a")
MOVED = "https://a.example.edu/moved"
ACS = MOVED.encode()

pytestmark = pytest.mark.usefixtures("at_once")


def page(response: Any, status: int = 200) -> str:
    assert response.status_code == status, response.content.decode()[:3000]
    return response.content.decode()  # type: ignore[no-any-return]


@pytest.fixture
def followed(browser: Browser, federation: Federation) -> str:
    """A sensitive application that follows a signed document; the address of its page."""
    federation.publish(federation.sign(alone(metadata_of(A))))
    row = registration.register_from_metadata(metadata_of(A), name="Library").service_provider
    Subscription.objects.create(service_provider=row, source=federation.source())
    ServiceProvider.objects.update(changes_wait=True)
    return reverse("admin:saml_metadata", args=[row.pk])


def change(browser: Browser, federation: Federation, url: str, acs: str = MOVED) -> str:
    """Publish another address and refresh; returns the page."""
    document = metadata_of(A).replace(A.acs_url.encode(), acs.encode())
    federation.publish(federation.sign(alone(document)))
    assert browser.post(url, {"refresh": "yes"}).status_code == 303
    return page(browser.get(url))


def button(html: str, name: str) -> str:
    """The value of a button of the page."""
    return html.partition(f'name="{name}" value="')[2].partition('"')[0]


def test_shows_where_it_comes_from(browser: Browser, followed: str) -> None:
    html = page(browser.get(followed))
    for words in ("Federation", "verified with a pinned key", "wait for an administrator"):
        assert words in html
    application = models.Application.objects.get()
    html = page(browser.get(reverse("admin:idp_application_change", args=[application.pk])))
    assert followed in html
    assert "from Federation" in html


def test_a_change_waits_and_is_accepted(
    browser: Browser, federation: Federation, followed: str
) -> None:
    html = change(browser, federation, followed)
    for words in ("New metadata waits for you", MOVED, A.acs_url, "Accept it", "Refuse it"):
        assert words in html
    assert "New metadata of Library waits for you" in page(browser.get("/admin/"))
    browser.post(followed, {"accept": button(html, "accept")})
    row = ServiceProvider.objects.get()
    assert row.assertion_consumer_services[0]["url"] == MOVED
    assert models.AuditEvent.objects.get(action="metadata.accepted").actor == "root"
    html = page(browser.get(followed))
    assert "The new metadata is in use." in html
    assert "accepted by root" in html


def test_a_change_is_refused(browser: Browser, federation: Federation, followed: str) -> None:
    html = change(browser, federation, followed)
    browser.post(followed, {"refuse": button(html, "refuse")})
    assert ServiceProvider.objects.get().assertion_consumer_services[0]["url"] == A.acs_url
    assert MetadataProposal.objects.get().state == "refused"
    assert models.AuditEvent.objects.get(action="metadata.refused").actor == "root"


def test_only_what_was_looked_at_is_accepted(
    browser: Browser, federation: Federation, followed: str
) -> None:
    html = change(browser, federation, followed)
    seen = button(html, "accept")
    change(browser, federation, followed, acs="https://evil.example/acs")
    browser.post(followed, {"accept": seen})
    assert "Newer metadata has come meanwhile" in page(browser.get(followed))
    assert ServiceProvider.objects.get().assertion_consumer_services[0]["url"] == A.acs_url


def test_errors_are_shown(browser: Browser, federation: Federation, followed: str) -> None:
    federation.server.behaviours["/metadata.xml"] = receiver.ok(b"", status=503)
    browser.post(followed, {"refresh": "yes"})
    assert "answers with status 503" in page(browser.get(followed))


def test_progress_is_shown(browser: Browser, followed: str) -> None:
    MetadataSource.objects.update(step="Fetching the document", step_at=timezone.now())
    response = browser.get(followed)
    assert "Fetching the document" in page(response)
    assert response.headers["Refresh"] == "2"


def test_stops_following(browser: Browser, followed: str) -> None:
    browser.post(followed, {"stop": "yes"})
    assert not Subscription.objects.exists()
    html = page(browser.get(followed))
    assert "it is not refreshed" in html
    assert browser.post(followed, {"refresh": "yes"}).status_code == 404


def test_is_for_administrators(browser_of: Any, followed: str) -> None:
    assert browser_of(UserFactory()).get(followed).status_code == 403
    assert browser_of(UserFactory()).post(followed, {"stop": "yes"}).status_code == 403
    assert Subscription.objects.exists()


def test_an_unknown_application(browser: Browser) -> None:
    missing = reverse("admin:saml_metadata", args=["00000000-0000-0000-0000-000000000000"])
    assert browser.get(missing).status_code == 404


SERVICE = (
    b'<md:AttributeConsumingService index="1"><md:ServiceName xml:lang="en">S</md:ServiceName>'
    b'<md:RequestedAttribute Name="urn:oid:0.9.2342.19200300.100.1.3" FriendlyName="mail"/>'
    b"</md:AttributeConsumingService>"
)
OTHER_SERVICE = (
    b'<md:AttributeConsumingService index="7"><md:ServiceName xml:lang="en">S</md:ServiceName>'
    b'<md:RequestedAttribute Name="urn:secret:salary" FriendlyName="mail"/>'
    b"</md:AttributeConsumingService>"
)
LOGOUT = (
    b'<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"'
    b' Location="https://a.example.edu/slo"%s/>'
)
SECOND = (
    b'<md:AssertionConsumerService index="2"%s Location="https://a.example.edu/second"'
    b' Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"/>'
)


def described(*, first: bytes = b"", last: bytes = b"") -> bytes:
    """The metadata of A with more elements before and after its address."""
    document = metadata_of(A).replace(
        b"<md:AssertionConsumerService", first + b"<md:AssertionConsumerService", 1
    )
    return document.replace(b"</md:SPSSODescriptor>", last + b"</md:SPSSODescriptor>", 1)


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (
            described(last=SERVICE),
            described(last=SERVICE.replace(b"urn:oid:0.9.2342.19200300.100.1.3", b"urn:evil")),
            "mail (urn:evil)",
        ),
        (described(last=SERVICE), described(last=SERVICE + OTHER_SERVICE), "urn:secret:salary"),
        (
            described(first=LOGOUT % b""),
            described(first=LOGOUT % b' ResponseLocation="https://evil.example/"'),
            "https://evil.example/",
        ),
        (
            described(last=SECOND % b""),
            described(last=SECOND % b' isDefault="true"'),
            "default",
        ),
    ],
    ids=["name behind a friendly one", "another service", "response address", "default"],
)
def test_nothing_is_accepted_that_is_not_shown(
    browser: Browser,
    federation: Federation,
    followed: str,
    before: bytes,
    after: bytes,
    shown: str,
) -> None:
    registration.register_from_metadata(before)
    federation.publish(federation.sign(alone(after)))
    browser.post(followed, {"refresh": "yes"})
    html = page(browser.get(followed))
    assert "New metadata waits for you" in html
    assert shown in html
    assert html.count(">changes<") >= 1


def test_a_subject_that_cannot_be_read_breaks_no_page(
    browser: Browser, federation: Federation, followed: str
) -> None:
    """One hostile certificate must not take the pages away on which it would be noticed."""
    ServiceProvider.objects.update(changes_wait=False)
    own = service_provider.base64_der(A.certificate)
    broken = base64.b64decode(own).replace(b"sp.example", b"\xff\xfe" * 5)
    hostile = metadata_of(A).replace(own.encode(), base64.b64encode(broken))
    federation.publish(federation.sign(alone(hostile)))
    browser.post(followed, {"refresh": "yes"})
    row = ServiceProvider.objects.get()
    assert row.signing_certificates == [base64.b64encode(broken).decode()]
    for url in (
        reverse("admin:idp_application_change", args=[row.pk]),
        reverse("admin:saml_roll_over"),
        reverse("admin:index"),
        followed,
    ):
        page(browser.get(url))
    draft = browser.post(reverse("admin:connect_kind", args=["saml"]), {"xml": hostile.decode()})
    assert "a subject that cannot be read" in page(browser.get(draft.headers["Location"]))


def test_one_that_was_pasted_can_follow_a_source(browser: Browser, federation: Federation) -> None:
    federation.publish(federation.sign(alone(metadata_of(A).replace(A.acs_url.encode(), ACS))))
    row = registration.register_from_metadata(metadata_of(A), name="Library").service_provider
    source = federation.source()
    browser.post(reverse("admin:federation_metadatasource_refresh", args=[source.pk]))
    html = page(browser.get(reverse("admin:saml_metadata", args=[row.pk])))
    assert "The source Federation also publishes this entity." in html
    entity = source.entities.get()
    pick = reverse("admin:federation_metadatasource_pick", args=[source.pk, entity.pk])
    assert f'action="{pick}"' in html
    look = browser.post(pick).headers["Location"]
    assert MOVED in page(browser.get(look))
    assert not Subscription.objects.exists()
    browser.post(look)
    assert Subscription.objects.get().source == source
    assert ServiceProvider.objects.get().assertion_consumer_services[0]["url"] == MOVED
    html = page(browser.get(reverse("admin:saml_metadata", args=[row.pk])))
    assert "also publishes" not in html


def test_the_application_says_at_the_top_that_a_change_waits(
    browser: Browser, federation: Federation, followed: str
) -> None:
    application = reverse("admin:idp_application_change", args=[ServiceProvider.objects.get().pk])
    assert "New metadata of it waits for you." not in page(browser.get(application))
    change(browser, federation, followed)
    top, _, _ = page(browser.get(application)).partition('<nav class="tabs"')
    assert "New metadata of it waits for you." in top
    assert f'href="{followed}"' in top


def test_what_has_ended_meanwhile_is_not_accepted(
    browser: Browser, federation: Federation, followed: str
) -> None:
    html = change(browser, federation, followed)
    MetadataProposal.objects.update(valid_until=timezone.now())
    browser.post(followed, {"accept": button(html, "accept")})
    assert "The metadata was valid until" in page(browser.get(followed))
    assert MetadataProposal.objects.get().state == "waiting"
    assert ServiceProvider.objects.get().assertion_consumer_services[0]["url"] == A.acs_url
