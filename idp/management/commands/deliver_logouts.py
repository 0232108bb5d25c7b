"""`manage.py deliver_logouts`: tell applications of sign-outs, apart from the serving processes."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from idp.accounts.logout_channels import sender
from idp.management import stop_signal

ONCE_SECONDS = 60.0


class Command(BaseCommand):
    """Further senders beside `run_worker`; all of them share the work."""

    help = "Send back-channel logout notices until interrupted."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="send what is due now, at most a minute, and end"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        ours = sender.Sender()
        if options["once"]:
            ours.deliver(seconds=ONCE_SECONDS)
            return
        stop_signal.run_until_stopped(ours)
