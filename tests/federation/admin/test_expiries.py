"""What of SAML is shown on the overview before it ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client as Browser
from django.utils import timezone

from federation.admin import expiries
from federation.models import MetadataSource, Subscription
from idp.admin import home
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider
from tests.support.factories import ServiceProviderFactory

pytestmark = pytest.mark.django_db


def test_names_metadata_and_certificates_that_end() -> None:
    now = timezone.now()
    der = service_provider.base64_der(ServiceProvider().certificate)
    ServiceProviderFactory(
        application__name="Payroll",
        metadata_valid_until=now + timedelta(days=3),
        signing_certificates=[der],
    )
    soon = [entry.what for entry in expiries.expiries(now + timedelta(days=30))]
    assert "Metadata of Payroll" in soon
    later = [entry.what for entry in expiries.expiries(now + timedelta(days=40_000))]
    assert "Payroll: signing certificate" in later


def test_leaves_out_the_disabled() -> None:
    now = timezone.now()
    ServiceProviderFactory(application__enabled=False, metadata_valid_until=now)
    assert not list(expiries.expiries(now + timedelta(days=30)))


def test_is_on_the_overview(browser: Browser) -> None:
    past = timezone.now() - timedelta(days=1)
    ServiceProviderFactory(application__name="Payroll", metadata_valid_until=past)
    html = browser.get("/admin/").content.decode()
    assert "Metadata of Payroll" in html
    assert "expired" in html


def test_says_how_near_the_end_is(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()

    def entry(what: str, days: float) -> home.Expiry:
        return home.Expiry(what, now + timedelta(days=days), "/x", "do it")

    found = [entry("A", -1), entry("B", 6), entry("C", 29), entry("D", 89)]
    monkeypatch.setattr(home, "_expiries", [lambda until: found])
    html = browser.get("/admin/").content.decode()
    for words in ("expired", "within a week", "within 30 days"):
        assert html.count(f">{words}<") == 1


def test_metadata_that_ends_later_than_a_month_is_no_news() -> None:
    now = timezone.now()
    ServiceProviderFactory(metadata_valid_until=now + timedelta(days=40))
    assert not list(expiries.expiries(now + timedelta(days=90)))


@pytest.mark.parametrize(
    ("kind", "error", "days", "is_news"),
    [
        ("url", "", 3, False),
        ("mdq", "", 3, False),
        ("url", "it cannot be reached", 3, True),
        ("url", "", -1, True),
        # Nobody makes a file anew but who sent it.
        ("file", "", 3, True),
    ],
)
def test_what_is_followed_is_news_when_it_fails(
    kind: str, error: str, days: int, is_news: bool
) -> None:
    now = timezone.now()
    provider = ServiceProviderFactory(metadata_valid_until=now + timedelta(days=days))
    source = MetadataSource.objects.create(name="Federation", kind=kind, error=error)
    Subscription.objects.create(service_provider=provider, source=source)
    assert bool(list(expiries.expiries(now + timedelta(days=90)))) is is_news


def test_one_application_that_its_source_has_lost_is_news() -> None:
    now = timezone.now()
    provider = ServiceProviderFactory(metadata_valid_until=now + timedelta(days=3))
    source = MetadataSource.objects.create(name="Federation", kind="url")
    Subscription.objects.create(service_provider=provider, source=source, error="not there")
    assert list(expiries.expiries(now + timedelta(days=90)))
