"""granian with Gatehouse's code in memory before it starts its workers, which then share it.

`deploy.serve` starts this in granian's place, with granian's own options. Nothing is opened here:
neither a database nor a thread would survive the fork. Where processes cannot be forked safely
(macOS, Windows) every worker reads the code for itself, as granian does it.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys

from granian.cli import entrypoint


def load() -> None:
    """Read the code that answers requests, with templates, static files' names and schemas."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "idp.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.core.handlers import wsgi  # noqa: F401 (what `idp.wsgi` needs beside the URLs)
    from django.db import connection
    from django.db.models.sql import compiler  # noqa: F401 (read at the first query)
    from django.template import engines
    from django.urls import get_resolver
    from django.utils.module_loading import import_string

    from federation.saml import xml
    from idp import dispatch, schedule  # noqa: F401
    from idp.accounts.logout_channels import sender  # noqa: F401

    _ = get_resolver().url_patterns
    if connection.vendor == "postgresql":
        import_string("idp.models.prepared.Statements")
    for path in settings.MIDDLEWARE:
        import_string(path)
    for engine in engines.all():
        engine.get_template("idp/form_post.html")
    for name in xml.SCHEMAS:
        xml.compiled(name)


def share() -> None:
    """Let workers be forked, and keep the garbage collector from copying what they share."""
    load()
    multiprocessing.set_start_method("fork")
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    if sys.platform == "linux":
        share()
    entrypoint()
