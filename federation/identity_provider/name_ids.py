"""What a person is called at a service provider: the NameID by its format (SAML Core §8.3)."""

from __future__ import annotations

import uuid

from federation.identity_provider import entity
from federation.models import PersistentNameId, ServiceProvider
from federation.saml import errors, name_id, vocabulary
from federation.saml.name_id import NameID
from idp.claims import facts, values
from idp.claims.errors import MappingError
from idp.claims.person import Person

SUPPORTED = (
    vocabulary.PERSISTENT,
    vocabulary.TRANSIENT,
    vocabulary.EMAIL_ADDRESS,
    vocabulary.UNSPECIFIED,
)
EMAIL = "email"


def of(
    format_: str,
    person: Person,
    *,
    service_provider: ServiceProvider,
    persistent: str | None = None,
) -> NameID:
    """The NameID of a person. A first persistent one is made and kept for ever.

    `persistent`: the one that was given, where the caller has read it.
    Raises InvalidNameIDPolicy where there is nothing to make one of.
    """
    audience, issuer = service_provider.entity_id, entity.entity_id()
    if format_ == vocabulary.PERSISTENT:
        if persistent is None:
            user_id = uuid.UUID(person.id)
            persistent = PersistentNameId.objects.give(user_id, service_provider=audience)
        return name_id.persistent(persistent, issuer=issuer, audience=audience)
    if format_ == vocabulary.TRANSIENT:
        return name_id.transient(issuer=issuer, audience=audience)
    return _of_profile(format_, person, service_provider=service_provider)


def foreseen(format_: str, person: Person, *, service_provider: ServiceProvider) -> NameID:
    """The same for a preview: nothing is kept, and what would be random is said to be.

    Raises InvalidNameIDPolicy.
    """
    audience, issuer = service_provider.entity_id, entity.entity_id()
    if format_ == vocabulary.PERSISTENT:
        known = PersistentNameId.objects.known(uuid.UUID(person.id), service_provider=audience)
        value = known or "(random, made at the first sign-in)"
        return name_id.persistent(value, issuer=issuer, audience=audience)
    if format_ == vocabulary.TRANSIENT:
        value = "(random, another one each time)"
        return NameID(value, vocabulary.TRANSIENT, issuer, audience)
    return _of_profile(format_, person, service_provider=service_provider)


def subject_of(wanted: NameID, *, service_provider: str) -> str | None:
    """The `sub` of the person behind a persistent NameID of this service provider, None if none."""
    if wanted.name_qualifier not in ("", entity.entity_id()):
        return None
    if wanted.sp_name_qualifier not in ("", service_provider):
        return None
    row = PersistentNameId.objects.filter(
        value=wanted.value, service_provider=service_provider, user__is_active=True
    ).first()
    return row.user_id.hex if row is not None and row.user_id is not None else None


def _of_profile(format_: str, person: Person, *, service_provider: ServiceProvider) -> NameID:
    """A name that is known elsewhere too: an address only if it was verified (SAML Core §8.3.2)."""
    if format_ not in SUPPORTED:
        raise errors.InvalidNameIDPolicy(f"NameID format {format_!r}")
    email = format_ == vocabulary.EMAIL_ADDRESS
    source = EMAIL if email else service_provider.name_id_source
    if source == EMAIL and not (person.email and person.email_verified):
        raise errors.InvalidNameIDPolicy("the person has no verified e-mail address")
    value = _profile_value(person, source)
    if not _is_name(value):
        raise errors.InvalidNameIDPolicy(f"the person has no {source} that can be a NameID")
    return NameID(value, format_)


def _is_name(value: str) -> bool:
    """Whether a value is one line that every service provider reads the same."""
    return 0 < len(value) <= name_id.MAX_VALUE and value.isprintable() and value == value.strip()


def _profile_value(person: Person, source: str) -> str:
    """A profile field, else a custom attribute, as one line of text; empty if there is none."""
    kind = facts.USER if source in facts.USER_KEYS else facts.ATTRIBUTE
    value = facts.of_person(person, source=kind, key=source)
    if isinstance(value, (list, dict)) or value is None:
        return ""
    try:
        return values.as_text(values.checked(value))
    except MappingError:
        return ""
