"""Issue: the assertion about a person for a service provider, and the Response around it.

`assertion_for` decides what is said; sign-on and preview call it with the same arguments, so the
preview cannot differ from the truth. Nothing here reads a request or remembers anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings

from federation.identity_provider import (
    authn_context,
    entity,
    requested_attributes,
    subject_identifiers,
)
from federation.identity_provider.authn_context import Demand
from federation.models import ServiceProvider
from federation.saml.assertion import Assertion, Attribute
from federation.saml.name_id import NameID
from idp.claims import applications, release
from idp.claims.facts import SessionFacts
from idp.claims.mapping import SAML, Row
from idp.claims.person import Person
from idp.claims.reasons import Reason
from idp.claims.release import Release
from idp.claims.saml_attributes import SamlAttribute

# The ID of an assertion that is only shown: always the same, so that two can be compared.
PREVIEW_ID = "_" + "0" * 40
SUBJECT_IDENTIFIER = "the subject identifier that is set or asked for (subject-id:req)"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """How and when a person proved who they are, as one service provider learns it.

    `session_index`: its own, of no meaning to others. `ends_at`: when the session ends at last.
    """

    authenticated_at: datetime
    acr: str
    amr: tuple[str, ...]
    session_index: str
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Where the assertion goes, and which request it answers (None in a preview)."""

    acs_url: str
    in_response_to: str | None = None


def release_for(
    service_provider: ServiceProvider,
    person: Person,
    *,
    signed_in: SignedIn | None,
    rows: Sequence[Row],
    service_index: int | None = None,
) -> Release:
    """The attributes that go out by these rows, and why (`idp.claims.release`).

    `signed_in`: None where nobody has signed in for it: then rows about the session give nothing.
    `service_index`: which of the service provider's services asks, None for its default.
    """
    mapped = release.release(
        person,
        application=applications.of_service_provider(
            service_provider.application, entity_id=service_provider.entity_id
        ),
        target=SAML,
        session=_session_facts(signed_in) if signed_in is not None else None,
        rows=rows,
    )
    decided = requested_attributes.limited(mapped, service_provider, index=service_index)
    return _with_identifier(decided, service_provider, person)


def _session_facts(signed_in: SignedIn) -> SessionFacts:
    return SessionFacts(
        id=signed_in.session_index,
        acr=signed_in.acr,
        amr=signed_in.amr,
        auth_time=int(signed_in.authenticated_at.timestamp()),
    )


def _with_identifier(
    released: Release, service_provider: ServiceProvider, person: Person
) -> Release:
    """The release with the subject identifier, unless the mapping gives one of that name."""
    identifier = subject_identifiers.of(service_provider, person.id)
    if identifier is None or any(one.name == identifier.name for one in released.attributes):
        return released
    reason = Reason(identifier.name, True, SUBJECT_IDENTIFIER, "the person's identifier")
    others = (one for one in released.reasons if one.claim != identifier.name)
    return replace(
        released,
        attributes=(*released.attributes, identifier),
        reasons=(*others, reason),
    )


def assertion_for(
    service_provider: ServiceProvider,
    *,
    name_id: NameID | None,
    released: Release,
    signed_in: SignedIn,
    recipient: Recipient,
    now: datetime,
    demand: Demand | None = None,
) -> Assertion:
    """All that is said about the person (SAML Profiles §4.1.4.2). Raises InvalidContent."""
    return Assertion(
        issuer=entity.entity_id(),
        audience=service_provider.entity_id,
        recipient=recipient.acs_url,
        in_response_to=recipient.in_response_to,
        name_id=name_id,
        issue_instant=now,
        authn_instant=signed_in.authenticated_at,
        session_index=signed_in.session_index,
        session_not_on_or_after=signed_in.ends_at,
        authn_context_class_ref=authn_context.stated(signed_in.acr, demand or Demand()),
        attributes=attributes_of(released.attributes),
        lifetime=settings.IDP.assertion_lifetime,
    )


def attributes_of(released: Iterable[SamlAttribute]) -> tuple[Attribute, ...]:
    """The attributes of a release as the message layer takes them."""
    return tuple(
        Attribute(one.name, one.values, one.name_format, one.friendly_name) for one in released
    )
