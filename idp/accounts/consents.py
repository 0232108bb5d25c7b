"""What people allow an application to know and do: asked, kept, merged, withdrawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from idp import audit
from idp.models import Application, Consent, Participant, Revocation, User
from idp.tokens import revocation


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the consent page: what will be known, with its actual value."""

    label: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class ConsentQuestion:
    """What a kind wants asked; the fields are those of templates/idp/consent.html.

    `scopes` and `claims`: what *Allow* adds to the stored consent.
    """

    application: Application
    scopes: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()
    granted: tuple[Item, ...] = ()
    offline_access: bool = False
    api_only: bool = False
    redirect_host: str = ""
    redirect_kind: str = "web"
    warning: str = ""
    host: str = ""
    verified: bool = False
    contact: str = ""
    website: str = ""
    privacy_url: str = ""
    terms_url: str = ""
    can_switch: bool = True


def given(user: User, application: Application) -> Consent | None:
    """What this person allows this application, if anything."""
    return Consent.objects.filter(user=user, application=application).first()


def allow(
    question: ConsentQuestion, user: User, *, now: datetime, request: audit.Origin
) -> Consent:
    """Add what was asked to what the person allowed before."""
    with transaction.atomic():
        consent, _ = Consent.objects.select_for_update().get_or_create(
            user=user, application=question.application, defaults={"given_at": now}
        )
        consent.scopes = sorted({*consent.scopes, *question.scopes})
        consent.claims = sorted({*consent.claims, *question.claims})
        consent.save()
    audit.record(
        "consent.given",
        user=user,
        application=question.application,
        request=request,
        details={"scopes": list(question.scopes), "claims": list(question.claims)},
    )
    return consent


def withdraw(
    user: User, application: Application, *, now: datetime, request: audit.Origin | None = None
) -> bool:
    """Take back what a person allowed: the application loses its access at once.

    Its refresh tokens end, its access tokens and the codes on their way are denied by the `sid`
    of every session it took part in. False if nothing had been allowed.
    """
    with transaction.atomic():
        deleted, _ = Consent.objects.filter(user=user, application=application).delete()
        sids = Participant.objects.filter(session__user=user, application=application)
        keys = [sid.hex for sid in sids.values_list("id", flat=True)]
        revocation.deny(Revocation.Kind.SID, keys, now=now)
    ended = revocation.revoke_grants(
        reason="consent withdrawn", now=now, user=user, application=application
    )
    if deleted:
        audit.record(
            "consent.withdrawn",
            user=user,
            application=application,
            request=request,
            details={"grants": ended},
        )
    return bool(deleted)
