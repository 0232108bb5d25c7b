"""What is kept behind an artifact, and who gets it: one service provider, once, within a minute."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from django.utils import timezone

from federation.identity_provider import artifacts
from federation.models import StoredArtifact
from federation.saml import artifact, errors
from idp import prune
from idp.accounts import people
from idp.accounts import session as sessions
from idp.models import Application, Session
from tests.support.factories import (
    GroupFactory,
    ServiceProviderFactory,
    SessionFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
MESSAGE = b"<samlp:Response>the message</samlp:Response>"


def given(row, *, session: Session | None = None) -> str:
    return artifacts.issue(MESSAGE, service_provider=row, session=session, now=timezone.now())


def take(text: str, row, *, ahead: timedelta = timedelta(0)) -> bytes:
    return artifacts.take(text, service_provider=row, now=timezone.now() + ahead)


def test_gives_it_once() -> None:
    row = ServiceProviderFactory()
    text = given(row)
    assert take(text, row) == MESSAGE
    assert not StoredArtifact.objects.exists()
    with pytest.raises(errors.InvalidMessage):
        take(text, row)


def test_keeps_neither_handle_nor_message() -> None:
    text = given(ServiceProviderFactory())
    stored = StoredArtifact.objects.get()
    assert b"message" not in bytes(stored.sealed)
    handle = artifact.decode(text).handle
    assert handle.hex() not in stored.handle_hash
    assert handle not in bytes(stored.sealed)


def test_nobody_else_gets_it_or_spoils_it() -> None:
    row = ServiceProviderFactory()
    text = given(row)
    with pytest.raises(errors.InvalidMessage):
        take(text, ServiceProviderFactory())
    assert take(text, row) == MESSAGE


@pytest.mark.parametrize(("seconds", "works"), [(0, True), (58, True), (60, False), (3600, False)])
def test_lives_for_a_minute(seconds: int, works: bool) -> None:
    row = ServiceProviderFactory()
    text = given(row)
    if works:
        assert take(text, row, ahead=timedelta(seconds=seconds)) == MESSAGE
    else:
        with pytest.raises(errors.InvalidMessage):
            take(text, row, ahead=timedelta(seconds=seconds))


def test_is_worth_nothing_once_the_session_has_ended() -> None:
    row, session = ServiceProviderFactory(), SessionFactory()
    text = given(row, session=session)
    sessions.end(session, reason="test", now=timezone.now())
    with pytest.raises(errors.InvalidMessage):
        take(text, row)


def test_is_worth_nothing_once_the_person_is_disabled() -> None:
    row, user = ServiceProviderFactory(), UserFactory()
    text = given(row, session=SessionFactory(user=user))
    people.disable(user, now=timezone.now())
    with pytest.raises(errors.InvalidMessage):
        take(text, row)


def test_is_worth_nothing_once_the_person_may_not_use_it() -> None:
    row, session = ServiceProviderFactory(), SessionFactory()
    text = given(row, session=session)
    row.application.access = Application.Access.GROUPS
    row.application.save()
    with pytest.raises(errors.InvalidMessage) as caught:
        take(text, row)
    assert "may not use" in caught.value.detail
    assert not StoredArtifact.objects.exists()
    group = GroupFactory()
    row.application.allowed_groups.add(group)
    session.user.groups.add(group)
    assert take(given(row, session=session), row) == MESSAGE


def test_works_while_the_session_lives() -> None:
    row = ServiceProviderFactory()
    assert take(given(row, session=SessionFactory()), row) == MESSAGE


def test_rows_that_were_exchanged_open_nothing() -> None:
    row = ServiceProviderFactory()
    first, second = given(row), given(row)
    one, two = StoredArtifact.objects.order_by("handle_hash")
    StoredArtifact.objects.filter(pk=one.pk).update(sealed=bytes(two.sealed))
    StoredArtifact.objects.filter(pk=two.pk).update(sealed=bytes(one.sealed))
    for text in (first, second):
        with pytest.raises(errors.InvalidMessage):
            take(text, row)


def test_what_was_not_sealed_by_us_is_nothing() -> None:
    row = ServiceProviderFactory()
    text = given(row)
    StoredArtifact.objects.update(sealed=b"x" * 100)
    with pytest.raises(errors.InvalidMessage):
        take(text, row)


@pytest.mark.parametrize("changed", [slice(2, 4), slice(4, 24), slice(24, 44)])
def test_every_part_counts(changed: slice) -> None:
    row = ServiceProviderFactory()
    octets = bytearray(base64.b64decode(given(row)))
    octets[changed] = bytes(255 for _ in octets[changed])
    with pytest.raises(errors.InvalidMessage):
        take(base64.b64encode(octets).decode(), row)
    assert StoredArtifact.objects.exists()


def test_the_table_does_not_outgrow_a_minute_of_requests() -> None:
    row = ServiceProviderFactory()
    past = timezone.now() - timedelta(minutes=2)
    for _ in range(5):
        artifacts.issue(MESSAGE, service_provider=row, session=None, now=past)
    StoredArtifact.objects.update(expires_at=past)
    text = given(row)
    assert StoredArtifact.objects.count() == 1
    assert take(text, row) == MESSAGE


def test_what_nobody_has_fetched_is_thrown_away() -> None:
    given(ServiceProviderFactory())
    StoredArtifact.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    prune.prune(now=timezone.now())
    assert not StoredArtifact.objects.exists()
