"""What can be wrong with a SAML message, as typed exceptions (SAML Core §3.2.2).

`check` names the one rule that refused, for the audit log and the sign-in trace; `detail` says
what was found. Neither goes to the peer: outside, every refused message looks the same.
The subclasses of StatusError are answered with an error Response, once the assertion consumer
service is proven to be the service provider's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from federation.saml import vocabulary

MAX_DETAIL = 500


class SamlError(Exception):
    """A SAML message, or what should become one, was refused."""

    description: str = "The SAML message was refused."

    def __init__(self, check: str, detail: str = "") -> None:
        """`check`: the name of the rule. `detail`: for our log, cut to 500 characters."""
        self.check = check
        self.detail = detail[:MAX_DETAIL]
        super().__init__(check, self.detail)

    def __str__(self) -> str:
        """Return check and detail, for the log."""
        return f"{self.check}: {self.detail}" if self.detail else self.check


class InvalidMessage(SamlError):
    """The message is malformed, or breaks a rule of the binding, the schema or the profile."""


class MessageTooLarge(InvalidMessage):
    """The message is larger than we read, packed or unpacked."""


class InvalidSignature(SamlError):
    """The message carries a signature that is not good, or not of the shape we verify."""


class UnknownAssertionConsumerService(SamlError):
    """The request names no assertion consumer service of the metadata: nothing may be sent."""


class InvalidContent(SamlError):
    """Something of ours cannot be said in a SAML message: a value that XML has no way to hold."""

    description = "The answer cannot be expressed in SAML."


class NoCommonAlgorithm(SamlError):
    """The peer lists algorithms, and none of them is one we use."""

    description = "There is no encryption algorithm in common."


class InvalidMetadata(SamlError):
    """Metadata that cannot be imported. `description` says why: an administrator reads it."""

    def __init__(self, check: str, detail: str) -> None:
        """`detail`: a sentence for the administrator."""
        super().__init__(check, detail)
        self.description = self.detail


class SeveralEntities(InvalidMetadata):
    """The metadata holds several service providers, and nobody said which is meant."""

    def __init__(self, entity_ids: Sequence[str]) -> None:
        """`entity_ids`: what there is to choose from."""
        self.entity_ids = tuple(entity_ids)
        listed = ", ".join(self.entity_ids[:10])
        super().__init__(
            "several_entities",
            f"The metadata describes {len(self.entity_ids)} service providers: choose one of "
            f"{listed}",
        )


class StatusError(SamlError):
    """A request that is answered by a Response with a nested status code (SAML Core §3.2.2.2)."""

    status: ClassVar[tuple[str, ...]] = (vocabulary.RESPONDER,)

    def __init__(self, detail: str = "") -> None:
        """`detail`: for our log; the status codes are the class's own."""
        super().__init__(self.status[-1].rpartition(":")[2], detail)


class AuthnFailed(StatusError):
    """The person could not be authenticated, or gave up (SAML Core §3.2.2.2)."""

    status = (vocabulary.RESPONDER, vocabulary.AUTHN_FAILED)


class NoPassive(StatusError):
    """IsPassive, but a page would have to be shown (SAML Core §3.4.1)."""

    status = (vocabulary.RESPONDER, vocabulary.NO_PASSIVE)


class NoAuthnContext(StatusError):
    """The RequestedAuthnContext cannot be met (SAML Core §3.3.2.2.1)."""

    status = (vocabulary.RESPONDER, vocabulary.NO_AUTHN_CONTEXT)


class InvalidNameIDPolicy(StatusError):
    """The NameIDPolicy cannot be met (SAML Core §3.4.1.1)."""

    status = (vocabulary.REQUESTER, vocabulary.INVALID_NAME_ID_POLICY)


class FirstNameIDForbidden(InvalidNameIDPolicy):
    """The person has no NameID there yet, and AllowCreate is false (SAML Core §3.4.1.1)."""


class NoSupportedIDP(StatusError):
    """None of the identity providers that the request lists is one of ours (SAML Core §3.4.1.3)."""

    status = (vocabulary.RESPONDER, vocabulary.NO_SUPPORTED_IDP)


class RequestDenied(StatusError):
    """The person may not use this application, or said no (SAML Core §3.2.2.2)."""

    status = (vocabulary.RESPONDER, vocabulary.REQUEST_DENIED)


class RequestUnsupported(StatusError):
    """The request asks for something that does not exist here (SAML Core §3.2.2.2)."""

    status = (vocabulary.REQUESTER, vocabulary.REQUEST_UNSUPPORTED)


class UnknownPrincipal(StatusError):
    """The Subject of the request is not the person who signed in (SAML Core §3.4.1)."""

    status = (vocabulary.RESPONDER, vocabulary.UNKNOWN_PRINCIPAL)
