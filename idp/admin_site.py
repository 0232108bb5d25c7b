"""The administration's site: Django's admin behind our own sign-in, with our navigation.

It lives outside `idp.admin`: a site defined inside the package that registers with it would lose
those registrations. Models and task pages register themselves when the URL table is built.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, URLResolver, path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.module_loading import autodiscover_modules
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from idp.accounts import local
from idp.templatetags.administration import NOTHING

View = Callable[..., HttpResponse]

NAVIGATION = (
    ("Applications", ("idp.application", "idp.resource", "federation.metadatasource")),
    ("People", ("idp.user", "idp.group", "idp.session")),
    ("Activity", ("idp.signin", "idp.logoutnotification", "idp.auditevent")),
    (
        "Registration",
        ("idp.registrationpolicy", "idp.initialaccesstoken", "idp.statementissuer"),
    ),
    ("Security", ("idp.signingkey",)),
)
NAMES = {
    "idp.signingkey": "Keys",
    "idp.registrationpolicy": "Policy",
    "idp.statementissuer": "Statement issuers",
}
# Task pages that stand beside the models of a section: name of the page, words.
TASKS = {"Registration": (("unused_clients", "Unused and similar"),)}
NOT_OURS = (
    *("login", "logout", "password_change", "password_change_done"),
    *("autocomplete", "view_on_site"),
)


@dataclass(frozen=True)
class Page:
    """A task page: where it is, what answers, and its name."""

    route: str
    view: View
    name: str


class SeeOther(HttpResponseRedirect):
    """303: go on by GET (RFC 9110 §15.4.4)."""

    status_code = 303


class AdministrationSite(AdminSite):
    """Everybody signs in at `/login`; only administrators come further."""

    site_header = "Administration"
    site_title = "Administration"
    index_title = "Administration"
    enable_nav_sidebar = False
    empty_value_display = NOTHING

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self._pages: dict[str, Page] = {}
        self._home: View | None = None
        self.disable_action("delete_selected")

    def add_page(self, route: str, view: View, *, name: str) -> None:
        """Mount a task page; called by the modules of `idp.admin` and `federation.admin`."""
        self._pages[name] = Page(route, view, name)

    def set_home(self, view: View) -> None:
        """Say which view is the overview."""
        self._home = view

    def get_urls(self) -> list[URLPattern | URLResolver]:
        autodiscover_modules("admin", register_to=self)
        stock = [url for url in super().get_urls() if getattr(url, "name", "") not in NOT_OURS]
        tasks = [
            path(page.route, self.admin_view(page.view), name=page.name)
            for page in self._pages.values()
        ]
        return [
            path("login/", self.login, name="login"),
            path("logout/", self.admin_view(self.logout), name="logout"),
            *tasks,
            *stock,
        ]

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Ask for a sign-in, refuse everybody but administrators, keep out of every cache."""

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not _is_signed_in(request):
                return _ask_to_sign_in(request)
            if not self.has_permission(request):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        inner: View = never_cache(guarded)
        if not getattr(view, "csrf_exempt", False):
            inner = csrf_protect(inner)
        return wraps(view)(inner)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Stock links to the admin's own sign-in lead to ours."""
        return SeeOther("/login?" + urlencode({"next": reverse("admin:index")}))

    def logout(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Signing out is the same everywhere."""
        return SeeOther("/logout")

    def app_index(self, request: HttpRequest, app_label: str, extra_context: Any = None) -> Any:
        """There is one overview, not one for each Django application."""
        return SeeOther(reverse("admin:index"))

    def get_log_entries(self, request: HttpRequest) -> Any:
        """Changes are in the audit trail, not in Django's log."""
        return ()

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return {
            "site_title": self.site_title,
            "site_header": self.site_header,
            "site_url": "/",
            "has_permission": self.has_permission(request),
            "is_popup": False,
            "is_nav_sidebar_enabled": False,
            "available_apps": (),
            "navigation": self.navigation(request),
            "navigation_home": reverse("admin:index"),
        }

    def navigation(self, request: HttpRequest) -> list[dict[str, Any]]:
        """The sections of the side bar with their pages, the current one marked."""
        registered = {model._meta.label_lower: model for model in self._registry}
        sections = []
        for title, labels in NAVIGATION:
            items = [
                self._item(request, registered[label]) for label in labels if label in registered
            ]
            items += [self._task(request, *task) for task in TASKS.get(title, ())]
            sections.append({"title": title, "entries": items})
        return sections

    def _task(self, request: HttpRequest, page: str, name: str) -> dict[str, Any]:
        url = f"/{reverse('admin:index').strip('/')}/{self._pages[page].route}"
        return {"name": name, "url": url, "current": request.path == url}

    def _item(self, request: HttpRequest, model: Any) -> dict[str, Any]:
        meta = model._meta
        try:
            url = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
        except NoReverseMatch:  # while the table is built
            url = ""
        name = NAMES.get(meta.label_lower, str(meta.verbose_name_plural))
        return {
            "name": name[:1].upper() + name[1:],
            "url": url,
            "current": bool(url) and request.path.startswith(url),
        }

    def index(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The overview, which `idp.admin.home` answers."""
        if self._home is None:
            raise Http404
        return self._home(request)


def _is_signed_in(request: HttpRequest) -> bool:
    """Whether somebody is, and has proven it lately: sessions live longer elsewhere."""
    session = getattr(request, "idp_session", None)
    if session is None:
        return False
    return local.is_fresh_enough(session, local.ADMINISTRATION, now=timezone.now())


def _ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """To the sign-in and back; a form that was being typed waits on a page instead."""
    if not _is_own_form(request):
        return SeeOther("/login?" + urlencode({"next": request.get_full_path()}))
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name != "csrfmiddlewaretoken" and "password" not in name
    ]
    context = {"fields": fields, "action": request.get_full_path()}
    return TemplateResponse(request, "admin/signed_out.html", context, status=403)


def _is_own_form(request: HttpRequest) -> bool:
    """Whether one of our own pages sent it; another site's form would be sent by our button."""
    own = request.headers.get("Sec-Fetch-Site") == "same-origin"
    length = request.headers.get("Content-Length", "")
    small = length.isdigit() and int(length) <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return request.method == "POST" and own and small


site = AdministrationSite()
