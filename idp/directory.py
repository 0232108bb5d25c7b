"""What every process keeps in memory of the configuration, under one version row.

The row is read at most every 250 ms; when its number has moved, everything is loaded anew at
its next use. `bump()` moves it, at once in the process that changed something.
What is handed out is shared between threads: read it, never write to it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

from django.db import connection, transaction
from django.db.models.signals import m2m_changed, post_delete, post_save

from idp import models
from idp.models import statement

POLL_SECONDS = 0.25
MOST_ENTRIES = 20_000
T = TypeVar("T")

_lock = threading.Lock()
_entries: dict[Hashable, Any] = {}
_version = -1
_polled = 0.0
_observers: list[Callable[[int], None]] = []


def observe(callback: Callable[[int], None]) -> None:
    """Call `callback` with the deny list's version at every poll."""
    _observers.append(callback)


def poll() -> None:
    """Read the version row if the last reading is older than 250 ms.

    While it cannot be read every caller hears so: nobody goes on with what may have been revoked.
    """
    if time.monotonic() - _polled >= POLL_SECONDS:
        refresh()


def refresh() -> None:
    """Read the version row now."""
    global _polled
    _polled = time.monotonic()
    try:
        _read_version()
    except BaseException:
        _polled = 0.0
        raise


def _read_version() -> None:
    global _version
    rows = statement.run("SELECT configuration, revocation FROM idp_version WHERE id = 1")
    configuration, revocation = rows[0] if rows else (0, 0)
    if configuration != _version:
        with _lock:
            _version = configuration
            _entries.clear()
    for observer in _observers:
        observer(revocation)


def bump() -> None:
    """Tell every process, this one at once, that configuration has changed."""
    _increment("configuration")
    transaction.on_commit(forget)
    forget()


def _increment(column: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO idp_version (id, configuration, revocation) VALUES (1, %s, %s)"  # noqa: S608 (column is one of two literals)
            f" ON CONFLICT (id) DO UPDATE SET {column} = idp_version.{column} + 1",
            [int(column == "configuration"), int(column == "revocation")],
        )


def bump_revocation() -> None:
    """Tell every process that the deny list has grown."""
    _increment("revocation")


def forget() -> None:
    """Load everything anew at its next use in this process, under the version of that moment."""
    global _polled
    with _lock:
        _entries.clear()
        _polled = 0.0


def cached(key: Hashable, load: Callable[[], T], *, of: object | None = None) -> T:
    """The value of `load()`, kept until configuration changes. None is kept too.

    `of`: the row that the value follows from, where it was read before. The value is kept only
    while this very row is: what follows from an earlier one is no longer true.
    """
    poll()
    try:
        return cast("T", _entries[key])
    except KeyError:
        pass
    version = _version
    value = load()
    with _lock:
        if version == _version and (of is None or _is_kept(of)):
            if len(_entries) >= MOST_ENTRIES:
                _entries.clear()
            _entries[key] = value
    return value


def _is_kept(row: object) -> bool:
    return isinstance(row, models.Client) and _entries.get(_client_key(row.client_id)) is row


def drop(key: Hashable) -> None:
    """Load this one anew at its next use in this process: its time is over."""
    with _lock:
        _entries.pop(key, None)


def client(client_id: str) -> models.Client | None:
    """The client of this identifier with its application, mappings, groups and resources."""
    if not 0 < len(client_id) <= 100 or not (client_id.isascii() and client_id.isprintable()):
        return None
    return cached(_client_key(client_id), lambda: _load_client(client_id))


def _client_key(client_id: str) -> Hashable:
    return ("client", client_id)


def _load_client(client_id: str) -> models.Client | None:
    return (
        models.Client.objects.select_related("application")
        .prefetch_related(
            "application__mappings",
            "application__allowed_groups",
            "resources__scopes",
            "introspects",
        )
        .filter(client_id=client_id)
        .first()
    )


def resources() -> dict[str, models.Resource]:
    """Every API resource by its identifier, with its scopes."""
    return cached(
        "resources",
        lambda: {
            resource.identifier: resource
            for resource in models.Resource.objects.prefetch_related("scopes")
        },
    )


CONFIGURATION = (
    models.Application,
    models.ClaimMapping,
    models.Client,
    models.Group,
    models.RegistrationPolicy,
    models.Resource,
    models.ResourceScope,
    models.SigningKey,
    models.StatementIssuer,
)


def connect_signals() -> None:
    """Bump on every saved or deleted configuration row; called once at start."""
    for model in CONFIGURATION:
        watch(model)
    for field in (models.Client.resources, models.Client.introspects):
        m2m_changed.connect(_changed, sender=field.through, dispatch_uid=f"directory-{field}")
    groups = models.Application.allowed_groups.through
    m2m_changed.connect(_changed, sender=groups, dispatch_uid="directory-allowed-groups")


def watch(model: type[Any]) -> None:
    """Treat the rows of `model` as configuration."""
    uid = f"directory-{model._meta.label}"
    post_save.connect(_changed, sender=model, dispatch_uid=uid)
    post_delete.connect(_changed, sender=model, dispatch_uid=uid)


def _changed(sender: Any, **kwargs: Any) -> None:
    bump()
