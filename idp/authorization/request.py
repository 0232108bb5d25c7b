"""An authorization request: what the checks fill in (`Draft`), and what they leave behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from idp import subjects
from idp.models import Client
from idp.protocol import response_mode, response_type
from idp.protocol.authentication_context import AuthenticationRequirement
from idp.protocol.claims_request import ClaimsRequest
from idp.protocol.parameters import Parameters

LONGEST_STATE = 8192
LONGEST = {
    "state": LONGEST_STATE,
    **dict.fromkeys(("nonce", "prompt", "acr_values", "login_hint", "display", "ui_locales"), 2048),
}

# What the checks read, and nothing else: anybody may send anything (RFC 6749 §3.1).
_STORED = (
    *("response_type", "client_id", "redirect_uri", "response_mode", "scope", "resource"),
    *("state", "nonce", "code_challenge", "code_challenge_method", "claims"),
    *("prompt", "max_age", "acr_values", "login_hint", "display", "ui_locales"),
)


class ReplyTo(NamedTuple):
    """Where an answer may go: an address that has been proven to be the client's."""

    redirect_uri: str
    mode: str = response_mode.DEFAULT
    state: str | None = None


class AuthorizationRequest(NamedTuple):
    """A request that has passed every check (RFC 6749 §4.1.1, OIDC Core §3.1.2.1)."""

    client: Client
    reply_to: ReplyTo
    response_type: str
    scope: tuple[str, ...]
    resources: tuple[str, ...]
    requirement: AuthenticationRequirement
    claims: ClaimsRequest
    code_challenge: str
    nonce: str
    parameters: Parameters
    signed: bool = False

    def stored(self) -> dict[str, Any]:
        """The parameters as JSON, to be checked anew when the person has signed in.

        Without those that are ignored, and without the hint, a token: what it asks for is in the
        requirement.
        """
        members = self.parameters.as_dict()
        kept = {name: members[name] for name in _STORED if name in members}
        return {"parameters": kept, "signed": self.signed}


@dataclass(slots=True)
class Draft:
    """A request on its way through the checks; each fills in what it has proven.

    `signed`: the parameters come from a request object of the client's.
    `expected`, `received`, `suggestion`: what the failing check found, for administrators.
    """

    parameters: Parameters
    now: datetime
    signed: bool = False
    client: Client | None = None
    redirect_uri: str = ""
    proven: bool = False
    mode: str = response_mode.DEFAULT
    response_type: str = ""
    scope: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    prompts: frozenset[str] = frozenset()
    max_age: timedelta | None = None
    claims: ClaimsRequest = field(default_factory=ClaimsRequest)
    subject: str | None = None
    acr_values: tuple[str, ...] = ()
    code_challenge: str = ""
    nonce: str = ""
    expected: str = ""
    received: str = ""
    suggestion: str = ""

    def found(self, *, expected: str = "", received: str = "", suggestion: str = "") -> None:
        """Note what a check is about to refuse, for the trace alone."""
        self.expected, self.received, self.suggestion = expected, received, suggestion

    @property
    def known_client(self) -> Client:
        """The client, in every check after the one that found it."""
        if self.client is None:
            raise LookupError("no client yet: the order of the checks is wrong")
        return self.client

    def brings(self, word: str) -> bool:
        """Whether the response will bring this: code, id_token or token."""
        return word in response_type.words(self.response_type)

    def reply_to(self) -> ReplyTo | None:
        """Where an error may be sent; None as long as the address is not proven."""
        if not self.proven:
            return None
        state = only(self.parameters, "state")
        if state is not None and len(state) > LONGEST_STATE:
            state = None
        return ReplyTo(self.redirect_uri, self.mode, state)

    def requirement(self) -> AuthenticationRequirement:
        """What the request demands of the sign-in."""
        return AuthenticationRequirement(
            force="login" in self.prompts,
            passive="none" in self.prompts,
            max_age=self.max_age,
            acr_values=self.acr_values,
            essential_acr=self.claims.essential_acr(),
            consent="consent" in self.prompts,
            select_account="select_account" in self.prompts,
            login_hint=(self.parameters.one("login_hint") or "")[:300],
            subject=self.subject,
            sector=subjects.sector_of(self.known_client) if self.subject else "",
        )

    def complete(self) -> AuthorizationRequest:
        """The request, after the last check."""
        return AuthorizationRequest(
            client=self.known_client,
            reply_to=ReplyTo(self.redirect_uri, self.mode, self.parameters.one("state")),
            response_type=self.response_type,
            scope=self.scope,
            resources=self.resources,
            requirement=self.requirement(),
            claims=self.claims,
            code_challenge=self.code_challenge,
            nonce=self.nonce,
            parameters=self.parameters,
            signed=self.signed,
        )


def only(parameters: Parameters, name: str) -> str | None:
    """The value of a parameter that came once; None for a repeated one, which no check has met."""
    found = parameters.every(name)
    return found[0] if len(found) == 1 else None


def restore(stored: Mapping[str, Any]) -> Parameters:
    """The parameters of a stored request."""
    members: Mapping[str, Any] = stored.get("parameters", {})
    return Parameters(
        (name, value)
        for name, values in members.items()
        for value in (values if isinstance(values, list) else [values])
    )
