"""Settings to copy during a roll-over: the next certificate stands beside the one of today."""

from __future__ import annotations

from html import escape

import pytest
from django.test import Client as Browser
from django.utils import timezone

from federation.admin import next_certificate
from federation.identity_provider import key_pins
from federation.models import ServiceProvider
from federation.saml import certificate
from idp import keys
from idp.models import SigningKey
from tests.support.factories import ServiceProviderFactory

ROLL_OVER = "/admin/keys/saml/"


def publish() -> keys.SamlKey:
    keys.rotate(keys.SAML, "RS256", step="published")
    following = keys.saml().following
    assert following is not None
    return following


def settings_of(browser: Browser, row: ServiceProvider) -> str:
    answer = browser.get(f"/admin/connect/{row.pk}/settings/")
    assert answer.status_code == 200
    return str(answer.content.decode().split("<main")[1])


def fingerprint(key: keys.SamlKey) -> str:
    return certificate.fingerprint(certificate.load(key.certificate))


@pytest.mark.parametrize("template", ["", "slack"])
def test_the_next_one_stands_beside_the_one_of_today(browser: Browser, template: str) -> None:
    row = ServiceProviderFactory(template=template)
    following = publish()
    html = settings_of(browser, row)
    assert fingerprint(following) in html
    assert following.certificate.strip() in html
    assert keys.saml_signing().certificate.strip() in html
    assert escape(next_certificate.NOTE) in html
    pk = SigningKey.objects.get(kid=following.kid).pk
    assert f'href="/admin/idp/signingkey/{pk}/certificate/"' in html
    assert f'href="{ROLL_OVER}"' in html


@pytest.mark.parametrize("template", ["", "slack"])
def test_who_has_moved_needs_the_new_one_alone(browser: Browser, template: str) -> None:
    row = ServiceProviderFactory(template=template)
    old, following = keys.saml_signing(), publish()
    key_pins.move([row.pk], to=following.kid, now=timezone.now(), origin={})
    html = settings_of(browser, row)
    assert following.certificate.strip() in html
    assert old.certificate.strip() not in html
    assert next_certificate.TITLE not in html
    key_pins.move([row.pk], to=old.kid, now=timezone.now(), origin={})
    assert next_certificate.TITLE in settings_of(browser, row)


def test_without_a_roll_over_nothing_is_said(browser: Browser) -> None:
    row = ServiceProviderFactory()
    assert next_certificate.TITLE not in settings_of(browser, row)
    publish()
    keys.rotate(keys.SAML, "RS256", step="rotated", leaving=[str(row.pk)])
    assert next_certificate.TITLE not in settings_of(browser, row)
