"""What an administrator can do about a refusal that no check of ours explains by itself."""

from __future__ import annotations

from federation.identity_provider import evidence
from federation.identity_provider.request import Draft
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
_BINDING = (
    "The message did not arrive as the binding packs it. Begin again at the application; if it"
    " happens each time, something on the way (a proxy, a length limit) changes the address or the"
    " form."
)
_TOOLKIT = (
    "The message breaks SAML 2.0 at the rule named under “Error”. Update the service provider's"
    " SAML library, or report what was received to whoever makes it."
)
_NOT_HERE = (
    "This address takes AuthnRequests alone. Correct the addresses of the identity provider in the"
    " service provider: give it our metadata anew."
)
_SHAPE = (
    "Let the service provider sign the whole message, once, with exclusive canonicalisation and an"
    " enveloped signature, as its SAML library does by default."
)
# samlify says false unless told otherwise (its setting is allowCreate).
_ALLOW_CREATE = (
    "It is the person's first sign-in there, and the request forbids to make a NameID for it. Let"
    ' the service provider send AllowCreate="true", or no NameIDPolicy.'
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
    "message_type": _NOT_HERE,
    "content_type": "Let the service provider post the message as an HTML form does:"
    " application/x-www-form-urlencoded.",
    "size": "The message is larger than any request needs to be. Begin again at the application; if"
    " it happens each time, its SAML library is at fault.",
    "conditions": "Begin again at the application. If that does not help, compare its clock with"
    " ours.",
    "AuthnFailed": "Nothing: the person turned back. They can begin again at the application.",
    "NoPassive": "Nothing, as a rule: the application asked whether somebody is signed in, without"
    " showing a page. It should ask again without IsPassive.",
    "RequestDenied": "Let the person in under “Who may use it” of the application, if that is"
    " wanted.",
    "RequestUnsupported": "Let the service provider ask for what this service offers: it is listed"
    " in our metadata.",
    "UnknownPrincipal": "The application asked for a certain person; somebody else signed in.",
    "InvalidNameIDPolicy": "Give the person what the NameID is made of, a verified e-mail address"
    " for emailAddress, or choose another format for the service provider.",
    "NoSupportedIDP": "Let the service provider list our entity ID in the IDPList of its requests,"
    " or send no IDPList.",
    "NoAuthnContext": "Let the service provider ask for a class that a sign-in here reaches.",
}
_BINDING_CHECKS = frozenset(
    {"base64", "deflate", "empty", "encoding", "escape", "form", "inflate_ratio", "inflated_size"}
    | {"one_message", "parameter", "relay_state", "repeated_parameter"}
    | {"signature_base64", "signature_pair"}
)


def of(error: errors.SamlError, draft: Draft | None = None) -> str:
    """Words for an administrator; `draft`: what is known of the request, if there was one."""
    if isinstance(error, errors.NoCommonAlgorithm):
        return (
            "Let the service provider's metadata list AES-GCM and RSA-OAEP, or switch encryption"
            " off for it."
        )
    if isinstance(error, errors.FirstNameIDForbidden):
        return _ALLOW_CREATE
    if isinstance(error, errors.InvalidContent):
        return _BY_CHECK.get(error.check, _UNSAYABLE)
    if error.check == "signature_value" and draft is not None:
        return _of_signature(draft)
    if error.check in _BINDING_CHECKS:
        return _BINDING
    general = _SHAPE if isinstance(error, errors.InvalidSignature) else _TOOLKIT
    return _BY_CHECK.get(error.check, general)


_UNSAYABLE = (
    "A value of the person or a setting of the service provider cannot be said in SAML: look at the"
    " preview of the application with this person."
)


def _of_signature(draft: Draft) -> str:
    """Which of the two it is: another key, or another content."""
    claim, known = evidence.claim_of(draft), draft.service_provider
    if claim is None or known is None or not claim.fingerprint:
        return _KEY
    if evidence.is_registered(claim, known.row):
        return (
            "It names a registered certificate, but the signature is over something else: the"
            " message was changed after it was signed, by the service provider or on its way."
        )
    shown = claim.fingerprint[: evidence.BEGINNING]
    return (
        f"It is signed with the certificate {shown}…, which is not registered. Import the service"
        " provider's metadata again, if it has a new key."
    )
