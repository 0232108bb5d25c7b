"""The typed endpoints as Django views, for tests, `runserver` and URL reversing."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from idp import client_address, features
from idp.endpoints import wrapper
from idp.protocol.message import Request


def as_view(handler: features.Handler) -> Callable[[HttpRequest], HttpResponse]:
    """A view that answers exactly what the short way answers."""

    @csrf_exempt
    def view(request: HttpRequest) -> HttpResponse:
        typed = typed_request(request)
        answer = wrapper.answer(handler, typed)
        response = HttpResponse(answer.body, status=answer.status)
        del response.headers["Content-Type"]
        for name, value in answer.headers:
            if name == "Set-Cookie":
                response.cookies.load(value)
            else:
                response.headers[name] = value
        response.headers["X-Request-Id"] = typed.request_id
        return response

    return view


def typed_request(request: HttpRequest) -> Request:
    """The typed request in a Django request; a HEAD is a GET whose body is not sent."""
    method = str(request.method)
    authorization = request.META.get("HTTP_AUTHORIZATION")
    return Request(
        method="GET" if method == "HEAD" else method,
        path=request.path,
        now=datetime.now(UTC),
        query=request.META.get("QUERY_STRING", ""),
        body=b"" if method in ("GET", "HEAD", "OPTIONS") else _body(request),
        content_type=request.META.get("CONTENT_TYPE", ""),
        authorization=(authorization,) if authorization else (),
        cookies=request.COOKIES,
        origin=request.META.get("HTTP_ORIGIN"),
        client_address=client_address.of(request.META),
        user_agent=request.META.get("HTTP_USER_AGENT", ""),
        request_id=getattr(request, "request_id", "") or secrets.token_hex(8),
        accept_language=request.META.get("HTTP_ACCEPT_LANGUAGE", ""),
        if_none_match=request.META.get("HTTP_IF_NONE_MATCH", ""),
    )


def _body(request: HttpRequest) -> bytes:
    return request.read(wrapper.MAX_BODY + 1)
