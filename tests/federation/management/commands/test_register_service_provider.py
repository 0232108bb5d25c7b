"""The command: metadata or two addresses in, JSON alone out."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from federation.models import ServiceProvider as Row
from idp.models import Application
from tests.attacks.saml import metadata as hostile
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider, consumer, key_info
from tests.support.saml import metadata_of

pytestmark = pytest.mark.django_db

SP = ServiceProvider()
OTHER = ServiceProvider(entity_id="https://other.example", acs_url="https://other.example/acs")


def run(*arguments: str) -> tuple[dict[str, Any], str]:
    """What it prints on standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    call_command("register_service_provider", *arguments, stdout=out, stderr=err)
    return json.loads(out.getvalue()), err.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "metadata.xml"
    path.write_bytes(metadata_of(SP))
    return path


def test_by_a_file(file: Path) -> None:
    printed, warnings = run(str(file))
    row = Row.objects.get()
    assert printed == {
        "entity_id": SP.entity_id,
        "name": "sp.example",
        "metadata_url": f"http://localhost:8000/saml/metadata/{row.slug}",
        "idp_entity_id": "http://localhost:8000/saml/metadata",
        "single_sign_on_url": "http://localhost:8000/saml/sso",
    }
    assert "Warning" not in warnings
    assert "Good to know: It has no address for single logout" in warnings
    assert row.application.origin == Application.Origin.COMMAND


def test_by_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    given = io.TextIOWrapper(io.BytesIO(metadata_of(SP)))
    monkeypatch.setattr(sys, "stdin", given)
    assert run("-")[0]["entity_id"] == SP.entity_id


def test_by_two_addresses() -> None:
    printed, _ = run("--entity-id", SP.entity_id, "--acs", SP.acs_url, "--name", "Reports")
    assert printed["entity_id"] == SP.entity_id
    assert printed["name"] == "Reports"


def test_again_updates(file: Path) -> None:
    first, _ = run(str(file))
    second, _ = run(str(file), "--name", "Reports")
    assert second == {**first, "name": "Reports"}
    assert Row.objects.count() == 1


def test_warnings_go_to_standard_error(file: Path) -> None:
    old = service_provider.certificate(SP.key, ended=True)
    role = f"<md:KeyDescriptor>{key_info(old)}</md:KeyDescriptor>{consumer(SP.acs_url)}"
    file.write_bytes(SP.metadata(role=role))
    printed, warnings = run(str(file))
    assert printed["entity_id"] == SP.entity_id
    assert "Warning: A certificate expired" in warnings


def test_a_file_with_several_asks_which(file: Path) -> None:
    file.write_bytes(hostile.group(metadata_of(SP), metadata_of(OTHER)))
    with pytest.raises(CommandError) as asked:
        run(str(file))
    assert f"--entity {SP.entity_id}" in str(asked.value)
    assert f"--entity {OTHER.entity_id}" in str(asked.value)
    assert run(str(file), "--entity", OTHER.entity_id)[0]["entity_id"] == OTHER.entity_id


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--acs", SP.acs_url),
        ("--entity-id", SP.entity_id),
        ("file.xml", "--entity-id", SP.entity_id, "--acs", SP.acs_url),
        ("--entity-id", SP.entity_id, "--acs", SP.acs_url, "--entity", SP.entity_id),
    ],
)
def test_says_what_it_needs(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="either FILE"):
        run(*arguments)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        run(str(tmp_path / "nothing.xml"))
    with pytest.raises(CommandError, match="directory"):
        run(str(tmp_path))


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"<html/>", b"\xff\xfe", b"<a>" * 2_000_000, b"\x00"],
    ids=["empty", "json", "html", "utf16", "6 MB", "nul"],
)
def test_what_is_no_metadata(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(CommandError) as refused:
        run(str(file))
    assert str(refused.value)
    assert not Row.objects.exists()


def test_metadata_without_an_address(file: Path) -> None:
    file.write_bytes(SP.metadata(role="<md:NameIDFormat>x</md:NameIDFormat>"))
    with pytest.raises(CommandError, match="AssertionConsumerService"):
        run(str(file))
