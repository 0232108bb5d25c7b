"""Scripts open registration and hand out tokens: JSON alone on standard output."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from idp.models import AuditEvent, InitialAccessToken, RegistrationPolicy
from idp.tokens import registration_token

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[dict[str, Any], str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return json.loads(out.getvalue()), err.getvalue()


def test_policy() -> None:
    shown, _ = run("registration_policy")
    assert shown["mode"] == "off"
    assert not RegistrationPolicy.objects.exists()
    shown, _ = run(
        "registration_policy",
        *("--mode", "open", "--profile", "compatibility", "--pkce", "optional"),
        *("--allowed-host", "*.apps.example", "--machines", "--unused-days", "7"),
    )
    row = RegistrationPolicy.objects.get()
    assert (row.mode, row.profile, row.pkce, row.machines) == (
        *("open", "compatibility", "optional", True),
    )
    assert shown["allowed_hosts"] == ["*.apps.example"]
    run("registration_policy", "--no-machines")
    row.refresh_from_db()
    assert (row.machines, row.mode) == (False, "open")
    assert AuditEvent.objects.filter(action="registration_policy.changed").count() == 2


def test_wrong_policy() -> None:
    for wrong in (["--mode", "ajar"], ["--per-hour", "-1"], ["--pkce", "never"]):
        with pytest.raises(CommandError):
            run("registration_policy", *wrong)


def test_token() -> None:
    shown, said = run("initial_access_token", "CI", "--uses", "2", "--days", "3", "--owner", "Ops")
    row = InitialAccessToken.objects.get()
    assert bytes(row.token_hash) == registration_token.digest(shown["initial_access_token"])
    assert (row.most_uses, row.owner) == (2, "Ops")
    assert "Registration is off" in said
    with pytest.raises(CommandError):
        run("initial_access_token", "CI", "--uses", "0")
