"""The messages that an identity provider receives, each as an honest service provider sends it."""

from __future__ import annotations

from dataclasses import dataclass, field

from federation.saml import vocabulary

POST = "post"
REDIRECT = "redirect"
SOAP = "soap"

ARTIFACT = "AAQAAMh48/1oXIM+sDo7Dh2qMp1HM4IF5DaRNmDj6RdUmllwn9jJHyEgIi8="


@dataclass(frozen=True, kw_only=True, eq=False)
class MessageType:
    """One type of message. `content` follows Issuer, Signature and Extensions.

    `forged` is what an attacker would rather have there. `open_content` has a `{}` in a place that
    the schema leaves open. `broken`: contents that the schema does not allow.
    """

    local: str
    bindings: tuple[str, ...]
    content: str = ""
    forged: str = ""
    open_content: str = ""
    parameter: str = "SAMLRequest"
    broken: dict[str, str] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        """Its name with the prefix that the messages of the tests declare."""
        return f"samlp:{self.local}"


def _subject(name: str, data: str = "") -> str:
    confirmation = (
        f'<saml:SubjectConfirmation Method="{vocabulary.BEARER}"><saml:SubjectConfirmationData>'
        f"{data}</saml:SubjectConfirmationData></saml:SubjectConfirmation>"
    )
    named = f"<saml:NameID>{name}</saml:NameID>"
    return f"<saml:Subject>{named}{confirmation if data else ''}</saml:Subject>"


def _name(name: str) -> str:
    return f"<saml:NameID>{name}</saml:NameID>"


def _status(code: str, detail: str = "") -> str:
    more = f"<samlp:StatusDetail>{detail}</samlp:StatusDetail>" if detail else ""
    return f'<samlp:Status><samlp:StatusCode Value="{code}"/>{more}</samlp:Status>'


def _artifact(value: str) -> str:
    return f"<samlp:Artifact>{value}</samlp:Artifact>"


_SESSION = "<samlp:SessionIndex>_session</samlp:SessionIndex>"
_BASE_ID = '<saml:BaseID NameQualifier="x"/>'

AUTHN_REQUEST = MessageType(
    local="AuthnRequest",
    bindings=(REDIRECT, POST),
    open_content=_subject("alice", "{}"),
    broken={
        "two_policies": '<samlp:NameIDPolicy/><samlp:NameIDPolicy Format="urn:x"/>',
        "base_id": f"<saml:Subject>{_BASE_ID}</saml:Subject>",
        "two_subjects": _subject("alice") + _subject("mallory"),
        "order": f"<samlp:NameIDPolicy/>{_subject('alice')}",
    },
)
LOGOUT_REQUEST = MessageType(
    local="LogoutRequest",
    bindings=(REDIRECT, POST, SOAP),
    content=_name("alice") + _SESSION,
    forged=_name("mallory") + _SESSION,
    broken={
        "nobody": _SESSION,
        "two_people": _name("alice") + _name("mallory"),
        "base_id": _BASE_ID + _SESSION,
        "name_in_name": _name(f"alice{_name('mallory')}"),
        "order": _SESSION + _name("alice"),
    },
)
LOGOUT_RESPONSE = MessageType(
    local="LogoutResponse",
    bindings=(REDIRECT, POST, SOAP),
    parameter="SAMLResponse",
    content=_status(vocabulary.SUCCESS),
    forged=_status(vocabulary.REQUESTER),
    open_content=_status(vocabulary.SUCCESS, "{}"),
    broken={
        "no_status": "",
        "two_statuses": _status(vocabulary.REQUESTER) + _status(vocabulary.SUCCESS),
        "no_code": "<samlp:Status/>",
        "code_without_value": "<samlp:Status><samlp:StatusCode/></samlp:Status>",
    },
)
ARTIFACT_RESOLVE = MessageType(
    local="ArtifactResolve",
    bindings=(SOAP,),
    content=_artifact(ARTIFACT),
    forged=_artifact(ARTIFACT.replace("HM4", "HM5")),
    broken={
        "no_artifact": "",
        "two_artifacts": _artifact(ARTIFACT) * 2,
        "element_in_artifact": _artifact(f"{ARTIFACT}<samlp:Artifact/>"),
    },
)
ATTRIBUTE_QUERY = MessageType(
    local="AttributeQuery",
    bindings=(SOAP,),
    content=_subject("alice"),
    forged=_subject("mallory"),
    open_content=_subject("alice", "{}"),
    broken={
        "nobody": "",
        "two_people": _subject("alice") + _subject("mallory"),
        "base_id": f"<saml:Subject>{_BASE_ID}</saml:Subject>",
        "attribute_without_name": _subject("alice") + "<saml:Attribute/>",
        "attribute_first": f'<saml:Attribute Name="mail"/>{_subject("alice")}',
    },
)

TYPES = (AUTHN_REQUEST, LOGOUT_REQUEST, LOGOUT_RESPONSE, ARTIFACT_RESOLVE, ATTRIBUTE_QUERY)
