"""`manage.py rotate_signing_keys`: publish first, sign later, retire last."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from idp import audit, keys
from idp.models import SigningKey

STEPS = {
    "published": "published a next key; run this again once everybody has fetched it",
    "rotated": "the next key signs now, the old one stays published until its tokens expire",
}
SAML_STEPS = {
    "published": (
        "published the next certificate; move the service providers to it on the page “Keys” of"
        " the administration, then run this again"
    ),
    "rotated": "the next key signs for everybody now, the old one stays published for a day",
}
OPENS = {
    "published": "published the next key; run this again once everybody has fetched it",
    "rotated": "the old key leaves our metadata, and still opens what arrives for 90 days",
}
REPLACED = "applications encrypt with a new key now, the old one still opens what arrives"
WORDS = {
    keys.SAML: SAML_STEPS,
    keys.SAML_ENCRYPTION: OPENS,
    keys.OIDC_ENCRYPTION: {"rotated": REPLACED},
}


class Command(BaseCommand):
    """One step of a rotation for OpenID Connect's keys, or SAML's."""

    help = (
        "Rotate keys: those that sign OpenID Connect's tokens by default, --encryption for those"
        " that request objects are encrypted with, --saml for the SAML certificate,"
        " --saml-encryption for the one that service providers encrypt to."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--saml", action="store_true", help="the SAML signing certificate")
        which.add_argument("--encryption", action="store_true", help="keys to encrypt to us with")
        which.add_argument(
            "--saml-encryption", action="store_true", help="the certificate to encrypt to us with"
        )
        parser.add_argument(
            "--leave-behind",
            action="append",
            default=[],
            metavar="ID",
            help="with --saml: an application that may stop accepting sign-ins; each by its ID",
        )
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
            step = _rotated(purpose, algorithm, options["leave_behind"])
            audit.record(
                f"key.{step}",
                actor="manage.py",
                details={
                    "purpose": str(purpose),
                    "algorithm": algorithm,
                    **({"left_behind": sorted(left)} if (left := options["leave_behind"]) else {}),
                },
            )
            self.stdout.write(f"{purpose} {algorithm}: {WORDS.get(purpose, STEPS)[step]}")


def _rotated(purpose: str, algorithm: str, leaving: list[str]) -> str:
    """Take a step. Raises CommandError where that would leave somebody behind unnamed."""
    try:
        return keys.rotate(purpose, algorithm, leaving=leaving) or "rotated"
    except keys.StillInUse as error:
        named = "\n".join(f"  {key}  {name}" for key, name in sorted(error.users.items()))
        raise CommandError(
            "these applications are still signed for with the old key, and would refuse sign-ins"
            f" unless they know the new one:\n{named or '  none'}\nMove them on the page “Keys” of"
            " the administration, or name exactly these, each with --leave-behind ID."
        ) from error


def _chosen(options: dict[str, Any]) -> tuple[SigningKey.Purpose, tuple[str, ...]]:
    if options["saml"]:
        return keys.SAML, ("RS256",)
    if options["saml_encryption"]:
        return keys.SAML_ENCRYPTION, (keys.SAML_ENCRYPTION_ALGORITHM,)
    if options["encryption"]:
        return keys.OIDC_ENCRYPTION, keys.ENCRYPTION_ALGORITHMS
    return keys.OIDC, keys.OIDC_ALGORITHMS
