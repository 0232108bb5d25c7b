"""The ArtifactResolutionService: artifact in, message out, once (SAML Profiles §5, Core §3.5).

An artifact that is unknown, used, expired or made for another service provider gets an answer
without a message, which says neither.
"""

from __future__ import annotations

from federation.identity_provider import (
    artifacts,
    back_channel,
    entity,
    protection,
    refusal,
    soap_endpoint,
)
from federation.identity_provider.back_channel import Asked
from federation.saml import artifact_resolve, errors, xml
from idp import audit
from idp.features import Feature
from idp.protocol.message import Request

ACTION = "saml.artifact_resolved"
SUGGESTION = (
    "An artifact works once, for one minute, for the service provider that it was made for. Let it"
    " resolve the artifact at once, and only once."
)


def resolve(element: xml.Element, request: Request) -> xml.Element:
    """Answer an ArtifactResolve by a signed ArtifactResponse. Raises SamlError."""
    asked = back_channel.receive(
        element,
        request,
        name=artifact_resolve.NAME,
        destination=entity.artifact_resolution_url(),
    )
    row = asked.service_provider.row
    return artifact_resolve.build_response(
        _message(asked, request),
        issuer=entity.entity_id(),
        in_response_to=asked.id,
        issue_instant=request.now,
        key=entity.signing_key(row),
        algorithm=protection.algorithm(row),
    )


def _message(asked: Asked, request: Request) -> bytes | None:
    application = asked.service_provider.application
    try:
        text = artifact_resolve.artifact(asked.element)
        message = artifacts.take(text, service_provider=asked.service_provider.row, now=request.now)
    except errors.InvalidMessage as error:
        received = {"binding": "SOAP", "ID": asked.id, "Issuer": asked.service_provider.entity_id}
        refusal.note(
            error, request, application=application, received=received, suggestion=SUGGESTION
        )
        return None
    audit.buffer(
        ACTION, request=request, application=application, details={"in_response_to": asked.id}
    )
    return message


FEATURE = Feature(
    name="artifact resolution",
    specification="SAML Bindings §3.6",
    routes={entity.ARTIFACT_RESOLUTION_PATH: soap_endpoint.handler(resolve)},
)
