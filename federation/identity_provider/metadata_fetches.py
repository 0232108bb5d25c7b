"""Who has fetched which of our keys: noted beside the metadata endpoint, never in its way.

Each service provider has a metadata address of its own; a document that went out there, or a 304 to
somebody who named the current one's ETag, shows that it holds the keys in it. A thread writes it
down, for each service provider at most once a minute unless the keys are others. A note that is
lost with the process is made at the next fetch. The general address tells nobody apart.

Not counted: HEAD and `If-None-Match: *`, which carry no document, and browsers, which people look
with. Whoever knows an address can still ask there: so it is noted from where it was asked.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import Error, close_old_connections
from django.db.models import Q
from django.http import HttpRequest

from federation.models import KeyPin

log = structlog.get_logger("gatehouse.saml")

EVERY = timedelta(minutes=1)
GATHERED_SECONDS = 0.2
MOST_REMEMBERED = 10_000


@dataclass(frozen=True)
class Fetch:
    """One fetch: when, the kids of the keys that were in the document, and by whom."""

    at: datetime
    kids: str
    address: str | None
    user_agent: str


def holds_document(request: HttpRequest, status: int) -> bool:
    """Whether this answer, 200 or 304, shows that a service provider has the document."""
    if request.method != "GET" or "Sec-Fetch-Mode" in request.headers:
        return False
    tags = request.headers.get("If-None-Match", "").split(",")
    return status == 200 or "*" not in {tag.strip() for tag in tags}


class Recorder:
    """What is to be written, and the thread that does; one per process."""

    def __init__(self) -> None:
        self._waiting: dict[uuid.UUID, Fetch] = {}
        self._noted: dict[uuid.UUID, tuple[float, str]] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self.synchronous = False

    def note(self, service_provider: uuid.UUID, kids: Iterable[str], request: HttpRequest) -> None:
        """Keep a fetch to be written, if the last one is a minute old or held other keys."""
        listed = " ".join(kids)
        at, before = self._noted.get(service_provider, (0.0, ""))
        if before == listed and time.monotonic() - at < EVERY.total_seconds():
            return
        fetch = Fetch(
            at=datetime.now().astimezone(),
            kids=listed,
            address=getattr(request, "client_address", "") or None,
            user_agent=request.headers.get("User-Agent", "")[:200],
        )
        with self._lock:
            if len(self._noted) >= MOST_REMEMBERED:
                self._noted.clear()
            self._noted[service_provider] = (time.monotonic(), listed)
            self._waiting[service_provider] = fetch
        if self.synchronous:
            self.flush()
        else:
            self._start()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="fetches", daemon=True)
                self._thread.start()
        self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            threading.Event().wait(GATHERED_SECONDS)
            close_old_connections()
            self.flush()

    def flush(self) -> None:
        """Write what waits; what cannot be written is noted at its next fetch."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for service_provider, fetch in waiting.items():
            try:
                _write(service_provider, fetch)
            except Error as error:
                log.warning("fetch_not_noted", error=type(error).__name__)
                with self._lock:
                    self._noted.pop(service_provider, None)

    def forget(self) -> None:
        """Remember nothing of what was noted."""
        with self._lock:
            self._noted.clear()


def _write(service_provider: uuid.UUID, fetch: Fetch) -> None:
    """Set the columns of the fetch; other processes write at most once a minute too."""
    KeyPin.objects.bulk_create(
        [KeyPin(service_provider_id=service_provider)], ignore_conflicts=True
    )
    due = Q(fetched_at=None) | Q(fetched_at__lte=fetch.at - EVERY) | ~Q(fetched_kids=fetch.kids)
    KeyPin.objects.filter(due, pk=service_provider).update(
        fetched_at=fetch.at,
        fetched_kids=fetch.kids,
        fetched_from=fetch.address,
        fetched_with=fetch.user_agent,
    )


recorder = Recorder()
