"""A person met every requirement: the Response with the assertion, and what is kept of it."""

from __future__ import annotations

from federation.identity_provider import (
    entity,
    issuing,
    name_ids,
    pages,
    participation,
    pipeline,
    protection,
    refusal,
)
from federation.identity_provider.issuing import Recipient, SignedIn
from federation.identity_provider.request import SignOnRequest
from federation.saml import bindings, datatypes, errors, name_id, response
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
    """Post the assertion about the session's person to the service provider.

    `at_once`: nobody was asked anything, so what is kept for administrators may wait.
    Raises sessions.SessionEnded; answers whatever else goes wrong.
    """
    person = attributes.load(session.user_id)
    if person is None:
        raise sessions.SessionEnded
    row = sign_on.service_provider.row
    standing = participation.read(session, row)
    try:
        name = _name(sign_on, person, persistent=standing.persistent)
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
        _trace(sign_on, session, request, at_once=at_once)
    reply_to = sign_on.reply_to
    form = bindings.post_form(signed, action=reply_to.acs_url, relay_state=reply_to.relay_state)
    return pages.form_post(form, application=row.application)


def _name(sign_on: SignOnRequest, person: Person, *, persistent: str | None) -> NameID:
    """The NameID, which must be the one asked for, if one was (SAML Core §3.3.4)."""
    row = sign_on.service_provider.row
    name = name_ids.of(sign_on.name_id_format, person, service_provider=row, persistent=persistent)
    if sign_on.subject is not None and not name_id.matches(sign_on.subject, name):
        raise errors.UnknownPrincipal("another person is signed in")
    return name


def _assertion(
    sign_on: SignOnRequest,
    session: Session,
    person: Person,
    name: NameID,
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
        released=issuing.release_for(row, person, signed_in=signed_in, rows=rows),
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


def _trace(sign_on: SignOnRequest, session: Session, request: Request, *, at_once: bool) -> None:
    """Keep the attempt for administrators; without a page at most once a minute."""
    audit.trace(
        protocol=refusal.PROTOCOL,
        result="success",
        reason="signed in already" if at_once else "",
        request=request,
        user=session.user,
        application=sign_on.service_provider.application,
        received=dict(sign_on.received),
        trace=pipeline.passed(),
        later=at_once,
    )
