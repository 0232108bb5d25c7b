"""The AuthnRequest of a service provider, from its octets to a typed value (SAML Core §3.4.1).

`receive` is the one way in: parse once, validate, inspect and verify signatures, then read the
verified element only. What it means (is this Destination ours, this assertion consumer service
registered, this ID new) is decided in `federation.identity_provider`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from federation.saml import (
    bindings,
    datatypes,
    errors,
    name_id,
    protocol_message,
    xml,
)
from federation.saml import subject as subjects
from federation.saml.protocol_message import KeysOf

NAME = "samlp:AuthnRequest"


@dataclass(frozen=True, slots=True)
class RequestedAuthnContext:
    """The authentication asked for, in order of preference (SAML Core §3.3.2.2.1)."""

    comparison: str
    class_refs: tuple[str, ...] = ()
    declaration_refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scoping:
    """Who else may be involved (SAML Core §3.4.1.2). `proxy_count` None: not limited.

    `is_complete`: False where the rest of the list is said to be elsewhere (GetComplete).
    """

    proxy_count: int | None = None
    idp_list: tuple[str, ...] = ()
    requester_ids: tuple[str, ...] = ()
    is_complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthnRequest:
    """An AuthnRequest. None: the request does not say. `signed`: a signature was verified.

    `subject_is_secret`: it came encrypted, for nobody's eyes but ours.
    """

    id: str
    issuer: str
    issue_instant: datetime
    signed: bool
    destination: str | None = None
    acs_url: str | None = None
    acs_index: int | None = None
    protocol_binding: str | None = None
    attribute_consuming_service_index: int | None = None
    provider_name: str | None = None
    force_authn: bool = False
    is_passive: bool = False
    name_id_policy: name_id.NameIDPolicy | None = None
    requested_authn_context: RequestedAuthnContext | None = None
    subject: name_id.NameID | None = None
    subject_is_secret: bool = False
    not_before: datetime | None = None
    not_on_or_after: datetime | None = None
    scoping: Scoping | None = None


def receive(
    message: bindings.Message,
    *,
    keys_of: KeysOf,
    decryption_keys: subjects.DecryptionKeys = subjects.no_keys,
) -> AuthnRequest:
    """Return the request in `message`, its signature verified if it has one.

    Whether one without signature is good enough is the caller's to decide by `signed`.
    `keys_of`: see `protocol_message`. `decryption_keys`: asked for only where something was
    encrypted to us. Raises InvalidMessage, InvalidSignature.
    """
    received = protocol_message.receive(message, name=NAME, keys_of=keys_of)
    return read(received.element, signed=received.signed, decryption_keys=decryption_keys)


def read(
    element: xml.Element,
    *,
    signed: bool,
    decryption_keys: subjects.DecryptionKeys = subjects.no_keys,
) -> AuthnRequest:
    """Return the typed request from the verified element. Raises InvalidMessage.

    Nothing is decrypted for a stranger: only where a signature was verified.
    """
    not_before, not_on_or_after = _conditions(element)
    request = AuthnRequest(
        id=element.get("ID"),
        issuer=protocol_message.issuer(element),
        issue_instant=datatypes.instant(element.get("IssueInstant")),
        signed=signed,
        destination=element.get("Destination"),
        acs_url=element.get("AssertionConsumerServiceURL"),
        acs_index=_index(element, "AssertionConsumerServiceIndex"),
        protocol_binding=element.get("ProtocolBinding"),
        attribute_consuming_service_index=_index(element, "AttributeConsumingServiceIndex"),
        provider_name=element.get("ProviderName"),
        force_authn=datatypes.boolean(element.get("ForceAuthn")),
        is_passive=datatypes.boolean(element.get("IsPassive")),
        name_id_policy=_name_id_policy(element),
        requested_authn_context=_requested_authn_context(element),
        subject=_subject(element, decryption_keys if signed else subjects.no_keys),
        subject_is_secret=_is_secret(element),
        not_before=not_before,
        not_on_or_after=not_on_or_after,
        scoping=_scoping(element),
    )
    _check_exclusive(request)
    return request


def _check_exclusive(request: AuthnRequest) -> None:
    """The index excludes URL and binding (SAML Core §3.4.1)."""
    named = request.acs_url is not None or request.protocol_binding is not None
    if request.acs_index is not None and named:
        raise errors.InvalidMessage(
            "acs_exclusive", "AssertionConsumerServiceIndex beside a URL or ProtocolBinding"
        )


def _index(element: xml.Element, name: str) -> int | None:
    """Return an xs:unsignedShort, which the schema has checked."""
    value = element.get(name)
    return None if value is None else int(value)


def _name_id_policy(element: xml.Element) -> name_id.NameIDPolicy | None:
    policy = xml.child(element, "samlp:NameIDPolicy")
    if policy is None:
        return None
    said = policy.get("AllowCreate")
    return name_id.NameIDPolicy(
        format=policy.get("Format", ""),
        sp_name_qualifier=policy.get("SPNameQualifier", ""),
        allow_create=datatypes.boolean(said) if said is not None else None,
    )


def _requested_authn_context(element: xml.Element) -> RequestedAuthnContext | None:
    context = xml.child(element, "samlp:RequestedAuthnContext")
    if context is None:
        return None
    return RequestedAuthnContext(
        comparison=context.get("Comparison", "exact"),
        class_refs=_tokens(context, "saml:AuthnContextClassRef"),
        declaration_refs=_tokens(context, "saml:AuthnContextDeclRef"),
    )


def _tokens(element: xml.Element, name: str) -> tuple[str, ...]:
    return tuple(xml.token(child) for child in xml.children(element, name))


def _subject(
    element: xml.Element, decryption_keys: subjects.DecryptionKeys
) -> name_id.NameID | None:
    """Return the person asked for by a NameID, plain or encrypted (SAML Profiles §4.1.4.1).

    A SubjectConfirmation should not be there; OneLogin's toolkits send one, which says nothing.
    """
    subject = xml.child(element, "saml:Subject")
    if subject is None:
        return None
    return subjects.read(subject, keys=decryption_keys)


def _is_secret(element: xml.Element) -> bool:
    subject = xml.child(element, "saml:Subject")
    return subject is not None and xml.child(subject, "saml:EncryptedID") is not None


def _conditions(element: xml.Element) -> tuple[datetime | None, datetime | None]:
    conditions = xml.child(element, "saml:Conditions")
    if conditions is None:
        return None, None
    begin, end = conditions.get("NotBefore"), conditions.get("NotOnOrAfter")
    return (
        None if begin is None else datatypes.instant(begin),
        None if end is None else datatypes.instant(end),
    )


def _scoping(element: xml.Element) -> Scoping | None:
    scoping = xml.child(element, "samlp:Scoping")
    if scoping is None:
        return None
    count = scoping.get("ProxyCount")
    listed = xml.child(scoping, "samlp:IDPList")
    entries = [] if listed is None else xml.children(listed, "samlp:IDPEntry")
    return Scoping(
        proxy_count=None if count is None else int(count),
        idp_list=tuple(entry.get("ProviderID") for entry in entries),
        requester_ids=_tokens(scoping, "samlp:RequesterID"),
        is_complete=listed is None or xml.child(listed, "samlp:GetComplete") is None,
    )
