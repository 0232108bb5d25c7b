"""Reading metadata again from the command line."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.support import receiver
from tests.support.metadata import Federation, federation, provider  # noqa: F401 (fixture)
from tests.support.saml import saml  # noqa: F401 (fixture)

pytestmark = pytest.mark.usefixtures("saml")


def run(*arguments: str) -> list[dict[str, object]]:
    output = StringIO()
    call_command("refresh_metadata", *arguments, stdout=output, stderr=StringIO())
    return [orjson.loads(line) for line in output.getvalue().splitlines()]


def test_reads_what_is_due(federation: Federation) -> None:  # noqa: F811
    federation.publish_entities(provider("a"))
    federation.source(name="due")
    federation.source(name="later", next_at=timezone.now() + timedelta(hours=1))
    (told,) = run()
    assert (told["name"], told["service_providers"], told["error"]) == ("due", 1, "")
    assert {one["name"] for one in run("--all")} == {"due", "later"}
    assert run("later")[0]["name"] == "later"


def test_a_failure_is_the_status(federation: Federation) -> None:  # noqa: F811
    federation.server.otherwise = receiver.ok(b"", status=500)
    federation.source()
    with pytest.raises(CommandError, match="1 could not be read"):
        run()


def test_an_unknown_name() -> None:
    with pytest.raises(CommandError, match="no metadata source"):
        run("nothing")
