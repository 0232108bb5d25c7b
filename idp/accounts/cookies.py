"""Our cookies: random tokens that the database knows only by their SHA-256.

`session`: who is signed in. `browser`: which browser an interaction belongs to. `device`: where
somebody has signed in before. `notice`: what the last form was refused for. `browser_state`: not a
secret, see `session_state`.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from http.cookies import SimpleCookie

from django.conf import settings
from django.http import HttpResponseBase

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}\Z")


def new_token() -> str:
    """256 random bits, base64url: 43 characters."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """What the database keeps of a token."""
    return hashlib.sha256(token.encode()).digest()


def read(cookies: Mapping[str, str], name: str) -> str:
    """The token in one of our cookies; empty if there is none or it cannot be one of ours."""
    value = cookies.get(settings.IDP.cookie(name), "")
    return value if TOKEN.match(value) else ""


def header(name: str, value: str, *, max_age: int | None = None, for_frames: bool = False) -> str:
    """The Set-Cookie value of one of our cookies; without `max_age` it ends with the browser.

    `for_frames`: read by our own script in a frame of another site, where plain http has no way to
    say so, but loopback's ports are one site.
    """
    full_name = settings.IDP.cookie(name)
    cookie: SimpleCookie = SimpleCookie()
    cookie[full_name] = value
    morsel = cookie[full_name]
    morsel["path"] = "/"
    morsel["httponly"] = not for_frames
    morsel["samesite"] = "None" if for_frames and settings.IDP.https else "Lax"
    if settings.IDP.https:
        morsel["secure"] = True
    if max_age is not None:
        morsel["max-age"] = max_age
        if max_age == 0:
            morsel["expires"] = "Thu, 01 Jan 1970 00:00:00 GMT"
    return morsel.OutputString()


def cleared(name: str) -> str:
    """The Set-Cookie value that removes one of our cookies."""
    return header(name, "", max_age=0)


def attach(response: HttpResponseBase, *headers: str) -> None:
    """Put Set-Cookie values of `header` and `cleared` on a Django response."""
    for value in headers:
        response.cookies.load(value)
