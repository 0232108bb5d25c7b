"""The token endpoint: what comes before any grant."""

from __future__ import annotations

from typing import Any

import pytest

from idp.grants.registry import GRANTS
from idp.models import AuditEvent
from idp.protocol import vocabulary
from tests.support.protocol import FORM, RelyingParty, World, header, json


def error(response: Any) -> tuple[int, str]:
    return response.status, json(response)["error"]


def test_registry_is_what_may_be_registered() -> None:
    assert (*GRANTS, "implicit") == vocabulary.GRANT_TYPES


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_only_post(world: World, method: str) -> None:
    response = world.provider.send(method, "/token")
    assert error(response) == (405, "invalid_request")
    assert header(response, "Allow") == "POST"


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "multipart/form-data; boundary=x", "text/plain"]
)
def test_only_forms(web: RelyingParty, content_type: str) -> None:
    response = web.provider.post(
        "/token", "grant_type=client_credentials", content_type=content_type
    )
    assert error(response) == (415, "invalid_request")


def test_charset_is_tolerated(web: RelyingParty) -> None:
    response = web.provider.post(
        "/token",
        "grant_type=client_credentials",
        content_type=f"{FORM}; charset=UTF-8",
        authorization=web.authorization,
    )
    assert response.status == 200


def test_nothing_in_the_url(web: RelyingParty) -> None:
    response = web.provider.post(
        "/token",
        "",
        query="grant_type=client_credentials",
        authorization=web.authorization,
    )
    assert error(response) == (400, "invalid_request")


NAMES = (
    *("grant_type", "code", "redirect_uri", "code_verifier", "client_id", "client_secret"),
    *("refresh_token", "scope", "unknown"),
)


@pytest.mark.parametrize("name", NAMES)
def test_no_parameter_twice(web: RelyingParty, name: str) -> None:
    response = web.provider.post(
        "/token", [(name, "a"), (name, "a")], authorization=web.authorization
    )
    assert error(response) == (400, "invalid_request")
    assert name in json(response)["error_description"]


@pytest.mark.parametrize(
    "body",
    [
        b"grant_type=%ff",
        b"grant_type=%00",
        b"grant_type=%c3%28",
        b"grant_type=%zz",
        b"\xff\xfe=1",
        b"grant_type=\x00",
        b"a=1&" * 300,
        "grant_type=é".encode(),
        b"%00=1",
    ],
)
def test_broken_bodies(web: RelyingParty, body: bytes) -> None:
    response = web.provider.send(
        "POST", "/token", body=body, content_type=FORM, authorization=web.authorization
    )
    assert error(response) == (400, "invalid_request")


def test_too_large(web: RelyingParty) -> None:
    response = web.provider.send(
        "POST", "/token", body=b"a=" + b"b" * 1024 * 1024, content_type=FORM
    )
    assert error(response) == (413, "invalid_request")


def test_missing_grant_type(web: RelyingParty) -> None:
    assert error(web.token()) == (400, "invalid_request")
    assert error(web.token(grant_type="")) == (400, "invalid_request")


@pytest.mark.parametrize("grant_type", ["password", "implicit", "urn:x", "authorization_code "])
def test_unknown_grant_type(web: RelyingParty, grant_type: str) -> None:
    assert error(web.token(grant_type=grant_type)) == (400, "unsupported_grant_type")


def test_answers_are_kept_by_nobody(web: RelyingParty) -> None:
    for response in (web.token(grant_type="client_credentials"), web.token(grant_type="x")):
        assert header(response, "Cache-Control") == "no-store"
        assert header(response, "Pragma") == "no-cache"
        assert header(response, "Content-Type") == "application/json"
        assert header(response, "Access-Control-Allow-Origin") == "*"


def test_issue_is_in_the_audit_trail(world: World, web: RelyingParty) -> None:
    tokens = web.tokens(world.session, scope="openid email")
    event = AuditEvent.objects.get(action="token.issued")
    assert event.user_id == world.user.pk
    assert event.session_id == world.session.pk
    assert event.application_name == web.application.name
    assert event.details["grant_type"] == "authorization_code"
    for value in tokens.values():
        assert str(value) not in str(event.details) or value == "openid email"


def test_refusal_is_in_the_audit_trail(web: RelyingParty) -> None:
    web.redeem("gtc_secret-code")
    event = AuditEvent.objects.get(action="token.refused")
    assert event.application_id == web.application.pk
    assert "invalid_grant" in event.reason
    assert "secret-code" not in str(vars(event))
