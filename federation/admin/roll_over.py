"""The roll-over of our SAML certificate: who is ready, moving them one by one or in waves.

Every button works without a script: a form around the table, whose buttons say what is done and to
whom. Who is not known to be ready moves only after a page that names them.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from federation.admin import certificates
from federation.identity_provider import key_pins, readiness, reminders
from federation.identity_provider.key_pins import Overtaken
from federation.identity_provider.readiness import Standing
from idp import keys, mail
from idp.admin import audited, signing_keys
from idp.admin.home import Finding
from idp.admin.signing_keys import Guide, Use
from idp.admin_site import SeeOther, site
from idp.models import SignIn, SigningKey
from idp.models.identifiers import lowest_id
from idp.templatetags.administration import counted

PER_PAGE = 100
JUST_NOW = timedelta(hours=1)
NAMED = 5
OVERTAKEN = "Somebody else has taken the next step meanwhile. Nothing was changed here."
SHOWN: dict[str, tuple[str, Callable[[Standing], bool]]] = {
    "": ("All", lambda one: True),
    "waiting": ("Not ready", lambda one: _counts(one) and not one.moved and not one.ready),
    "ready": ("Ready to move", lambda one: _counts(one) and not one.moved and one.ready),
    "moved": ("Moved", lambda one: one.moved),
}


def _counts(one: Standing) -> bool:
    return one.application.enabled


@dataclass(frozen=True)
class Line:
    """One row of the table."""

    standing: Standing
    used_at: datetime | None
    ends_at: datetime | None
    addresses: tuple[str, ...]

    @property
    def proven(self) -> bool:
        """Whether somebody has signed in with the next key: the proof after the fact."""
        pin = self.standing.pin
        moved_at = pin.moved_at if pin and self.standing.moved else None
        return bool(moved_at and self.used_at and self.used_at > moved_at)


def page(request: HttpRequest) -> HttpResponse:
    """The table (GET), and what its buttons do (POST)."""
    if request.method == "POST":
        return _act(request)
    found = readiness.standings()
    shown = request.GET.get("show", "")
    shown = shown if shown in SHOWN else ""
    rows = Paginator([one for one in found if SHOWN[shown][1](one)], PER_PAGE)
    part = rows.get_page(request.GET.get("p"))
    standing = readiness.roll_over(found)
    context = {
        **site.each_context(request),
        "title": "Roll over the SAML certificate",
        "roll_over": standing,
        "old": _shown(standing.current),
        "new": _shown(standing.following),
        "lines": _lines(list(part)),
        "part": part,
        "shown": shown,
        "filters": [
            {"value": value, "words": words, "number": sum(map(test, found))}
            for value, (words, test) in SHOWN.items()
        ],
        "mail_is_configured": mail.is_configured(),
        "published_for": keys.SAML_PUBLISHED_FOR,
    }
    return TemplateResponse(request, "admin/keys/roll_over.html", context)


def _shown(key: keys.SamlKey | None) -> dict[str, Any] | None:
    if key is None:
        return None
    row = SigningKey.objects.only("id", "created_at").get(kid=key.kid)
    url = reverse("admin:idp_signingkey_certificate", args=[row.pk])
    return {
        "kid": key.kid,
        "ends_at": readiness.ends_at(key),
        "created_at": row.created_at,
        "certificate_url": url,
    }


def _lines(found: Sequence[Standing]) -> list[Line]:
    """What was used lately is written down at most every ten minutes: the trace knows better."""
    now = timezone.now()
    attempts = SignIn.objects.filter(
        id__gte=lowest_id(now - JUST_NOW),
        application_id__in=[one.application.pk for one in found],
        result="success",
    )
    latest = dict(attempts.order_by("at").values_list("application_id", "at"))
    return [
        Line(
            one,
            latest.get(one.application.pk) or one.application.last_used_at,
            _earliest_end(one),
            reminders.addresses(one.provider),
        )
        for one in found
    ]


def _earliest_end(one: Standing) -> datetime | None:
    """When the first certificate of the service provider itself ends."""
    own = [
        *certificates.read("signing", one.provider.signing_certificates),
        *certificates.read("encryption", one.provider.encryption_certificates),
    ]
    return min((each.not_after for each in own if each.not_after is not None), default=None)


# ----- what the buttons do -----


def _act(request: HttpRequest) -> HttpResponse:
    for name, action in ACTIONS.items():
        if name in request.POST:
            try:
                return action(request, chosen(request, request.POST[name]))
            except Overtaken:
                messages.error(request, OVERTAKEN)
    return back(request)


def chosen(request: HttpRequest, whom: str) -> list[Standing]:
    """Those of a button: `ready`, `waiting`, the ticked ones, or the one of its row."""
    if whom in ("ready", "waiting"):
        return [one for one in readiness.standings() if SHOWN[whom][1](one)]
    named = request.POST.getlist("chosen") if whom == "chosen" else [whom]
    return readiness.standings([key for key in map(_uuid, named) if key])


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def back(request: HttpRequest) -> HttpResponse:
    """To the table, as it was shown."""
    shown = request.POST.get("show", "")
    query = f"?show={shown}" if shown in SHOWN and shown else ""
    return SeeOther(reverse("admin:saml_roll_over") + query)


def _publish(request: HttpRequest, chosen: Sequence[Standing]) -> HttpResponse:
    if keys.rotate(keys.SAML, "RS256", step="published") is None:
        raise Overtaken
    details = {"purpose": str(keys.SAML), "algorithm": "RS256"}
    audited.record("key.published", request=request, details=details)
    messages.success(request, "The next certificate is in our metadata. It signs for nobody yet.")
    return back(request)


def _move(request: HttpRequest, chosen: Sequence[Standing]) -> HttpResponse:
    unready = [one for one in chosen if not one.moved and not one.ready]
    if unready and "sure" not in request.POST:
        return _ask(request, chosen, unready)
    return _moved(request, chosen, to=request.POST.get("new", ""), words="signed for with the new")


def _ask(
    request: HttpRequest, chosen: Sequence[Standing], unready: Sequence[Standing]
) -> HttpResponse:
    """Name those who may not know the new certificate before they are moved."""
    context = {
        **site.each_context(request),
        "title": "Move them though they are not known to be ready?",
        "chosen": chosen,
        "unready": unready,
        "new": request.POST.get("new", ""),
        "show": request.POST.get("show", ""),
    }
    return TemplateResponse(request, "admin/keys/move_unready.html", context)


def _move_back(request: HttpRequest, chosen: Sequence[Standing]) -> HttpResponse:
    return _moved(request, chosen, to=request.POST.get("old", ""), words="back on the old")


def _moved(
    request: HttpRequest, chosen: Sequence[Standing], *, to: str, words: str
) -> HttpResponse:
    moved = key_pins.move(
        [one.provider.pk for one in chosen],
        to=to,
        now=timezone.now(),
        origin=audited.origin(request),
    )
    if moved:
        are = "is" if len(moved) == 1 else "are"
        number = counted(len(moved), "application")
        messages.success(request, f"{number} {are} {words} certificate: {names(moved)}.")
    if len(moved) < len(chosen) or not chosen:
        rest = counted(len(chosen) - len(moved), "application")
        sentence = f"{rest} had been moved already." if chosen else "Choose applications first."
        messages.warning(request, sentence)
    return back(request)


def names(rows: Sequence[Any]) -> str:
    """The applications of these, the first few by name."""
    listed = ", ".join(row.application.name for row in rows[:NAMED])
    return f"{listed} and {len(rows) - NAMED} more" if len(rows) > NAMED else listed


def _told(request: HttpRequest, chosen: Sequence[Standing]) -> HttpResponse:
    return _note(request, chosen, told=True)


def _not_told(request: HttpRequest, chosen: Sequence[Standing]) -> HttpResponse:
    return _note(request, chosen, told=False)


def _note(request: HttpRequest, chosen: Sequence[Standing], *, told: bool) -> HttpResponse:
    changed = key_pins.note_told(
        [one.provider.pk for one in chosen],
        kid=request.POST.get("new", ""),
        told=told,
        by=request.user.get_username(),
        now=timezone.now(),
        origin=audited.origin(request),
    )
    number = counted(changed, "application")
    words = "noted as told by hand" if told else "no longer noted as told"
    messages.success(request, f"{number} {words}.")
    return back(request)


ACTIONS: dict[str, Callable[[HttpRequest, Sequence[Standing]], HttpResponse]] = {
    "publish": _publish,
    "move": _move,
    "back": _move_back,
    "told": _told,
    "not_told": _not_told,
}


def finding(_now: datetime) -> list[Finding]:
    """A roll-over that is under way, for the overview."""
    following = keys.saml().following
    if following is None:
        return []
    moved, total = readiness.moved_and_total(following)
    words = f"SAML certificate: {moved} of {total} applications moved"
    return [Finding(good=moved == total, text=words, url=reverse("admin:saml_roll_over"))]


def _use(row: SigningKey) -> Use:
    return Use(*readiness.moved_to(row.kid))


site.add_page("keys/saml/", page, name="saml_roll_over")
signing_keys.add_guide(
    SigningKey.Purpose.SAML, lambda: Guide("Roll over", reverse("admin:saml_roll_over"))
)
signing_keys.add_use(SigningKey.Purpose.SAML, _use)
