"""The kind `local`: a plain sign-in to this service itself: account pages, administration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from idp import audit
from idp.accounts import interaction, redirects, return_path
from idp.accounts.interaction import Opened
from idp.models import Interaction, Session
from idp.protocol.authentication_context import AuthenticationRequirement

KIND = "local"


@dataclass(frozen=True, slots=True)
class Browser:
    """A Django request as `interaction.BrowserRequest`."""

    method: str
    cookies: Mapping[str, str]


def open_login(request: HttpRequest, target: str, *, now: datetime | None = None) -> Opened:
    """A plain sign-in that leads to `target`, a path that `return_path` has validated."""
    return interaction.open(
        KIND,
        application=None,
        requirement=AuthenticationRequirement(),
        request={"next": target},
        origin=Browser(str(request.method), request.COOKIES),
        now=now or timezone.now(),
    )


def target_of(row: Interaction) -> str:
    """Where it leads; validated once more, whoever wrote the row."""
    return return_path.validated(row.request.get("next"))


def finish(row: Interaction, session: Session, request: HttpRequest) -> HttpResponse:
    audit.trace(protocol=KIND, result="success", request=request, user=session.user)  # type: ignore[arg-type]  # the middleware made it an Origin
    return redirects.see_other(target_of(row))


def refuse(row: Interaction, reason: str, request: HttpRequest) -> HttpResponse:
    return redirects.see_other("/")


interaction.register(KIND, finish=finish, refuse=refuse, restart=target_of)
