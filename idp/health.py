"""`/livez`: the process answers. `/readyz`: it can sign people in."""

from __future__ import annotations

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from idp import keys

_migrated = False


def livez(request: HttpRequest) -> JsonResponse:
    """The process is alive; nothing else is asked."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database, schema and signing keys are there, else 503 with what is missing."""
    problems = [name for name, check in CHECKS.items() if not holds(check)]
    if problems:
        return JsonResponse({"status": "unavailable", "missing": problems}, status=503)
    return JsonResponse({"status": "ok"})


def holds(check: object) -> bool:
    try:
        return bool(check())  # type: ignore[operator]
    except (Error, keys.NoKey, keys.MasterKeyMismatch):
        return False


def database_answers() -> bool:
    """One round trip."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return True


def schema_is_current() -> bool:
    """Whether every migration is applied; asked until it is, then remembered."""
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrated


def keys_are_there() -> bool:
    """Whether every signing key can be loaded under the configured master key."""
    for algorithm in keys.OIDC_ALGORITHMS:
        keys.signer(algorithm)
    return bool(keys.saml_signing())


CHECKS = {
    "database": database_answers,
    "schema": schema_is_current,
    "signing keys": keys_are_there,
}
