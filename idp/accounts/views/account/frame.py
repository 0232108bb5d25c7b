"""What every account page needs: somebody signed in, their name, and the page's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpResponseBase
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from idp.accounts import redirects
from idp.accounts.middleware import Request
from idp.accounts.views import facts, late_form
from idp.models import Session

View = Callable[[Request, Session], HttpResponseBase]


def signed_in(*methods: str) -> Callable[[View], Callable[[Request], HttpResponseBase]]:
    """Give a view the live session; whoever has none signs in first and comes back."""

    def decorate(view: View) -> Callable[[Request], HttpResponseBase]:
        @require_http_methods(list(methods))
        @wraps(view)
        def wrapped(request: Request) -> HttpResponseBase:
            session = request.idp_session
            if session is None:
                return redirects.see_other("/login?" + urlencode({"next": request.path}))
            return view(request, session)

        return wrapped

    return decorate


def show(
    request: Request, session: Session, template: str, *, page: str, **context: Any
) -> HttpResponseBase:
    """Render one account page in its frame."""
    frame = {
        "person": facts.person(session.user),
        "page": page,
        "is_admin": session.user.is_staff,
        "notice": late_form.notice(request),
    }
    return render(request, f"idp/account/{template}.html", {**frame, **context})
