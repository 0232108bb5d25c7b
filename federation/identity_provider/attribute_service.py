"""The attribute service: AttributeQuery in, Response out (SAML Profiles §6, Core §3.3.2.3).

For service providers that an administrator has let ask. They hear of people whom they know, by the
name that they know them by, what the mapping gives; nobody has to be signed in.
"""

from __future__ import annotations

from django.conf import settings

from federation.identity_provider import (
    back_channel,
    entity,
    issuing,
    name_ids,
    protection,
    refusal,
    remedies,
    requested_attributes,
    soap_endpoint,
)
from federation.identity_provider.back_channel import Asked
from federation.saml import attribute_query, errors, response, vocabulary, xml
from federation.saml.attribute_assertion import AttributeAssertion
from federation.saml.attribute_query import AttributeQuery
from federation.saml.response import ErrorResponse
from idp import audit, keys
from idp.accounts import access
from idp.claims import applications
from idp.claims.person import Person
from idp.features import Feature
from idp.models import User
from idp.protocol.message import Request

ACTION = "saml.attributes"
SWITCH = "Switch on “may ask for attributes” for the application, if it should."
KNOWN = (
    "It hears of people whom it knows: who has signed in there, by the NameID that it was given,"
    " and who may still use it."
)


def answer(element: xml.Element, request: Request) -> xml.Element:
    """Answer an AttributeQuery by a signed Response. Raises SamlError: not let in."""
    asked = back_channel.receive(
        element, request, name=attribute_query.NAME, destination=entity.attribute_service_url()
    )
    query = attribute_query.read(asked.element, decryption_keys=keys.saml_decryption)
    try:
        return response.answer_query(
            _content(asked, query, request),
            issuer=entity.entity_id(),
            in_response_to=asked.id,
            issue_instant=request.now,
            protection=protection.of(asked.service_provider.row),
        )
    except (errors.StatusError, errors.InvalidContent, errors.NoCommonAlgorithm) as error:
        return _refusal(asked, query, error, request)


def _content(asked: Asked, query: AttributeQuery, request: Request) -> AttributeAssertion | None:
    """What is told, None if that is nothing. Raises StatusError."""
    row = asked.service_provider.row
    if not row.attribute_queries:
        raise errors.RequestDenied("attribute queries are off for this application")
    person, user = _person(asked, query, request)
    released = issuing.release_for(
        row, person, signed_in=None, rows=applications.rows(row.application)
    )
    told = requested_attributes.named(released.attributes, asked=query.attributes)
    audit.buffer(
        ACTION,
        request=request,
        user=user,
        application=row.application,
        details={"in_response_to": asked.id, "attributes": [one.name for one in told]},
    )
    if not told:
        return None
    return AttributeAssertion(
        issuer=entity.entity_id(),
        audience=row.entity_id,
        name_id=query.subject,
        issue_instant=request.now,
        attributes=issuing.attributes_of(told),
        lifetime=settings.IDP.assertion_lifetime,
    )


def _person(asked: Asked, query: AttributeQuery, request: Request) -> tuple[Person, User]:
    """The person, who is known there and may use the application. Raises UnknownPrincipal.

    Somebody who may not use it any more is as unknown as somebody who never did.
    """
    row = asked.service_provider.row
    person = name_ids.person_known_as(query.subject, service_provider=row, now=request.now)
    if person is None:
        raise errors.UnknownPrincipal(f"nobody known there by {query.subject.format}")
    user = User.objects.filter(pk=person.id).first()
    if user is None or not access.may_use(user, row.application).allowed:
        raise errors.UnknownPrincipal("the person may not use this application")
    return person, user


def _refusal(
    asked: Asked, query: AttributeQuery, error: errors.SamlError, request: Request
) -> xml.Element:
    """The Response that says why there is nothing (SAML Core §3.2.2.2)."""
    known = asked.service_provider
    suggestions: dict[type[errors.SamlError], str] = {
        errors.RequestDenied: SWITCH,
        errors.UnknownPrincipal: KNOWN,
    }
    reference = refusal.note(
        error,
        request,
        application=known.application,
        received={
            "binding": "SOAP",
            "ID": asked.id,
            "Issuer": known.entity_id,
            "Subject": query.subject.format,
            "Attributes": [one.name for one in query.attributes],
        },
        suggestion=suggestions.get(type(error)) or remedies.of(error),
    )
    status = error.status if isinstance(error, errors.StatusError) else (vocabulary.RESPONDER,)
    content = ErrorResponse(
        issuer=entity.entity_id(),
        destination=None,
        in_response_to=asked.id,
        issue_instant=request.now,
        status=status,
        message=f"The query cannot be answered. Reference: {reference}",
    )
    algorithm = protection.ALGORITHMS.get(known.row.signature_algorithm)
    return response.error_response(content, key=entity.signing_key(known.row), algorithm=algorithm)


FEATURE = Feature(
    name="attribute service",
    specification="SAML Profiles §6",
    routes={entity.ATTRIBUTE_SERVICE_PATH: soap_endpoint.handler(answer)},
)
