"""`manage.py prune`: remove what has expired, now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from idp import audit, prune


class Command(BaseCommand):
    """The serving process does the same every quarter of an hour."""

    help = "Remove expired rows in batches and seal the audit trail."

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        sealed = audit.seal(now=now)
        counts = prune.prune(now=now)
        for name, count in counts.items():
            self.stdout.write(f"{name}: {count} removed")
        self.stdout.write(f"audit trail: {sealed} events sealed")
