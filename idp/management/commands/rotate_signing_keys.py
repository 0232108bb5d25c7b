"""`manage.py rotate_signing_keys`: publish first, sign later, retire last."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from idp import audit, keys

STEPS = {
    "published": "published a next key; run this again once everybody has fetched it",
    "rotated": "the next key signs now, the old one stays published until its tokens expire",
}


class Command(BaseCommand):
    """One step of a rotation for OpenID Connect's keys, or SAML's."""

    help = "Rotate signing keys: OpenID Connect's by default, --saml for the SAML certificate."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--saml", action="store_true", help="the SAML signing certificate")
        parser.add_argument(
            "--algorithm", choices=keys.OIDC_ALGORITHMS, help="only keys of this algorithm"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        keys.ensure()
        purpose = keys.SAML if options["saml"] else keys.OIDC
        algorithms = ("RS256",) if options["saml"] else keys.OIDC_ALGORITHMS
        for algorithm in algorithms:
            if options["algorithm"] in (None, algorithm):
                step = keys.rotate(purpose, algorithm)
                audit.record(
                    "key.rotated",
                    actor="manage.py",
                    details={"purpose": str(purpose), "algorithm": algorithm, "step": step},
                )
                self.stdout.write(f"{purpose} {algorithm}: {STEPS[step]}")
