"""The checks of an AuthnRequest, one reason to refuse each; their order is `pipeline`'s.

A check reads the draft, fills in what it has proven, or raises. Until the assertion consumer
service is known an error is shown on a page of ours; from then on the service provider gets an
error Response.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import unquote_plus

from django.conf import settings

from federation.identity_provider import (
    authn_context,
    entity,
    evidence,
    name_ids,
    near_misses,
    requested_attributes,
    service_providers,
)
from federation.identity_provider.errors import (
    DisabledApplication,
    OutdatedMetadata,
    ReplayedRequest,
    StaleRequest,
    UnknownServiceProvider,
    UnsignedRequest,
    WrongDestination,
)
from federation.identity_provider.request import Draft
from federation.models import SeenMessage
from federation.saml import (
    assertion_consumer_service,
    authn_request,
    bindings,
    datatypes,
    errors,
    name_id,
    signature,
    vocabulary,
)
from federation.saml.metadata import attribute_consuming_service
from idp import keys
from idp.accounts import requirement

FORM = "application/x-www-form-urlencoded"
# Longer than any request is accepted, whatever the clock skew is changed to.
REMEMBERED = timedelta(hours=1)


def decoded_message(draft: Draft) -> None:
    """One SAMLRequest came, by Redirect or POST (SAML Bindings §3.4.4, §3.5.4)."""
    origin = draft.origin
    if origin.method == "GET":
        draft.message = bindings.decode_redirect(origin.query)
        return
    if origin.content_type.partition(";")[0].strip().lower() != FORM:
        draft.found(expected=FORM, received=origin.content_type[:200])
        raise errors.InvalidMessage("content_type", origin.content_type)
    names = {unquote_plus(pair.partition("=")[0]) for pair in origin.query.split("&")}
    if names.intersection(bindings.PARAMETERS):
        raise errors.InvalidMessage("parameter", "a message in the address of a POST")
    draft.message = bindings.decode_post(origin.body)


def verified_request(draft: Draft) -> None:
    """It is sound, of a registered service provider, and any signature is good (SAML Core §5)."""

    def keys_of(issuer: str) -> Sequence[signature.VerificationKey]:
        draft.service_provider = service_providers.find(issuer)
        if draft.service_provider is None:
            draft.found(
                expected="the entity ID of a registered service provider",
                received=issuer,
                suggestion="Register the service provider, or correct its entity ID: it is"
                " compared as an exact string.",
                meant=lambda: near_misses.entity_id(issuer),
            )
            raise UnknownServiceProvider("unknown_issuer", issuer)
        return draft.service_provider.signing_keys

    if draft.message is None:
        raise LookupError("no message yet: the order of the checks is wrong")
    draft.authn_request = authn_request.receive(
        draft.message, keys_of=keys_of, decryption_keys=keys.saml_decryption
    )


def enabled_application(draft: Draft) -> None:
    """The application is switched on; a disabled one gets nothing, at any entry."""
    if not draft.known.application.enabled:
        draft.found(suggestion="Enable the application in the administration.")
        raise DisabledApplication("disabled")


def current_metadata(draft: Draft) -> None:
    """Metadata that is refreshed is not used beyond its validUntil (SAML Metadata §2.3.2).

    What an administrator pasted is the administrator's word; its end is told on the overview.
    """
    ends = draft.known.row.metadata_valid_until
    if ends is None or not draft.known.is_outdated(draft.now):
        return
    draft.found(
        expected=f"metadata that is valid on {draft.now:%Y-%m-%d %H:%M}",
        received=f"valid until {ends:%Y-%m-%d %H:%M}",
        suggestion="See on the application's page why its metadata could not be refreshed.",
    )
    raise OutdatedMetadata("metadata_valid_until", f"{ends:%Y-%m-%d %H:%M}")


def demanded_signature(draft: Draft) -> None:
    """It is signed, where the service provider's requests have to be (SAML Metadata §2.4.4)."""
    if draft.known.row.want_authn_requests_signed and not draft.verified.signed:
        draft.found(
            expected="a signed AuthnRequest",
            received="one without signature",
            suggestion="Switch on signed requests in the service provider, or switch off “want"
            " AuthnRequests signed” for it here.",
        )
        raise UnsignedRequest("unsigned")


def exact_destination(draft: Draft) -> None:
    """Destination, if there, is our address; a signed request has it (SAML Bindings §3.4.5.2)."""
    expected, named = entity.single_sign_on_url(), draft.verified.destination
    if named == expected or (named is None and not draft.verified.signed):
        return
    draft.found(
        expected=expected,
        received=named or "none",
        suggestion="Give the service provider our metadata anew, or correct the address of its"
        " identity provider: it is compared as an exact string.",
    )
    raise WrongDestination("destination", named or "none")


def recent_issue_instant(draft: Draft) -> None:
    """IssueInstant is now, but for the clocks' difference (SAML Core §3.2.1)."""
    skew, issued = settings.IDP.clock_skew, draft.verified.issue_instant
    if not draft.now - skew <= issued <= draft.now + skew:
        offset = evidence.clock_offset(issued, draft.now)
        draft.found(
            expected=f"{datatypes.format_instant(draft.now)}, at most {skew} away",
            received=f"{datatypes.format_instant(issued)}, {offset}",
            suggestion="Begin again at the application. If it happens each time, its clock is"
            f" {offset}: let both follow a time server.",
        )
        raise StaleRequest("issue_instant", datatypes.format_instant(issued))


def valid_conditions(draft: Draft) -> None:
    """The request's own Conditions hold now (SAML Core §2.5.1.2)."""
    skew, request = settings.IDP.clock_skew, draft.verified
    early = request.not_before is not None and draft.now + skew < request.not_before
    late = request.not_on_or_after is not None and draft.now - skew >= request.not_on_or_after
    if early or late:
        draft.found(
            expected=f"a time that includes {datatypes.format_instant(draft.now)}",
            received=f"{request.not_before} to {request.not_on_or_after}",
        )
        raise StaleRequest("conditions", "too early" if early else "too late")


def not_seen_before(draft: Draft) -> None:
    """A signed request comes once; the insert of its ID decides (SAML Core §3.2.1)."""
    request = draft.verified
    if not request.signed:
        return
    key = hashlib.sha256(f"{request.issuer}\0{request.id}".encode()).hexdigest()
    if not SeenMessage.objects.remember(key, until=draft.now + REMEMBERED):
        draft.found(
            expected="an ID that has not been used",
            received=request.id,
            suggestion="Begin again at the application; a reloaded page repeats the request.",
        )
        raise ReplayedRequest("replay", request.id)


def registered_consumer(draft: Draft) -> None:
    """The answer goes to an address of the metadata, by its binding (SAML Core §3.4.1)."""
    services = draft.known.assertion_consumer_services
    try:
        chosen = assertion_consumer_service.choose(
            services, request=draft.verified, bindings=draft.known.bindings
        )
    except errors.UnknownAssertionConsumerService as error:
        asked = draft.verified.acs_url or ""
        draft.found(
            expected=evidence.consumers(services),
            received=error.detail,
            suggestion="Import the service provider's metadata again, or add exactly the received"
            " address to it, with the HTTP-POST binding. HTTP-Artifact needs a signing key in it.",
            meant=lambda: near_misses.address(asked, [one.url for one in services]),
        )
        raise
    draft.acs_url, draft.binding = chosen.url, chosen.binding


def possible_passive(draft: Draft) -> None:
    """Nobody can sign in anew without seeing a page (SAML Core §3.4.1)."""
    if draft.verified.force_authn and draft.verified.is_passive:
        raise errors.NoPassive("ForceAuthn and IsPassive")


def wanted_here(draft: Draft) -> None:
    """We are among the identity providers that it lists, if it does (SAML Core §3.4.1.2).

    ProxyCount limits nothing: nobody else is asked here.
    """
    scoping = draft.verified.scoping
    if scoping is None or not scoping.idp_list or not scoping.is_complete:
        return
    if entity.entity_id() not in scoping.idp_list:
        draft.found(expected=entity.entity_id(), received=", ".join(scoping.idp_list))
        raise errors.NoSupportedIDP(f"{len(scoping.idp_list)} others listed")


def known_name_id_format(draft: Draft) -> None:
    """The NameIDPolicy can be met (SAML Core §3.4.1.1); without one the Subject's format counts."""
    request = draft.verified
    policy, affiliation = request.name_id_policy, draft.known.row.name_qualifier
    try:
        name_id.check_qualifier(policy, entity_id=request.issuer, affiliation=affiliation)
        draft.name_id_format = name_id.choose_format(
            policy, supported=name_ids.askable(draft.known.row), default=_default_format(draft)
        )
    except errors.InvalidNameIDPolicy:
        draft.found(
            expected=", ".join(name_ids.askable(draft.known.row)),
            received=f"{policy.format} {policy.sp_name_qualifier}".strip() if policy else "",
            suggestion="Choose one of these formats in the service provider, and no SPNameQualifier"
            " but its own entity ID or its affiliation. An e-mail address is given where the"
            " application's mapping gives one too.",
        )
        raise
    named = (policy, request.subject)
    if affiliation and affiliation in [one.sp_name_qualifier for one in named if one is not None]:
        draft.name_qualifier = affiliation


def known_attribute_service(draft: Draft) -> None:
    """The AttributeConsumingServiceIndex names a service, where that decides (SAML Core §3.4.1)."""
    index, row = draft.verified.attribute_consuming_service_index, draft.known.row
    if index is None or not requested_attributes.is_limited(row):
        return
    services = requested_attributes.services(row)
    if attribute_consuming_service.choose(services, index=index) is None:
        draft.found(
            expected=", ".join(str(one.index) for one in services),
            received=str(index),
            suggestion="Import the service provider's metadata again: its"
            " AttributeConsumingServices say which attributes it gets.",
        )
        raise errors.RequestUnsupported(f"AttributeConsumingServiceIndex {index}")


def _default_format(draft: Draft) -> str:
    subject = draft.verified.subject
    if subject and subject.format in name_ids.SUPPORTED and subject.format != _UNSPECIFIED:
        return subject.format
    return draft.known.row.default_name_id_format


_UNSPECIFIED = vocabulary.UNSPECIFIED


def reachable_authn_context(draft: Draft) -> None:
    """A demanded authentication context can be reached here (SAML Core §3.3.2.2.1)."""
    context = draft.verified.requested_authn_context
    try:
        draft.demand = authn_context.demanded(context)
        if not requirement.is_reachable(draft.requirement()):
            raise errors.NoAuthnContext("no sign-in here reaches it")
    except errors.NoAuthnContext:
        draft.found(
            expected="a class that a sign-in here reaches",
            received=", ".join(context.class_refs) if context else "",
        )
        raise


def known_subject(draft: Draft) -> None:
    """A Subject is a person who is known to the service provider (SAML Core §3.4.1).

    Persistent and transient names are random, so looking one up tells nobody anything. Any other
    is only a hint for the sign-in page, unless it came encrypted: whoever sends it may have picked
    it up from somebody else. That it is the same person is checked when the assertion is made.
    """
    subject = draft.verified.subject
    if subject is None:
        return
    if subject.format not in name_ids.SUPPORTED:
        raise errors.UnknownPrincipal(f"nobody has a NameID of format {subject.format!r}")
    if len(subject.value) > name_id.MAX_VALUE:
        raise errors.UnknownPrincipal(f"nobody has a NameID of {len(subject.value)} characters")
    if subject.format in name_ids.RANDOM:
        user = name_ids.person_of(subject, service_provider=draft.known.row, now=draft.now)
        if user is None:
            raise errors.UnknownPrincipal(f"no such NameID of format {subject.format!r}")
        draft.subject_id = user.hex
    elif not draft.verified.subject_is_secret:
        draft.login_hint = subject.value
