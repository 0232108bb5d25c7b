"""The Response to an AuthnRequest: signed, perhaps encrypted, or an error (SAML Core §3.3.3).

Exactly one assertion in a success, none in an error. Order: the assertion is signed, then
encrypted, then the Response around it is signed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from federation.saml import (
    assertion,
    attribute_assertion,
    datatypes,
    encryption,
    errors,
    signature,
    status_response,
    vocabulary,
    xml,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """How a Response is signed and encrypted for one service provider.

    `algorithm`: a signature algorithm of our list, None for the key's usual one.
    `encrypt_to`: None sends the assertion in the clear.
    """

    key: signature.SigningKey
    sign_response: bool = True
    sign_assertion: bool = True
    algorithm: str | None = None
    encrypt_to: encryption.EncryptionKey | None = None

    def __post_init__(self) -> None:
        """Refuse to send an assertion without any signature (SAML Profiles §4.1.4.5)."""
        if not (self.sign_response or self.sign_assertion):
            raise errors.InvalidContent("unsigned", "neither response nor assertion is signed")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorResponse:
    """A Response that says why there is no assertion (SAML Core §3.2.2).

    `status`: a top-level status code and perhaps the code inside it, as in errors.StatusError.
    `message`: for the service provider's log; nothing secret.
    """

    issuer: str
    destination: str | None
    in_response_to: str | None
    issue_instant: datetime
    status: tuple[str, ...]
    message: str = ""
    id: str = field(default_factory=datatypes.new_id)


def build_signed_response(
    content: assertion.Assertion, *, protection: Protection, response_id: str | None = None
) -> bytes:
    """Return the Response that carries `content`, signed and encrypted as `protection` says.

    Destination is the assertion's recipient. `response_id`: where the caller wants to know it.
    Raises InvalidContent.
    """
    response = status_response.new(
        "samlp:Response",
        identifier=response_id or datatypes.new_id(),
        issuer=content.issuer,
        destination=content.recipient,
        in_response_to=content.in_response_to,
        issue_instant=content.issue_instant,
    )
    status_response.add_status(response, (vocabulary.SUCCESS,))
    _append(response, assertion.build(content), protection)
    if protection.sign_response:
        signature.sign(response, key=protection.key, algorithm=protection.algorithm)
    return xml.serialise(response)


def _append(response: xml.Element, element: xml.Element, protection: Protection) -> None:
    """Append an assertion, signed and encrypted as it should be."""
    if protection.sign_assertion:
        signature.sign(element, key=protection.key, algorithm=protection.algorithm)
    if protection.encrypt_to is not None:
        element = encryption.encrypt(element, key=protection.encrypt_to)
    response.append(element)


def answer_query(
    content: attribute_assertion.AttributeAssertion | None,
    *,
    issuer: str,
    in_response_to: str,
    issue_instant: datetime,
    protection: Protection,
) -> xml.Element:
    """Return the Response to an AttributeQuery, signed, to go back in the same connection.

    `content`: None where there is nothing to tell. Raises InvalidContent.
    """
    response = status_response.new(
        "samlp:Response",
        identifier=datatypes.new_id(),
        issuer=issuer,
        destination=None,
        in_response_to=in_response_to,
        issue_instant=issue_instant,
    )
    status_response.add_status(response, (vocabulary.SUCCESS,))
    if content is not None:
        _append(response, attribute_assertion.build(content), protection)
    signature.sign(response, key=protection.key, algorithm=protection.algorithm)
    return response


def build_error_response(
    content: ErrorResponse, *, key: signature.SigningKey, algorithm: str | None = None
) -> bytes:
    """Return the signed error Response as octets. Raises InvalidContent."""
    return xml.serialise(error_response(content, key=key, algorithm=algorithm))


def error_response(
    content: ErrorResponse, *, key: signature.SigningKey, algorithm: str | None = None
) -> xml.Element:
    """Return the signed error Response. Raises InvalidContent."""
    response = status_response.new(
        "samlp:Response",
        identifier=content.id,
        issuer=content.issuer,
        destination=content.destination,
        in_response_to=content.in_response_to,
        issue_instant=content.issue_instant,
    )
    status_response.add_status(response, content.status, content.message)
    signature.sign(response, key=key, algorithm=algorithm)
    return response
