"""Audit events: who did what when, read only; nobody deletes them here."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from idp import models
from idp.admin.filters import Choice, Since
from idp.admin.read_only import ReadOnlyAdmin
from idp.admin_site import site
from idp.templatetags.administration import NOTHING, state, when


class Result(Choice):
    """Success or failure."""

    title = "result"
    parameter_name = "result"
    field = "result"
    choices_offered = (("success", "Success"), ("failure", "Failure"))


class About(Choice):
    """The first word of the action, by a range of its index."""

    title = "subject"
    parameter_name = "about"
    choices_offered = (
        ("signin", "Sign-ins"),
        ("token", "Tokens"),
        ("authorization", "Authorizations"),
        ("saml", "SAML"),
        ("session", "Sessions"),
        ("logout", "Sign-out notices"),
        ("consent", "Consents"),
        ("grant", "Grants"),
        ("user", "People"),
        ("password", "Passwords"),
        ("group", "Groups"),
        ("application", "Applications"),
        ("resource", "API resources"),
        ("key", "Keys"),
    )

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        offered = {value for value, _words in self.choices_offered}
        if self.value() not in offered:
            return queryset
        return queryset.filter(action__startswith=f"{self.value()}.")


@admin.register(models.AuditEvent, site=site)
class AuditEventAdmin(ReadOnlyAdmin):
    """The audit trail."""

    purpose = (
        "Who did what, to what, when, with what result. Nothing here can be changed or deleted."
    )
    empty_title = "Nothing has happened yet."
    empty_text = "Every sign-in, refusal, issue and change is recorded here."
    detail_template = "admin/audit_event.html"
    list_display = ("time", "action", "outcome", "who", "about", "why")
    list_display_links = ("action",)
    list_filter: ClassVar = [Since, Result, About]
    search_help_text = (
        "A reference, the beginning of a user name or e-mail address, or an application."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[models.AuditEvent]:
        """With the name of whoever a token was issued for: those rows hold the identifier alone."""
        holder = models.User.objects.filter(pk=OuterRef("user_id")).values("username")[:1]
        return super().get_queryset(request).annotate(holder=Subquery(holder))

    @admin.display(description="when")
    def time(self, event: models.AuditEvent) -> str:
        return when(event.at)

    @admin.display(description="result")
    def outcome(self, event: models.AuditEvent) -> str:
        good = event.result == "success"
        return state("success" if good else event.result, "good" if good else "bad")

    @admin.display(description="who")
    def who(self, event: models.AuditEvent) -> str:
        return event.actor or event.user_name or getattr(event, "holder", None) or NOTHING

    @admin.display(description="about")
    def about(self, event: models.AuditEvent) -> str:
        parts = [event.user_name if event.actor else "", event.application_name]
        parts.append(str(event.details.get("object", "")) if not any(parts) else "")
        return ", ".join(part for part in parts if part) or NOTHING

    @admin.display(description="reason")
    def why(self, event: models.AuditEvent) -> str:
        if not event.reference:
            return event.reason or NOTHING
        return format_html("{} <code>{}</code>", event.reason, event.reference)

    def detail(self, request: HttpRequest, obj: models.AuditEvent) -> dict[str, Any]:
        changes = obj.details.get("changes", {}) if isinstance(obj.details, dict) else {}
        fields = {
            name: change
            for name, change in changes.items()
            if isinstance(change, dict) and change.keys() == {"before", "after"}
        }
        return {
            "fields": fields,
            "rest": {name: value for name, value in obj.details.items() if name != "changes"},
            "other_changes": {n: c for n, c in changes.items() if n not in fields},
            "sign_in_url": _sign_in_url(obj),
        }


def _sign_in_url(event: models.AuditEvent) -> str:
    """The sign-in of the same reference."""
    if not event.reference:
        return ""
    row = models.SignIn.objects.filter(reference=event.reference).first()
    return reverse("admin:idp_signin_change", args=[row.pk]) if row else ""
