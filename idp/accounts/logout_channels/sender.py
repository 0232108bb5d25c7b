"""Sends what is due in the outbox: one thread decides and writes, others wait for answers.

At most `PLACES` receivers are waited for at once in a process, half of them the same host, and only
one place goes to a host that did not answer the last time: who is slow holds nobody else back.
Runs in the serving processes (`GATEHOUSE_EMBEDDED_WORKER`) or in `manage.py run_worker`.
"""

from __future__ import annotations

import queue
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from multiprocessing.util import Finalize

import structlog
from django.db import Error, close_old_connections, connections, transaction
from django.utils import timezone

from idp import metrics
from idp.accounts.logout_channels import channels, outbox
from idp.accounts.logout_channels.outbox import Outcome, Result
from idp.models import LogoutNotification

log = structlog.get_logger("gatehouse.logout")

PLACES = 8
PLACES_OF_ONE = 4
LOOK_AT = 200
MOST_LOOKS = 10
POLL_SECONDS = 5.0
DRAIN_SECONDS = 1.5
MOST_SILENT = 10_000
NO_ADDRESS = Outcome(Result.REFUSED, error="it has no address for sign-out any more")


class Sender:
    """The sender of one process."""

    def __init__(self) -> None:
        self._finished: queue.SimpleQueue[tuple[LogoutNotification, str, Outcome]]
        self._finished = queue.SimpleQueue()
        self._under_way: dict[uuid.UUID, tuple[LogoutNotification, str]] = {}
        self._silent: set[str] = set()
        self._stopping = False
        self._thread: threading.Thread | None = None

    # ----- the loop -----

    def start(self) -> None:
        """Run in a daemon thread."""
        self._thread = threading.Thread(target=self.run, name="logout-sender", daemon=True)
        self._thread.start()

    def run(self) -> None:
        """Send until `stop()`; a failure of the database is waited out."""
        while not self._stopping:
            outbox.bell.wait(POLL_SECONDS)
            outbox.bell.clear()
            self._guarded(self.step)
        self._guarded(self._finish_up)
        connections.close_all()

    def _guarded(self, work: Callable[..., None]) -> None:
        try:
            close_old_connections()
            work(now=timezone.now())
        except Error as error:
            log.error("logout_sender_failed", error=type(error).__name__)
            connections.close_all()
        except Exception:
            log.exception("logout_sender_failed")

    def step(self, *, now: datetime) -> None:
        """Write down what has been answered, and send as much as there are places for."""
        self._settle(now=now)
        self._fill(now=now)

    def deliver(self, *, seconds: float) -> None:
        """Send what is due and wait for it, for commands and tests."""
        end = time.monotonic() + seconds
        while not self._stopping and time.monotonic() < end:
            self.step(now=timezone.now())
            if not self._under_way:
                return
            outbox.bell.wait(0.1)
            outbox.bell.clear()
        self._finish_up(now=timezone.now())

    def stop(self) -> None:
        """Send nothing new, and wait a moment for what is under way; at the end of the process."""
        self._stopping = True
        outbox.bell.set()
        if self._thread is not None:
            self._thread.join(DRAIN_SECONDS + 1)

    def _finish_up(self, *, now: datetime) -> None:
        """Write down what is still answered; anything else is due again, for the next process."""
        end = time.monotonic() + DRAIN_SECONDS
        while self._under_way and time.monotonic() < end:
            outbox.bell.wait(0.05)
            outbox.bell.clear()
            self._settle(now=timezone.now())
        left = [notice for notice, _ in self._under_way.values()]
        outbox.give_back(left, now=timezone.now())

    # ----- sending -----

    def _fill(self, *, now: datetime) -> None:
        full: set[uuid.UUID] = set()
        for _ in range(MOST_LOOKS):
            if len(self._under_way) >= PLACES or self._stopping:
                return
            found = outbox.due(most=LOOK_AT, except_for=full, now=now)
            chosen = self._choose(found, full)
            for notice in outbox.take(chosen, now=now):
                self._send(notice, now=now)
            if not full or len(found) < LOOK_AT:
                return

    def _choose(
        self, found: list[LogoutNotification], full: set[uuid.UUID]
    ) -> list[LogoutNotification]:
        """Those that have a place; `full` gets the applications whose receiver has none left."""
        taken = Counter(receiver for _, receiver in self._under_way.values())
        chosen: list[LogoutNotification] = []
        for notice in found:
            receiver = channels.direct()[notice.channel].receiver(notice)
            if taken[receiver] >= (1 if receiver in self._silent else PLACES_OF_ONE):
                full.add(notice.application_id)
            elif len(chosen) < PLACES - len(self._under_way):
                taken[receiver] += 1
                chosen.append(notice)
        return chosen

    def _send(self, notice: LogoutNotification, *, now: datetime) -> None:
        channel = channels.direct()[notice.channel]
        receiver = channel.receiver(notice)
        self._under_way[notice.pk] = (notice, receiver)
        try:
            sending = channel.prepare(notice, now=now)
        except Exception:
            log.exception("logout_message_failed", application=str(notice.application_id))
            failed = Outcome(Result.WRONG_ANSWER, error="its message could not be made here")
            self._finish(notice, receiver, failed)
            return
        if sending is None:
            self._finish(notice, receiver, NO_ADDRESS)
            return

        def post() -> None:
            try:
                outcome = channel.post(sending)
            except Exception:
                log.exception("logout_post_failed", application=str(notice.application_id))
                outcome = Outcome(Result.WRONG_ANSWER, error="it could not be sent from here")
            self._finish(notice, receiver, outcome)

        threading.Thread(target=post, name="logout", daemon=True).start()

    def _finish(self, notice: LogoutNotification, receiver: str, outcome: Outcome) -> None:
        self._finished.put((notice, receiver, outcome))
        outbox.bell.set()

    # ----- what was answered -----

    def _settle(self, *, now: datetime) -> None:
        while True:
            try:
                notice, receiver, outcome = self._finished.get_nowait()
            except queue.Empty:
                return
            self._note(receiver, outcome)
            try:
                _write(notice, outcome, now=now)
            except Error:
                self._finished.put((notice, receiver, outcome))
                raise
            self._under_way.pop(notice.pk, None)

    def _note(self, receiver: str, outcome: Outcome) -> None:
        if outcome.result is not Result.NO_ANSWER:
            self._silent.discard(receiver)
        elif len(self._silent) < MOST_SILENT:
            self._silent.add(receiver)


def _write(notice: LogoutNotification, outcome: Outcome, *, now: datetime) -> None:
    """The notice and, where it is the last word, the audit trail, in one transaction."""
    with transaction.atomic():
        if not outbox.settle(notice, outcome, now=now):
            return
        metrics.LOGOUTS.labels(notice.state).inc()
        if notice.next_at is None:
            outbox.record(notice)


def start() -> Sender:
    """Send from this process until it ends; called once by the server."""
    sender = Sender()
    sender.start()
    # A forked worker of the server ends without atexit; this runs in any process.
    Finalize(None, sender.stop, exitpriority=10)
    outbox.bell.set()
    return sender
