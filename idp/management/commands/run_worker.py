"""`manage.py run_worker`: recurring jobs and sign-out notices, apart from the serving processes."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from idp import schedule
from idp.accounts.logout_channels import sender
from idp.management import stop_signal

DELIVER_SECONDS = 60.0


class Command(BaseCommand):
    """For GATEHOUSE_EMBEDDED_WORKER=false; several of them share the work."""

    help = (
        "Run recurring jobs and send sign-out notices until SIGTERM; the job that runs ends first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--once",
            action="store_true",
            help="run and send what is due now, and end; for a timer, best every minute",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            self._run_once()
            return
        workers = (sender.Sender(), schedule.Runner())
        stop_signal.run_until_stopped(*workers)

    def _run_once(self) -> None:
        """Jobs first: they end sessions, of which applications are to hear."""
        due = schedule.enqueue_due(now=timezone.now())
        schedule.work()
        self.stdout.write(f"jobs: {', '.join(due) or 'none due'}")
        sender.Sender().deliver(seconds=DELIVER_SECONDS)
