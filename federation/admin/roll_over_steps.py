"""Pages beside the roll-over's table: what to send to one application, and retiring the old key."""

from __future__ import annotations

import uuid
from typing import Any, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from federation.admin.roll_over import OVERTAKEN
from federation.identity_provider import metadata, readiness, reminders
from federation.identity_provider.readiness import Standing
from idp import keys, mail
from idp.admin import audited
from idp.admin_site import SeeOther, site
from idp.models import SigningKey, User


def what_to_send(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The reminder of one service provider: to be read, sent, or copied and told by hand."""
    standing, following = _found(pk)
    row = SigningKey.objects.only("id").get(kid=following.kid)
    context = {
        **site.each_context(request),
        "title": f"What to send to {standing.application.name}",
        "standing": standing,
        "new": following.kid,
        "subject": reminders.subject(standing.provider),
        "text": reminders.text(
            standing.provider, following, by=reminders.sender(cast(User, request.user))
        ),
        "addresses": reminders.addresses(standing.provider),
        "mail_is_configured": mail.is_configured(),
        "certificate_url": reverse("admin:idp_signingkey_certificate", args=[row.pk]),
    }
    return TemplateResponse(request, "admin/keys/what_to_send.html", context)


def _found(pk: uuid.UUID) -> tuple[Standing, keys.SamlKey]:
    found = readiness.standings([pk])
    following = keys.saml().following
    if not found or following is None:
        raise Http404
    return found[0], following


def its_metadata(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Our metadata as this service provider gets it, as a file; no proof that it has it."""
    found = readiness.standings([pk])
    if not found:
        raise Http404
    document = metadata.document(found[0].provider, now=timezone.now())
    response = HttpResponse(document.body, content_type=metadata.MEDIA_TYPE)
    name = f'attachment; filename="{reminders.METADATA_FILE}"'
    response.headers["Content-Disposition"] = name
    return response


def retire(request: HttpRequest) -> HttpResponse:
    """Name who is left behind (GET), let the old key retire after a yes to exactly them (POST)."""
    if request.method == "POST":
        return _retired(request)
    ring = keys.saml()
    if ring.current is None or ring.following is None:
        return SeeOther(reverse("admin:saml_roll_over"))
    row = SigningKey.objects.defer("private_key").get(kid=ring.current.kid)
    behind = sorted(keys.users(row).items(), key=lambda one: one[1])
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": "Retire the old certificate",
        "behind": behind,
        "old": ring.current.kid,
        "published_for": keys.SAML_PUBLISHED_FOR,
    }
    return TemplateResponse(request, "admin/keys/retire.html", context)


def _retired(request: HttpRequest) -> HttpResponse:
    leaving = request.POST.getlist("leaving") if "sure" in request.POST else []
    old = request.POST.get("old") or "none"
    withdrawn = "withdrawn" in request.POST
    try:
        done = keys.rotate(
            *(keys.SAML, "RS256"),
            current=old,
            step="rotated",
            leaving=leaving,
            withdrawn=withdrawn,
        )
    except keys.StillInUse:
        messages.error(request, "Say yes to the applications that are left behind, or move them.")
        return SeeOther(reverse("admin:saml_roll_over_retire"))
    if done is None:
        messages.error(request, OVERTAKEN)
        return SeeOther(reverse("admin:saml_roll_over"))
    audited.record(
        "key.rotated",
        request=request,
        details={
            "purpose": str(keys.SAML),
            "algorithm": "RS256",
            "changes": {"current": {"before": old, "after": keys.saml_signing().kid}},
            "left_behind": sorted(leaving),
            "withdrawn": withdrawn,
        },
    )
    messages.success(request, "The old certificate is retired: it signs for nobody any more.")
    return SeeOther(reverse("admin:saml_roll_over"))


site.add_page("keys/saml/retire/", retire, name="saml_roll_over_retire")
site.add_page("keys/saml/<uuid:pk>/send/", what_to_send, name="saml_roll_over_send")
site.add_page("keys/saml/<uuid:pk>/metadata/", its_metadata, name="saml_roll_over_metadata")
