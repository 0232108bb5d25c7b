"""The wizard: safe defaults for each kind, errors that lose nothing, the secret exactly once."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest
from django.test import Client as Browser

from idp import models
from tests.support.factories import ResourceFactory

Kind = models.Application.Kind


def connect(browser: Browser, kind: str, **answers: Any) -> Any:
    return browser.post(f"/admin/connect/{kind}/", {"name": "Acme Reports", **answers})


def registered() -> models.Client:
    return models.Client.objects.select_related("application").get()


def test_offers_every_kind(browser: Browser) -> None:
    html = browser.get("/admin/connect/").content.decode()
    for kind in Kind.values:
        path = "saml/applications" if kind == Kind.SAML else kind
        assert f'href="/admin/connect/{path}/"' in html
    assert html.count('class="choice"') == len(Kind.values)


def test_unknown_kind_is_not_found(browser: Browser) -> None:
    assert browser.get("/admin/connect/agent/").status_code == 404


def test_web_application_is_confidential_with_the_proposed_algorithm(browser: Browser) -> None:
    response = connect(
        browser,
        "web",
        redirect_uris="https://reports.example/cb",
        id_token_signed_response_alg="ES256",
    )
    client = registered()
    assert response.status_code == 303
    assert response.headers["Location"] == f"/admin/connect/{client.pk}/claims/"
    assert client.application.kind == Kind.WEB
    assert client.token_endpoint_auth_method == "client_secret_basic"
    assert client.redirect_uris == ["https://reports.example/cb"]
    assert client.id_token_signed_response_alg == "ES256"
    assert client.grant_types == ["authorization_code", "refresh_token"]
    assert client.secret_created_at is not None
    assert models.AuditEvent.objects.get(action="application.created").actor == "root"


def test_rs256_can_be_chosen(browser: Browser) -> None:
    connect(
        browser, "web", redirect_uris="https://a.example/", id_token_signed_response_alg="RS256"
    )
    assert registered().id_token_signed_response_alg == "RS256"


def test_single_page_application_is_public_with_pkce_and_refresh(browser: Browser) -> None:
    connect(browser, "spa", redirect_uris="https://app.example/cb")
    client = registered()
    assert client.is_public
    assert client.pkce == "required"
    assert client.refresh_always
    assert client.secret_created_at is None
    assert models.OneTimeValue.objects.count() == 0


def test_native_application_takes_loopback_and_private_schemes(browser: Browser) -> None:
    addresses = "http://127.0.0.1/callback\norg.example.app:/cb"
    connect(browser, "native", redirect_uris=addresses)
    client = registered()
    assert client.is_public
    assert client.is_native
    assert client.pkce == "required"
    assert client.redirect_uris == addresses.splitlines()


def test_machine_gets_client_credentials_and_its_apis(browser: Browser) -> None:
    api = ResourceFactory(scopes=["read"])
    connect(browser, "machine", resources=[str(api.pk)])
    client = registered()
    assert client.grant_types == ["client_credentials"]
    assert client.application.profile == "machine"
    assert list(client.resources.all()) == [api]


def test_claims_of_a_machine_go_into_its_access_token(browser: Browser) -> None:
    api = ResourceFactory(scopes=["read"])
    connect(browser, "machine", resources=[str(api.pk)])
    page = browser.get(f"/admin/connect/{registered().application.pk}/claims/").content.decode()
    boxes = re.findall(r'name="mappings-0-(to_\w+)"[^>]* checked', page)
    assert boxes == ["to_access_token"]
    assert re.findall(r'name="preview-scope" value="([^"]*)"', page) == ["read"]
    assert "granted scopes" not in page


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://reports.example/cb", "must be https"),
        ("https://reports.example/cb#x", "fragment"),
        ("https://*.example/cb", "Line 1"),
        ("javascript:alert(1)", "Line 1"),
        ("nothing", "Line 1"),
        ("https://a.example/\nhttp://b.example/", "Line 2"),
    ],
)
def test_refuses_addresses_and_loses_nothing(browser: Browser, address: str, words: str) -> None:
    response = connect(
        browser, "web", redirect_uris=address, post_logout_redirect_uris="https://x.example/"
    )
    html = response.content.decode()
    assert response.status_code == 422
    assert words in html
    assert 'value="Acme Reports"' in html
    assert "https://x.example/" in html
    assert models.Application.objects.count() == 0


def test_refuses_nul_and_control_characters(browser: Browser) -> None:
    for name in ("a\x00b", "a\x07b"):
        response = browser.post(
            "/admin/connect/web/", {"name": name, "redirect_uris": "https://a.example/"}
        )
        assert response.status_code == 422
    assert models.Application.objects.count() == 0


def test_shows_the_secret_exactly_once(browser: Browser) -> None:
    response = connect(browser, "web", redirect_uris="https://reports.example/cb")
    client = registered()
    settings_url = f"/admin/connect/{client.pk}/settings/"
    first = browser.get(settings_url).content.decode()
    secret = re.search(r"data-secret>([^<]+)<", first)[1]
    assert hashlib.sha256(secret.encode()).digest() == bytes(client.secret_hash)
    assert secret in first[first.index(".env") :]
    again = browser.get(settings_url).content.decode()
    assert secret not in again
    assert "data-secret" not in again
    assert secret not in response.headers["Location"]
    assert all(secret not in morsel.value for morsel in browser.cookies.values())


def test_never_stores_the_secret_in_clear(browser: Browser) -> None:
    connect(browser, "web", redirect_uris="https://reports.example/cb")
    row = models.OneTimeValue.objects.get()
    sealed = bytes(row.sealed)
    html = browser.get(f"/admin/connect/{registered().pk}/settings/").content.decode()
    secret = re.search(r"data-secret>([^<]+)<", html)[1]
    assert secret.encode() not in sealed
    assert models.OneTimeValue.objects.count() == 0
    events = models.AuditEvent.objects.values_list("details", flat=True)
    assert secret not in str(list(events))


def test_another_administrator_does_not_see_the_secret(
    browser: Browser, admin_user: models.User, browser_of: Any
) -> None:
    connect(browser, "web", redirect_uris="https://reports.example/cb")
    other = browser_of(admin_user)
    url = f"/admin/connect/{registered().pk}/settings/"
    assert "data-secret" not in other.get(url).content.decode()
    assert "data-secret" in browser.get(url).content.decode()


def test_settings_name_what_the_application_needs(browser: Browser) -> None:
    connect(browser, "spa", redirect_uris="https://app.example/cb")
    client = registered()
    html = browser.get(f"/admin/connect/{client.pk}/settings/").content.decode()
    for words in ("http://localhost:8000", client.client_id, "OIDC_ISSUER=", "oidc-client-ts"):
        assert words in html
    assert "CLIENT_SECRET" not in html


def test_claims_can_be_saved_or_left(browser: Browser) -> None:
    connect(browser, "web", redirect_uris="https://reports.example/cb")
    url = f"/admin/connect/{registered().pk}/claims/"
    assert "What shall Acme Reports know?" in browser.get(url).content.decode()
    data = {
        "mappings-TOTAL_FORMS": 1,
        "mappings-INITIAL_FORMS": 0,
        "mappings-0-position": 1,
        "mappings-0-claim": "department",
        "mappings-0-source": "attribute",
        "mappings-0-key": "department",
        "mappings-0-transforms": "lower",
        "mappings-0-to_id_token": "on",
    }
    wrong = browser.post(url, {**data, "mappings-0-transforms": "lover"})
    assert wrong.status_code == 422
    assert "Did you mean “lower”?" in wrong.content.decode()
    assert 'value="lover"' in wrong.content.decode()
    assert models.ClaimMapping.objects.count() == 0
    assert browser.post(url, {**data, "_preview": "1"}).status_code == 200
    assert models.ClaimMapping.objects.count() == 0
    assert browser.post(url, data).status_code == 303
    row = models.ClaimMapping.objects.get()
    assert (row.claim, row.transforms) == ("department", [{"name": "lower"}])
    event = models.AuditEvent.objects.filter(action="application.changed").get()
    assert "department" in str(event.details)


def test_pages_of_unknown_applications_are_not_found(browser: Browser) -> None:
    nobody = "01a20da9-0000-7000-8000-000000000000"
    for page in ("claims", "settings", "test/result"):
        assert browser.get(f"/admin/connect/{nobody}/{page}/").status_code == 404


def test_settings_of_a_machine_ask_for_a_token(browser: Browser) -> None:
    api = ResourceFactory(scopes=["read"])
    connect(browser, "machine", resources=[str(api.pk)])
    html = browser.get(f"/admin/connect/{registered().pk}/settings/").content.decode()
    for words in ("grant_type=client_credentials", f"resource={api.identifier}", "OAuth2Session"):
        assert words in html
