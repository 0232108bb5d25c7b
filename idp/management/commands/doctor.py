"""`manage.py doctor`: what is wrong with this deployment, in words, with the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from idp import audit, health, keys, models

Finding = tuple[bool, str]
JOBS_LATE_AFTER = timedelta(days=1)


class Command(BaseCommand):
    """Exit code 1 if anything is wrong."""

    help = "Check settings, database, schema, keys, administrators, jobs and the audit trail."

    def handle(self, *args: Any, **options: Any) -> None:
        findings = list(_findings())
        for good, text in findings:
            self.stdout.write(f"{'ok  ' if good else 'BAD '} {text}")
        if not all(good for good, _ in findings):
            raise CommandError("something is wrong, see above")


def _findings() -> Iterator[Finding]:
    yield True, f"issuer {settings.IDP.issuer}"
    for check in (_database, _schema, _keys, _administrators, _jobs, _audit_trail):
        try:
            yield check()
        except DatabaseError as error:
            yield False, f"database: {type(error).__name__}; see GATEHOUSE_DATABASE_URL"
            return


def _database() -> Finding:
    return health.database_answers(), "database answers"


def _schema() -> Finding:
    good = health.schema_is_current()
    return good, "schema is current" if good else "schema is behind: run manage.py migrate"


def _keys() -> Finding:
    try:
        health.keys_are_there()
    except keys.NoKey as error:
        return False, f"no signing key for {error}: run manage.py rotate_signing_keys"
    except keys.MasterKeyMismatch:
        return False, (
            "GATEHOUSE_MASTER_KEY does not open the stored keys: restore the right one"
            " (deploy/README.md, “Loss of the master key”)"
        )
    return True, "signing keys load under the master key"


def _administrators() -> Finding:
    count = models.User.objects.filter(is_superuser=True, is_active=True).count()
    if count:
        return True, f"{count} active administrator(s)"
    return False, "no active administrator: run manage.py create_user NAME --email … --superuser"


def _jobs() -> Finding:
    """A server that has never run has planned none; without an embedded worker nobody else does."""
    planned = models.Schedule.objects.order_by("next_at").first()
    late = planned is not None and planned.next_at < timezone.now() - JOBS_LATE_AFTER
    if not late and (planned is not None or settings.IDP.embedded_worker):
        return True, "recurring jobs are run"
    return False, (
        "nothing runs the recurring jobs: start manage.py run_worker, or serve with"
        " GATEHOUSE_EMBEDDED_WORKER=true"
    )


def _audit_trail() -> Finding:
    problems = audit.verify_seals()
    if problems:
        return False, "audit trail altered: " + "; ".join(problems[:5])
    return True, "audit trail matches its seals"
