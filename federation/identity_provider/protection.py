"""How the answers to one service provider are signed and encrypted (SAML Profiles §4.1.4.5)."""

from __future__ import annotations

from federation.identity_provider import entity, service_providers
from federation.models import ServiceProvider
from federation.saml import errors, response, vocabulary

ALGORITHMS = {
    "rsa-sha256": vocabulary.RSA_SHA256,
    "rsa-sha384": vocabulary.RSA_SHA384,
    "rsa-sha512": vocabulary.RSA_SHA512,
}


def of(service_provider: ServiceProvider) -> response.Protection:
    """Signing and encryption as they are set for it.

    Raises NoCommonAlgorithm, InvalidContent: nothing goes out weaker than it was set.
    """
    return response.Protection(
        key=entity.signing_key(service_provider),
        sign_response=service_provider.sign_response,
        sign_assertion=service_provider.sign_assertion,
        algorithm=algorithm(service_provider),
        encrypt_to=service_providers.encryption_key(service_provider),
    )


def algorithm(service_provider: ServiceProvider) -> str:
    """The signature algorithm; there is no fallback for an unknown name."""
    known = ALGORITHMS.get(service_provider.signature_algorithm)
    if known is None:
        name = service_provider.signature_algorithm
        raise errors.InvalidContent("signature_algorithm", f"{name!r} is not allowed")
    return known
