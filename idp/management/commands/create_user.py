"""`create_user NAME --email E`: a person, for scripts and the first administrator.

The password comes from GATEHOUSE_PASSWORD, so that it stands in no process list; the address counts
as verified. Run again for the same name it brings the person up to date: what is named is set,
groups are added, nothing is taken away.
"""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction
from django.utils import timezone

from idp import audit
from idp.accounts import password
from idp.claims import standard, values
from idp.claims.errors import MappingError
from idp.models import Group, User
from idp.models.user import canonical

ACTOR = "create_user"
ELSEWHERE = {
    "email": "--email",
    "groups": "--group",
    "preferred_username": "the name itself",
}
OF_ITSELF = ("email_verified", "updated_at")
FIELDS = tuple(
    claim for claim in standard.CLAIMS if claim not in ELSEWHERE and claim not in OF_ITSELF
)


class Command(BaseCommand):
    """Create a person, or bring one up to date."""

    help = "Create a person who can sign in; the password comes from GATEHOUSE_PASSWORD."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--email", required=True)
        parser.add_argument("--group", action="append", default=[], metavar="G")
        parser.add_argument(
            "--claim",
            action="append",
            default=[],
            metavar="k=v",
            help="k=text or k:=JSON; members of the profile, else custom attributes",
        )
        parser.add_argument("--superuser", action="store_true", help="may administer")

    def handle(self, *args: Any, **options: Any) -> None:
        secret = os.environ.get("GATEHOUSE_PASSWORD", "")
        _check_text(secret, options["name"], options["email"], *options["group"], *options["claim"])
        if not options["email"].strip():
            raise CommandError("email: an address is needed")
        claims = dict(_parse(text) for text in options["claim"])
        user = User.objects.filter(username_key=canonical(options["name"])).first()
        is_new = user is None
        user = user or User(username=options["name"])
        _fill(user, email=options["email"], claims=claims, superuser=options["superuser"])
        try:
            self._save(user, is_new=is_new, secret=secret, groups=options["group"])
        except ValidationError as error:
            raise CommandError("\n".join(_lines(error))) from None
        except IntegrityError:
            raise CommandError("The name or the address has just been taken.") from None
        if is_new and not secret:
            self.stderr.write("GATEHOUSE_PASSWORD is not set: nobody can sign in with this name.")
        verb = "created" if is_new else "up to date"
        self.stdout.write(f"{user.username} {verb} (sub {user.subject})")

    def _save(self, user: User, *, is_new: bool, secret: str, groups: list[str]) -> None:
        self._check_password(user, secret)
        renew = bool(secret) and (is_new or not password.verify(user, secret))
        if is_new and secret:
            user.set_password(secret)
        elif is_new:
            user.set_unusable_password()
        user.full_clean()
        with transaction.atomic():
            user.save()
            user.groups.add(*(_group(name) for name in groups))
        action = "user.created" if is_new else "user.changed"
        audit.record(action, user=user, actor=ACTOR)
        if renew and not is_new:
            password.change(user, secret, session=None, now=timezone.now(), actor=ACTOR)

    def _check_password(self, user: User, secret: str) -> None:
        """Refuse what could never be typed; of a weak one say so: it is the operator's choice."""
        if len(secret) > password.MOST_CHARACTERS:
            raise CommandError(f"GATEHOUSE_PASSWORD: at most {password.MOST_CHARACTERS} characters")
        if not secret:
            return
        try:
            password.validate(user, secret)
        except ValidationError as error:
            self.stderr.write("GATEHOUSE_PASSWORD is weak: " + " ".join(error.messages))


def _check_text(*texts: str) -> None:
    """Refuse what is no UTF-8: no database would keep it."""
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError:
            raise CommandError("An argument is not valid UTF-8.") from None


def _parse(text: str) -> tuple[str, Any]:
    """`k=text` or `k:=JSON`."""
    name, separator, value = text.partition("=")
    if not separator or not name.removesuffix(":"):
        raise CommandError(f"--claim {text!r}: write k=text or k:=JSON")
    if not name.endswith(":"):
        return name, value
    try:
        return name[:-1], json.loads(value)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"--claim {text!r}: not JSON ({error})") from None


def _fill(user: User, *, email: str, claims: dict[str, Any], superuser: bool) -> None:
    """Put what is named into the person: profile fields, and attributes for everything else."""
    user.email = email
    user.email_verified = True
    user.is_superuser = user.is_superuser or superuser
    for name, given in claims.items():
        if name in ELSEWHERE:
            raise CommandError(f"--claim {name}: say it with {ELSEWHERE[name]}")
        if name in OF_ITSELF or name in standard.RESERVED:
            raise CommandError(f"--claim {name}: Gatehouse itself says that one")
        try:
            value = values.checked(given)
        except MappingError as error:
            raise CommandError(f"--claim {name}: {error}") from None
        if name not in FIELDS:
            user.attributes = {**user.attributes, name: value}
            continue
        wanted = standard.wrong_type(name, value)
        if wanted:
            raise CommandError(f"--claim {name}: must be {wanted}")
        setattr(user, name, value)


def _group(name: str) -> Group:
    """The group of this name, made if there is none."""
    found = Group.objects.filter(name_key=canonical(name)).first()
    if found is not None:
        return found
    group = Group(name=name)
    group.full_clean()
    group.save()
    return group


def _lines(error: ValidationError) -> list[str]:
    """One line per problem, with the field in front; a canonical form repeats its field's."""
    return [
        f"{'' if field == '__all__' else f'{field}: '}{message}"
        for field, messages in error.message_dict.items()
        if not field.endswith("_key")
        for message in messages
    ]
