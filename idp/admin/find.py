"""The search field on every page: applications, people, and the sign-in of a reference."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from idp import models
from idp.admin import lookup, sign_ins
from idp.admin.applications import state_of as application_state
from idp.admin.people import state_of as person_state
from idp.admin_site import SeeOther, site

SHOWN = 20


def find(request: HttpRequest) -> HttpResponse:
    """What a few characters mean; a single hit is opened at once."""
    term = lookup.clean(request.GET.get("q", ""))
    applications = [
        (reverse("admin:idp_application_change", args=[row.pk]), row.name, application_state(row))
        for row in lookup.applications(term)[:SHOWN]
    ]
    people = [
        (reverse("admin:idp_user_change", args=[row.pk]), f"{row} {row.email}", person_state(row))
        for row in lookup.people(term)[:SHOWN]
    ]
    reference = lookup.reference(term)
    rows = models.SignIn.objects.filter(reference=reference or None)
    attempts = [
        (reverse("admin:idp_signin_change", args=[row.pk]), f"{row}: {row.reason}", outcome)
        for row, outcome in ((row, sign_ins.outcome(row)) for row in rows[:SHOWN])
    ]
    hits = [*applications, *people, *attempts]
    if len(hits) == 1:
        return SeeOther(hits[0][0])
    sections = [("Applications", applications), ("People", people), ("Sign-ins", attempts)]
    context = {
        **site.each_context(request),
        "title": f"“{term}”" if term else "Find",
        "find_term": term,
        "sections": [(title, found) for title, found in sections if found],
    }
    return TemplateResponse(request, "admin/find.html", context)


site.add_page("find/", find, name="find")
