"""The registered error codes and what of an error may reach the wire."""

from __future__ import annotations

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import errors

STATUS = {
    errors.InvalidClient: 401,
    errors.InvalidToken: 401,
    errors.InsufficientScope: 403,
    errors.MethodNotAllowed: 405,
    errors.PayloadTooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.ServerError: 500,
    errors.TemporarilyUnavailable: 503,
}

CODES = {
    "access_denied",
    "account_selection_required",
    "consent_required",
    "insufficient_scope",
    "interaction_required",
    "invalid_client",
    "invalid_client_metadata",
    "invalid_grant",
    "invalid_redirect_uri",
    "invalid_request",
    "invalid_request_object",
    "invalid_request_uri",
    "invalid_scope",
    "invalid_software_statement",
    "invalid_target",
    "invalid_token",
    "login_required",
    "registration_not_supported",
    "request_not_supported",
    "request_uri_not_supported",
    "server_error",
    "temporarily_unavailable",
    "unapproved_software_statement",
    "unauthorized_client",
    "unmet_authentication_requirements",
    "unsupported_grant_type",
    "unsupported_response_type",
}

CLASSES = [
    one
    for _, one in inspect.getmembers(errors, inspect.isclass)
    if issubclass(one, errors.ProtocolError) and one is not errors.ProtocolError
]


@pytest.mark.standard("RFC 6749", "5.2", "every error has a registered code")
@pytest.mark.standard("RFC 9101", "7", "error codes of request objects")
@pytest.mark.standard("RFC 7591", "3.2.2", "error codes of registration")
def test_codes_are_the_registered_ones() -> None:
    assert {one.error for one in CLASSES} == CODES


@pytest.mark.standard("RFC 6749", "5.2", "400, and 401 for invalid_client")
@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_status(kind: type[errors.ProtocolError]) -> None:
    assert kind("why").status == STATUS.get(kind, 400)


@pytest.mark.standard("RFC 6749", "A.8", "error_description holds only its characters")
@given(st.text(max_size=2000))
def test_description_holds_only_allowed_characters(text: str) -> None:
    description = errors.InvalidRequest(text).description
    assert len(description) <= errors.MAX_DESCRIPTION
    assert all("\x20" <= c <= "\x7e" and c not in '"\\' for c in description)


def test_description_stays_readable() -> None:
    error = errors.InvalidRequest('scope "a\\b"\tis\nnew: é')
    assert error.description == "scope 'a/b' is new: ?"


def test_detail_never_leaves() -> None:
    error = errors.InvalidGrant("code is used", detail="code 4711 of alice")
    assert error.as_dict() == {"error": "invalid_grant", "error_description": "code is used"}
    assert "alice" in str(error)


def test_no_description_no_member() -> None:
    assert errors.AccessDenied().as_dict() == {"error": "access_denied"}
    assert str(errors.AccessDenied()) == "access_denied"


@pytest.mark.standard("RFC 9110", "15.5.6", "405 carries Allow")
def test_method_not_allowed_names_the_methods() -> None:
    error = errors.MethodNotAllowed(allow=("GET", "POST"), headers=[("X", "y")])
    assert error.headers == (("X", "y"), ("Allow", "GET, POST"))
    assert error.description == "use GET or POST"
    assert errors.MethodNotAllowed("no").headers == ()


@pytest.mark.standard("RFC 6750", "3", "WWW-Authenticate for Bearer")
def test_bearer_challenge() -> None:
    assert errors.bearer_challenge(realm="g") == 'Bearer realm="g"'
    error = errors.InsufficientScope('needs "profile"')
    assert errors.bearer_challenge(realm="g", error=error, scope="profile email") == (
        'Bearer realm="g", error="insufficient_scope", '
        'error_description="needs \'profile\'", scope="profile email"'
    )
