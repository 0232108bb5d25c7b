"""Signing keys rotate by themselves: each is published long before it signs, and long after.

`GATEHOUSE_SIGNING_KEY_ROTATION` says how long a key of OpenID Connect signs; a job looks every
hour. SAML's keys wait for people: service providers have to fetch the new certificate first.
"""

from __future__ import annotations

import datetime as dt

from django.conf import settings

from idp import audit, keys
from idp.models import SigningKey

PUBLISHED_AHEAD = dt.timedelta(hours=24)
BY_HAND = (keys.SAML, keys.SAML_ENCRYPTION)
_STATE = SigningKey.State


def rotates_at(row: SigningKey) -> dt.datetime | None:
    """When a current key of OpenID Connect is due to be followed, None for one that never is."""
    every = settings.IDP.signing_key_rotation
    if not every or row.purpose in BY_HAND or row.state != _STATE.CURRENT or not row.current_at:
        return None
    return row.current_at + every


def due(*, now: dt.datetime) -> list[SigningKey]:
    """The current keys whose time is over and whose successor everybody has had time to read."""
    current = SigningKey.objects.filter(state=_STATE.CURRENT).exclude(purpose__in=BY_HAND)
    return [row for row in current if _is_due(row, now=now)]


def _is_due(row: SigningKey, *, now: dt.datetime) -> bool:
    at = rotates_at(row)
    if at is None or at > now:
        return False
    if row.purpose == keys.OIDC_ENCRYPTION:
        return True
    following = SigningKey.objects.filter(
        purpose=row.purpose, algorithm=row.algorithm, state=_STATE.NEXT
    )
    # Without a next key one is published now, and signs when it is due again.
    ready = following.filter(created_at__lte=now - PUBLISHED_AHEAD)
    return ready.exists() or not following.exists()


def rotate_due(*, now: dt.datetime) -> list[str]:
    """Rotate what is due; returns the algorithms. Twice at once rotates once."""
    done = []
    for row in due(now=now):
        step = keys.rotate(row.purpose, row.algorithm, current=row.kid)
        if step is None:
            continue
        done.append(row.algorithm)
        audit.record(
            f"key.{step}",
            actor="schedule",
            details={"purpose": str(row.purpose), "algorithm": row.algorithm},
        )
    return done
