"""The typed responses: caching, redirects, errors as JSON."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from idp.protocol import errors, message


def test_request_has_neither_host_nor_scheme() -> None:
    request = message.Request(method="GET", path="/token", now=datetime.now(UTC))
    assert not {"host", "scheme", "issuer"} & set(dir(request))


@pytest.mark.standard("RFC 6749", "5.1", "JSON that no cache keeps")
def test_json_response() -> None:
    response = message.json_response({"a": [1, True, "é"]}, status=201, headers=[("X", "y")])
    assert response.status == 201
    assert response.body == '{"a":[1,true,"é"]}'.encode()
    headers = dict(response.headers)
    assert headers["Content-Type"] == "application/json"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Pragma"] == "no-cache"
    assert headers["X"] == "y"


@pytest.mark.standard("RFC 6749", "5.2", "errors as JSON, without our detail")
def test_error_response() -> None:
    error = errors.InvalidClient("unknown", detail="secret", headers=[("WWW-Authenticate", "B")])
    response = message.error_response(error)
    assert response.status == 401
    assert response.body == b'{"error":"invalid_client","error_description":"unknown"}'
    assert ("WWW-Authenticate", "B") in response.headers


@pytest.mark.standard("RFC 9700", "4.12", "303, never 307; no referrer")
def test_redirect() -> None:
    response = message.redirect("https://client.example.org/cb?code=1")
    assert response.status == 303
    assert dict(response.headers) == {
        "Location": "https://client.example.org/cb?code=1",
        "Cache-Control": "no-store",
        "Pragma": "no-cache",
        "Referrer-Policy": "no-referrer",
    }


@pytest.mark.parametrize("location", ["", "/a b", "/a\r\nX: y", "/é", "/\x00", "/\x7f"])
def test_redirect_refuses_header_injection(location: str) -> None:
    with pytest.raises(errors.ServerError):
        message.redirect(location)


def test_responses_do_not_share_headers() -> None:
    first, second = message.json_response({}), message.json_response({})
    first.headers.append(("X", "y"))
    assert ("X", "y") not in second.headers
    assert message.Response().headers == []
