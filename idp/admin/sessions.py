"""Sessions: who is signed in where since when, which applications took part; and an end to it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from idp import models
from idp.accounts import session as sessions
from idp.accounts.logout_channels import ledger
from idp.admin import logout_notices, lookup
from idp.admin.filters import Choice, Since
from idp.admin.read_only import ReadOnlyAdmin
from idp.admin_site import SeeOther, site
from idp.templatetags.administration import counted, state, when

REASON = "ended by an administrator"
MOST_SHOWN = 200
PROTOCOLS = ("OpenID Connect", "SAML")
UNTOLD: dict[str, str] = {
    ledger.Untold.NO_ADDRESS: "It has no address for sign-out: people may stay signed in there.",
    ledger.Untold.BROWSER_ONLY: "It only listens in the browser in which the person signs out.",
}


def is_live(session: models.Session) -> bool:
    """Whether somebody is signed in in it now (its person's account aside)."""
    now = timezone.now()
    idle_since = now - settings.IDP.session_idle
    return session.ended_at is None and session.expires_at > now and session.seen_at > idle_since


def state_of(session: models.Session) -> str:
    """Live, ended with its reason, or expired."""
    if session.ended_at is not None:
        return state(session.end_reason or "ended")
    return state("live", "good") if is_live(session) else state("expired")


class Live(Choice):
    """Live ones or those that are over."""

    title = "state"
    parameter_name = "state"
    choices_offered = (("live", "Live"), ("over", "Over"))

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        now = timezone.now()
        live = Q(ended_at=None, expires_at__gt=now, seen_at__gt=now - settings.IDP.session_idle)
        if self.value() == "live":
            return queryset.filter(live)
        return queryset.exclude(live) if self.value() == "over" else queryset


@admin.action(description="End the selected sessions")
def end_selected(model_admin: Any, request: HttpRequest, rows: QuerySet[models.Session]) -> None:
    """End what was selected, and everything that applications got in it."""
    now = timezone.now()
    actor = request.user.get_username()
    ended = sum(
        sessions.end(row, reason=REASON, now=now, actor=actor, request=request)  # type: ignore[arg-type]
        for row in rows[:1000]
    )
    messages.success(
        request, f"{counted(ended, 'session')} ended, with all that was issued in them."
    )


@admin.register(models.Session, site=site)
class SessionAdmin(ReadOnlyAdmin):
    """Who is signed in."""

    purpose = "Ending one takes back what applications got through it, at once."
    empty_title = "Nobody is signed in."
    detail_template = "admin/session.html"
    list_display = ("since", "person", "state_word", "seen", "client_address", "application_count")
    list_display_links = ("since",)
    list_filter: ClassVar = [Since, Live]
    list_select_related = ("user",)
    actions: Any = (end_selected,)
    search_help_text = "The beginning of a user name or e-mail address."

    def get_queryset(self, request: HttpRequest) -> QuerySet[models.Session]:
        rows = super().get_queryset(request).defer("token_hash")
        return rows.annotate(application_total=Count("participants"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not lookup.clean(search_term):
            return queryset, False
        users = list(lookup.people(search_term).values_list("pk", flat=True)[: lookup.MOST])
        return queryset.filter(user_id__in=users), False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.end_view)
        return [
            path("<uuid:object_id>/end/", view, name="idp_session_end"),
            *super().get_urls(),
        ]

    def end_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """End one session (POST) and go back to where the button was."""
        row = models.Session.objects.select_related("user").filter(pk=object_id).first()
        if row is None or request.method != "POST":
            raise Http404
        own = getattr(request, "idp_session", None)
        sessions.end(
            row,
            reason=REASON,
            now=timezone.now(),
            actor=request.user.get_username(),
            request=request,  # type: ignore[arg-type]
        )
        if own is not None and own.pk == row.pk:
            return SeeOther("/login")
        messages.success(request, "The session has ended, with all that was issued in it.")
        if request.POST.get("back") == "person":
            return SeeOther(reverse("admin:idp_user_change", args=[row.user_id]))
        return SeeOther(reverse("admin:idp_session_changelist"))

    @admin.display(description="since")
    def since(self, row: models.Session) -> str:
        return when(row.created_at)

    @admin.display(description="person")
    def person(self, row: models.Session) -> str:
        return row.user.username

    @admin.display(description="state")
    def state_word(self, row: models.Session) -> str:
        return state_of(row)

    @admin.display(description="last seen")
    def seen(self, row: models.Session) -> str:
        return when(row.seen_at)

    @admin.display(description="applications")
    def application_count(self, row: Any) -> int:
        return int(row.application_total)

    def detail(self, request: HttpRequest, obj: models.Session) -> dict[str, Any]:
        return {
            "state_word": state_of(obj),
            "is_live": is_live(obj),
            "proofs": obj.events.all()[:50],
            "entries": [_line(entry) for entry in ledger.of([obj.pk])[obj.pk][:MOST_SHOWN]],
        }


def _line(entry: ledger.Entry) -> dict[str, Any]:
    """One application's part, as the page shows it."""
    return {
        "entry": entry,
        "protocol": PROTOCOLS[entry.application.kind == models.Application.Kind.SAML],
        "untold": UNTOLD.get(entry.untold, ""),
        "notices": [logout_notices.facts(notice) for notice in entry.notices],
    }
