"""Unused clients go, those with live tokens stay, twins are found."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from idp import client_lifecycle, logo, registration, registration_policy
from idp.models import Application, AuditEvent, Client, Grant
from tests.support import dynamic
from tests.support.factories import ClientFactory, SessionFactory

pytestmark = pytest.mark.django_db

NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=100)


@pytest.fixture(autouse=True)
def policy() -> None:
    client_lifecycle.forget_counts()
    dynamic.policy(unused_days=90)


def client(**fields: Any) -> Client:
    return ClientFactory(
        **{
            "application__origin": "dynamic",
            "application__created_at": LONG_AGO,
            **{f"application__{name}": value for name, value in fields.items()},
        }
    )


def grant(of: Client, **fields: Any) -> Grant:
    return Grant.objects.create(
        **{
            "application_id": of.pk,
            "user_id": uuid.uuid4(),
            "session_id": uuid.uuid4(),
            "sid": uuid.uuid4(),
            "scope": "openid",
            "acr": "pwd",
            "amr": "pwd",
            "authenticated_at": NOW,
            "expires_at": NOW + timedelta(days=1),
            "absolute_expires_at": NOW + timedelta(days=1),
            **fields,
        }
    )


def test_what_goes_and_what_stays() -> None:
    unused = client()
    stays = [
        client(origin="administrator"),
        client(origin="command"),
        client(keep=True),
        client(created_at=NOW - timedelta(days=89)),
        client(last_used_at=NOW - timedelta(days=89)),
    ]
    alive, revoked, expired = client(), client(), client()
    grant(alive)
    grant(revoked, revoked_at=NOW)
    grant(expired, expires_at=NOW - timedelta(seconds=1))
    assert set(client_lifecycle.removable(now=NOW)) == {unused.pk, revoked.pk, expired.pk}
    assert client_lifecycle.prune(now=NOW) == 3
    assert set(Client.objects.all()) == {*stays, alive}
    assert AuditEvent.objects.filter(action="application.deleted", reason="not used").count() == 3
    assert client_lifecycle.prune(now=NOW) == 0


def test_only_offline_grants_outlive_their_session() -> None:
    ended, live = SessionFactory(ended_at=NOW), SessionFactory()
    signed_out, offline, signed_in = client(), client(), client()
    grant(signed_out, session_id=ended.pk)
    grant(offline, session_id=ended.pk, offline=True)
    grant(signed_in, session_id=live.pk)
    assert client_lifecycle.live_grants() == {offline.pk: 1, signed_in.pk: 1}
    assert client_lifecycle.removable(now=NOW) == [signed_out.pk]


def test_looks_at_all_of_them_and_removes_some_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many come before them that still have live grants."""
    monkeypatch.setattr(client_lifecycle, "MOST_AT_ONCE", 2)
    for _ in range(3):
        grant(client())
    dead = [client() for _ in range(3)]
    assert sorted(client_lifecycle.removable(now=NOW)) == sorted(one.pk for one in dead)
    assert [client_lifecycle.prune(now=NOW) for _ in range(3)] == [2, 1, 0]
    assert Client.objects.count() == 3


def test_one_reading_of_the_grants(django_assert_num_queries: Any) -> None:
    for _ in range(3):
        grant(client())
    registration_policy.current()
    with django_assert_num_queries(2):
        client_lifecycle.removable(now=NOW)


def test_nothing_goes_without_a_limit() -> None:
    dynamic.policy(unused_days=0)
    found = client()
    assert client_lifecycle.removable(now=NOW) == []
    assert client_lifecycle.expires_at(found.application) is None


def test_used_between_the_look_and_the_removal(monkeypatch: pytest.MonkeyPatch) -> None:
    found = client()
    keys = client_lifecycle.removable(now=NOW)
    Application.objects.filter(pk=found.pk).update(last_used_at=NOW)
    monkeypatch.setattr(client_lifecycle, "removable", lambda *, now: keys)
    assert client_lifecycle.prune(now=NOW) == 0


def test_live_grants_are_counted_once_in_a_while() -> None:
    found = client()
    grant(found)
    assert client_lifecycle.live_grants() == {found.pk: 1}
    grant(found)
    assert client_lifecycle.live_grants() == {found.pk: 1}
    client_lifecycle.forget_counts()
    assert client_lifecycle.live_grants() == {found.pk: 2}


def test_twins() -> None:
    twins = [client(name="Wiki") for _ in range(3)]
    client(name="Other")
    by_software = [client(name=f"App {n}") for n in range(2)]
    for one in by_software:
        one.metadata = {"software_id": "editor", "software_version": "1"}
        one.save()
    found = {group.shared: set(group.applications) for group in client_lifecycle.duplicates()}
    assert found == {
        "Wiki": {one.application for one in twins},
        "software_id editor": {one.application for one in by_software},
    }


def test_logos_are_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    found = client(created_at=NOW)
    found.metadata = {
        "logo_uri": "https://wiki.example/logo.png",
        "gatehouse_logo_problem": registration.NOT_READ,
    }
    found.save()

    def fail(url: str) -> Any:
        raise logo.NoLogo("it cannot be reached")

    monkeypatch.setattr(logo, "fetch", fail)
    (again,) = client_lifecycle.missing_logos(now=NOW)
    assert not registration.read_logo(again)
    found.refresh_from_db()
    assert found.metadata["gatehouse_logo_problem"] == "it cannot be reached"
    monkeypatch.setattr(logo, "fetch", lambda url: (b"png", "image/png"))
    (again,) = client_lifecycle.missing_logos(now=NOW)
    assert registration.read_logo(again)
    assert list(client_lifecycle.missing_logos(now=NOW)) == []
    found.refresh_from_db()
    assert "gatehouse_logo_problem" not in found.metadata
    Application.objects.update(logo=b"", logo_type="")
    assert list(client_lifecycle.missing_logos(now=NOW)) == [], "an administrator has removed it"
