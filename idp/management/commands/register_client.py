"""Register an OAuth or OpenID Connect client from its metadata (RFC 7591 §2)."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError

from idp import audit, registration
from idp.models import Application
from idp.protocol import client_metadata, strict_json
from idp.protocol.errors import ProtocolError

MOST_BYTES = 1024 * 1024


class Command(BaseCommand):
    """JSON in, JSON out: nothing else on standard output, so that a script can read it."""

    help = (
        "Registers a client: metadata of RFC 7591 as a JSON object in FILE (or - for standard"
        " input) in; the same with client_id and client_secret out. The secret is shown once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="a JSON file, or - for standard input")

    def handle(self, *args: Any, file: str, **options: Any) -> None:
        audit.write_through(enabled=True)
        try:
            metadata = client_metadata.parse(
                strict_json.load_object(_read(file), max_bytes=MOST_BYTES)
            )
            registration.check_sector(metadata)
            client, secret = registration.register(
                metadata, actor="register_client", origin=Application.Origin.COMMAND
            )
        except strict_json.InvalidJson as error:
            raise CommandError(f"{file}: not a JSON object: {error}") from None
        except ProtocolError as error:
            raise CommandError(f"{error.error}: {error.description}") from None
        if client.metadata.get("logo_uri") and not registration.read_logo(client):
            self.stderr.write(f"logo_uri: {client.metadata[registration.LOGO_PROBLEM]}")
        if client.pkce == client.Pkce.OPTIONAL:
            self.stderr.write("gatehouse_pkce: optional leaves a stolen code without a safeguard")
        document = registration.document(client)
        if secret is not None:
            document |= {"client_secret": secret, "client_secret_expires_at": 0}
        self.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())


def _read(file: str) -> bytes:
    try:
        if file == "-":
            return sys.stdin.buffer.read(MOST_BYTES + 1)
        with Path(file).open("rb") as source:
            return source.read(MOST_BYTES + 1)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from None
