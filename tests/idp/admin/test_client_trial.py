"""*Test sign-in* for OAuth and OpenID Connect: the real flow, everything in it taken back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from idp import models
from idp.accounts import consents
from tests.support.factories import ClientFactory, ResourceFactory


def begin(browser: Browser, client: models.Client) -> Any:
    return browser.post(f"/admin/connect/{client.pk}/test/")


def led_on(browser: Browser, response: Any) -> Any:
    """Follow redirects until a page is shown."""
    while response.status_code == 303:
        response = browser.get(response.headers["Location"])
    return response


def answered(browser: Browser, page: Any, decision: str) -> Any:
    """Press a button of the consent page."""
    shown = re.findall(r'name="shown" value="([^"]+)"', page.content.decode())[-1]
    return browser.post(page.request["PATH_INFO"], {"decision": decision, "shown": shown})


def test_shows_what_the_application_would_receive(browser: Browser) -> None:
    client = ClientFactory(application__first_party=True, application__name="Acme")
    models.ClaimMapping.objects.create(
        application=client.application,
        claim="plan",
        source="constant",
        key="gold",
        to_id_token=True,
    )
    response = led_on(browser, begin(browser, client))
    html = response.content.decode()
    assert "It works: Acme" in html
    for words in ("ID token", "Access token", "UserInfo", "root@example.org", "gold", "passed"):
        assert words in html
    assert "redirect address, and that it knows its secret" in html
    row = models.SignIn.objects.get()
    assert (row.result, row.user_name) == ("success", "root")


def test_is_shown_once(browser: Browser) -> None:
    client = ClientFactory(application__first_party=True)
    led_on(browser, begin(browser, client))
    again = browser.get(f"/admin/connect/{client.pk}/test/result/")
    assert again.headers["Location"] == f"/admin/connect/{client.pk}/settings/"


def test_takes_back_what_was_issued(browser: Browser) -> None:
    client = ClientFactory(application__first_party=True)
    html = led_on(browser, begin(browser, client)).content.decode()
    grant = models.Grant.objects.get()
    assert grant.revoked_at is not None
    assert models.Revocation.objects.filter(kind="grant", key=grant.pk.hex).exists()
    for event in ("token.issued", "grant.revoked"):
        assert models.AuditEvent.objects.filter(action=event).exists()
    assert "eyJ" not in html


def test_asks_for_consent_as_in_earnest(browser: Browser) -> None:
    client = ClientFactory()
    page = led_on(browser, begin(browser, client))
    assert page.request["PATH_INFO"].endswith("/consent")
    assert consents.given(models.User.objects.get(), client.application) is None
    response = answered(browser, page, "allow")
    html = led_on(browser, response).content.decode()
    assert "It works" in html


def test_shows_the_refusal_that_the_application_would_receive(browser: Browser) -> None:
    client = ClientFactory()
    page = led_on(browser, begin(browser, client))
    response = answered(browser, page, "deny")
    html = led_on(browser, response).content.decode()
    assert "It does not work yet" in html
    assert "access_denied" in html


def test_says_why_somebody_may_not_use_it(browser: Browser) -> None:
    client = ClientFactory(application__access="nobody")
    page = led_on(browser, begin(browser, client))
    assert page.request["PATH_INFO"].endswith("/not-allowed")


def test_tests_a_machine(browser: Browser) -> None:
    client = ClientFactory(
        application__kind="machine",
        application__profile="machine",
        grant_types=["client_credentials"],
        response_types=[],
        redirect_uris=[],
    )
    api = ResourceFactory(scopes=["read"])
    client.resources.add(api)
    html = led_on(browser, begin(browser, client)).content.decode()
    assert "It works" in html
    assert api.identifier in html
    assert "UserInfo" not in html.split("<main")[1]
    assert models.Revocation.objects.filter(kind="jti").count() == 1


@pytest.mark.parametrize("change", [{"redirect_uris": []}, {"response_types": []}])
def test_shows_which_check_fails(browser: Browser, change: dict[str, Any]) -> None:
    client = ClientFactory(**change)
    html = led_on(browser, begin(browser, client)).content.decode()
    assert "It does not work yet" in html
    assert "failed" in html


def test_a_disabled_application_is_not_tested(browser: Browser) -> None:
    client = ClientFactory(application__enabled=False)
    begin(browser, client)
    assert "enable it first" in browser.get("/admin/").content.decode()


def test_begins_with_a_press_only(browser: Browser) -> None:
    client = ClientFactory()
    response = browser.get(f"/admin/connect/{client.pk}/test/")
    assert response.headers["Location"] == f"/admin/connect/{client.pk}/settings/"
    assert not models.Interaction.objects.exists()


def test_cancelled_by_somebody_who_was_signed_out_meanwhile(browser: Browser) -> None:
    client = ClientFactory()
    path = begin(browser, client).headers["Location"]
    models.Session.objects.update(ended_at=timezone.now())
    page = led_on(browser, browser.get(path))
    response = browser.post(page.request["PATH_INFO"], {"cancel": ""})
    response = browser.get(response.headers["Location"])
    assert response.headers["Location"] == f"/admin/connect/{client.pk}/settings/"
    assert browser.get(response.headers["Location"]).headers["Location"].startswith("/login?next=")
