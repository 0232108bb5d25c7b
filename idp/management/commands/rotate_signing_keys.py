"""`manage.py rotate_signing_keys`: publish first, sign later, retire last."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from idp import audit, keys
from idp.models import SigningKey

STEPS = {
    "published": "published a next key; run this again once everybody has fetched it",
    "rotated": "the next key signs now, the old one stays published until its tokens expire",
}
REPLACED = "applications encrypt with a new key now, the old one still opens what arrives"


class Command(BaseCommand):
    """One step of a rotation for OpenID Connect's keys, or SAML's."""

    help = (
        "Rotate keys: those that sign OpenID Connect's tokens by default, --encryption for those"
        " that request objects are encrypted with, --saml for the SAML certificate."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--saml", action="store_true", help="the SAML signing certificate")
        which.add_argument("--encryption", action="store_true", help="keys to encrypt to us with")
        parser.add_argument(
            "--algorithm",
            choices=(*keys.OIDC_ALGORITHMS, *keys.ENCRYPTION_ALGORITHMS),
            help="only keys of this algorithm",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        keys.ensure()
        purpose, algorithms = _chosen(options)
        for algorithm in algorithms:
            if options["algorithm"] not in (None, algorithm):
                continue
            step = keys.rotate(purpose, algorithm) or "rotated"
            audit.record(
                f"key.{step}",
                actor="manage.py",
                details={"purpose": str(purpose), "algorithm": algorithm},
            )
            words = REPLACED if purpose == keys.OIDC_ENCRYPTION else STEPS[step]
            self.stdout.write(f"{purpose} {algorithm}: {words}")


def _chosen(options: dict[str, Any]) -> tuple[SigningKey.Purpose, tuple[str, ...]]:
    if options["saml"]:
        return keys.SAML, ("RS256",)
    if options["encryption"]:
        return keys.OIDC_ENCRYPTION, keys.ENCRYPTION_ALGORITHMS
    return keys.OIDC, keys.OIDC_ALGORITHMS
