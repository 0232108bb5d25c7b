"""Read metadata of service providers again, now: for scripts, and where the worker is elsewhere."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from federation.identity_provider.metadata_sources import refreshing
from federation.models import MetadataSource
from idp import audit


class Command(BaseCommand):
    """Sources in, one JSON line for each out."""

    help = (
        "Reads metadata sources again: those whose time has come, all of them (--all), or one by"
        " its name. Prints a JSON line for each; ends with status 1 if one could not be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help="the name of one source")
        parser.add_argument("--all", action="store_true", help="also those that are not due")

    def handle(self, *args: Any, **options: Any) -> None:
        audit.write_through(enabled=True)
        failed = 0
        for source in _chosen(options["name"], everything=options["all"]):
            if not refreshing.claim(source, now=timezone.now()):
                self.stderr.write(f"{source}: somebody is at it")
                continue
            failed += not refreshing.refresh(source, now=timezone.now())
            source.refresh_from_db()
            self.stdout.write(orjson.dumps(_document(source)).decode())
        if failed:
            raise CommandError(f"{failed} could not be read; what was read before stays in use.")


def _chosen(name: str | None, *, everything: bool) -> list[MetadataSource]:
    sources = MetadataSource.objects.exclude(kind=MetadataSource.Kind.FILE)
    if name is not None:
        found = list(sources.filter(name=name))
        if not found:
            raise CommandError(f"There is no metadata source “{name}” that can be asked.")
        return found
    return list(sources if everything else sources.filter(next_at__lte=timezone.now()))


def _document(source: MetadataSource) -> dict[str, Any]:
    return {
        "name": source.name,
        "url": source.url,
        "error": source.error,
        "service_providers": source.entity_count,
        "valid_until": source.valid_until,
        "next_at": source.next_at,
        **{name: source.figures.get(name) for name in ("size", "peak", "cpu")},
    }
