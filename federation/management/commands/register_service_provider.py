"""Register a SAML 2.0 service provider by metadata, or by two addresses (SAML Metadata §2.4)."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from federation.identity_provider import entity, first_sign_in, registration
from federation.identity_provider.findings import Severity
from federation.identity_provider.registration import Registered
from federation.saml import errors, xml
from idp import audit
from idp.models import Application

ACTOR = "register_service_provider"
WORDS = {
    Severity.STOPS: "Stops sign-ins",
    Severity.HINDERS: "Look at this",
    Severity.TELLS: "Good to know",
}


class Command(BaseCommand):
    """Metadata in, JSON out: nothing else on standard output, so that a script can read it."""

    help = (
        "Registers a SAML service provider: its metadata in FILE (or - for standard input), or"
        " --entity-id and --acs where there is none. Prints JSON with entity_id and metadata_url,"
        " the address of our metadata for it. Registering an entity ID again updates it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", nargs="?", help="metadata, or - for stdin")
        parser.add_argument("--entity-id", help="the entity ID, where there is no metadata")
        parser.add_argument("--acs", metavar="URL", help="where it receives responses, by POST")
        parser.add_argument("--entity", help="which one, if the file describes several")
        parser.add_argument("--name", default="", help="what people read; else from the metadata")

    def handle(self, *args: Any, **options: Any) -> None:
        audit.write_through(enabled=True)
        try:
            registered = _register(**options)
        except errors.SeveralEntities as error:
            found = "\n".join(f"  --entity {one}" for one in error.entity_ids)
            raise CommandError(
                f"The metadata describes several service providers. Choose one:\n{found}"
            ) from None
        except errors.SamlError as error:
            raise CommandError(error.description) from None
        for warning in registered.warnings:
            self.stderr.write(f"Warning: {warning}")
        row = registered.service_provider
        for finding in first_sign_in.look(row, metadata_xml=row.metadata_xml, now=timezone.now()):
            self.stderr.write(f"{WORDS[finding.severity]}: {finding.text}")
        self.stdout.write(orjson.dumps(_document(registered), option=orjson.OPT_INDENT_2).decode())


def _register(
    *,
    file: str | None,
    entity_id: str | None,
    acs: str | None,
    entity: str | None,
    name: str,
    **options: Any,
) -> Registered:
    if file is not None and not (entity_id or acs):
        return registration.register_from_metadata(
            _read(file), entity_id=entity, name=name, actor=ACTOR, origin=Application.Origin.COMMAND
        )
    if file is None and entity_id and acs and not entity:
        return registration.register(
            entity_id, acs, name=name, actor=ACTOR, origin=Application.Origin.COMMAND
        )
    raise CommandError("Give either FILE (with --entity), or both --entity-id and --acs.")


def _document(registered: Registered) -> dict[str, str]:
    row = registered.service_provider
    return {
        "entity_id": row.entity_id,
        "name": row.application.name,
        "metadata_url": entity.metadata_url(row),
        "idp_entity_id": entity.entity_id(),
        "single_sign_on_url": entity.single_sign_on_url(),
    }


def _read(file: str) -> bytes:
    """The file, but for what is too large anyway: the parser refuses that in words."""
    most = xml.METADATA.size + 1
    try:
        if file == "-":
            return sys.stdin.buffer.read(most)
        with Path(file).open("rb") as source:
            return source.read(most)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from None
