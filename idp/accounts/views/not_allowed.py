"""Why this person may not use the application, and whom to ask."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from idp import audit, keys
from idp.accounts import interaction, requirement
from idp.accounts.interaction import Refusal
from idp.accounts.middleware import Request
from idp.accounts.stages import Step
from idp.accounts.views import facts
from idp.accounts.views.interaction import back, decide, of_interaction
from idp.models import Application, AuditEvent, Interaction, User

REASONS = {
    "groups": "The application is open to certain groups only; the person is in none of them.",
    "nobody": "The application is closed for everybody.",
    "disabled": "The application is disabled.",
    "error": "The access policy could not be read, so access was denied.",
}
SUGGESTIONS = {
    "groups": "Add the person to one of the application's groups, or open it to everyone.",
    "nobody": "Change “who may use it” of the application.",
    "disabled": "Enable the application.",
}


@require_http_methods(["GET", "POST"])
@of_interaction
def step(request: Request, row: Interaction, handle: str) -> HttpResponseBase:
    """Explain, or lead on: back to the application, or to another person's sign-in."""
    decision = decide(row, request)
    session = request.idp_session
    application = row.application
    if decision.step != Step.NOT_ALLOWED or session is None or application is None:
        return back(handle)
    if request.method == "POST":
        if "switch" in request.POST:
            interaction.switch(row, now=facts.now())
        elif "cancel" in request.POST:
            interaction.refuse(row, Refusal.NOT_ALLOWED)
        return back(handle)
    reference = _note(request, row, session.user, application, reason=decision.reason)
    wanted = requirement.load(row.requirement)
    context = {
        "application": facts.application(application),
        "person": facts.person(session.user),
        "why": decision.reason,
        "contact": application.contact or settings.IDP.support_contact,
        "reference": reference,
        "can_switch": wanted.subject is None,
        "can_return": True,
        "action": request.path,
    }
    return render(request, "idp/not_allowed.html", context, status=403)


def _note(
    request: Request, row: Interaction, user: User, application: Application, *, reason: str
) -> str:
    """Write the refusal down, once however often the page is loaded; returns its reference."""
    reference = _reference(row, user)
    if AuditEvent.objects.filter(reference=reference).exists():
        return reference
    audit.record(
        "signin.refused",
        result="failure",
        user=user,
        application=application,
        reason=f"access: {reason}",
        reference=reference,
        request=request,
        details={"protocol": row.kind},
    )
    audit.trace(
        protocol=row.kind,
        result="failure",
        request=request,
        user=user,
        application=application,
        reference=reference,
        error="access_denied",
        reason=REASONS.get(reason, REASONS["error"]),
        suggestion=SUGGESTIONS.get(reason, ""),
    )
    return reference


def _reference(row: Interaction, user: User) -> str:
    """The same reference for the same person in the same interaction."""
    digest = keys.mac("reference", row.pk.bytes + user.pk.bytes)
    alphabet = audit.REFERENCE_ALPHABET
    return "".join(alphabet[byte % len(alphabet)] for byte in digest[:10])
