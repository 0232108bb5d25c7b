"""What an administrator does to a person's account: everything of theirs ends at once."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from idp import audit
from idp.accounts import devices, password
from idp.accounts import session as sessions
from idp.models import Revocation, User
from idp.tokens import revocation


def disable(
    user: User, *, now: datetime, actor: str = "", request: audit.Origin | None = None
) -> None:
    """Close the account: sessions, refresh tokens, access tokens and codes die with it."""
    with transaction.atomic():
        User.objects.select_for_update().filter(pk=user.pk).update(is_active=False)
        user.is_active = False
        end_everything(user, reason="account disabled", now=now, actor=actor, request=request)
    audit.record("user.disabled", user=user, actor=actor, request=request)


def enable(
    user: User, *, now: datetime, actor: str = "", request: audit.Origin | None = None
) -> None:
    """Open the account again; the person has to sign in anew everywhere."""
    User.objects.filter(pk=user.pk).update(is_active=True)
    user.is_active = True
    audit.record("user.enabled", user=user, actor=actor, request=request)


def set_password(
    user: User, new: str, *, now: datetime, actor: str = "", request: audit.Origin | None = None
) -> None:
    """Give a person a password on somebody else's behalf; every session of theirs ends."""
    password.change(user, new, session=None, now=now, actor=actor, request=request)


def end_everything(
    user: User,
    *,
    reason: str,
    now: datetime,
    actor: str = "",
    request: audit.Origin | None = None,
) -> None:
    """End the sessions of a person and whatever applications hold in their name."""
    sessions.end_all(user, reason=reason, now=now, actor=actor, request=request)
    revocation.revoke_grants(reason=reason, now=now, user=user)
    revocation.deny(Revocation.Kind.USER, [user.subject], now=now)
    devices.forget_all(user)
