"""The outbox: who gets a notice, who takes it, and what an attempt leaves behind."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from idp.accounts import people
from idp.accounts import session as sessions
from idp.accounts.logout_channels import outbox
from idp.accounts.logout_channels.outbox import Outcome, Result
from idp.models import LogoutNotification, Participant
from tests.support.factories import ClientFactory, ServiceProviderFactory
from tests.support.logout import end, listening, notice, session_with

URI = "https://application.example/logout"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def taken(now: datetime) -> LogoutNotification:
    (one,) = outbox.take(outbox.due(most=10, except_for=(), now=now), now=now)
    return one


class TestQueue:
    def test_one_notice_for_each_client_that_listens(self) -> None:
        first, second, silent = listening(URI), listening(URI), ClientFactory()
        saml = ServiceProviderFactory().application
        session = session_with(first, second, silent, saml)
        end(session)
        rows = LogoutNotification.objects.all()
        assert {row.application_id for row in rows} == {first.pk, second.pk}
        sids = Participant.objects.filter(application__client__in=[first, second])
        assert {row.sid for row in rows} == {one.pk for one in sids}
        assert {(row.state, row.user_id) for row in rows} == {("waiting", session.user_id)}

    def test_live_sessions_of_others_stay_out(self) -> None:
        client = listening(URI)
        session_with(client)
        end(session_with(client))
        assert LogoutNotification.objects.count() == 1

    def test_ended_twice_is_told_once(self) -> None:
        session = session_with(listening(URI))
        end(session)
        assert not sessions.end(session, reason="again", now=timezone.now())
        assert LogoutNotification.objects.count() == 1

    def test_a_thousand_sessions_cost_few_statements(
        self, django_assert_max_num_queries: Any
    ) -> None:
        client = listening(URI)
        user = session_with(client).user
        for _ in range(120):
            session_with(client, user=user)
        with django_assert_max_num_queries(20):
            people_ended = sessions._end(
                user.sessions.all(), reason="signed out", now=timezone.now()
            )
        assert len(people_ended) == LogoutNotification.objects.count() == 121

    @pytest.mark.parametrize("what", ["disable", "delete"])
    def test_outlives_the_person(self, what: str, now: datetime) -> None:
        user = session_with(listening(URI)).user
        if what == "disable":
            people.disable(user, now=now)
        else:
            people.end_everything(user, reason="account deleted", now=now)
            subject = user.pk
            user.delete()
            assert (notice().session_id, notice().user_id) == (None, subject)
        assert notice().next_at == now


class TestDisabledApplication:
    def test_it_hears_of_live_sessions_once(self, now: datetime) -> None:
        client = listening(URI, application__enabled=False)
        session = session_with(client)
        end(session_with(client))
        LogoutNotification.objects.all().delete()
        assert outbox.queue_disabled(client.application, most=10, now=now) == 1
        assert outbox.queue_disabled(client.application, most=10, now=now) == 0
        assert notice().session_id == session.pk
        session.refresh_from_db()
        assert session.ended_at is None

    def test_end_of_the_session_does_not_repeat_it(self, now: datetime) -> None:
        client = listening(URI, application__enabled=False)
        session = session_with(client)
        outbox.queue_disabled(client.application, most=10, now=now)
        outbox.settle(taken(now), Outcome(Result.ACKNOWLEDGED, 200), now=now)
        end(session)
        assert notice().state == "acknowledged"

    def test_enabled_again_it_hears_of_the_end(self, now: datetime) -> None:
        client = listening(URI, application__enabled=False)
        session = session_with(client)
        outbox.queue_disabled(client.application, most=10, now=now)
        outbox.settle(taken(now), Outcome(Result.ACKNOWLEDGED, 200), now=now)
        client.application.enabled = True
        client.application.save()
        end(session)
        row = notice()
        assert (row.state, row.attempts, row.done_at) == ("waiting", 0, None)
        assert row.next_at is not None

    def test_what_has_nobody_to_tell_is_left_out(self, now: datetime) -> None:
        saml = ServiceProviderFactory(application__enabled=False).application
        silent = ClientFactory(application__enabled=False).application
        session_with(saml, silent)
        assert outbox.queue_disabled(saml, most=10, now=now) == 0
        assert outbox.queue_disabled(silent, most=10, now=now) == 0


class TestTake:
    def test_is_taken_once(self, now: datetime) -> None:
        end(session_with(listening(URI)))
        now = timezone.now()
        found = outbox.due(most=10, except_for=(), now=now)
        assert len(outbox.take(found, now=now)) == 1
        assert outbox.take(found, now=now) == []
        assert outbox.due(most=10, except_for=(), now=now) == []
        assert notice().attempts == 1

    def test_is_due_again_when_the_sender_died(self, now: datetime) -> None:
        end(session_with(listening(URI)))
        taken(timezone.now())
        later = timezone.now() + outbox.LEASE + timedelta(seconds=1)
        assert taken(later).attempts == 2

    def test_leaves_out_applications_that_have_to_wait(self, now: datetime) -> None:
        busy, free = listening(URI), listening(URI)
        end(session_with(busy, free))
        found = outbox.due(most=10, except_for={busy.pk}, now=timezone.now())
        assert [one.application_id for one in found] == [free.pk]

    def test_nothing_is_taken_of_nothing(self, now: datetime) -> None:
        assert outbox.take([], now=now) == []


class TestSettle:
    @pytest.fixture
    def one(self, now: datetime) -> LogoutNotification:
        end(session_with(listening(URI)))
        return taken(timezone.now())

    def settle(self, one: LogoutNotification, result: Result, **facts: Any) -> LogoutNotification:
        assert outbox.settle(one, Outcome(result, **facts), now=timezone.now())
        return notice()

    def test_acknowledged(self, one: LogoutNotification) -> None:
        row = self.settle(one, Result.ACKNOWLEDGED, status=200)
        assert (row.state, row.status, row.next_at) == ("acknowledged", 200, None)
        assert row.done_at is not None

    def test_refused_is_final(self, one: LogoutNotification) -> None:
        row = self.settle(one, Result.REFUSED, status=400, error="no")
        assert (row.state, row.error, row.next_at) == ("failed", "no", None)

    @pytest.mark.parametrize("result", [Result.NO_ANSWER, Result.WRONG_ANSWER])
    def test_waits_longer_each_time(self, one: LogoutNotification, result: Result) -> None:
        waits = []
        for number in range(len(outbox.WAITS)):
            one.attempts = number + 1
            before = timezone.now()
            row = self.settle(one, result, error="x")
            assert row.state == "retrying"
            waits.append((row.next_at - before) / outbox.WAITS[number])
        assert all(0.89 < wait < 1.11 for wait in waits)
        assert list(outbox.WAITS) == sorted(outbox.WAITS)
        assert timedelta(hours=22) < sum(outbox.WAITS, timedelta(0)) < timedelta(hours=25)

    @pytest.mark.parametrize(
        ("result", "state"),
        [(Result.NO_ANSWER, "unreachable"), (Result.WRONG_ANSWER, "failed")],
    )
    def test_gives_up_after_a_day(
        self, one: LogoutNotification, result: Result, state: str
    ) -> None:
        one.attempts = len(outbox.WAITS) + 1
        row = self.settle(one, result, error="x")
        assert (row.state, row.next_at) == (state, None)

    def test_a_late_failure_does_not_count(self, one: LogoutNotification) -> None:
        LogoutNotification.objects.update(next_at=timezone.now() + timedelta(hours=1))
        failure = Outcome(Result.NO_ANSWER, error="late")
        assert not outbox.settle(one, failure, now=timezone.now())
        assert notice().state == "waiting"

    def test_a_late_acknowledgement_does(self, one: LogoutNotification) -> None:
        LogoutNotification.objects.update(state="unreachable", next_at=None)
        assert self.settle(one, Result.ACKNOWLEDGED).state == "acknowledged"

    def test_nothing_undoes_an_acknowledgement(self, one: LogoutNotification) -> None:
        self.settle(one, Result.ACKNOWLEDGED)
        failure = Outcome(Result.REFUSED, error="late")
        one.next_at = None
        assert not outbox.settle(one, failure, now=timezone.now())
        assert notice().state == "acknowledged"

    def test_given_back_is_due_at_once(self, one: LogoutNotification) -> None:
        now = timezone.now()
        outbox.give_back([one], now=now)
        assert notice().next_at == now

    @pytest.mark.parametrize("state", ["failed", "unreachable", "retrying"])
    def test_is_sent_again_on_demand(self, one: LogoutNotification, state: str) -> None:
        LogoutNotification.objects.update(state=state, attempts=11, next_at=None)
        now = timezone.now()
        assert outbox.send_again(LogoutNotification.objects.all(), now=now) == 1
        row = notice()
        assert (row.state, row.attempts, row.next_at) == ("waiting", 0, now)

    def test_what_was_acknowledged_is_not(self, one: LogoutNotification) -> None:
        self.settle(one, Result.ACKNOWLEDGED)
        assert outbox.send_again(LogoutNotification.objects.all(), now=timezone.now()) == 0
