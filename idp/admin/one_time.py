"""Values that wait for one page load of the same session: sealed in the database, read by deleting.

So a new secret is neither in a cookie nor in an address nor readable in the database, and a second
load of the page does not show it again.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import orjson
from django.http import HttpRequest
from django.utils import timezone

from idp import keys
from idp.models import OneTimeValue

SECRET, REGISTRATION, DRAFT, TEST = "secret", "registration", "draft", "test"
KEPT = timedelta(hours=1)


def put(request: HttpRequest, purpose: str, value: Any, *, about: uuid.UUID | None = None) -> str:
    """Keep a JSON value for the session of this request; returns its id.

    It replaces what waits about the same thing.
    """
    if about is not None:
        _rows(request, purpose).filter(about=about).delete()
    row = OneTimeValue.objects.create(
        session=_session(request),
        purpose=purpose,
        about=about,
        sealed=keys.seal(f"one-time {purpose}", orjson.dumps(value)),
        expires_at=timezone.now() + KEPT,
    )
    return row.pk.hex


def take(request: HttpRequest, purpose: str, *, about: uuid.UUID) -> Any:
    """The value about something, gone with this call; None if there is none.

    A browser that only looks ahead, and shows nothing yet, does not get it.
    """
    if request.method == "HEAD" or "prefetch" in request.headers.get("Sec-Purpose", ""):
        return None
    row = _rows(request, purpose).filter(about=about).first()
    if row is None or not OneTimeValue.objects.filter(pk=row.pk).delete()[0]:
        return None
    return _open(row)


def look(request: HttpRequest, purpose: str, identifier: str) -> Any:
    """A draft, which stays until it is dropped; None if it is gone."""
    row = _rows(request, purpose).filter(pk=_uuid(identifier)).first()
    return _open(row) if row is not None else None


def drop(request: HttpRequest, purpose: str, identifier: str) -> None:
    """Throw a draft away."""
    _rows(request, purpose).filter(pk=_uuid(identifier)).delete()


def _open(row: OneTimeValue) -> Any:
    return orjson.loads(keys.unseal(f"one-time {row.purpose}", bytes(row.sealed)))


def _rows(request: HttpRequest, purpose: str) -> Any:
    now = timezone.now()
    return OneTimeValue.objects.filter(
        session=_session(request), purpose=purpose, expires_at__gt=now
    )


def _session(request: HttpRequest) -> Any:
    return request.idp_session  # type: ignore[attr-defined]  # set by accounts.middleware


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)
