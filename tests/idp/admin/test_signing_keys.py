"""Keys: their states and dates, a rotation that explains itself, the certificate to download."""

from __future__ import annotations

import pytest
from django.test import Client as Browser

from idp import models

LIST = "/admin/idp/signingkey/"
Key = models.SigningKey


def test_shows_states_and_no_private_half(browser: Browser) -> None:
    html = browser.get(LIST).content.decode()
    for words in ("OpenID Connect ES256", "OpenID Connect RS256", "SAML RS256", "current", "next"):
        assert words in html
    assert "/jwks" in html
    assert "/saml/metadata" in html
    for row in Key.objects.all():
        assert bytes(row.private_key).decode() not in html


def test_explains_and_rotates(browser: Browser) -> None:
    url = f"{LIST}rotate/oidc/ES256/"
    following = Key.objects.get(algorithm="ES256", state="next", purpose="oidc")
    assert "starts to sign" in browser.get(url).content.decode()
    assert Key.objects.get(pk=following.pk).state == "next"
    assert browser.post(url).status_code == 303
    assert Key.objects.get(pk=following.pk).state == "current"
    event = models.AuditEvent.objects.get(action="key.rotated")
    assert (event.actor, event.details["algorithm"]) == ("root", "ES256")
    html = browser.get(LIST).content.decode()
    assert "retired" in html
    assert "published until" in html


def test_the_key_to_encrypt_to_us_is_published_first(browser: Browser) -> None:
    url = f"{LIST}rotate/saml-enc/RSA-OAEP/"
    assert "Both open what arrives" in browser.get(url).content.decode()
    browser.post(url)
    assert models.AuditEvent.objects.filter(action="key.published").exists()
    assert "still opens what arrives" in browser.get(url).content.decode()
    browser.post(url)
    assert Key.objects.filter(purpose="saml-enc", state="retired").count() == 1


def test_hands_out_the_certificate(browser: Browser) -> None:
    key = Key.objects.get(purpose="saml", state="current")
    response = browser.get(f"{LIST}{key.pk}/certificate/")
    assert response.content.decode() == key.certificate
    assert response.headers["Content-Disposition"].endswith('.pem"')
    other = Key.objects.filter(purpose="oidc").first()
    assert browser.get(f"{LIST}{other.pk}/certificate/").status_code == 404


@pytest.mark.parametrize("path", ["rotate/odd/ES256/", "rotate/oidc/odd/"])
def test_unknown_keys_are_not_found(browser: Browser, path: str) -> None:
    assert browser.get(LIST + path).status_code == 404
    assert browser.post(LIST + path).status_code == 404
