"""Sessions: found by cookie, rotated at every proof, ended with what was issued in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from idp.accounts import cookies, session
from idp.models import AuditEvent, AuthenticationEvent, Participant, Revocation, Session, User
from tests.support.factories import ApplicationFactory, UserFactory

pytestmark = pytest.mark.django_db


@dataclass
class Origin:
    client_address: str = "192.0.2.7"
    user_agent: str = "Test"
    request_id: str = "r1"


@pytest.fixture
def now():
    return timezone.now()


def start(user, now, replacing=None):
    return session.start(
        user,
        factor="password",
        amr=["pwd"],
        acr="pwd",
        request=Origin(),
        now=now,
        replacing=replacing,
    )


class TestCurrent:
    def test_finds_session_and_person_in_one_statement(self, alice, now, django_assert_num_queries):
        row, token = start(alice, now)
        with django_assert_num_queries(1):
            found = session.current(token, now=now)
            assert found.user.display_name == "Alice Adams"
        assert found == row
        assert found.user == alice
        assert found.amr == ["pwd"]
        assert found.authenticated_at == now
        assert found.user.attributes == {}

    def test_gives_the_same_as_the_orm(self, alice, now):
        _, token = start(alice, now)
        found = session.current(token, now=now)
        stored = Session.objects.select_related("user").get()
        for model, instance, other in ((Session, found, stored), (User, found.user, stored.user)):
            for field in model._meta.concrete_fields:
                assert getattr(instance, field.attname) == getattr(other, field.attname), field

    def test_database_does_not_know_the_token(self, alice, now):
        row, token = start(alice, now)
        assert bytes(row.token_hash) == cookies.digest(token)
        assert token.encode() not in bytes(row.token_hash)

    @pytest.mark.parametrize(
        "token", [None, "", "x", "x" * 43, "\x00" * 43, "é" * 43, "a" * 100_000, "\n" * 43]
    )
    def test_anything_else_is_nobody(self, alice, now, token):
        start(alice, now)
        assert session.current(token, now=now) is None

    def test_idle_session_is_over(self, alice, now):
        _, token = start(alice, now)
        almost = now + settings.IDP.session_idle - timedelta(seconds=1)
        assert session.current(token, now=almost)
        assert session.current(token, now=now + settings.IDP.session_idle) is None

    def test_use_keeps_it_alive_until_its_absolute_end(self, alice, now):
        _, token = start(alice, now)
        end = now + settings.IDP.session_absolute
        moment = now
        while moment + timedelta(hours=11) < end:
            moment += timedelta(hours=11)
            session.touch(session.current(token, now=moment), now=moment)
        assert session.current(token, now=end) is None

    def test_touch_writes_once_a_minute(self, alice, now, django_assert_num_queries):
        row, _ = start(alice, now)
        with django_assert_num_queries(0):
            session.touch(row, now=now + timedelta(seconds=59))
        with django_assert_num_queries(1):
            session.touch(row, now=now + timedelta(seconds=60))

    def test_disabled_person_has_none(self, alice, now):
        _, token = start(alice, now)
        User.objects.update(is_active=False)
        assert session.current(token, now=now) is None


class TestStart:
    def test_same_person_keeps_the_session_under_a_new_token(self, alice, now):
        row, token = start(alice, now)
        later = now + timedelta(minutes=5)
        again, new_token = start(alice, later, replacing=row)
        assert again.pk == row.pk
        assert new_token != token
        assert session.current(token, now=later) is None
        assert session.current(new_token, now=later).authenticated_at == later
        assert AuthenticationEvent.objects.filter(session=row).count() == 2

    def test_another_person_gets_another_session(self, alice, bob, now):
        row, token = start(alice, now)
        other, _ = start(bob, now, replacing=row)
        assert other.pk != row.pk
        assert session.current(token, now=now) is None
        assert AuditEvent.objects.get(action="session.ended").user_id == alice.pk

    def test_ended_session_is_not_revived(self, alice, now):
        row, _ = start(alice, now)
        session.end(row, reason="test", now=now)
        again, _ = start(alice, now, replacing=row)
        assert again.pk != row.pk

    def test_person_disabled_meanwhile_is_refused(self, alice, now):
        User.objects.update(is_active=False)
        with pytest.raises(session.NotActive):
            start(alice, now)
        assert not Session.objects.exists()

    def test_password_changed_meanwhile_is_refused(self, alice, now):
        User.objects.update(password=make_password("something else"))
        with pytest.raises(session.NotActive):
            start(alice, now)

    def test_deleted_person_is_refused(self, alice, now):
        User.objects.all().delete()
        with pytest.raises(session.NotActive):
            start(alice, now)


class TestEnd:
    def test_ends_once_and_denies_what_was_issued(self, alice, application, now):
        row, token = start(alice, now)
        participant = session.participate(row, application, now)
        assert session.end(row, reason="test", now=now, request=Origin())
        assert not session.end(row, reason="test", now=now)
        assert session.current(token, now=now) is None
        denied = Revocation.objects.get()
        assert (denied.kind, denied.key) == ("sid", participant.id.hex)
        event = AuditEvent.objects.get(action="session.ended")
        assert (event.user_id, event.session_id, event.reason) == (alice.pk, row.pk, "test")

    def test_ends_all_of_a_person_but_one(self, alice, bob, now):
        kept, kept_token = start(alice, now)
        others = [start(alice, now)[1] for _ in range(3)]
        _, of_bob = start(bob, now)
        assert session.end_all(alice, reason="test", now=now, except_for=kept) == 3
        assert all(session.current(token, now=now) is None for token in others)
        assert session.current(kept_token, now=now)
        assert session.current(of_bob, now=now)
        assert AuditEvent.objects.filter(action="session.ended").count() == 3


class TestParticipate:
    def test_one_row_for_each_application(self, alice, application, now):
        row, _ = start(alice, now)
        first = session.participate(row, application, now)
        later = session.participate(row, application, now + timedelta(hours=1))
        other = session.participate(row, ApplicationFactory(), now)
        assert first.id == later.id != other.id
        assert Participant.objects.count() == 2
        assert Participant.objects.get(pk=first.pk).last_at == now + timedelta(hours=1)

    def test_applications_cannot_correlate(self, alice, application, now):
        row, _ = start(alice, now)
        participant = session.participate(row, application, now)
        assert participant.id != row.id
        assert participant.id.version == 4

    def test_writes_nothing_for_a_minute(self, alice, application, now, django_assert_num_queries):
        row, _ = start(alice, now)
        session.participate(row, application, now)
        with django_assert_num_queries(1):
            session.participate(row, application, now + timedelta(seconds=30))

    def test_row_can_be_saved(self, alice, application, now):
        row, _ = start(alice, now)
        participant = session.participate(row, application, now)
        participant.name_id = "x"
        participant.save()
        assert Participant.objects.get().name_id == "x"

    def test_ended_session_takes_nobody_in(self, alice, application, now):
        row, _ = start(alice, now)
        session.end(row, reason="test", now=now)
        with pytest.raises(session.SessionEnded):
            session.participate(row, application, now)


def test_live_lists_the_last_used_first(alice, now):
    old, _ = start(alice, now - timedelta(hours=2))
    new, _ = start(alice, now)
    gone, _ = start(alice, now)
    session.end(gone, reason="test", now=now)
    start(UserFactory(), now)
    assert list(session.live(alice, now=now)) == [new, old]
