"""The policy, initial access tokens, issuers of statements, unused clients."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from idp.models import (
    Application,
    AuditEvent,
    InitialAccessToken,
    RegistrationPolicy,
    StatementIssuer,
)
from idp.tokens import registration_token
from tests.support import dynamic
from tests.support.factories import ClientFactory

POLICY = "/admin/idp/registrationpolicy/1/change/"
TOKENS = "/admin/idp/initialaccesstoken/"
ISSUERS = "/admin/idp/statementissuer/"
UNUSED = "/admin/registration/unused/"


def form(**changes: Any) -> dict[str, Any]:
    data = {
        "mode": "open",
        "profile": "default",
        "pkce": "default",
        "scope": "",
        "allowed_hosts": "",
        "per_hour": "20",
        "unused_days": "90",
        **changes,
    }
    return {name: value for name, value in data.items() if value is not None}


def test_the_policy_is_one_page(browser: Browser) -> None:
    response = browser.get("/admin/idp/registrationpolicy/")
    assert response.headers["Location"] == POLICY
    assert "Off: nobody registers" in browser.get(POLICY).content.decode()
    hosts = "*.Apps.example\nwiki.example"
    assert browser.post(POLICY, form(allowed_hosts=hosts, scope="openid email")).status_code == 303
    row = RegistrationPolicy.objects.get()
    assert (row.mode, row.scope) == ("open", "openid email")
    assert row.allowed_hosts == ["*.apps.example", "wiki.example"]
    event = AuditEvent.objects.get(action="registration_policy.changed")
    assert event.details["changes"]["mode"] == {"before": "off", "after": "open"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mode": "always"}, "Select a valid choice"),
        ({"allowed_hosts": "https://x.example"}, "is not a host name"),
        ({"allowed_hosts": "a.*.example"}, "is not a host name"),
        ({"allowed_hosts": "*"}, "is not a host name"),
        ({"scope": "nonsense"}, "There is no scope"),
        ({"scope": 'a"b'}, "scope"),
        ({"per_hour": "0"}, "at least one an hour"),
        ({"per_hour": "-1"}, "greater than or equal to 0"),
        ({"unused_days": "x"}, "whole number"),
    ],
)
def test_a_policy_that_makes_no_sense(
    browser: Browser, changes: dict[str, str], words: str
) -> None:
    dynamic.policy(mode="off")
    response = browser.post(POLICY, form(**changes))
    assert response.status_code == 200
    assert words in response.content.decode()
    assert RegistrationPolicy.objects.get().mode == "off"


def test_the_policy_cannot_be_deleted_or_doubled(browser: Browser) -> None:
    dynamic.policy()
    assert browser.get("/admin/idp/registrationpolicy/1/delete/").status_code == 403
    assert browser.get("/admin/idp/registrationpolicy/add/").status_code == 403


def test_a_token_is_shown_once(browser: Browser) -> None:
    assert "No initial access tokens yet" in browser.get(TOKENS).content.decode()
    response = browser.post(
        f"{TOKENS}add/", {"name": "Team", "owner": "Ops", "most_uses": "3", "days": "7"}
    )
    where = response.headers["Location"]
    shown = browser.get(where).content.decode()
    (token,) = re.findall(r"gti_[A-Za-z0-9_-]+", shown)
    row = InitialAccessToken.objects.get()
    assert bytes(row.token_hash) == registration_token.digest(token)
    assert (row.owner, row.most_uses, row.created_by) == ("Ops", 3, "root")
    assert timedelta(days=6) < row.expires_at - timezone.now() <= timedelta(days=7)
    assert "Registration is switched off" in shown
    assert token not in browser.get(where).content.decode()
    listed = browser.get(TOKENS).content.decode()
    assert "0 of 3" in listed
    assert token not in listed


def test_a_token_without_a_name(browser: Browser) -> None:
    response = browser.post(f"{TOKENS}add/", {"name": "", "most_uses": "-1"})
    assert response.status_code == 200
    assert not InitialAccessToken.objects.exists()


def test_a_token_is_revoked(browser: Browser) -> None:
    row, _ = dynamic.initial_access_token()
    assert browser.get(f"{TOKENS}{row.pk}/revoke/").status_code == 404
    browser.post(f"{TOKENS}{row.pk}/revoke/")
    row.refresh_from_db()
    first = row.revoked_at
    assert first is not None
    browser.post(f"{TOKENS}{row.pk}/revoke/")
    row.refresh_from_db()
    assert row.revoked_at == first
    assert AuditEvent.objects.filter(action="initial_access_token.revoked").count() == 1
    assert "revoked" in browser.get(f"{TOKENS}{row.pk}/change/").content.decode()


def test_issuers(browser: Browser) -> None:
    good = {"issuer": "https://store.example", "enabled": "on"}
    for wrong in (
        good,
        {**good, "jwks_uri": "http://store.example/jwks"},
        {**good, "jwks": '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}'},
        {**good, "jwks_uri": "https://store.example/jwks", "jwks": '{"keys": [{"kty": "X"}]}'},
    ):
        assert browser.post(f"{ISSUERS}add/", wrong).status_code == 200
    assert not StatementIssuer.objects.exists()
    sound = {**good, "jwks_uri": "https://store.example/jwks"}
    assert browser.post(f"{ISSUERS}add/", sound).status_code == 302
    assert "trusted" in browser.get(ISSUERS).content.decode()


def test_unused_clients_are_listed_and_removed(browser: Browser) -> None:
    dynamic.policy(unused_days=90)
    long_ago = timezone.now() - timedelta(days=100)
    for name in ("Forgotten", "Twin", "Twin"):
        ClientFactory(
            application__origin="dynamic",
            application__name=name,
            application__created_at=long_ago,
            application__keep=name == "Twin",
        )
    shown = browser.get(UNUSED).content.decode()
    assert "Remove 1 unused client now" in shown
    assert "<strong>Twin</strong>" in shown
    assert browser.post(UNUSED).status_code == 303
    assert not Application.objects.filter(name="Forgotten").exists()
    assert Application.objects.filter(name="Twin").count() == 2
    assert "None." in browser.get(UNUSED).content.decode()


def test_only_administrators(browser_of: Any, db: None) -> None:
    from tests.support.factories import UserFactory

    stranger = browser_of(UserFactory())
    for address in (POLICY, TOKENS, f"{TOKENS}add/", ISSUERS, UNUSED):
        assert stranger.get(address).status_code == 403
        assert Browser().get(address).status_code in (302, 303)
