"""The short way: the same answers as through Django, and what middleware would have done."""

from __future__ import annotations

import io
import os

import pytest
from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError
from django.test import Client, override_settings

from idp import features
from idp.accounts import session
from tests.support.protocol import restore_keys

ENDPOINTS = sorted(features.routes())


def wsgi(method, path, *, body=b"", query="", **headers):
    """Call the WSGI application as a server would; returns status, headers and body."""
    from idp.dispatch import application

    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SCRIPT_NAME": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost:8000",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
        **headers,
    }
    answer = {}

    def start_response(status, response_headers):
        answer.update(status=int(status[:3]), headers=response_headers)

    content = b"".join(application(environ, start_response))
    return answer["status"], dict(answer["headers"]), content


@pytest.fixture(autouse=True)
def signing_keys(db):
    restore_keys()


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/nowhere"])
@pytest.mark.parametrize(
    ("issuer", "sent"),
    [
        ("https://id.example.org", True),
        ("http://localhost:8000", False),
        ("https://localhost:8000", False),
        ("https://id.localhost", False),
        ("https://[::1]:8000", False),
    ],
)
def test_browsers_remember_https_of_no_loopback_name(path, issuer, sent):
    with override_settings(IDP=settings.IDP.model_copy(update={"issuer": issuer})):
        status, headers, _ = wsgi("GET", path)
    assert status in (200, 404)
    assert ("Strict-Transport-Security" in headers) is sent


VARYING = ("Date", "X-Request-Id", "Content-Length", "ETag", "Location", "Set-Cookie")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ENDPOINTS)
def test_both_ways_give_the_same_answer(path, method):
    status, headers, body = wsgi(method, path)
    answer = Client().generic(method, path, HTTP_HOST="localhost:8000")
    assert answer.status_code == status
    through_django = {name: value for name, value in answer.headers.items() if name not in VARYING}
    short = {name: value for name, value in headers.items() if name not in VARYING}
    assert through_django.items() >= short.items()
    if "json" in headers.get("Content-Type", ""):
        assert answer.content == body


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "", "a b", "@localhost"]
)
@pytest.mark.parametrize("path", ["/jwks", "/login", "/admin/"])
def test_unknown_host_is_refused(host, path):
    assert wsgi("GET", path, HTTP_HOST=host)[0] == 400


def test_a_transaction_that_is_open_keeps_its_connection():
    from idp import directory
    from idp import dispatch as entry

    entry._used.at = 0.0
    directory.forget()
    assert wsgi("GET", "/.well-known/openid-configuration")[0] == 200


def test_probe_answers_under_any_host():
    assert wsgi("GET", "/livez", HTTP_HOST="10.1.2.3")[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_X_FORWARDED_HOST": "evil.example"},
        {"HTTP_X_FORWARDED_PROTO": "https"},
        {"HTTP_FORWARDED": "host=evil.example;proto=https"},
        {"HTTP_X_ORIGINAL_URL": "/admin/", "HTTP_X_REWRITE_URL": "/admin/"},
        {"HTTP_X_FORWARDED_PREFIX": "/evil"},
        {"HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE"},
    ],
)
@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/login"])
def test_forwarded_headers_change_nothing(path, headers):
    plain, forwarded = wsgi("GET", path), wsgi("GET", path, **headers)
    assert forwarded[0] == plain[0]
    assert b"evil" not in forwarded[2]
    assert "evil" not in str(forwarded[1])


def test_body_over_the_limit_is_refused():
    status, _, body = wsgi(
        "POST",
        "/token",
        body=b"x" * (1024 * 1024 + 1),
        CONTENT_TYPE="application/x-www-form-urlencoded",
    )
    assert status == 413
    assert b"invalid_request" in body


def test_chunked_body_is_read_to_the_same_limit():
    environ = {"CONTENT_TYPE": "application/x-www-form-urlencoded", "CONTENT_LENGTH": ""}
    small = wsgi(
        "POST", "/token", body=b"grant_type=x", HTTP_TRANSFER_ENCODING="chunked", **environ
    )
    assert small[0] in (400, 401)
    large = wsgi(
        "POST", "/token", body=b"x" * 2_000_000, HTTP_TRANSFER_ENCODING="chunked", **environ
    )
    assert large[0] == 413


CHUNKED = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}
HTTP_2 = {"CONTENT_LENGTH": "", "SERVER_PROTOCOL": "HTTP/2.0"}


@pytest.fixture
def seen(monkeypatch):
    """The environment that Django got, once `wsgi` was called."""
    seen = {}

    def django(environ, start_response):
        seen.update(environ)
        start_response("200 OK", [])
        return []

    from idp import dispatch as module

    monkeypatch.setattr(module, "django_application", django)
    return seen


@pytest.mark.parametrize("without_length", [CHUNKED, HTTP_2], ids=["chunked", "HTTP/2"])
def test_form_without_length_reaches_django_too(seen, without_length):
    form = b"username=nobody&password=x"
    assert wsgi("POST", "/login", body=form, **without_length)[0] == 200
    assert seen["CONTENT_LENGTH"] == str(len(form))
    assert seen["wsgi.input"].read() == form
    seen.clear()
    assert wsgi("POST", "/login", body=b"x" * 2_000_000, **without_length)[0] == 413
    assert not seen


def test_process_environment_stays_outside(seen):
    wsgi("GET", "/login", GATEHOUSE_MASTER_KEY="secret", PATH="/usr/bin")
    assert "secret" not in str(seen.values())
    assert not {name for name in seen if name.startswith("GATEHOUSE_") or name in ("PATH", "HOME")}
    assert os.environ["GATEHOUSE_MASTER_KEY"] not in str(seen.values())


def test_head_is_a_get_without_body():
    status, headers, body = wsgi("HEAD", "/jwks")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) > 100


@pytest.mark.standard("OIDC Core", "5.3", "any origin may read UserInfo")
def test_preflight_is_answered_without_credentials():
    status, headers, _ = wsgi("OPTIONS", "/userinfo", HTTP_ORIGIN="https://app.example")
    assert status == 204
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in headers


@pytest.mark.standard("RFC 9700", "2.6", "no CORS at the authorization endpoint")
def test_authorization_endpoint_has_no_cors():
    for method in ("GET", "OPTIONS"):
        headers = wsgi(method, "/authorize", HTTP_ORIGIN="https://app.example")[1]
        assert "Access-Control-Allow-Origin" not in headers


def test_failure_is_answered_without_detail(monkeypatch):
    def broken(request):
        raise RuntimeError("internal detail")

    monkeypatch.setitem(features._routes, "/jwks", broken)
    status, headers, body = wsgi("GET", "/jwks")
    assert status == 500
    assert b"internal" not in body
    assert headers["X-Request-Id"] in body.decode()


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/jwks", b'"temporarily_unavailable"'),
        *((path, b"Back in a moment") for path in ("/authorize", "/end_session", "/saml/sso")),
    ],
)
def test_unreachable_database_is_a_temporary_error(monkeypatch, path, words, error):
    def unreachable(request):
        raise error("gone")

    monkeypatch.setitem(features._routes, path, unreachable)
    status, headers, body = wsgi("GET", path)
    assert status == 503
    assert words in body
    assert headers["Retry-After"]
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("error", [RuntimeError, IntegrityError])
def test_failure_where_people_come_is_a_page(monkeypatch, error):
    def broken(request):
        raise error("internal detail")

    monkeypatch.setitem(features._routes, "/authorize", broken)
    status, headers, body = wsgi("GET", "/authorize")
    assert status == 500
    assert headers["Content-Type"].startswith("text/html")
    assert f'id="error-reference">{headers["X-Request-Id"]}<' in body.decode()
    assert b"internal" not in body


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_pages_tell_of_an_unreachable_database(monkeypatch, error):
    def unreachable(token, *, now):
        raise error("gone")

    monkeypatch.setattr(session, "current", unreachable)
    status, headers, body = wsgi("GET", "/login")
    assert status == 503
    assert b"Back in a moment" in body
    assert headers["Retry-After"]
