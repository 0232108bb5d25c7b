"""Keys rotate by themselves: when their time is over, and the next one is known to everybody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone

from idp import directory, key_rotation, keys
from idp.models import AuditEvent, SigningKey

pytestmark = pytest.mark.django_db

QUARTER = timedelta(days=90)


def age(algorithm: str, *, current: timedelta, following: timedelta) -> None:
    """Let the keys of an algorithm be as old as that."""
    rows = SigningKey.objects.filter(algorithm=algorithm).exclude(purpose="saml")
    now = timezone.now()
    rows.filter(state="current").update(current_at=now - current)
    rows.filter(state="next").update(created_at=now - following)
    directory.forget()


def rotate() -> list[str]:
    return key_rotation.rotate_due(now=timezone.now())


def test_young_keys_stay() -> None:
    keys.ensure()
    assert rotate() == []


@pytest.mark.standard("OIDC Core", "10.1.1", "published before it signs, by schedule")
def test_old_key_is_followed_by_what_was_published() -> None:
    keys.ensure()
    following = SigningKey.objects.get(algorithm="ES256", state="next").kid
    age("ES256", current=QUARTER, following=timedelta(days=2))
    assert rotate() == ["ES256"]
    assert keys.signer("ES256").kid == following
    assert rotate() == []
    assert AuditEvent.objects.filter(action="key.rotated", actor="schedule").count() == 1


def test_next_key_that_nobody_can_know_waits() -> None:
    keys.ensure()
    age("ES256", current=QUARTER, following=timedelta(hours=23))
    assert rotate() == []


def test_without_a_next_key_one_is_published_first() -> None:
    keys.ensure()
    SigningKey.objects.filter(algorithm="ES256", state="next").delete()
    age("ES256", current=QUARTER, following=timedelta(0))
    current = keys.signer("ES256").kid
    assert rotate() == ["ES256"]
    assert keys.signer("ES256").kid == current
    assert rotate() == []
    age("ES256", current=QUARTER, following=timedelta(days=1, seconds=1))
    assert rotate() == ["ES256"]
    assert keys.signer("ES256").kid != current


def test_each_algorithm_for_itself_and_encryption_too() -> None:
    keys.ensure()
    age("EdDSA", current=QUARTER, following=QUARTER)
    age("RSA-OAEP-256", current=QUARTER, following=QUARTER)
    assert sorted(rotate()) == ["EdDSA", "RSA-OAEP-256"]


def test_saml_waits_for_people() -> None:
    keys.ensure()
    row = SigningKey.objects.get(purpose="saml")
    row.current_at = timezone.now() - timedelta(days=1000)
    row.save()
    assert rotate() == []
    assert key_rotation.rotates_at(row) is None


def test_switched_off(settings: Any) -> None:
    keys.ensure()
    age("ES256", current=QUARTER, following=QUARTER)
    off = settings.IDP.model_copy(update={"signing_key_rotation": timedelta(0)})
    with override_settings(IDP=off):
        assert rotate() == []


def test_two_jobs_at_once_rotate_once(monkeypatch: pytest.MonkeyPatch) -> None:
    keys.ensure()
    age("ES256", current=QUARTER, following=QUARTER)
    seen_by_both = key_rotation.due(now=timezone.now())
    monkeypatch.setattr(key_rotation, "due", lambda *, now: seen_by_both)
    assert rotate() == ["ES256"]
    assert rotate() == []
