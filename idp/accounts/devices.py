"""Browsers in which a person has signed in before: strangers' tries do not count against them."""

from __future__ import annotations

from datetime import datetime, timedelta

from idp.accounts import cookies
from idp.models import KnownDevice, User

COOKIE_LIFETIME = timedelta(days=180)


def knows(token: str, user: User | None) -> bool:
    """Whether this person has signed in with this device cookie; the same work for nobody."""
    if not token:
        return False
    found = KnownDevice.objects.filter(token_hash=cookies.digest(token))
    people = set(found.values_list("user_id", flat=True))
    return user is not None and user.pk in people


def remember(token: str, user: User, *, now: datetime) -> str:
    """Note a successful sign-in with this device; returns the Set-Cookie value that keeps it."""
    token = token or cookies.new_token()
    KnownDevice.objects.update_or_create(
        token_hash=cookies.digest(token), user=user, defaults={"last_used_at": now}
    )
    max_age = int(COOKIE_LIFETIME.total_seconds())
    return cookies.header("device", token, max_age=max_age)


def forget_all(user: User, *, except_for: str = "") -> None:
    """Every device of this person becomes a stranger, but for the one of this cookie."""
    known = KnownDevice.objects.filter(user=user)
    if except_for:
        known = known.exclude(token_hash=cookies.digest(except_for))
    known.delete()
