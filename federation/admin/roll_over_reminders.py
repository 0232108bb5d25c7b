"""Reminding service providers of the next certificate: name whom, then write, to each once.

A tick says when its application was last reminded, as the page showed it: who was reminded since,
by a second click or by somebody else, is not written to again.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from federation.admin import roll_over
from federation.identity_provider import readiness, reminders
from federation.identity_provider.readiness import Standing
from idp import keys, mail
from idp.admin import audited
from idp.admin_site import SeeOther, site
from idp.models import User
from idp.templatetags.administration import counted

RECENTLY = timedelta(hours=24)
MOST_REMINDED = 50


@dataclass(frozen=True)
class Line:
    """One application that can be written to. `ticked`: whether it is, unless somebody unticks."""

    standing: Standing
    addresses: tuple[str, ...]
    recently: bool
    ticked: bool

    @property
    def reminded_at(self) -> datetime | None:
        """When it was last reminded."""
        pin = self.standing.pin
        return pin.reminded_at if pin else None

    @property
    def tick(self) -> str:
        """The value of its box: which application, and when it was last reminded."""
        at = self.reminded_at
        return f"{self.standing.provider.pk}@{at.isoformat() if at else ''}"


def page(request: HttpRequest) -> HttpResponse:
    """Name whom a button of the roll-over's page would write to, or write to the ticked."""
    following = keys.saml().following
    if request.method != "POST":
        return SeeOther(reverse("admin:saml_roll_over"))
    if following is None or following.kid != request.POST.get("new", ""):
        messages.error(request, roll_over.OVERTAKEN)
        return roll_over.back(request)
    if not mail.is_configured():
        messages.error(request, "No mail is sent here: GATEHOUSE_EMAIL_URL is not set.")
        return roll_over.back(request)
    if "send" in request.POST:
        return _send(request, following)
    return _ask(request, following)


def _ask(request: HttpRequest, following: keys.SamlKey) -> HttpResponse:
    chosen = roll_over.chosen(request, request.POST.get("remind", ""))
    if not chosen:
        messages.warning(request, "Choose applications first.")
        return roll_over.back(request)
    lines = _lines(chosen, now=timezone.now())
    context = {
        **site.each_context(request),
        "title": "Whom to remind",
        "lines": lines,
        "silent": [one for one in chosen if not reminders.addresses(one.provider)],
        "recent": sum(line.recently for line in lines),
        "ticked": sum(line.ticked for line in lines),
        "most": MOST_REMINDED,
        "new": following.kid,
        "show": request.POST.get("show", ""),
        "sender": _sender(request),
    }
    return TemplateResponse(request, "admin/keys/remind.html", context)


def _lines(chosen: Iterable[Standing], *, now: datetime) -> list[Line]:
    """Those with an address; the first ones that were not reminded lately are ticked."""
    lines: list[Line] = []
    ticked = 0
    for one in chosen:
        addresses = reminders.addresses(one.provider)
        if not addresses:
            continue
        at = one.pin.reminded_at if one.pin else None
        recently = at is not None and at > now - RECENTLY
        tick = not recently and ticked < MOST_REMINDED
        ticked += tick
        lines.append(Line(one, addresses, recently, tick))
    return lines


def _sender(request: HttpRequest) -> reminders.Sender:
    return reminders.sender(cast(User, request.user))


def _send(request: HttpRequest, following: keys.SamlKey) -> HttpResponse:
    last = dict(filter(None, map(_read, request.POST.getlist("tick"))))
    if not last:
        messages.warning(request, "Nobody was ticked, so nobody was written to.")
        return roll_over.back(request)
    chosen = readiness.standings(list(last))
    now = chosen[:MOST_REMINDED]
    outcomes = reminders.remind(
        {one: last[one.provider.pk] for one in now if reminders.addresses(one.provider)},
        following,
        by=_sender(request),
        now=timezone.now(),
        origin=audited.origin(request),
    )
    tried = {one.provider.pk for one, _ in outcomes}
    overtaken = [one for one in now if one.provider.pk not in tried]
    _tell(request, outcomes, overtaken, left=len(chosen) - len(now))
    return roll_over.back(request)


def _read(tick: str) -> tuple[uuid.UUID, datetime | None] | None:
    """The application of a ticked box and when it was last reminded; None for what is no tick."""
    key, _, at = tick.partition("@")
    try:
        moment = datetime.fromisoformat(at).astimezone(UTC) if at else None
        return uuid.UUID(key), moment
    except (ValueError, OverflowError):
        return None


def _tell(
    request: HttpRequest,
    outcomes: Sequence[tuple[Standing, str]],
    overtaken: Sequence[Standing],
    *,
    left: int,
) -> None:
    """What became of the reminders: sent, failed and why, without an address, not tried."""
    sent = [one for one, problem in outcomes if not problem]
    if sent:
        number, names = counted(len(sent), "application"), roll_over.names(sent)
        messages.success(request, f"Written to {number}: {names}.")
    for problem in sorted({problem for _, problem in outcomes if problem}):
        failed = [one for one, why in outcomes if why == problem]
        messages.error(request, f"Not sent to {roll_over.names(failed)}: {problem}.")
    if overtaken:
        words = "reminded meanwhile, or names no address any more; nothing was sent again"
        messages.warning(request, f"{roll_over.names(overtaken)}: {words}.")
    if left:
        words = "not written to yet, since there were too many at once"
        messages.warning(request, f"{counted(left, 'application')} {words}: remind them now.")


site.add_page("keys/saml/remind/", page, name="saml_roll_over_remind")
