"""What a test sign-in gave: each check, then what the application would receive."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from idp.admin import one_time
from idp.admin_site import SeeOther, site
from idp.models import Application


@dataclass(frozen=True)
class Check:
    """One step of the flow."""

    name: str
    passed: bool
    expected: str = ""
    received: str = ""


@dataclass(frozen=True)
class Part:
    """One thing that would be received, as readable text."""

    title: str
    text: str


@dataclass(frozen=True)
class Report:
    """The outcome; `untested`: what no test here can show."""

    worked: bool
    summary: str
    checks: tuple[Check, ...]
    parts: tuple[Part, ...]
    untested: str = ""
    note: str = "Really issued, and revoked again. Shown once."


def keep(request: HttpRequest, application: Application, report: Report) -> HttpResponse:
    """Lead to the page that shows the report, once and to this administrator alone.

    Who was signed out in between gets none: it belongs to a session.
    """
    if request.idp_session is None:  # type: ignore[attr-defined]  # set by accounts.middleware
        return SeeOther(reverse("admin:connect_settings", args=[application.pk]))
    one_time.put(request, one_time.TEST, asdict(report), about=application.pk)
    return SeeOther(reverse("admin:trial_report", args=[application.pk]))


def show(request: HttpRequest, pk: Any) -> HttpResponse:
    """The report of the test that has just run."""
    application = Application.objects.defer("logo").filter(pk=pk).first()
    if application is None:
        raise Http404
    report = one_time.take(request, one_time.TEST, about=application.pk)
    if report is None:
        return SeeOther(reverse("admin:connect_settings", args=[pk]))
    context = {
        **site.each_context(request),
        "title": "Test sign-in",
        "application": application,
        "report": report,
        "person": request.user,
        "test_url": reverse("admin:test_sign_in", args=[pk]),
    }
    return TemplateResponse(request, "admin/connect/test.html", context)


site.add_page("connect/<uuid:pk>/test/result/", show, name="trial_report")
