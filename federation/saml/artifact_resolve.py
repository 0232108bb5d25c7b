"""ArtifactResolve of a service provider, and the ArtifactResponse to it (SAML Core §3.5)."""

from __future__ import annotations

from datetime import datetime

from federation.saml import datatypes, signature, status_response, vocabulary, xml

NAME = "samlp:ArtifactResolve"


def artifact(element: xml.Element) -> str:
    """Return the Artifact of the verified element, which the schema demands. Not decoded yet."""
    return xml.token(xml.child(element, "samlp:Artifact"))


def build_response(
    message: bytes | None,
    *,
    issuer: str,
    in_response_to: str,
    issue_instant: datetime,
    key: signature.SigningKey,
    algorithm: str | None = None,
) -> xml.Element:
    """Return the signed ArtifactResponse, with the message in it if there is one (§3.5.2).

    `message`: signed by itself already. None, for an artifact that is not known or not for the
    requester: "success" without anything, as §3.5.3 has it.
    """
    response = status_response.new(
        "samlp:ArtifactResponse",
        identifier=datatypes.new_id(),
        issuer=issuer,
        destination=None,
        in_response_to=in_response_to,
        issue_instant=issue_instant,
    )
    status_response.add_status(response, (vocabulary.SUCCESS,))
    if message is not None:
        response.append(xml.parse(message, limits=xml.METADATA))
    signature.sign(response, key=key, algorithm=algorithm)
    return response
