"""What a form was refused for, carried over the redirect that follows every POST.

A sealed cookie: people type passwords into the name field, so nobody may read it on the way.
It is meant for one page and gone once that has shown it.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from idp import keys
from idp.accounts import cookies

PURPOSE = "notice"
LIFETIME = timedelta(minutes=5)
LONGEST = 3000


def leave(response: HttpResponseBase, page: str, *, now: datetime, **facts: Any) -> None:
    """Leave facts (JSON) for the next showing of the page at that path."""
    cookies.attach(response, *headers(page, now=now, **facts))


def headers(page: str, *, now: datetime, **facts: Any) -> tuple[str, ...]:
    """The Set-Cookie value that leaves them; none where they are too much for a cookie."""
    content = orjson.dumps({"page": page, "at": now.timestamp(), "facts": facts})
    value = urlsafe_b64encode(keys.seal(PURPOSE, content)).decode().rstrip("=")
    if len(value) > LONGEST:
        return ()
    return (cookies.header("notice", value, max_age=int(LIFETIME.total_seconds())),)


def read(request: HttpRequest, page: str, *, now: datetime) -> dict[str, Any]:
    """What was left for this page, else nothing."""
    value = request.COOKIES.get(settings.IDP.cookie("notice"), "")
    if not value or len(value) > LONGEST:
        return {}
    try:
        sealed = urlsafe_b64decode(value + "=" * (-len(value) % 4))
        content = orjson.loads(keys.unseal(PURPOSE, sealed))
    except ValueError:
        return {}
    age = now.timestamp() - content["at"]
    fits = content["page"] == page and 0 <= age <= LIFETIME.total_seconds()
    return dict(content["facts"]) if fits else {}


def clear(request: HttpRequest, response: HttpResponseBase) -> None:
    """It has been shown."""
    if settings.IDP.cookie("notice") in request.COOKIES:
        cookies.attach(response, cookies.cleared("notice"))
