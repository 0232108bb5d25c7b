"""Connecting a SaaS application by its template: list, form, look, settings."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from federation.identity_provider.saas import catalogue
from federation.identity_provider.saas.template import Signs, Template
from federation.models import ServiceProvider as Row
from federation.saml import certificate
from idp import models
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider
from tests.support.factories import ServiceProviderFactory, UserFactory

URL = "/admin/connect/saml/applications/"
CERTIFICATE = service_provider.pem(ServiceProvider().certificate)


def answers(template: Template, **changes: str) -> dict[str, str]:
    values = {f"value_{one.name}": one.example for one in template.placeholders}
    return {"name": "Ours", **values, **changes}


def page(response: Any) -> str:
    return response.content.decode()  # type: ignore[no-any-return]


def test_the_card_leads_to_the_list(browser: Browser) -> None:
    html = page(browser.get(URL))
    for template in catalogue.TEMPLATES:
        assert f'href="{URL}{template.value}/"' in html
    assert 'href="/admin/connect/saml/"' in html
    assert f'href="{URL}"' in page(browser.get("/admin/connect/"))


def test_the_list_is_searched(browser: Browser) -> None:
    html = page(browser.get(URL, {"q": "zoom"}))
    assert f"{URL}zoom/" in html
    assert f"{URL}slack/" not in html
    assert "Another application" in html
    evil = page(browser.get(URL, {"q": "<script>"}))
    assert "<script>" not in evil.split("<main")[1]
    assert "No application that is known here" in evil


@pytest.mark.parametrize("template", catalogue.TEMPLATES, ids=lambda one: one.value)
def test_from_the_form_to_the_settings(browser: Browser, template: Template) -> None:
    path = f"{URL}{template.value}/"
    assert template.documentation in page(browser.get(path)).replace("&amp;", "&")
    response = browser.post(path, answers(template))
    assert response.status_code == 303
    html = page(browser.get(response.headers["Location"]))
    filled = template.fill({one.name: one.example for one in template.placeholders})
    for words in (filled.entity_id, *filled.consumers, "Before the first sign-in", "Found at"):
        assert words in html.replace("&amp;", "&")
    assert not Row.objects.exists()
    done = browser.post(response.headers["Location"])
    row = Row.objects.select_related("application").get()
    assert done.headers["Location"] == f"/admin/connect/{row.pk}/claims/"
    assert row.application.name == "Ours"
    assert not models.OneTimeValue.objects.exists()
    settings = page(browser.get(f"/admin/connect/{row.pk}/settings/"))
    for field in template.fields:
        assert field.label in settings


def test_a_value_that_does_not_fit_is_explained_and_kept(browser: Browser) -> None:
    response = browser.post(f"{URL}slack/", {"name": "Chat", "value_workspace": "evil.example/x"})
    html = page(response)
    assert response.status_code == 422
    assert "What stands before .slack.com" in html
    assert 'value="evil.example/x"' in html
    assert not models.OneTimeValue.objects.exists()


def test_a_certificate_that_cannot_be_used_is_refused(browser: Browser) -> None:
    template = catalogue.find("salesforce")
    assert template is not None
    given = answers(template, signing_certificate="odd")
    response = browser.post(f"{URL}salesforce/", given)
    assert response.status_code == 422
    assert "cannot be read" in page(response)


def test_one_that_signs_without_its_key_is_told_to_be_refused(browser: Browser) -> None:
    template = catalogue.find("salesforce")
    assert template is not None
    without = browser.post(f"{URL}salesforce/", answers(template))
    html = page(browser.get(without.headers["Location"]))
    assert "Salesforce signs its requests, and its key is not known" in html
    assert "stops sign-ins" in html
    given = answers(template, signing_certificate=CERTIFICATE)
    with_key = browser.post(f"{URL}salesforce/", given)
    html = page(browser.get(with_key.headers["Location"]))
    assert "its key is not known" not in html
    browser.post(with_key.headers["Location"])
    assert Row.objects.get().want_authn_requests_signed


def test_one_that_is_registered_is_shown_as_a_change(browser: Browser) -> None:
    first = browser.post(f"{URL}slack/", {"name": "Chat", "value_workspace": "one"})
    browser.post(first.headers["Location"])
    second = browser.post(f"{URL}slack/", {"name": "Chat", "value_workspace": "two"})
    html = page(browser.get(second.headers["Location"]))
    for words in ("This changes Chat", "https://one.slack.com", "https://two.slack.com"):
        assert words in html


def test_a_key_that_replaces_another_is_shown_as_a_change(browser: Browser) -> None:
    template = next(one for one in catalogue.TEMPLATES if one.signs != Signs.NO)
    path = f"{URL}{template.value}/"
    own = answers(template, signing_certificate=CERTIFICATE)
    browser.post(browser.post(path, own).headers["Location"])
    fresh = service_provider.certificate(service_provider.rsa_key("fresh"))
    again = answers(template, signing_certificate=service_provider.pem(fresh))
    html = page(browser.get(browser.post(path, again).headers["Location"]))
    assert "Nothing changes" not in html
    assert html.count(">changes<") == 1
    assert certificate.fingerprint(fresh)[:23] in html


def test_the_name_of_a_group_is_told_to_be_taken(browser: Browser) -> None:
    ServiceProviderFactory(name_qualifier="https://slack.com")
    draft = browser.post(f"{URL}slack/", {"name": "Chat", "value_workspace": "one"})
    again = browser.post(draft.headers["Location"])
    assert "affiliation of applications" in page(browser.get(again.headers["Location"]))
    assert Row.objects.count() == 1


def test_people_without_a_verified_address_are_counted_before_saving(browser: Browser) -> None:
    UserFactory(email_verified=False)
    response = browser.post(f"{URL}zoom/", {"name": "Zoom", "value_vanity": "acme"})
    html = page(browser.get(response.headers["Location"]))
    assert "Its NameID is made of a verified e-mail address" in html


@pytest.mark.parametrize("path", [f"{URL}odd/", f"{URL}<x>/"])
def test_an_unknown_template_is_not_found(browser: Browser, path: str) -> None:
    assert browser.get(path).status_code == 404


def test_a_draft_that_is_gone_or_of_another_kind_leads_back(
    browser: Browser, admin_user: models.User, browser_of: Any
) -> None:
    response = browser.post(f"{URL}slack/", {"name": "Chat", "value_workspace": "one"})
    location = response.headers["Location"]
    for other, path in ((browser_of(admin_user), location), (browser, f"{URL}review/odd/")):
        assert other.get(path).headers["Location"] == URL
        assert other.post(path).headers["Location"] == URL
    sent = browser.post(
        "/admin/connect/saml/", {"entity_id": "https://a.example", "acs_url": "https://a.example/b"}
    )
    draft = sent.headers["Location"].rstrip("/").rpartition("/")[2]
    assert browser.get(f"{URL}review/{draft}/").headers["Location"] == URL
    assert not Row.objects.exists()


def test_strangers_get_nothing(client: Browser, db: None) -> None:
    for path in (URL, f"{URL}slack/", f"{URL}review/odd/"):
        assert client.get(path).status_code in (302, 303)


def test_the_overview_tells_where_nobody_can_sign_in(browser: Browser) -> None:
    template = catalogue.find("salesforce")
    assert template is not None
    without = browser.post(f"{URL}salesforce/", answers(template))
    assert "nobody can sign in" not in page(browser.get("/admin/")).lower()
    browser.post(without.headers["Location"])
    row = Row.objects.get()
    html = page(browser.get("/admin/"))
    assert "Nobody can sign in to Ours" in html
    assert f'href="/admin/idp/application/{row.pk}/change/"' in html
    Row.objects.create(
        application=models.Application.objects.create(name="b", kind="saml"),
        entity_id="https://b.example",
        slug="b",
    )
    html = page(browser.get("/admin/"))
    assert "Nobody can sign in to 2 SAML applications" in html
    models.Application.objects.update(enabled=False)
    assert "obody can sign in" not in page(browser.get("/admin/"))
