"""Consents: merged, and withdrawn with all that the application got by them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.utils import timezone

from idp.accounts import consents
from idp.accounts import session as sessions
from idp.models import AuditEvent, Consent, Grant, Revocation
from tests.support.factories import ApplicationFactory, SessionFactory

pytestmark = pytest.mark.django_db


@dataclass
class Origin:
    client_address: str = "192.0.2.7"
    user_agent: str = ""
    request_id: str = ""


def allow(user, application, scopes=(), claims=()):
    question = consents.ConsentQuestion(application, tuple(scopes), tuple(claims))
    return consents.allow(question, user, now=timezone.now(), request=Origin())


def test_adds_to_what_was_allowed_before(alice, application):
    first = allow(alice, application, ["openid", "email"], ["nickname"])
    allow(alice, application, ["email", "groups"], ["locale"])
    consent = consents.given(alice, application)
    assert consent == first
    assert consent.scopes == ["email", "groups", "openid"]
    assert consent.claims == ["locale", "nickname"]


def test_nobody_consents_for_others(alice, bob, application):
    allow(alice, application, ["email"])
    assert consents.given(bob, application) is None
    assert consents.given(alice, ApplicationFactory()) is None


def test_withdrawing_takes_back_what_was_issued(alice, bob, application):
    now = timezone.now()
    session = SessionFactory(user=alice)
    elsewhere = ApplicationFactory()
    sids = {row: sessions.participate(session, row, now).id.hex for row in (application, elsewhere)}
    grants = {
        (user, row): Grant.objects.create(
            application_id=row.pk,
            user_id=user.pk,
            session_id=session.pk,
            sid=session.pk,
            scope="openid",
            acr="pwd",
            amr="pwd",
            offline=True,
            authenticated_at=now,
            expires_at=now + timezone.timedelta(days=1),
            absolute_expires_at=now + timezone.timedelta(days=1),
        )
        for user in (alice, bob)
        for row in (application, elsewhere)
    }
    for user in (alice, bob):
        allow(user, application, ["email"])
    assert consents.withdraw(alice, application, now=now, request=Origin())
    assert consents.given(alice, application) is None
    assert consents.given(bob, application) is not None
    for grant in grants.values():
        grant.refresh_from_db()
    revoked = [key for key, grant in grants.items() if grant.revoked_at]
    assert revoked == [(alice, application)]
    denied = set(Revocation.objects.values_list("kind", "key"))
    assert ("sid", sids[application]) in denied
    assert ("sid", sids[elsewhere]) not in denied
    assert ("grant", grants[alice, application].pk.hex) in denied
    assert AuditEvent.objects.get(action="consent.withdrawn").user_id == alice.pk


def test_withdrawing_twice_changes_nothing(alice, application):
    allow(alice, application, ["email"])
    assert consents.withdraw(alice, application, now=timezone.now())
    assert not consents.withdraw(alice, application, now=timezone.now())
    assert AuditEvent.objects.filter(action="consent.withdrawn").count() == 1
    assert not Consent.objects.exists()
