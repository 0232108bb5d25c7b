"""The SAML assertion of the preview, built by the functions that sign-on uses."""

from __future__ import annotations

import copy
import uuid
from dataclasses import replace
from typing import Any

from federation.identity_provider import issuing, name_ids, protection, service_providers
from federation.identity_provider.issuing import Recipient, SignedIn
from federation.models import ServiceProvider
from federation.saml import assertion, assertion_consumer_service, errors, response, xml
from idp.admin import halves, kinds, preview
from idp.admin.halves import Half
from idp.admin.preview import Case, NothingIssued, Shown, Target
from idp.claims import attributes
from idp.claims.release import Release

ACR, AMR = "pwd", ("pwd",)
CHOICES: dict[str, Any] = {
    "attribute_release": ServiceProvider.AttributeRelease,
    "subject_identifier": ServiceProvider.SubjectIdentifier,
}
ENCRYPTED = "Sent encrypted to the service provider's key; shown here as it reads inside."
CLEAR = "Sent in the clear inside the browser's form, signed."


def signed_in(case: Case) -> SignedIn:
    """A sign-in of just now; the SessionIndex stays the same while somebody types."""
    return SignedIn(
        authenticated_at=case.now,
        acr=ACR,
        amr=AMR,
        session_index=uuid.uuid5(case.application.pk, "preview").hex,
    )


def released(case: Case) -> Release:
    """The attributes and why."""
    if case.user is None:
        raise NothingIssued("SAML knows no machines: somebody has to sign in.")
    return issuing.release_for(
        case.half, attributes.of(case.user), signed_in=signed_in(case), rows=case.rows
    )


def show(case: Case) -> Shown:
    """The assertion as XML, and the size of the whole signed Response."""
    decision = released(case)
    provider: ServiceProvider = case.half
    if case.user is None or not case.user.is_active:
        raise NothingIssued(f"{case.user} is disabled: nothing is issued.")
    try:
        content = _assertion(case, decision)
        sent = response.build_signed_response(content, protection=protection.of(provider))
    except errors.SamlError as error:
        raise NothingIssued(f"{error.check}: {error.detail or error.description}") from error
    encrypted = service_providers.encryption_key(provider) is not None
    note = ENCRYPTED if encrypted else CLEAR
    return Shown(readable(content), len(sent), decision.reasons, note)


def _assertion(case: Case, decision: Release) -> Any:
    provider: ServiceProvider = case.half
    services = service_providers.assertion_consumer_services(provider)
    bindings = service_providers.RESPONSE_BINDINGS
    acs = assertion_consumer_service.choose(services, request=None, bindings=bindings)
    person = attributes.of(case.user)  # type: ignore[arg-type]  # show() has looked
    name_id = name_ids.foreseen(provider.default_name_id_format, person, service_provider=provider)
    drawn = issuing.assertion_for(
        provider,
        name_id=name_id,
        released=decision,
        signed_in=signed_in(case),
        recipient=Recipient(acs_url=acs.url),
        now=case.now,
    )
    return replace(drawn, id=issuing.PREVIEW_ID)


def readable(content: assertion.Assertion) -> str:
    """The assertion as XML with line breaks, before it is signed and encrypted."""
    return xml.serialise(assertion.build(content), pretty=True).decode().strip()


def values(case: Case) -> dict[str, Any]:
    """The attributes by their names, for many people."""
    return {one.name: list(one.values) for one in released(case).attributes}


def find(application_id: Any) -> ServiceProvider | None:
    """The service provider of an application, with its rows and groups."""
    return (
        ServiceProvider.objects.select_related("application")
        .defer("application__logo", "metadata_xml")
        .prefetch_related("application__mappings", "application__allowed_groups")
        .filter(application_id=application_id)
        .first()
    )


def draw(saved: ServiceProvider, data: Any) -> ServiceProvider:
    """The service provider with its NameID and its choice of attributes as they are being typed."""
    drawn = copy.copy(saved)
    chosen = data.get("service_provider-0-default_name_id_format")
    if chosen in (*name_ids.SUPPORTED, name_ids.NONE):
        drawn.default_name_id_format = chosen
    source = data.get("service_provider-0-name_id_source")
    if source:
        drawn.name_id_source = source
    for name, choices in CHOICES.items():
        chosen = data.get(f"service_provider-0-{name}")
        if chosen in choices.values:
            setattr(drawn, name, chosen)
    return drawn


halves.register(Half(ServiceProvider, find, draw))
preview.register(Target("assertion", "SAML assertion", kinds.SAML, show, values, budget=False))
