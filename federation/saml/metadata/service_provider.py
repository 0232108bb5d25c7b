"""A service provider's metadata, as an administrator imports it (SAML Metadata §2.4.4).

Reads one entity of what was pasted or uploaded into a typed value, with warnings for what an
administrator should know. What is missing never weakens anything: a key without `use` serves both
purposes, and a flag that is not there says nothing about what we demand.
Metadata of real service providers breaks the schema in harmless ways (order of elements), so
that is a warning; every element is read by its exact place. Fetches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from federation.saml import (
    datatypes,
    encryption,
    errors,
    signature,
    signature_profile,
    vocabulary,
    xml,
)
from federation.saml.assertion_consumer_service import AssertionConsumerService
from federation.saml.metadata import (
    attribute_consuming_service,
    endpoint,
    entity_attributes,
    presentation,
    role_keys,
)
from federation.saml.metadata.attribute_consuming_service import (
    AttributeConsumingService,
    RequestedAttribute,
)

MAX_ENTITY_ID = 1_024
# As much of a document as tells what kind it is.
BEGINNING = 200

_ENTITIES = vocabulary.name("md:EntitiesDescriptor")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceProviderMetadata:
    """What the metadata says. Certificates: base64 DER, checked for strength.

    `requested_attributes`: those of the default one of `attribute_consuming_services`.
    `digest_methods`, `signing_methods`: algorithm support, empty if not said.
    `warnings`: sentences for the administrator.
    """

    entity_id: str
    assertion_consumer_services: tuple[AssertionConsumerService, ...]
    name_id_formats: tuple[str, ...] = ()
    signing_certificates: tuple[str, ...] = ()
    encryption_certificates: tuple[str, ...] = ()
    encryption_methods: tuple[encryption.EncryptionMethod, ...] = ()
    authn_requests_signed: bool = False
    want_assertions_signed: bool = False
    single_logout_services: tuple[endpoint.SingleLogoutService, ...] = ()
    requested_attributes: tuple[RequestedAttribute, ...] = ()
    attribute_consuming_services: tuple[AttributeConsumingService, ...] = ()
    entity_attributes: tuple[entity_attributes.EntityAttribute, ...] = ()
    display_name: str = ""
    description: str = ""
    logo_url: str = ""
    contacts: tuple[presentation.Contact, ...] = ()
    organization: presentation.Organization | None = None
    digest_methods: tuple[str, ...] = ()
    signing_methods: tuple[str, ...] = ()
    valid_until: datetime | None = None
    cache_duration: timedelta | None = None
    warnings: tuple[str, ...] = ()


def entity_ids(data: bytes) -> tuple[str, ...]:
    """Return the entity IDs of all service providers in the document. Raises InvalidMetadata."""
    try:
        return tuple(service_providers(_parse(data)))
    except errors.InvalidMessage as error:
        raise unreadable(error) from error


def parse(
    data: bytes,
    *,
    now: datetime,
    entity_id: str | None = None,
    signing_keys: Sequence[signature.VerificationKey] = (),
) -> ServiceProviderMetadata:
    """Return the metadata of one service provider.

    `entity_id`: which one, where there are several. `signing_keys`: if given, the document or the
    chosen entity must be signed by one of them, and only the verified element is read.
    Raises InvalidMetadata, SeveralEntities.
    """
    try:
        root = _parse(data)
        entity = _choose(service_providers(root), entity_id)
        if signing_keys:
            _verify(root, entity, signing_keys)
        return _read(root, entity, now=now)
    except errors.InvalidMessage as error:
        raise unreadable(error) from error


def unreadable(error: errors.InvalidMessage) -> errors.InvalidMetadata:
    """Return what was wrong with a document as an administrator reads it."""
    return errors.InvalidMetadata(error.check, f"The metadata cannot be read: {error.detail}")


def _parse(data: bytes) -> xml.Element:
    refuse_web_page(data[:BEGINNING])
    return metadata_root(xml.parse(data, limits=xml.METADATA))


def refuse_web_page(beginning: bytes) -> None:
    """Raise InvalidMetadata for what an address gives that wants a sign-in, or is not right."""
    if beginning.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise errors.InvalidMetadata("web_page", "This is a web page (HTML), not SAML metadata.")


def metadata_root(root: xml.Element) -> xml.Element:
    """Return `root` if it is one that metadata has. Raises InvalidMetadata."""
    if root.tag not in (vocabulary.name("md:EntityDescriptor"), _ENTITIES):
        raise errors.InvalidMetadata(
            "metadata_root", "This is not SAML metadata: its root is no EntityDescriptor."
        )
    return root


def _entities(root: xml.Element) -> list[xml.Element]:
    """Return every EntityDescriptor, however deep the groups are nested."""
    if root.tag != _ENTITIES:
        return [root]
    found = xml.children(root, "md:EntityDescriptor")
    for group in xml.children(root, "md:EntitiesDescriptor"):
        found += _entities(group)
    return found


def service_providers(root: xml.Element) -> dict[str, xml.Element]:
    """Return the entities that are SAML 2.0 service providers, by entity ID.

    Raises InvalidMetadata where one is described twice: which one counts would be chance.
    """
    found: dict[str, xml.Element] = {}
    for entity in _entities(root):
        if not roles_of(entity):
            continue
        identifier = identifier_of(entity)
        if not 0 < len(identifier) <= MAX_ENTITY_ID or not identifier.isprintable():
            raise errors.InvalidMetadata(
                "entity_id", "An entityID is missing, too long or unprintable."
            )
        if identifier in found:
            raise errors.InvalidMetadata(
                "duplicate_entity", f"The metadata describes {identifier[:200]!r} twice."
            )
        found[identifier] = entity
    if not found:
        raise errors.InvalidMetadata(
            "no_service_provider", "The metadata describes no SAML 2.0 service provider."
        )
    return found


def identifier_of(entity: xml.Element) -> str:
    """Return the entity ID without the white space around it."""
    identifier: str = entity.get("entityID", "")
    return identifier.strip(datatypes.WHITE_SPACE)


def roles_of(entity: xml.Element) -> list[xml.Element]:
    """Return the roles of a SAML 2.0 service provider that the entity has."""
    return [
        role
        for role in xml.children(entity, "md:SPSSODescriptor")
        if vocabulary.SAMLP in role.get("protocolSupportEnumeration", "").split()
    ]


def _choose(providers: dict[str, xml.Element], entity_id: str | None) -> xml.Element:
    if entity_id is not None:
        if entity_id not in providers:
            raise errors.InvalidMetadata(
                "unknown_entity", f"The metadata does not describe {entity_id[:200]!r}."
            )
        return providers[entity_id]
    if len(providers) > 1:
        raise errors.SeveralEntities(tuple(providers))
    return next(iter(providers.values()))


def _verify(
    root: xml.Element, entity: xml.Element, keys: Sequence[signature.VerificationKey]
) -> None:
    """Verify the signature over the document or over the chosen entity (SAML Metadata §3)."""
    verify(root if signature.is_signed(root) else entity, keys=keys)


def verify(element: xml.Element, *, keys: Sequence[signature.VerificationKey]) -> None:
    """Verify the signature over `element` (SAML Metadata §3). Raises InvalidMetadata."""
    try:
        signature.verify(element, keys=keys)
    except errors.InvalidSignature as error:
        raise errors.InvalidMetadata(
            error.check, f"The metadata is not signed by the expected key: {error.detail}"
        ) from error


def _read(root: xml.Element, entity: xml.Element, *, now: datetime) -> ServiceProviderMetadata:
    roles = roles_of(entity)
    if len(roles) > 1:
        raise errors.InvalidMetadata("several_roles", "The entity has several SPSSODescriptors.")
    role = roles[0]
    keys = role_keys.read(role, now=now)
    services = endpoint.assertion_consumer_services(role)
    attribute_services = attribute_consuming_service.read(role)
    asked = attribute_consuming_service.choose(attribute_services)
    requests_signed = datatypes.boolean(role.get("AuthnRequestsSigned"))
    signing_methods = _algorithms(entity, role, "alg:SigningMethod")
    warnings = (
        *_schema_warnings(root),
        *keys.warnings,
        *endpoint.warnings(services),
        *_artifact_warnings(services, keys=keys),
        *_signing_warnings(signing_methods, requests_signed=requests_signed, keys=keys),
    )
    return ServiceProviderMetadata(
        entity_id=identifier_of(entity),
        assertion_consumer_services=services,
        name_id_formats=tuple(xml.token(one) for one in xml.children(role, "md:NameIDFormat")),
        signing_certificates=keys.signing_certificates,
        encryption_certificates=keys.encryption_certificates,
        encryption_methods=keys.encryption_methods,
        authn_requests_signed=requests_signed,
        want_assertions_signed=datatypes.boolean(role.get("WantAssertionsSigned")),
        single_logout_services=endpoint.single_logout_services(role),
        requested_attributes=asked.attributes if asked is not None else (),
        attribute_consuming_services=attribute_services,
        entity_attributes=entity_attributes.read(entity),
        display_name=presentation.display_name(entity, role),
        description=presentation.description(role),
        logo_url=presentation.logo_url(role),
        contacts=presentation.contacts(entity),
        organization=presentation.organization(entity),
        digest_methods=_algorithms(entity, role, "alg:DigestMethod"),
        signing_methods=signing_methods,
        valid_until=earliest_end((root, entity, role), now=now),
        cache_duration=shortest_duration((root, entity, role)),
        warnings=warnings,
    )


def _schema_warnings(root: xml.Element) -> list[str]:
    problem = xml.schema_error(root, schema="metadata")
    return [f"The metadata breaks the SAML schema: {problem}"] if problem else []


def _artifact_warnings(
    services: Sequence[AssertionConsumerService], *, keys: role_keys.RoleKeys
) -> list[str]:
    """Say that somebody without a key cannot fetch what an artifact stands for."""
    if keys.signing_certificates or any(one.binding == vocabulary.POST for one in services):
        return []
    return [
        "It takes responses by HTTP-Artifact alone, but has no signing key to fetch them with:"
        " nobody can sign in."
    ]


def _signing_warnings(
    methods: tuple[str, ...], *, requests_signed: bool, keys: role_keys.RoleKeys
) -> list[str]:
    found = []
    if requests_signed and not keys.signing_certificates:
        found.append(
            "It says that its requests are signed, but has no signing key: they will be refused."
        )
    if methods and not set(methods).intersection(signature_profile.SIGNATURE_ALGORITHMS):
        found.append("It lists only signature algorithms that are not used here.")
    return found


def _algorithms(entity: xml.Element, role: xml.Element, name: str) -> tuple[str, ...]:
    """Return what the role says of algorithms, else what the entity says (IIP-MD10)."""
    for holder in (role, entity):
        extensions = xml.child(holder, "md:Extensions")
        if extensions is not None and (listed := xml.children(extensions, name)):
            return tuple(one.get("Algorithm", "") for one in listed)
    return ()


def earliest_end(holders: Sequence[xml.Element], *, now: datetime) -> datetime | None:
    """Return the earliest validUntil that applies; what has passed is refused.

    Raises InvalidMetadata, InvalidMessage.
    """
    found = [one.get("validUntil") for one in holders if one.get("validUntil") is not None]
    if not found:
        return None
    earliest = min(datatypes.instant(one) for one in found)
    if earliest <= now:
        raise errors.InvalidMetadata(
            "valid_until",
            f"The metadata was valid until {datatypes.format_instant(earliest)}: get it anew.",
        )
    return earliest


def shortest_duration(holders: Sequence[xml.Element]) -> timedelta | None:
    """Return the shortest cacheDuration there is (SAML Metadata §4.3). Raises InvalidMessage."""
    found = [one.get("cacheDuration") for one in holders if one.get("cacheDuration") is not None]
    return min((datatypes.duration(one) for one in found), default=None)
