"""A person met every requirement: the Response with the assertion, and what is kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from federation.identity_provider import (
    delivery,
    entity,
    issuing,
    name_ids,
    participation,
    pipeline,
    protection,
    refusal,
    sent,
)
from federation.identity_provider.issuing import Recipient, SignedIn
from federation.identity_provider.participation import Standing
from federation.identity_provider.request import SignOnRequest
from federation.saml import datatypes, errors, name_id, response, vocabulary
from federation.saml.assertion import Assertion
from federation.saml.name_id import NameID
from idp import audit
from idp.accounts import session as sessions
from idp.claims import applications, attributes
from idp.claims.person import Person
from idp.models import Session
from idp.protocol.message import Request, Response

ACTION = "saml.response"


def answer(
    sign_on: SignOnRequest, session: Session, request: Request, *, at_once: bool
) -> Response:
    """Send the assertion about the session's person to the service provider.

    `at_once`: nobody was asked anything, so what is kept for administrators may wait.
    Raises sessions.SessionEnded; answers whatever else goes wrong.
    """
    person = attributes.load(session.user_id)
    if person is None:
        raise sessions.SessionEnded
    row = sign_on.service_provider.row
    standing = participation.read(session, row, qualifier=sign_on.name_qualifier)
    try:
        name = _name(sign_on, person, standing)
        how = protection.of(row)
        index = participation.note(session, row, standing, now=request.now)
        content = _assertion(sign_on, session, person, name, session_index=index, request=request)
        response_id = datatypes.new_id()
        signed = response.build_signed_response(content, protection=how, response_id=response_id)
    except errors.SamlError as error:
        return refusal.fail(sign_on, error, request, user=session.user)
    participation.keep(index, name, standing)
    _audit(sign_on, session, request, content, response_id=response_id)
    if not (at_once and standing.is_noted(now=request.now)):
        issued = sent.facts(row, content, protection=how, xml=signed)
        _trace(sign_on, session, request, issued, at_once=at_once)
    return delivery.send(signed, sign_on.reply_to, row, session=session, now=request.now)


def _name(sign_on: SignOnRequest, person: Person, standing: Standing) -> NameID | None:
    """The NameID, which must be the one asked for, if one was (SAML Core §3.3.4)."""
    wanted = sign_on.subject
    known = wanted is not None and standing.name == (wanted.value, vocabulary.TRANSIENT)
    name = name_ids.of(
        sign_on.name_id_format,
        person,
        service_provider=sign_on.service_provider.row,
        qualifier=sign_on.name_qualifier,
        persistent=standing.persistent,
        transient=wanted.value if wanted is not None and known else "",
        may_create=sign_on.may_create,
    )
    if wanted is not None and (name is None or not name_id.matches(wanted, name)):
        raise errors.UnknownPrincipal("another person is signed in")
    return name


def _assertion(
    sign_on: SignOnRequest,
    session: Session,
    person: Person,
    name: NameID | None,
    *,
    session_index: str,
    request: Request,
) -> Assertion:
    row, reply_to = sign_on.service_provider.row, sign_on.reply_to
    signed_in = SignedIn(
        authenticated_at=session.authenticated_at,
        acr=session.acr,
        amr=tuple(session.amr),
        session_index=session_index,
        ends_at=session.expires_at,
    )
    rows = applications.rows(row.application)
    return issuing.assertion_for(
        row,
        name_id=name,
        released=issuing.release_for(
            row, person, signed_in=signed_in, rows=rows, service_index=sign_on.attribute_service
        ),
        signed_in=signed_in,
        recipient=Recipient(acs_url=reply_to.acs_url, in_response_to=reply_to.in_response_to),
        now=request.now,
        demand=sign_on.demand,
    )


def _audit(
    sign_on: SignOnRequest,
    session: Session,
    request: Request,
    content: Assertion,
    *,
    response_id: str,
) -> None:
    """Every signature by its IDs: an assertion seen elsewhere that is not here is not ours."""
    audit.buffer(
        ACTION,
        request=request,
        user=session.user,
        application=sign_on.service_provider.application,
        session_id=session.pk,
        details={
            "response_id": response_id,
            "assertion_id": content.id,
            "in_response_to": content.in_response_to,
            "recipient": content.recipient,
            "signing_key": entity.signing_kid(sign_on.service_provider.row),
            "authn_context": content.authn_context_class_ref,
            "attributes": [one.name for one in content.attributes],
        },
    )


def _trace(
    sign_on: SignOnRequest,
    session: Session,
    request: Request,
    issued: Mapping[str, Any],
    *,
    at_once: bool,
) -> None:
    """Keep the attempt for administrators; without a page at most once a minute."""
    audit.trace(
        protocol=refusal.PROTOCOL,
        result="success",
        reason="signed in already" if at_once else "",
        request=request,
        user=session.user,
        application=sign_on.service_provider.application,
        received=sign_on.whole(),
        trace=pipeline.passed(sign_on),
        sent=dict(issued),
        later=at_once,
    )
