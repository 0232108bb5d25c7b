"""The sender against real servers: up, slow, dead, refusing, redirecting, endless."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.utils import timezone

from idp.accounts.logout_channels import backchannel, outbox, sender
from idp.models import AuditEvent, LogoutNotification
from tests.support import receiver as behaviours
from tests.support.logout import allow, deliver, end, listening, notice, session_with, tokens
from tests.support.protocol import claims_of, header_of
from tests.support.receiver import Behaviour, Handler, Receiver


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backchannel, "TIMEOUT", backchannel.TIMEOUT / 10)


def told(receiver: Receiver, behaviour: Behaviour) -> LogoutNotification:
    """What becomes of a notice to a receiver that behaves so."""
    receiver.behaviours["/logout"] = behaviour
    end(session_with(listening(receiver.url("/logout"))))
    deliver()
    return notice()


@pytest.mark.parametrize("status", [200, 204])
def test_up(receiver: Receiver, status: int) -> None:
    row = told(receiver, behaviours.ok(status=status))
    assert (row.state, row.status, row.attempts, row.error) == ("acknowledged", status, 1, "")
    (received,) = receiver.at("/logout")
    assert received.method == "POST"
    assert received.headers["content-type"] == "application/x-www-form-urlencoded"
    event = AuditEvent.objects.get(action="logout.notified")
    assert (event.application_id, event.user_id) == (row.application_id, row.user_id)


def test_refusing(receiver: Receiver) -> None:
    row = told(receiver, behaviours.ok({"error": "unknown session"}, status=400))
    assert (row.state, row.status) == ("failed", 400)
    assert AuditEvent.objects.get(action="logout.failed").result == "failure"


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
def test_failing_is_tried_again(receiver: Receiver, status: int) -> None:
    row = told(receiver, behaviours.ok(status=status))
    assert (row.state, row.status) == ("retrying", status)
    assert row.next_at > timezone.now()
    assert not AuditEvent.objects.filter(action__startswith="logout.").exists()


@pytest.mark.parametrize("to", ["https://elsewhere.example/", "/other"])
def test_redirecting_leads_nowhere(receiver: Receiver, to: str) -> None:
    row = told(receiver, behaviours.redirect(to))
    assert row.state == "retrying"
    assert "redirects" in row.error
    assert len(receiver.received) == 1


@pytest.mark.parametrize("announced", [True, False])
def test_ten_megabytes_are_not_read(receiver: Receiver, announced: bool) -> None:
    row = told(receiver, behaviours.big(announced=announced))
    assert row.state == "failed"
    assert "larger than 65536 bytes" in row.error


@pytest.mark.parametrize(
    "behaviour", [behaviours.hang(), behaviours.drip(), behaviours.drip(headers=True)]
)
def test_slow(receiver: Receiver, impatient: None, behaviour: Behaviour) -> None:
    row = told(receiver, behaviour)
    assert (row.state, row.error) == ("retrying", "it did not answer in time")


def test_dead(receiver: Receiver) -> None:
    receiver.stop()
    end(session_with(listening(receiver.url("/logout"))))
    deliver()
    assert notice().state == "retrying"
    assert "cannot be reached" in notice().error
    receiver.start()
    LogoutNotification.objects.update(next_at=timezone.now())
    deliver()
    assert (notice().state, notice().attempts) == ("acknowledged", 2)


def test_private_addresses_are_not_asked(settings: Any, receiver: Receiver) -> None:
    settings.IDP = settings.IDP.model_copy(update={"outbound_allow": ()})
    end(session_with(listening(f"https://127.0.0.1:{receiver.port}/logout")))
    deliver()
    assert notice().state == "failed"
    assert "private network" in notice().error
    assert receiver.received == []


def test_each_attempt_has_a_token_of_its_own(receiver: Receiver) -> None:
    told(receiver, behaviours.ok(status=500))
    LogoutNotification.objects.update(next_at=timezone.now())
    receiver.behaviours["/logout"] = behaviours.ok()
    deliver()
    first, second = (claims_of(token) for token in tokens(receiver))
    assert first["jti"] != second["jti"]
    assert first["sid"] == second["sid"] == notice().sid.hex


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
def test_is_signed_like_the_clients_id_tokens(receiver: Receiver, algorithm: str) -> None:
    client = listening(receiver.url("/logout"), id_token_signed_response_alg=algorithm)
    end(session_with(client))
    deliver()
    (token,) = tokens(receiver)
    head = header_of(token)
    assert (head["alg"], head["typ"]) == (algorithm, "logout+jwt")


def test_the_address_of_today_is_asked(receiver: Receiver) -> None:
    client = listening("https://old.example/logout")
    end(session_with(client))
    client.backchannel_logout_uri = receiver.url("/logout")
    client.save()
    deliver()
    assert notice().state == "acknowledged"


def test_without_an_address_it_fails(receiver: Receiver) -> None:
    client = listening(receiver.url("/logout"))
    end(session_with(client))
    client.backchannel_logout_uri = ""
    client.save()
    deliver()
    assert (notice().state, notice().error) == ("failed", sender.NO_ADDRESS.error)


def test_a_token_that_cannot_be_made_is_tried_again(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> str:
        raise RuntimeError

    monkeypatch.setattr(backchannel.logout_token, "issue", fail)
    end(session_with(listening(receiver.url("/logout"))))
    deliver()
    assert notice().state == "retrying"
    assert receiver.received == []


class Gate:
    """Holds everybody who asks until it is opened, and counts them."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.arrived = threading.Semaphore(0)
        self.waiting = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, handler: Handler) -> None:
        with self._lock:
            self.waiting += 1
            self.most = max(self.most, self.waiting)
        self.arrived.release()
        self.opened.wait(20)
        with self._lock:
            self.waiting -= 1
        handler.send(200)


def test_one_receiver_gets_half_of_the_places(receiver: Receiver, settings: Any) -> None:
    gate = receiver.behaviours["/logout"] = Gate()
    slow = listening(receiver.url("/logout"))
    for _ in range(20):
        end(session_with(slow))
    with Receiver() as other:
        allow(settings, other)
        end(session_with(listening(other.url("/logout"))))
        ours = sender.Sender()
        ours.step(now=timezone.now())
        for _ in range(sender.PLACES_OF_ONE):
            assert gate.arrived.acquire(timeout=20)
        wait_for(lambda: other.at("/logout"))
        assert gate.most == sender.PLACES_OF_ONE
        gate.opened.set()
        ours.deliver(seconds=30)
    assert gate.most == sender.PLACES_OF_ONE
    assert set(LogoutNotification.objects.values_list("state", flat=True)) == {"acknowledged"}
    assert len(receiver.received) == 20


def test_many_applications_of_one_host_are_one_receiver(receiver: Receiver) -> None:
    gate = receiver.behaviours["/logout"] = Gate()
    for _ in range(10):
        end(session_with(listening(receiver.url("/logout"))))
    ours = sender.Sender()
    ours.step(now=timezone.now())
    for _ in range(sender.PLACES_OF_ONE):
        assert gate.arrived.acquire(timeout=20)
    assert len(ours._under_way) == sender.PLACES_OF_ONE
    gate.opened.set()
    ours.deliver(seconds=30)


def test_who_did_not_answer_gets_one_place(receiver: Receiver, impatient: None) -> None:
    receiver.behaviours["/logout"] = behaviours.hang()
    slow = listening(receiver.url("/logout"))
    end(session_with(slow))
    ours = sender.Sender()
    ours.deliver(seconds=30)
    for _ in range(5):
        end(session_with(slow))
    gate = receiver.behaviours["/logout"] = Gate()
    ours.step(now=timezone.now())
    assert len(ours._under_way) == 1
    gate.opened.set()
    ours.deliver(seconds=30)
    assert LogoutNotification.objects.filter(state="acknowledged").count() == 5


def test_what_is_not_answered_at_the_end_is_due_again(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "DRAIN_SECONDS", 0.2)
    gate = receiver.behaviours["/logout"] = Gate()
    end(session_with(listening(receiver.url("/logout"))))
    ours = sender.Sender()
    ours.step(now=timezone.now())
    assert gate.arrived.acquire(timeout=20)
    ours._finish_up(now=timezone.now())
    assert notice().next_at <= timezone.now()
    gate.opened.set()
    deliver()
    assert (notice().state, len(receiver.received)) == ("acknowledged", 2)


def test_a_deleted_application_is_no_error(receiver: Receiver) -> None:
    gate = receiver.behaviours["/logout"] = Gate()
    client = listening(receiver.url("/logout"))
    end(session_with(client))
    ours = sender.Sender()
    ours.step(now=timezone.now())
    assert gate.arrived.acquire(timeout=20)
    client.application.delete()
    gate.opened.set()
    ours.deliver(seconds=30)
    assert not LogoutNotification.objects.exists()


def test_a_deleted_person_is_told_of(receiver: Receiver) -> None:
    session = session_with(listening(receiver.url("/logout")))
    end(session)
    subject = session.user.subject
    session.user.delete()
    deliver()
    (token,) = tokens(receiver)
    assert claims_of(token)["sub"] == subject
    assert notice().state == "acknowledged"


def test_runs_in_a_thread_until_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    stepped = threading.Event()
    monkeypatch.setattr(sender.Sender, "step", lambda self, now: stepped.set())
    monkeypatch.setattr(sender.outbox, "give_back", lambda notices, now: None)
    ours = sender.Sender()
    ours.start()
    outbox.bell.set()
    assert stepped.wait(20)
    ours.stop()
    assert ours._thread is not None
    assert not ours._thread.is_alive()


def wait_for(condition: Any) -> None:
    pause = threading.Event()
    for _ in range(400):
        if condition():
            return
        pause.wait(0.05)
    raise AssertionError("it did not happen")
