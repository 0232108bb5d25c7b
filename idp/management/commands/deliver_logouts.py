"""`manage.py deliver_logouts`: tell applications of sign-outs, apart from the serving processes."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from idp.accounts.logout_channels import sender

ONCE_SECONDS = 60.0


class Command(BaseCommand):
    """For GATEHOUSE_EMBEDDED_WORKER=false; several of them share the work."""

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
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ours.stop())
        ours.run()
