"""The consent page: what the application asks for, with the values, and the choice."""

from __future__ import annotations

import hmac
from dataclasses import asdict
from typing import Any

import orjson
from django.http import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from idp import audit, keys
from idp.accounts import consents, interaction
from idp.accounts.consents import ConsentQuestion
from idp.accounts.interaction import Refusal
from idp.accounts.middleware import Request
from idp.accounts.stages import Step
from idp.accounts.views import facts, late_form
from idp.accounts.views.interaction import back, decide, of_interaction
from idp.models import Interaction, Session

SHOWN = "shown"
"""The hidden field that names what was shown, and to whom."""


@require_http_methods(["GET", "POST"])
@of_interaction
def step(request: Request, row: Interaction, handle: str) -> HttpResponseBase:
    """Ask, or note the answer; leads back to the dispatcher."""
    decision = decide(row, request)
    session = request.idp_session
    question = decision.question
    if decision.step != Step.CONSENT or question is None or session is None:
        return back(handle)
    if request.method == "POST":
        _answer(request, row, question, session)
        return back(handle)
    return render(request, "idp/consent.html", _context(request, row, question, session))


def _answer(
    request: Request, row: Interaction, question: ConsentQuestion, session: Session
) -> None:
    """Note the answer, but only to what is asked now of who is signed in now."""
    now = facts.now()
    if "switch" in request.POST:
        interaction.switch(row, now=now)
    elif not hmac.compare_digest(
        request.POST.get(SHOWN, "").encode(), _shown(row, question, session).encode()
    ):
        return
    elif request.POST.get("decision") == "allow":
        consents.allow(question, session.user, now=now, request=request)
        interaction.consent(row, session, now=now)
    elif request.POST.get("decision") == "deny":
        interaction.refuse(row, Refusal.CONSENT_DENIED)
        audit.record(
            "consent.denied",
            result="failure",
            user=session.user,
            application=question.application,
            request=request,
            details={"scopes": list(question.scopes), "claims": list(question.claims)},
        )


def _shown(row: Interaction, question: ConsentQuestion, session: Session) -> str:
    """A name for exactly this question to this person: another tab may have signed in another."""
    asked = [question.scopes, question.claims, question.offline_access]
    content = orjson.dumps([row.pk.hex, session.user.subject, asked])
    return keys.mac("consent", content)[:16].hex()


def _context(
    request: Request, row: Interaction, question: ConsentQuestion, session: Session
) -> dict[str, Any]:
    stored = question.application
    application = {
        "name": stored.name,
        "logo_url": stored.logo_url,
        "host": question.host,
        "verified": question.verified,
        "contact": question.contact,
        "website": question.website,
        "privacy_url": question.privacy_url,
        "terms_url": question.terms_url,
    }
    return {
        "application": application,
        "person": facts.person(session.user),
        "items": [asdict(item) for item in question.items],
        "granted": [asdict(item) for item in question.granted],
        "offline_access": question.offline_access,
        "redirect_host": question.redirect_host,
        "redirect_kind": question.redirect_kind,
        "api_only": question.api_only,
        "warning": question.warning,
        "can_switch": question.can_switch,
        "action": request.path,
        "notice": late_form.notice(request),
        "hidden": [(SHOWN, _shown(row, question, session))],
    }
