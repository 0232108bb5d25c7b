"""Why a request gets a page here and nothing is sent: codes and words for the person who sees it.

Whatever is wrong with the message itself looks the same from outside (`UNCLEAR`); what is wrong
between two configurations is said, so that it can be put right.
"""

from __future__ import annotations

from typing import ClassVar

from federation.saml import errors, vocabulary

UNCLEAR = "invalid_request"
UNCLEAR_WORDS = "The application that sent you here asked in a way that cannot be answered."


class NotAnswered(errors.SamlError):
    """A request that is well formed, but may not be answered."""

    code: ClassVar[str] = UNCLEAR
    happened: ClassVar[str] = UNCLEAR_WORDS


class UnknownServiceProvider(NotAnswered):
    """The Issuer is not registered here."""

    code = "unknown_service_provider"
    happened = "The application that sent you here is not known to this service."
    description = "No service provider of this entity ID is registered."


class DisabledApplication(NotAnswered):
    """The application has been switched off."""

    code = "disabled_application"
    happened = "The application that sent you here has been switched off."
    description = "The application is disabled."


class OutdatedMetadata(NotAnswered):
    """The service provider's metadata ended and could not be had anew."""

    code = "outdated_metadata"
    happened = "What this service knows of the application that sent you here is out of date."
    description = "The metadata of the service provider is valid no longer: it must be refreshed."


class UnsignedRequest(NotAnswered):
    """The service provider's requests have to be signed, and this one is not."""

    code = "unsigned_request"
    description = "AuthnRequests of this service provider have to be signed."


class WrongDestination(NotAnswered):
    """The request was made for another address than the one that it came to."""

    code = "wrong_destination"
    happened = "The application that sent you here addressed its request to another service."
    description = "The Destination is not the SingleSignOnService of our metadata."


class StaleRequest(NotAnswered):
    """The request is too old, or from the future."""

    code = "expired_request"
    happened = "The request of the application that sent you here is not valid at this time."
    description = "The AuthnRequest is too old, or one of the clocks is wrong."


class ReplayedRequest(NotAnswered):
    """The same signed request has been here before."""

    code = "repeated_request"
    happened = "This link has been used before. Each of them works once."
    description = "A signed AuthnRequest is accepted once."


class NotStartedHere(NotAnswered):
    """The application is not started from here, or not with this RelayState."""

    code = "not_started_here"
    happened = "This application cannot be started from here. Begin at the application itself."
    description = "IdP-initiated sign-on is off for this application, or not with this RelayState."


# The message layer's own error, told here like those above.
UNKNOWN_CONSUMER = "unknown_assertion_consumer_service"
UNKNOWN_CONSUMER_WORDS = (
    "The application wants the answer to go to an address that is not registered for it,"
    " so nothing was sent there."
)
UNKNOWN_CONSUMER_DESCRIPTION = (
    "The AssertionConsumerServiceURL, index or ProtocolBinding of the AuthnRequest is not in the"
    " registered metadata."
)


# What a person reads where the service provider is told nothing, because it has not asked.
STATUS_WORDS = {
    vocabulary.AUTHN_FAILED: "You did not sign in.",
    vocabulary.REQUEST_DENIED: "You may not use this application.",
    vocabulary.INVALID_NAME_ID_POLICY: "Your profile lacks what the application knows people by.",
}


def describe(error: errors.SamlError) -> tuple[str, str, str]:
    """The code, what happened in words for the person, and words for the operator."""
    if isinstance(error, NotAnswered):
        return error.code, error.happened, error.description
    if isinstance(error, errors.StatusError) and error.status[-1] in STATUS_WORDS:
        return error.check, STATUS_WORDS[error.status[-1]], type(error).__doc__ or ""
    if isinstance(error, errors.UnknownAssertionConsumerService):
        return UNKNOWN_CONSUMER, UNKNOWN_CONSUMER_WORDS, UNKNOWN_CONSUMER_DESCRIPTION
    return UNCLEAR, UNCLEAR_WORDS, errors.SamlError.description
