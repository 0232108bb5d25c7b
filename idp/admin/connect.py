"""The wizard *Connect an application*: kind → address → claims → settings to copy.

Each step is a page of its own and answers a POST with 303. The kinds bring their own address pages;
the steps after it are the same for all. The application exists from the address on; what follows
can be left out and done later on its own page.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from idp.admin import applications, kinds, mapping_rows, one_time
from idp.admin.audited import plain, record
from idp.admin_site import SeeOther, site
from idp.models import Application

STEPS = ("Kind", "Address", "Claims", "Settings")


def page(request: HttpRequest, template: str, *, step: int, **facts: Any) -> TemplateResponse:
    """A page of the wizard; `step` counts from 1."""
    steps = [
        {"name": name, "state": "done" if number < step else "here" if number == step else ""}
        for number, name in enumerate(STEPS, start=1)
    ]
    context = {**site.each_context(request), "title": "Connect an application", "steps": steps}
    return TemplateResponse(request, template, {**context, **facts})


def choose(request: HttpRequest) -> HttpResponse:
    """The cards."""
    return page(request, "admin/connect/kind.html", step=1, kinds=kinds.every())


@csrf_exempt
def address(request: HttpRequest, kind: str) -> HttpResponse:
    """The address page of one kind; the form token is checked here, or by the kind itself."""
    found = kinds.get(kind)
    if found is None:
        raise Http404
    view = found.connect
    if not getattr(view, "csrf_exempt", False):
        view = csrf_protect(view)
    return view(request)


def registered(application: Application) -> HttpResponse:
    """Where a kind leads on when the application exists."""
    return SeeOther(reverse("admin:connect_claims", args=[application.pk]))


def claims(request: HttpRequest, pk: Any) -> HttpResponse:
    """Mapping rows with the preview; can be skipped."""
    application = _application(pk)
    data = request.POST if request.method == "POST" else None
    formset = mapping_rows.Rows(data, instance=application, prefix=mapping_rows.PREFIX)
    if data is not None and "_preview" not in data and formset.is_valid():
        formset.save()
        _record_rows(request, application, formset)
        return SeeOther(reverse("admin:connect_settings", args=[pk]))
    status = 200 if data is None or "_preview" in data else 422
    response = page(
        request,
        "admin/connect/claims.html",
        step=3,
        application=application,
        formset=formset,
        **applications.workbench(request, application, formset),
    )
    response.status_code = status
    return response


def _record_rows(request: HttpRequest, application: Application, formset: Any) -> None:
    changed = [*formset.new_objects, *(row for row, _fields in formset.changed_objects)]
    rows = {"saved": plain(changed), "deleted": plain(formset.deleted_objects)}
    if any(rows.values()):
        record(
            "application.changed",
            request=request,
            application=application,
            details={"changes": {"claims": rows}},
        )


def settings(request: HttpRequest, pk: Any) -> HttpResponse:
    """What the other side needs; a new secret is on it once and then never again."""
    application = _application(pk)
    kind = kinds.of(application)
    secret = one_time.take(request, one_time.SECRET, about=application.pk) or ""
    return page(
        request,
        "admin/connect/settings.html",
        step=4,
        application=application,
        kind=kind,
        sheet=kind.sheet(application, secret),
        secret=secret,
        missing=kind.missing(application),
        notices=kind.notices(application),
        test_url=reverse("admin:test_sign_in", args=[pk]),
    )


def test_sign_in(request: HttpRequest, pk: Any) -> HttpResponse:
    """Begin a test with the real flow; the kind says how."""
    application = _application(pk)
    if request.method != "POST":
        return SeeOther(reverse("admin:connect_settings", args=[pk]))
    if not application.enabled:
        messages.error(request, "It is disabled: enable it first.")
        return SeeOther(reverse("admin:idp_application_change", args=[pk]))
    return kinds.of(application).test(request, application)


def _application(pk: Any) -> Application:
    application = Application.objects.defer("logo").filter(pk=pk).first()
    if application is None:
        raise Http404
    return application


site.add_page("connect/", choose, name="connect")
site.add_page("connect/<uuid:pk>/claims/", claims, name="connect_claims")
site.add_page("connect/<uuid:pk>/settings/", settings, name="connect_settings")
site.add_page("connect/<uuid:pk>/test/", test_sign_in, name="test_sign_in")
site.add_page("connect/<slug:kind>/", address, name="connect_kind")
