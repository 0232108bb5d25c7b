"""Where each service provider stands in a roll-over of our signing certificate, and who is ready.

Ready is who has fetched metadata with the next certificate from its own address, or was told by
hand. Neither shows that the certificate is used there: a sign-in after the move does.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from django.db.models import Count, Min, QuerySet

from federation.models import KeyPin, ServiceProvider
from idp import keys
from idp.models import Application


@dataclass(frozen=True)
class Standing:
    """One service provider. `following`: the kid of the next key, empty where there is none."""

    provider: ServiceProvider
    pin: KeyPin | None
    following: str

    @property
    def application(self) -> Application:
        """The application whose half it is."""
        return self.provider.application

    @property
    def moved(self) -> bool:
        """Whether the next key signs for it already."""
        key = self.pin.signing_key if self.pin else None
        return key is not None and key.kid == self.following

    @property
    def has_fetched(self) -> bool:
        """Whether it fetched metadata with the next certificate."""
        return bool(self.following and self.pin and self.pin.has_fetched(self.following))

    @property
    def was_told(self) -> bool:
        """Whether somebody noted that it was given the next certificate by hand."""
        return bool(self.following and self.pin and self.pin.told_kid == self.following)

    @property
    def ready(self) -> bool:
        """Whether there is reason to think that it accepts the next certificate."""
        return self.has_fetched or self.was_told


@dataclass(frozen=True)
class RollOver:
    """The whole of it: the two keys, and how far the enabled service providers are."""

    current: keys.SamlKey | None
    following: keys.SamlKey | None
    total: int
    moved: int
    ready: int

    @property
    def waiting(self) -> int:
        """How many are signed for with the old key, and not known to be ready."""
        return self.total - self.moved - self.ready

    @property
    def done(self) -> bool:
        """Whether the old key may retire."""
        return self.following is not None and self.moved == self.total


def standings(chosen: Collection[uuid.UUID] | None = None) -> list[Standing]:
    """Every service provider, the enabled ones first; or those chosen."""
    following = keys.saml().following
    kid = following.kid if following else ""
    rows = _rows()
    if chosen is not None:
        rows = rows.filter(pk__in=chosen)
    return [Standing(row, getattr(row, "key_pin", None), kid) for row in rows]


def _rows() -> QuerySet[ServiceProvider]:
    rows = ServiceProvider.objects.select_related("application", "key_pin__signing_key")
    return rows.order_by("-application__enabled", "application__name", "pk").defer(
        *("metadata_xml", "application__logo", "key_pin__signing_key__private_key"),
        *("key_pin__signing_key__certificate", "key_pin__signing_key__public_jwk"),
    )


def moved_and_total(following: keys.SamlKey) -> tuple[int, int]:
    """How many enabled service providers the next key signs for, and how many there are."""
    enabled = ServiceProvider.objects.filter(application__enabled=True)
    return moved_to(following.kid)[0], enabled.count()


def moved_to(kid: str) -> tuple[int, datetime | None]:
    """How many enabled service providers this next key signs for, and since when the first one."""
    pins = KeyPin.objects.filter(signing_key__kid=kid, service_provider__application__enabled=True)
    found = pins.aggregate(number=Count("pk"), since=Min("moved_at"))
    return found["number"], found["since"]


def roll_over(found: Iterable[Standing]) -> RollOver:
    """How far it is, by the standings of all."""
    ring = keys.saml()
    enabled = [one for one in found if one.application.enabled]
    return RollOver(
        current=ring.current,
        following=ring.following,
        total=len(enabled),
        moved=sum(one.moved for one in enabled),
        ready=sum(one.ready and not one.moved for one in enabled),
    )


def ends_at(key: keys.SamlKey) -> datetime:
    """When the certificate of one of our keys ends."""
    return x509.load_pem_x509_certificate(key.certificate.encode()).not_valid_after_utc
