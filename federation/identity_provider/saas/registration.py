"""A template with its values becomes a service provider with its mapping rows, or a draft."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from federation.identity_provider import registration
from federation.identity_provider.registration import Registered
from federation.identity_provider.saas.template import Filled, MappedAttribute, Signs, Template
from federation.models import ServiceProvider
from federation.saml import certificate, vocabulary
from federation.saml.metadata import endpoint
from idp.claims import mapping
from idp.claims.mapping import Row
from idp.models import Application, ClaimMapping


def columns(template: Template, filled: Filled, *, signing: str = "") -> dict[str, Any]:
    """The columns that the template decides; `signing`: its certificate, if one was given.

    Raises InvalidMetadata.
    """
    services = [
        {
            "url": endpoint.check(url, what="The assertion consumer service"),
            "binding": vocabulary.POST,
            "index": index,
            "is_default": index == 0,
        }
        for index, url in enumerate(filled.consumers)
    ]
    found: dict[str, Any] = {"assertion_consumer_services": services}
    if filled.logout:
        found["single_logout_services"] = [
            {"url": filled.logout, "binding": template.logout_binding, "response_url": ""}
        ]
    required = [one for one in template.attributes if one.required]
    found["requested_attributes"] = [
        {
            "name": one.name,
            "name_format": one.name_format,
            "friendly_name": one.friendly_name,
            "required": True,
        }
        for one in required
    ]
    if signing:
        loaded = certificate.load(signing)
        certificate.public_key(loaded)
        found["signing_certificates"] = [certificate.base64_der(loaded)]
    return found


def drafted(template: Template, filled: Filled, *, signing: str = "") -> ServiceProvider:
    """The service provider as it would be, with nothing saved. Raises InvalidMetadata."""
    values = columns(template, filled, signing=signing)
    row = registration.drafted(filled.entity_id, values, None)
    return _as_template(row, template)


@transaction.atomic
def register(
    template: Template, values: Mapping[str, str], *, signing: str, name: str, actor: str
) -> Registered:
    """Register it with its mapping rows; one that is registered keeps what was chosen for it.

    Raises InvalidMetadata.
    """
    filled = template.fill(values)
    found = columns(template, filled, signing=signing)
    done = registration.register_columns(
        filled.entity_id, found, name=name or template.title, actor=actor
    )
    if not done.created:
        return done
    _as_template(done.service_provider, template).save()
    application = done.service_provider.application
    Application.objects.filter(pk=application.pk).update(launch_url=filled.launch_url)
    ClaimMapping.objects.bulk_create(
        _row(application, one, position) for position, one in enumerate(template.rows, start=1)
    )
    return done


def _as_template(row: ServiceProvider, template: Template) -> ServiceProvider:
    row.template = template.value
    row.default_name_id_format = template.name_id_format
    row.name_id_source = template.name_id_source
    row.want_authn_requests_signed = template.signs == Signs.YES and bool(row.signing_certificates)
    return row


def mapping_rows(template: Template) -> tuple[Row, ...]:
    """Its mapping, as the release reads it."""
    nobody = Application(kind=Application.Kind.SAML)
    return mapping.stored_rows(
        [_row(nobody, one, position) for position, one in enumerate(template.rows, start=1)]
    )


def _row(application: Application, one: MappedAttribute, position: int) -> ClaimMapping:
    return ClaimMapping(
        application=application,
        position=position,
        claim=one.name,
        source=one.source,
        key=one.key,
        to_saml=True,
        name_format=one.name_format,
        friendly_name=one.friendly_name,
    )
