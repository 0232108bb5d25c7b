"""Who or what somebody means by a few typed characters; every look-up uses an index."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Q, QuerySet

from idp import models
from idp.audit import REFERENCE_ALPHABET
from idp.models.user import canonical

MOST = 50


def people(term: str) -> QuerySet[models.User]:
    """People whose user name or e-mail address begins with it."""
    key = canonical(clean(term))
    if not key:
        return models.User.objects.none()
    return models.User.objects.filter(
        Q(username_key__startswith=key) | Q(email_key__startswith=key)
    )


def applications(term: str) -> QuerySet[models.Application]:
    """Applications whose name holds it (there are few), or whose client_id it is."""
    term = clean(term)
    if not term:
        return models.Application.objects.none()
    return models.Application.objects.defer("logo").filter(
        Q(name__icontains=term) | Q(client__client_id=term)
    )


def reference(term: str) -> str:
    """The reference of an error page in what was typed, or an empty string."""
    compact = clean(term).replace("-", "").replace(" ", "").upper()
    fits = 8 <= len(compact) <= 20 and all(char in REFERENCE_ALPHABET for char in compact)
    return compact if fits else ""


def clean(term: str) -> str:
    """What was typed, without what no database accepts."""
    return term.replace("\x00", "").strip()[:200]


def activity(rows: QuerySet[Any], term: str) -> QuerySet[Any]:
    """Rows of sign-ins or audit events about a reference, a person or an application."""
    term = clean(term)
    if not term:
        return rows
    users = list(people(term).values_list("pk", flat=True)[:MOST])
    about = list(applications(term).values_list("pk", flat=True)[:MOST])
    found = Q(user_id__in=users) | Q(application_id__in=about)
    if reference(term):
        found |= Q(reference=reference(term))
    if (identifier := _uuid(term)) is not None:
        found |= Q(user_id=identifier) | Q(application_id=identifier) | Q(pk=identifier)
    return rows.filter(found)


def identifier(text: Any) -> uuid.UUID | None:
    """The identifier in an address, None for anything else."""
    return _uuid(str(text))


def _uuid(term: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(term)
    except ValueError:
        return None
