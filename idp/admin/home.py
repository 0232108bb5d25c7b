"""The overview: health, what expires soon, failures of the last hour, last sign-ins, counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from idp import health, models
from idp.accounts.logout_channels import outbox
from idp.admin import sign_ins, signing_keys
from idp.admin.audited import MOST_COUNTED
from idp.admin_site import site
from idp.models.identifiers import lowest_id

# Certificates are told of three times: so far ahead, then with growing emphasis.
SOON = timedelta(days=90)
NEAR = timedelta(days=30)
NEXT = timedelta(days=7)
LATE = timedelta(hours=1)
UNTOLD_WITHIN = timedelta(days=7)
SHOWN = 8


@dataclass(frozen=True)
class Expiry:
    """Something that ends soon or has ended: what, when, and where to do something about it."""

    what: str
    at: datetime
    url: str
    remedy: str


@dataclass(frozen=True)
class Finding:
    """One line of the health box; `url`: where to see more."""

    good: bool
    text: str
    url: str = ""


_expiries: list[Callable[[datetime], Iterable[Expiry]]] = []
_findings: list[Callable[[datetime], Iterable[Finding]]] = []


def add_expiries(source: Callable[[datetime], Iterable[Expiry]]) -> None:
    """Add `source(until)`: what ends before an instant."""
    _expiries.append(source)


def add_findings(source: Callable[[datetime], Iterable[Finding]]) -> None:
    """Add `source(now)`: what else wants to be looked at."""
    _findings.append(source)


def overview(request: HttpRequest) -> HttpResponse:
    """The first page."""
    now = timezone.now()
    soon = sorted(
        (entry for source in _expiries for entry in source(now + SOON)), key=lambda one: one.at
    )
    recent = models.SignIn.objects.all()
    hour = recent.filter(id__gte=lowest_id(now - timedelta(hours=1)))
    failures = hour.exclude(result__in=sign_ins.GOOD)
    context = {
        **site.each_context(request),
        "title": f"Good to see you, {request.user.get_short_name()}",  # type: ignore[union-attr]
        "findings": list(_health(now)),
        "soon": soon[:SHOWN],
        "more_soon": max(len(soon) - SHOWN, 0),
        "now": now,
        "next": now + NEXT,
        "near": now + NEAR,
        "failures": [_line(row) for row in failures[:SHOWN]],
        "failure_total": _number(failures),
        "last": [_line(row) for row in recent[:SHOWN]],
        "counts": list(_counts(now)),
        "applications_exist": models.Application.objects.exists(),
    }
    return TemplateResponse(request, "admin/home.html", context)


def _line(row: models.SignIn) -> dict[str, Any]:
    return {
        "row": row,
        "outcome": sign_ins.outcome(row),
        "url": reverse("admin:idp_signin_change", args=[row.pk]),
    }


def _health(now: datetime) -> Iterable[Finding]:
    for name, check in health.CHECKS.items():
        good = health.holds(check)
        yield Finding(good, f"{name} {'fine' if good else 'not fine: run “manage.py doctor”'}")
    yield from _jobs(now)
    yield from _untold(now)
    for source in _findings:
        yield from source(now)


def _untold(now: datetime) -> Iterable[Finding]:
    """Applications that could not be told of sign-outs in the last week."""
    rows = models.LogoutNotification.objects.filter(
        state__in=outbox.GIVEN_UP, id__gte=lowest_id(now - UNTOLD_WITHIN)
    ).exclude(state__in=[outbox.State.ACKNOWLEDGED, outbox.State.SHOWN])
    count = rows.order_by()[:MOST_COUNTED].count()
    if count:
        number = f"{count:,}" if count < MOST_COUNTED else f"{count:,}+"
        url = reverse("admin:idp_logoutnotification_changelist") + "?since=week&state=undelivered"
        yield Finding(False, f"{number} sign-out notices could not be delivered", url)


def _jobs(now: datetime) -> Iterable[Finding]:
    rows = list(models.Schedule.objects.all())
    failed = [row for row in rows if row.last_error]
    for row in failed:
        yield Finding(False, f"job {row.name} failed: {row.last_error}")
    late = [row.name for row in rows if row.next_at < now - LATE]
    if late:
        yield Finding(False, f"jobs are late: {', '.join(late)}")
    elif rows and not failed:
        yield Finding(True, "scheduled jobs fine")


def _counts(now: datetime) -> Iterable[tuple[str, str, str]]:
    live = models.Session.objects.filter(
        id__gte=lowest_id(now - settings.IDP.session_absolute * 2),
        ended_at=None,
        expires_at__gt=now,
        seen_at__gt=now - settings.IDP.session_idle,
    )
    day = models.SignIn.objects.filter(id__gte=lowest_id(now - timedelta(days=1)))
    applications = reverse("admin:idp_application_changelist")
    people = reverse("admin:idp_user_changelist")
    sessions = reverse("admin:idp_session_changelist") + "?state=live"
    activity = reverse("admin:idp_signin_changelist") + "?since=day"
    for one, several, url, rows in (
        ("application", "applications", applications, models.Application.objects.all()),
        ("person", "people", people, models.User.objects.all()),
        ("live session", "live sessions", sessions, live),
        ("sign-in in 24 hours", "sign-ins in 24 hours", activity, day),
    ):
        number = _number(rows)
        yield (one if number == "1" else several), url, number


def _number(rows: QuerySet[Any]) -> str:
    count = rows.order_by()[:MOST_COUNTED].count()
    return f"{count:,}" if count < MOST_COUNTED else f"{MOST_COUNTED:,}+"


def _certificates(until: datetime) -> Iterable[Expiry]:
    """Certificates of our own SAML keys."""
    retired = models.SigningKey.State.RETIRED
    for row in models.SigningKey.objects.defer("private_key").exclude(state=retired):
        ends = signing_keys.not_after(row)
        if ends is not None and ends < until:
            url = reverse("admin:idp_signingkey_changelist")
            what = f"Certificate of the {row.state} {row.get_purpose_display()} key"
            yield Expiry(what, ends, url, "rotate the key")


add_expiries(_certificates)
site.set_home(overview)
