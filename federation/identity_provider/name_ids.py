"""What a person is called at a service provider: the NameID by its format (SAML Core §8.3)."""

from __future__ import annotations

import uuid
from datetime import datetime

from federation.identity_provider import entity, participation
from federation.models import PersistentNameId, ServiceProvider
from federation.saml import errors, name_id, vocabulary
from federation.saml.name_id import NameID
from idp.claims import applications, attributes, facts, values
from idp.claims.errors import MappingError
from idp.claims.mapping import SAML, Row
from idp.claims.person import Person
from idp.claims.saml_attributes import DEFAULT_ROWS

SUPPORTED = (
    vocabulary.PERSISTENT,
    vocabulary.TRANSIENT,
    vocabulary.EMAIL_ADDRESS,
    vocabulary.UNSPECIFIED,
)
# Made here, of no meaning anywhere else.
RANDOM = (vocabulary.PERSISTENT, vocabulary.TRANSIENT)
# The choice of an administrator for assertions that name nobody; a request can ask for another.
NONE = "none"
EMAIL = "email"


def askable(service_provider: ServiceProvider) -> tuple[str, ...]:
    """The formats that a request may choose (SAML Core §3.4.1.1).

    An address only where the service provider is told it anyway, by its NameID or its mapping: no
    request gets more than an administrator gives.
    """
    own = service_provider.default_name_id_format == vocabulary.EMAIL_ADDRESS
    rows = applications.rows(service_provider.application) or DEFAULT_ROWS
    if own or any(_gives_address(row) for row in rows):
        return SUPPORTED
    return tuple(one for one in SUPPORTED if one != vocabulary.EMAIL_ADDRESS)


def _gives_address(row: Row) -> bool:
    return SAML in row.destinations and (row.source, row.key) == (facts.USER, EMAIL)


def of(
    format_: str,
    person: Person,
    *,
    service_provider: ServiceProvider,
    qualifier: str = "",
    persistent: str | None = None,
    transient: str = "",
    may_create: bool = True,
) -> NameID | None:
    """The NameID of a person, None for the format `NONE`. A first persistent one is kept for ever.

    `qualifier`: the affiliation in whose namespace, empty for the service provider's own.
    `persistent`: the one that was given, where the caller has read it. `transient`: one that was
    given in this session, to be said again. `may_create`: False gives no first persistent one.
    Raises InvalidNameIDPolicy where there is nothing to make one of.
    """
    if format_ == NONE:
        return None
    audience, issuer = qualifier or service_provider.entity_id, entity.entity_id()
    if format_ == vocabulary.PERSISTENT:
        if persistent is None:
            persistent = _persistent(person, audience, may_create=may_create)
        return name_id.persistent(persistent, issuer=issuer, audience=audience)
    if format_ == vocabulary.TRANSIENT:
        return name_id.transient(transient, issuer=issuer, audience=audience)
    return _of_profile(format_, person, service_provider=service_provider)


def _persistent(person: Person, audience: str, *, may_create: bool) -> str:
    """The value within a namespace; a first one only if it may be made (SAML Core §3.4.1.1)."""
    user_id, given = uuid.UUID(person.id), PersistentNameId.objects
    if may_create:
        return given.give(user_id, service_provider=audience)
    value = given.known(user_id, service_provider=audience)
    if value is None:
        raise errors.FirstNameIDForbidden("AllowCreate is false, and there is no NameID yet")
    return value


def foreseen(format_: str, person: Person, *, service_provider: ServiceProvider) -> NameID | None:
    """The same for a preview: nothing is kept, and what would be random is said to be.

    Raises InvalidNameIDPolicy.
    """
    if format_ == NONE:
        return None
    audience, issuer = service_provider.entity_id, entity.entity_id()
    if format_ == vocabulary.PERSISTENT:
        known = PersistentNameId.objects.known(uuid.UUID(person.id), service_provider=audience)
        value = known or "(random, made at the first sign-in)"
        return name_id.persistent(value, issuer=issuer, audience=audience)
    if format_ == vocabulary.TRANSIENT:
        value = "(random, another one each time)"
        return NameID(value, vocabulary.TRANSIENT, issuer, audience)
    return _of_profile(format_, person, service_provider=service_provider)


def person_of(
    wanted: NameID, *, service_provider: ServiceProvider, now: datetime
) -> uuid.UUID | None:
    """The active person behind a random NameID of this service provider, None if there is none.

    A transient one means somebody as long as the session lives in which it was given.
    """
    if not _is_ours(wanted, service_provider):
        return None
    if wanted.format == vocabulary.PERSISTENT:
        namespace = wanted.sp_name_qualifier or service_provider.entity_id
        return PersistentNameId.objects.person_of(wanted.value, service_provider=namespace)
    return participation.person_of(wanted.value, service_provider=service_provider, now=now)


def person_known_as(
    wanted: NameID, *, service_provider: ServiceProvider, now: datetime
) -> Person | None:
    """The active person whom this service provider knows by this name, None if it knows nobody.

    One made of a profile counts as long as it has been told there and is still the person's own.
    """
    if wanted.format in RANDOM:
        user_id = person_of(wanted, service_provider=service_provider, now=now)
        return attributes.load(user_id) if user_id is not None else None
    if wanted.format not in SUPPORTED or not _is_ours(wanted, service_provider):
        return None
    for user_id in participation.told(wanted, service_provider=service_provider):
        person = attributes.load(user_id)
        if person is not None and _still(wanted, person, service_provider):
            return person
    return None


def _is_ours(wanted: NameID, service_provider: ServiceProvider) -> bool:
    """Whether the qualifiers, where there are any, are ours and the service provider's."""
    own = ("", service_provider.entity_id, service_provider.name_qualifier)
    return wanted.name_qualifier in ("", entity.entity_id()) and wanted.sp_name_qualifier in own


def _still(wanted: NameID, person: Person, service_provider: ServiceProvider) -> bool:
    try:
        name = _of_profile(wanted.format, person, service_provider=service_provider)
    except errors.InvalidNameIDPolicy:
        return False
    return name.value == wanted.value


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
