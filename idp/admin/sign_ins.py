"""Sign-ins: every attempt to use an application, the reason in plain words, the trace behind it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from idp import models
from idp.admin.filters import Choice, Since
from idp.admin.read_only import ReadOnlyAdmin
from idp.admin_site import site
from idp.templatetags.administration import NOTHING, state, when

GOOD = ("success", "issued", "ok")
PROTOCOLS = {"oidc": "OpenID Connect", "saml": "SAML", "local": "Gatehouse"}
TRIALS = {"oidc-test": "OpenID Connect, a test", "saml-test": "SAML, a test"}


def outcome(row: models.SignIn) -> str:
    """The result as a coloured word."""
    if row.result in GOOD:
        return state("signed in", "good")
    return state("refused", "bad")


def way_in(row: models.SignIn) -> str:
    """By which protocol, in words."""
    return {**PROTOCOLS, **TRIALS}.get(row.protocol, row.protocol)


class Result(Choice):
    """Whether it worked."""

    title = "result"
    parameter_name = "result"
    field = "result"
    choices_offered = (("success", "Signed in"), ("failure", "Refused"))


class Way(Choice):
    """By which protocol."""

    title = "way in"
    parameter_name = "protocol"
    field = "protocol"
    choices_offered = tuple(PROTOCOLS.items())


@admin.register(models.SignIn, site=site)
class SignInAdmin(ReadOnlyAdmin):
    """The trace of sign-ins."""

    purpose = (
        "Every attempt to use an application, kept for 30 days. The reference is the one that the"
        " person saw on their error page."
    )
    empty_title = "Nobody has tried to sign in yet."
    empty_text = "Each attempt is listed here with its result and, if it failed, what to do."
    detail_template = "admin/sign_in.html"
    list_display = ("time", "result_word", "person", "application", "way_in", "why", "code")
    list_display_links = ("time",)
    list_filter: ClassVar = [Since, Result, Way]
    search_help_text = (
        "A reference, the beginning of a user name or e-mail address, or an application."
    )

    @admin.display(description="when")
    def time(self, row: models.SignIn) -> str:
        return when(row.at)

    @admin.display(description="result")
    def result_word(self, row: models.SignIn) -> str:
        return outcome(row)

    @admin.display(description="person")
    def person(self, row: models.SignIn) -> str:
        return row.user_name or NOTHING

    @admin.display(description="application")
    def application(self, row: models.SignIn) -> str:
        return row.destination

    @admin.display(description="way in")
    def way_in(self, row: models.SignIn) -> str:
        return way_in(row)

    @admin.display(description="reason")
    def why(self, row: models.SignIn) -> str:
        return row.reason or NOTHING

    @admin.display(description="reference")
    def code(self, row: models.SignIn) -> str:
        return format_html("<code>{}</code>", row.reference) if row.reference else NOTHING

    def detail(self, request: HttpRequest, obj: models.SignIn) -> dict[str, Any]:
        application = None
        if obj.application_id:
            application = models.Application.objects.filter(pk=obj.application_id).first()
        person = models.User.objects.filter(pk=obj.user_id).first() if obj.user_id else None
        events = models.AuditEvent.objects.none()
        if obj.reference:
            events = models.AuditEvent.objects.filter(reference=obj.reference)
        return {
            "outcome": outcome(obj),
            "way_in": way_in(obj),
            "checks": [_check(entry) for entry in obj.trace if isinstance(entry, dict)],
            "received": _parts(obj.received),
            "sent": _parts(obj.sent),
            "application_url": _link("idp_application", application),
            "person_url": _link("idp_user", person),
            "events": events[:20],
        }


def _check(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": str(entry.get("name", "")),
        "passed": bool(entry.get("passed")),
        "expected": entry.get("expected", ""),
        "received": entry.get("received", ""),
    }


@dataclass(frozen=True)
class Parts:
    """One side of the exchange: facts, lists of facts, and whole messages under their names."""

    facts: tuple[tuple[str, str], ...]
    lists: tuple[tuple[str, tuple[str, ...]], ...]
    messages: tuple[tuple[str, str], ...]


# What is markup is shown as it is written, everything else as facts.
MESSAGES = ("message", "response", "assertion")
TITLES = {
    "message": "The message",
    "response": "The response",
    "assertion": "The assertion inside the encryption",
}


def _parts(held: Any) -> Parts | None:
    """What a trace holds of one side; None if it holds nothing."""
    if not isinstance(held, dict) or not held:
        return None
    facts, lists, messages = [], [], []
    for name, value in held.items():
        if name in MESSAGES and isinstance(value, str):
            messages.append((TITLES[name], value))
        elif isinstance(value, list):
            lists.append((name, tuple(_word(one) for one in value)))
        else:
            facts.append((name, _word(value)))
    return Parts(tuple(facts), tuple(lists), tuple(messages))


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _link(name: str, row: Any) -> str:
    return reverse(f"admin:{name}_change", args=[row.pk]) if row is not None else ""
