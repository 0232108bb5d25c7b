"""Make a token that lets its holder register clients (RFC 7591 §3)."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from idp import audit, registration_policy
from idp.models import RegistrationPolicy
from idp.registration import make_initial_access_token


class Command(BaseCommand):
    """JSON alone on standard output; the token is shown once."""

    help = "Makes an initial access token for dynamic registration; prints JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="whom it is given to, or what for")
        parser.add_argument("--uses", type=int, help="how many clients it may register")
        parser.add_argument("--days", type=int, help="after how many days it expires")
        parser.add_argument("--owner", default="", help="who answers for its clients")

    def handle(self, *args: Any, **options: Any) -> None:
        audit.write_through(enabled=True)
        for name in ("uses", "days"):
            if options[name] is not None and options[name] < 1:
                raise CommandError(f"--{name} must be at least 1")
        days = options["days"]
        row, token = make_initial_access_token(
            options["name"],
            owner=options["owner"],
            most_uses=options["uses"],
            expires_at=timezone.now() + timedelta(days=days) if days else None,
            actor="manage.py",
        )
        if registration_policy.current().mode == RegistrationPolicy.Mode.OFF:
            self.stderr.write("Registration is off: see registration_policy --mode token.")
        document = {"name": row.name, "initial_access_token": token, "expires_at": row.expires_at}
        self.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
