"""Post, redirect, get: every form is answered with 303 (RFC 9110 §15.4.4)."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBase

from idp.protocol.message import Response


class SeeOther(HttpResponse):
    """303 to one of our own paths, or to an address that was registered."""

    status_code = 303


def see_other(location: str) -> HttpResponse:
    response = SeeOther()
    response.headers["Location"] = location
    return response


def to_django(answer: HttpResponseBase | Response) -> HttpResponseBase:
    """What a kind answered, as Django sends it."""
    if not isinstance(answer, Response):
        return answer
    response = HttpResponse(answer.body, status=answer.status)
    del response.headers["Content-Type"]
    for name, value in answer.headers:
        if name == "Set-Cookie":
            response.cookies.load(value)
        else:
            response.headers[name] = value
    return response
