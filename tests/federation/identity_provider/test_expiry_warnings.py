"""Warnings of what ends: 90, 30 and 7 days ahead, each once, to administrators."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail

from federation.identity_provider import expiry_warnings
from federation.models import ExpiryWarning
from idp import prune
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider
from tests.support.factories import ServiceProviderFactory, UserFactory
from tests.support.protocol import restore_keys

pytestmark = pytest.mark.django_db
DER = service_provider.base64_der(ServiceProvider().certificate)
END = ServiceProvider().certificate.not_valid_after_utc


@pytest.fixture(autouse=True)
def mailing(settings: Any) -> None:
    settings.IDP = settings.IDP.model_copy(update={"email_url": "file:///nowhere/mail"})


def administrator(**fields: Any) -> Any:
    return UserFactory(username="root", is_superuser=True, **fields)


def before(days: float) -> datetime:
    return END - timedelta(days=days)


def test_warns_three_times_and_each_time_once() -> None:
    administrator()
    ServiceProviderFactory(application__name="Payroll", signing_certificates=[DER])
    told = []
    for days in (91, 89.9, 80, 31, 29.9, 8, 6.9, 1, -1, -100):
        for _ in range(2):
            if expiry_warnings.warn(now=before(days)):
                told.append(days)
    assert told == [89.9, 29.9, 6.9]
    assert len(mail.outbox) == 3
    message = mail.outbox[0]
    assert message.to == ["root@example.org"]
    assert "a certificate ends soon" in message.subject
    assert f"Payroll: signing certificate: {END:%Y-%m-%d}" in message.body


def test_what_comes_late_is_told_at_once_and_once() -> None:
    administrator()
    ServiceProviderFactory(encryption_certificates=[DER])
    assert expiry_warnings.warn(now=before(3)) == 1
    assert expiry_warnings.warn(now=before(2)) == 0


def test_ours_and_theirs_in_one_message() -> None:
    restore_keys()
    administrator()
    for name in ("Payroll", "Wiki"):
        ServiceProviderFactory(application__name=name, signing_certificates=[DER])
    far = datetime.now(UTC) + timedelta(days=365 * 200)
    assert expiry_warnings.warn(now=far) == 4
    (message,) = mail.outbox
    assert "4 certificates end" in message.subject
    assert "Our current SAML RS256" in message.body


def test_disabled_applications_and_broken_certificates_are_passed_over() -> None:
    administrator()
    ServiceProviderFactory(application__enabled=False, signing_certificates=[DER])
    ServiceProviderFactory(signing_certificates=["broken"])
    assert expiry_warnings.warn(now=before(1)) == 0


def test_only_administrators_with_a_verified_address() -> None:
    ServiceProviderFactory(signing_certificates=[DER])
    UserFactory(username="alice")
    UserFactory(username="gone", is_superuser=True, is_active=False)
    UserFactory(username="unproven", is_superuser=True, email_verified=False)
    assert expiry_warnings.warn(now=before(1)) == 0
    assert not ExpiryWarning.objects.exists()
    administrator()
    assert expiry_warnings.warn(now=before(1)) == 1
    assert [one.to for one in mail.outbox] == [["root@example.org"]]


def test_without_mail_nothing_counts_as_told(settings: Any) -> None:
    administrator()
    ServiceProviderFactory(signing_certificates=[DER])
    settings.IDP = settings.IDP.model_copy(update={"email_url": ""})
    assert expiry_warnings.warn(now=before(1)) == 0
    assert not ExpiryWarning.objects.exists()


def test_what_could_not_be_sent_is_tried_again(settings: Any) -> None:
    administrator()
    ServiceProviderFactory(signing_certificates=[DER])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(expiry_warnings.mail, "send", lambda messages: ["gone"] * len(messages))
        with pytest.raises(expiry_warnings.NotSent):
            expiry_warnings.warn(now=before(1))
    assert expiry_warnings.warn(now=before(1)) == 1


def test_the_notes_go_in_the_end() -> None:
    ExpiryWarning.objects.create(key="old", sent_at=END - timedelta(days=4_000))
    ExpiryWarning.objects.create(key="new", sent_at=END)
    prune.prune(now=END)
    assert [row.key for row in ExpiryWarning.objects.all()] == ["new"]
