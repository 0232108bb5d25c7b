"""The kind `local`: a plain sign-in to this service itself: account pages, administration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from idp import audit
from idp.accounts import interaction, redirects, return_path
from idp.accounts import requirement as requirements
from idp.accounts.interaction import Opened
from idp.models import Interaction, Session
from idp.protocol.authentication_context import AuthenticationRequirement

KIND = "local"
ADMINISTRATION = "/admin/"


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
        requirement=requirement_of(target),
        request={"next": target},
        origin=Browser(str(request.method), request.COOKIES),
        now=now or timezone.now(),
    )


def requirement_of(target: str) -> AuthenticationRequirement:
    """What a page of ours demands: the administration a proof of today, the others a session."""
    is_administration = target.startswith(ADMINISTRATION)
    return AuthenticationRequirement(
        max_age=settings.IDP.admin_session if is_administration else None
    )


def is_fresh_enough(session: Session, target: str, *, now: datetime) -> bool:
    """Whether this session may see a page of ours without a new proof."""
    return requirements.is_met(requirement_of(target), session, now=now)


def target_of(row: Interaction) -> str:
    """Where it leads; validated once more, whoever wrote the row."""
    return return_path.validated(row.request.get("next"))


def finish(row: Interaction, session: Session, request: HttpRequest) -> HttpResponse:
    audit.trace(protocol=KIND, result="success", request=request, user=session.user)  # type: ignore[arg-type]  # the middleware made it an Origin
    return redirects.see_other(target_of(row))


def refuse(row: Interaction, reason: str, request: HttpRequest) -> HttpResponse:
    return redirects.see_other("/")


interaction.register(KIND, finish=finish, refuse=refuse, restart=target_of)
