"""What strangers write into metadata is text on every page that shows it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse

from federation.identity_provider import registration
from federation.models import ServiceProvider, Subscription
from tests.support.metadata import Federation, alone, provider
from tests.support.saml import metadata_of

WORDS = "&lt;script>alert(1)&lt;/script>&quot;&apos;x"
EXECUTED = ("<script>alert", "\"'x")
A = provider("a")

pytestmark = pytest.mark.usefixtures("at_once")


def page(response: Any) -> str:
    assert response.status_code == 200, response.content.decode()[:2000]
    return response.content.decode()  # type: ignore[no-any-return]


def hostile(acs: str = A.acs_url) -> bytes:
    """Metadata that has the words wherever there is room for them."""
    shown = (
        '<md:Extensions xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui"><mdui:UIInfo>'
        f'<mdui:DisplayName xml:lang="en">{WORDS}</mdui:DisplayName>'
        f'<mdui:Description xml:lang="en">{WORDS}</mdui:Description>'
        '<mdui:Logo height="1" width="1">javascript:alert(1)</mdui:Logo>'
        "</mdui:UIInfo></md:Extensions>"
    )
    attributes = (
        '<md:Extensions xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute"'
        ' xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><mdattr:EntityAttributes>'
        f'<saml:Attribute Name="{WORDS}"'
        ' NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri">'
        f"<saml:AttributeValue>{WORDS}</saml:AttributeValue></saml:Attribute>"
        "</mdattr:EntityAttributes></md:Extensions>"
    )
    asked = (
        f'<md:AttributeConsumingService index="1"><md:ServiceName xml:lang="en">{WORDS}'
        f'</md:ServiceName><md:RequestedAttribute Name="{WORDS}" FriendlyName="{WORDS}"/>'
        "</md:AttributeConsumingService>"
    )
    about = (
        f'<md:Organization><md:OrganizationName xml:lang="en">{WORDS}</md:OrganizationName>'
        f'<md:OrganizationDisplayName xml:lang="en">{WORDS}</md:OrganizationDisplayName>'
        '<md:OrganizationURL xml:lang="en">javascript:alert(1)</md:OrganizationURL>'
        f'</md:Organization><md:ContactPerson contactType="technical"><md:Company>{WORDS}'
        f"</md:Company><md:GivenName>{WORDS}</md:GivenName>"
        f"<md:EmailAddress>{WORDS}@x.example</md:EmailAddress></md:ContactPerson>"
    )
    text = metadata_of(A).decode().replace(A.acs_url, acs)
    text = text.replace("<md:SPSSODescriptor", f"{attributes}<md:SPSSODescriptor", 1)
    text = text.replace("<md:KeyDescriptor", f"{shown}<md:KeyDescriptor", 1)
    text = text.replace(
        "<md:AssertionConsumerService",
        f"<md:NameIDFormat>{WORDS}</md:NameIDFormat><md:AssertionConsumerService",
        1,
    )
    return (
        text.replace("</md:SPSSODescriptor>", f"{asked}</md:SPSSODescriptor>{about}")
        .replace(A.entity_id, f"{A.entity_id}?{WORDS}")
        .encode()
    )


def test_words_of_metadata_are_text_everywhere(browser: Browser, federation: Federation) -> None:
    row = registration.register_from_metadata(hostile()).service_provider
    assert row.application.name.startswith("<script>")
    source = federation.source(name="<script>alert(2)</script>")
    Subscription.objects.create(service_provider=row, source=source)
    ServiceProvider.objects.update(changes_wait=True)
    federation.publish(federation.sign(alone(hostile("https://a.example.edu/moved"))))
    followed = reverse("admin:saml_metadata", args=[row.pk])
    browser.post(followed, {"refresh": "yes"})
    look = reverse("admin:federation_metadatasource_look", args=[source.pk])
    entity = source.entities.get()
    pick = reverse("admin:federation_metadatasource_pick", args=[source.pk, entity.pk])
    pages = {
        "followed": followed,
        "source": look,
        "review": browser.post(pick).headers["Location"],
        "application": reverse("admin:idp_application_change", args=[row.pk]),
        "settings": reverse("admin:connect_settings", args=[row.pk]),
        "applications": reverse("admin:idp_application_changelist"),
        "sources": reverse("admin:federation_metadatasource_changelist"),
        "roll-over": reverse("admin:saml_roll_over"),
        "overview": reverse("admin:index"),
        "trail": reverse("admin:idp_auditevent_changelist"),
    }
    for name, url in pages.items():
        html = page(browser.get(url))
        assert not [one for one in EXECUTED if one in html], name
        assert 'href="javascript:' not in html, name
    html = page(browser.get(followed))
    assert "New metadata waits" in html
    assert "&lt;script&gt;alert(1)" in html
