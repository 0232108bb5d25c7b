"""Show or change the policy of dynamic registration (RFC 7591 §3)."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from idp import audit
from idp.models import Client, RegistrationPolicy


class Command(BaseCommand):
    """JSON alone on standard output: the policy as it is afterwards."""

    help = "Shows the policy of dynamic registration; each option given changes it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        policy = RegistrationPolicy
        parser.add_argument("--mode", choices=policy.Mode.values)
        parser.add_argument("--profile", choices=policy.Profile.values)
        parser.add_argument("--pkce", choices=Client.Pkce.values)
        parser.add_argument("--machines", action=BooleanOptionalAction)
        parser.add_argument("--statement-required", action=BooleanOptionalAction)
        parser.add_argument("--scope", help="separated by spaces; empty for OpenID Connect's")
        parser.add_argument("--allowed-host", action="append", dest="allowed_hosts")
        parser.add_argument("--per-hour", type=int)
        parser.add_argument("--unused-days", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        row = RegistrationPolicy.objects.filter(pk=1).first() or RegistrationPolicy()
        changes = {name: options[name] for name in FIELDS if options.get(name) is not None}
        for name, value in changes.items():
            setattr(row, name, value)
        if changes:
            try:
                row.full_clean()
            except ValidationError as error:
                raise CommandError("; ".join(error.messages)) from None
            row.save()
            audit.record(
                "registration_policy.changed", actor="manage.py", details={"changes": changes}
            )
        shown = {name: getattr(row, name) for name in FIELDS}
        self.stdout.write(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode())


FIELDS = (
    *("mode", "profile", "pkce", "machines", "scope", "allowed_hosts"),
    *("statement_required", "per_hour", "unused_days"),
)
