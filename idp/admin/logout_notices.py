"""Sign-out notices: which applications were told that a session is over, and what they answered."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from idp import models
from idp.accounts.logout_channels import channels, ledger, outbox
from idp.admin import audited, lookup
from idp.admin.filters import Choice, Since
from idp.admin.read_only import ReadOnlyAdmin
from idp.admin_site import SeeOther, site
from idp.templatetags.administration import NOTHING, counted, state, when

State = models.LogoutNotification.State
MOST_AGAIN = 1000

WORDS = {
    State.WAITING: ("waiting", ""),
    State.RETRYING: ("retrying", "warn"),
    State.ACKNOWLEDGED: ("acknowledged", "good"),
    State.SHOWN: ("sent through the browser", ""),
    State.FAILED: ("failed", "bad"),
    State.UNREACHABLE: ("unreachable", "bad"),
}


def state_of(notice: models.LogoutNotification) -> str:
    """Its state as a coloured word."""
    if ledger.is_unanswered(notice):
        return state("no answer through the browser", "warn")
    return state(*WORDS[State(notice.state)])


def facts(notice: models.LogoutNotification) -> dict[str, Any]:
    """What pages show of a notice; `again_url` where it can be sent again."""
    by_us = notice.channel in channels.direct()
    undelivered = notice.state in outbox.UNDELIVERED
    return {
        "state": state_of(notice),
        "channel": notice.get_channel_display(),
        "attempts": counted(notice.attempts, "attempt") if by_us and notice.attempts else "",
        "last_at": notice.last_attempt_at,
        "next_at": notice.next_at if notice.state == State.RETRYING else None,
        "error": notice.error if undelivered else "",
        "again_url": _again_url(notice) if by_us and notice.state in AGAIN else "",
    }


AGAIN = (State.RETRYING, *outbox.GIVEN_UP)


def _again_url(notice: models.LogoutNotification) -> str:
    return reverse("admin:idp_logoutnotification_again", args=[notice.pk])


class Outcome(Choice):
    """What became of it."""

    title = "state"
    parameter_name = "state"
    choices_offered = (
        ("undelivered", "Not delivered"),
        ("pending", "On its way"),
        ("failed", "Failed"),
        ("unreachable", "Unreachable"),
        ("acknowledged", "Acknowledged"),
        ("shown", "Through the browser"),
    )
    groups: ClassVar[dict[str, tuple[str, ...]]] = {
        "undelivered": outbox.UNDELIVERED,
        "pending": (State.WAITING, State.RETRYING),
    }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value() or ""
        if chosen not in dict(self.choices_offered):
            return queryset
        states = self.groups.get(chosen, (chosen,))
        # Said in the words of the partial index, which holds what did not go well.
        if not set(states) & {State.ACKNOWLEDGED, State.SHOWN}:
            queryset = queryset.exclude(state__in=[State.ACKNOWLEDGED, State.SHOWN])
        return queryset.filter(state__in=states)


@admin.action(description="Send the selected notices again")
def send_again(model_admin: Any, request: HttpRequest, rows: QuerySet[Any]) -> None:
    """Begin anew with those that were not delivered."""
    keys = list(rows.values_list("pk", flat=True)[:MOST_AGAIN])
    sent = _send(request, models.LogoutNotification.objects.filter(pk__in=keys))
    messages.success(request, f"{counted(sent, 'notice')} will be sent again now.")


def _send(request: HttpRequest, rows: QuerySet[models.LogoutNotification]) -> int:
    sent = outbox.send_again(rows, now=timezone.now())
    if sent:
        audited.record("logout.sent_again", request=request, details={"notices": sent})
    return sent


@admin.register(models.LogoutNotification, site=site)
class LogoutNotificationAdmin(ReadOnlyAdmin):
    """The outbox and what came of it."""

    purpose = (
        "Which applications were told that a session is over. Not delivered ones are tried for a"
        " day; kept for 30 days."
    )
    empty_title = "Nobody had to be told yet."
    empty_text = "A notice is written when a session ends whose applications want to hear of it."
    detail_template = "admin/logout/notice.html"
    list_display = ("written", "state_word", "to", "by", "tries", "next", "why")
    list_display_links = ("written",)
    list_filter: ClassVar = [Since, Outcome]
    list_select_related = ("application",)
    actions: Any = (send_again,)
    search_help_text = (
        "An application's name or client_id, or the beginning of a user name or e-mail address."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[models.LogoutNotification]:
        return super().get_queryset(request).defer("application__logo")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not lookup.clean(search_term):
            return queryset, False
        users = list(lookup.people(search_term).values_list("pk", flat=True)[: lookup.MOST])
        about = list(lookup.applications(search_term).values_list("pk", flat=True)[: lookup.MOST])
        sessions = models.Session.objects.filter(user_id__in=users).values("pk")
        return queryset.filter(Q(session_id__in=sessions) | Q(application_id__in=about)), False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.again_view)
        return [
            path("<uuid:object_id>/again/", view, name="idp_logoutnotification_again"),
            *super().get_urls(),
        ]

    def again_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Send one again (POST) and go back to its session, or to its own page."""
        notice = models.LogoutNotification.objects.filter(pk=object_id).first()
        if notice is None or request.method != "POST":
            raise Http404
        rows = models.LogoutNotification.objects.filter(pk=object_id)
        if _send(request, rows):
            messages.success(request, "The notice is being sent again.")
        else:
            messages.info(request, "It has been delivered meanwhile.")
        if notice.session_id is not None:
            return SeeOther(reverse("admin:idp_session_change", args=[notice.session_id]))
        return SeeOther(reverse("admin:idp_logoutnotification_change", args=[notice.pk]))

    @admin.display(description="when")
    def written(self, row: models.LogoutNotification) -> str:
        return when(row.created_at)

    @admin.display(description="state")
    def state_word(self, row: models.LogoutNotification) -> str:
        return state_of(row)

    @admin.display(description="application")
    def to(self, row: models.LogoutNotification) -> str:
        return row.application.name

    @admin.display(description="channel")
    def by(self, row: models.LogoutNotification) -> str:
        return row.get_channel_display()

    @admin.display(description="attempts")
    def tries(self, row: models.LogoutNotification) -> int:
        return row.attempts

    @admin.display(description="next attempt")
    def next(self, row: models.LogoutNotification) -> str:
        return when(row.next_at, NOTHING)

    @admin.display(description="what went wrong")
    def why(self, row: models.LogoutNotification) -> str:
        return row.error or NOTHING

    def detail(self, request: HttpRequest, obj: models.LogoutNotification) -> dict[str, Any]:
        person = models.User.objects.filter(pk=obj.user_id).first()
        session = obj.session_id and reverse("admin:idp_session_change", args=[obj.session_id])
        return {"told": facts(obj), "person": person, "session_url": session or ""}
