"""What an administrator can do about a refusal that no check of ours explains by itself."""

from __future__ import annotations

from federation.saml import errors

_SHA256 = "Let the service provider sign with SHA-256: SHA-1 is refused everywhere."
_KEY = (
    "Import the service provider's metadata again, if its key has changed or was never given;"
    " only keys of the registered metadata count."
)
_NOT_COMPRESSED = (
    "By POST a message is in base64 and not compressed (SAML Bindings §3.5.4): switch compression"
    " off in the service provider."
)
_BY_CHECK = {
    "utf8": _NOT_COMPRESSED,
    "signature_algorithm": _SHA256,
    "digest_algorithm": _SHA256,
    "signature_value": _KEY,
    "no_key": _KEY,
    "key_type": _KEY,
    "embedded_signature": "By Redirect the signature is a parameter, not XML inside the message"
    " (SAML Bindings §3.4.4.1): correct it in the service provider.",
    "unsigned": "Let the response or the assertion be signed for the service provider.",
    "UnknownPrincipal": "The application asked for a certain person; somebody else signed in.",
    "InvalidNameIDPolicy": "Give the person what the NameID is made of, a verified e-mail address"
    " for emailAddress, or choose another format for the service provider.",
    "NoSupportedIDP": "Let the service provider list our entity ID in the IDPList of its requests,"
    " or send no IDPList.",
    "NoAuthnContext": "Let the service provider ask for a class that a sign-in here reaches.",
}


def of(error: errors.SamlError) -> str:
    """Words for an administrator; empty where there is nothing to be done here."""
    if isinstance(error, errors.NoCommonAlgorithm):
        return (
            "Let the service provider's metadata list AES-GCM and RSA-OAEP, or switch encryption"
            " off for it."
        )
    return _BY_CHECK.get(error.check, "")
