"""Who is signed in, on every request that Django answers, and where the request came from."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from idp import client_address
from idp.accounts import cookies, password, session, session_state
from idp.accounts.views import errors
from idp.models import Session, User

MEBIBYTE = 1024 * 1024
LARGEST = {
    "/interaction/": MEBIBYTE,
    "/log": MEBIBYTE,
    "/account": MEBIBYTE,
    "/admin/": 8 * MEBIBYTE,
}
"""The largest body of each group of pages; uploads of administrators are bounded where read."""


class Request(HttpRequest):
    """A request after this middleware: an `audit.Origin`."""

    user: User | AnonymousUser
    idp_session: Session | None
    request_id: str
    client_address: str
    user_agent: str


class SessionMiddleware:
    """Sets `user`, `idp_session`, `request_id`, `client_address` and `user_agent`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponseBase:
        if _is_too_large(request):
            return errors.bad_request(request, RequestDataTooBig())
        request.request_id = getattr(request, "request_id", "") or secrets.token_hex(8)
        request.client_address = client_address.of(request.META)
        request.user_agent = _printable(request.META.get("HTTP_USER_AGENT", ""))
        now = timezone.now()
        request.idp_session = session.current(cookies.read(request.COOKIES, "session"), now=now)
        if request.idp_session is None:
            request.user = AnonymousUser()
        else:
            request.user = request.idp_session.user
            session.touch(request.idp_session, now=now)
        response = self.get_response(request)
        _keep_state(request, response)
        return response

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """Too many passwords are being checked at once: say so, wherever it happened."""
        if isinstance(exception, password.Busy):
            return errors.busy(request)
        return None


def _keep_state(request: Request, response: HttpResponseBase) -> None:
    """Let the browser's state follow a session that ended elsewhere, or began before it had one."""
    if settings.IDP.cookie(session_state.COOKIE) in response.cookies:
        return
    live = request.idp_session.pk if request.idp_session is not None else None
    cookies.attach(response, *session_state.overdue(request.COOKIES, session_id=live))


def _is_too_large(request: HttpRequest) -> bool:
    """Whether a form declares more than its page accepts: files too, which Django would keep."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    most = next((most for path, most in LARGEST.items() if request.path.startswith(path)), None)
    return most is not None and not (length.isdecimal() and int(length) <= most)


def _printable(text: str) -> str:
    return "".join(character for character in text[:300] if character.isprintable())
