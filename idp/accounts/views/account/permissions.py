"""What applications may know of a person, and the way to take it back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Max
from django.http import HttpResponseBase

from idp import directory
from idp.accounts import consents, redirects
from idp.accounts.middleware import Request
from idp.accounts.views import facts
from idp.accounts.views.account import frame
from idp.claims import applications, attributes, describe
from idp.claims.person import Person
from idp.models import Client, Consent, Participant, Session

PATH = "/account/permissions"
OFFLINE = "offline_access"


@frame.signed_in("GET", "POST")
def index(request: Request, session: Session) -> HttpResponseBase:
    """List what was allowed, or withdraw one."""
    own = Consent.objects.filter(user=session.user).select_related("application")
    if request.method == "POST":
        identifier = request.POST.get("consent", "")
        return _withdraw(
            request, session, own.filter(pk=identifier[:18]) if _is_key(identifier) else None
        )
    person = attributes.of(session.user)
    last_used = _last_used(session)
    rows = [_row(row, person, last_used) for row in own.defer("application__logo")]
    return frame.show(request, session, "consents", page="permissions", consents=rows)


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def _withdraw(request: Request, session: Session, found: Any) -> HttpResponseBase:
    consent = found.first() if found is not None else None
    if consent is not None and consents.withdraw(
        session.user, consent.application, now=facts.now(), request=request
    ):
        messages.success(request, f"{consent.application.name} has lost its access.")
    return redirects.see_other(PATH)


def _last_used(session: Session) -> dict[Any, Any]:
    mine = Participant.objects.filter(session__user=session.user)
    return dict(mine.values_list("application_id").annotate(Max("last_at")))


def _row(consent: Consent, person: Person, last_used: dict[Any, Any]) -> dict[str, Any]:
    return {
        "id": consent.pk,
        "application": facts.application(consent.application),
        "allowed": _allowed(consent, person),
        "offline_access": OFFLINE in consent.scopes,
        "given": consent.given_at,
        "last_used": last_used.get(consent.application_id),
    }


def _allowed(consent: Consent, person: Person) -> list[dict[str, str]]:
    """One line per scope with the value that is shared, and per claim asked for by name."""
    scopes = [name for name in consent.scopes if name != OFFLINE]
    client = Client.objects.filter(application=consent.application).first()
    known = directory.client(client.client_id) if client is not None else None
    if known is None:
        return [{"label": describe.SCOPE_LABELS.get(name, name), "value": ""} for name in scopes]
    lines = describe.consent_lines(
        person,
        application=applications.of_client(known),
        scopes=scopes,
        rows=applications.rows(known.application),
        descriptions={
            scope.name: scope.description
            for resource in directory.resources().values()
            for scope in resource.scopes.all()
        },
    )
    named = [
        {"label": describe.CLAIM_LABELS.get(claim, claim), "value": ""} for claim in consent.claims
    ]
    return [{"label": line.label, "value": line.value} for line in lines] + named
