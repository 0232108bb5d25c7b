"""The key that signs for each service provider, and moving them from one key to the next.

A service provider is signed for with the key it is pinned to while that may sign, otherwise with
the current one. The rows of the keys are locked first, then those of the pins, the version last: of
two administrators who move at once, the second finds what the first has done.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from federation.models import KeyPin, ServiceProvider
from idp import audit, directory, keys
from idp.models import SigningKey

MOVED = "application.key_moved"
TOLD = "application.key_told"
_State = SigningKey.State


class Overtaken(RuntimeError):
    """The key that was meant does not sign: somebody has taken another step meanwhile."""


def kid_of(service_provider: ServiceProvider) -> str:
    """The kid of the key that it is pinned to, empty for the current one."""
    pk = service_provider.pk
    return directory.cached(("saml-pin", pk), lambda: _pinned(pk))


def _pinned(pk: uuid.UUID) -> str:
    pins = KeyPin.objects.filter(pk=pk).exclude(signing_key=None)
    return pins.values_list("signing_key__kid", flat=True).first() or ""


def move(
    chosen: Collection[uuid.UUID], *, to: str, now: datetime, origin: Mapping[str, Any]
) -> list[ServiceProvider]:
    """Sign for these service providers with the key `to` from now on; returns those that moved.

    `origin`: who does it, for the audit trail. Raises Overtaken where `to` may not sign.
    """
    with transaction.atomic():
        target, current = _locked(to)
        moving = [pin for pin in _pins(chosen) if _kid(pin, current) != to]
        KeyPin.objects.filter(pk__in=[pin.pk for pin in moving]).update(
            signing_key=target, moved_at=now
        )
        audit.record_many(MOVED, [_event(pin, current, to, origin) for pin in moving])
        if moving:
            directory.bump()
    return [pin.service_provider for pin in moving]


def _locked(to: str) -> tuple[SigningKey, str]:
    """The key to move to and the current one's kid; nobody retires either until we are through."""
    rows = SigningKey.objects.select_for_update().defer("private_key").filter(purpose=keys.SAML)
    ring = {row.kid: row for row in rows if row.state != _State.RETIRED}
    current = next((row.kid for row in ring.values() if row.state == _State.CURRENT), "")
    if to not in ring:
        raise Overtaken(to)
    return ring[to], current


def _pins(chosen: Collection[uuid.UUID]) -> list[KeyPin]:
    """The rows of these service providers, locked in one order; made where there is none."""
    existing = ServiceProvider.objects.filter(pk__in=chosen).values_list("pk", flat=True)
    fresh = [KeyPin(service_provider_id=pk) for pk in existing.order_by("pk")]
    KeyPin.objects.bulk_create(fresh, ignore_conflicts=True)
    rows = KeyPin.objects.select_for_update(of=("self",)).filter(pk__in=chosen).order_by("pk")
    return list(
        rows.select_related("signing_key", "service_provider__application").defer(
            "signing_key__private_key",
            "service_provider__metadata_xml",
            "service_provider__application__logo",
        )
    )


def _kid(pin: KeyPin, current: str) -> str:
    """What signs for it: its own key, or the current one where it has none that may sign."""
    key = pin.signing_key
    return current if key is None or key.state == _State.RETIRED else key.kid


def _event(pin: KeyPin, current: str, to: str, origin: Mapping[str, Any]) -> dict[str, Any]:
    details = {
        "entity_id": pin.service_provider.entity_id,
        "changes": {"signing_key": {"before": _kid(pin, current), "after": to}},
        "had_fetched": pin.has_fetched(to),
        "was_told": pin.told_kid == to,
    }
    return {**origin, "application": pin.service_provider.application, "details": details}


def note_told(
    chosen: Collection[uuid.UUID],
    *,
    kid: str,
    told: bool,
    by: str,
    now: datetime,
    origin: Mapping[str, Any],
) -> int:
    """Note that these have the key by hand, or take that back; returns how many changed."""
    with transaction.atomic():
        _locked(kid)
        changing = [pin for pin in _pins(chosen) if (pin.told_kid == kid) != told]
        values = {"told_kid": kid, "told_at": now, "told_by": by}
        nothing = {"told_kid": "", "told_at": None, "told_by": ""}
        KeyPin.objects.filter(pk__in=[pin.pk for pin in changing]).update(
            **(values if told else nothing)
        )
        events = [
            {
                **origin,
                "application": pin.service_provider.application,
                "details": {"key": kid, "changes": {"told": {"before": not told, "after": told}}},
            }
            for pin in changing
        ]
        audit.record_many(TOLD, events)
    return len(changing)


def left_behind(retiring: SigningKey) -> dict[str, str]:
    """The enabled service providers that no other key signs for: names by identifier."""
    elsewhere = KeyPin.objects.filter(
        signing_key__purpose=keys.SAML, signing_key__state=_State.NEXT
    ).exclude(signing_key=retiring)
    rows = ServiceProvider.objects.filter(application__enabled=True).exclude(
        pk__in=elsewhere.values("pk")
    )
    return {str(pk): name for pk, name in rows.values_list("pk", "application__name")}


def install() -> None:
    """Let no key retire that signs for somebody who was not named; called once at start."""
    keys.watch_retirement(keys.SAML, left_behind)
