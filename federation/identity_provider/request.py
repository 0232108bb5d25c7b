"""An AuthnRequest on its way: what the checks fill in (`Draft`), and what they leave behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from federation.identity_provider import near_misses
from federation.identity_provider.authn_context import Demand
from federation.identity_provider.received import MAX_WAITING, facts, whole
from federation.identity_provider.service_providers import KnownServiceProvider
from federation.saml import vocabulary
from federation.saml.authn_request import AuthnRequest
from federation.saml.bindings import Message
from federation.saml.name_id import NameID
from idp.protocol.authentication_context import AuthenticationRequirement
from idp.protocol.message import Request

MAX_LOGIN_HINT = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyTo:
    """Where an answer goes: an address of the service provider's metadata, and what comes along.

    `binding`: by which, POST or Artifact.
    `in_response_to`: None where nobody has asked (SAML Profiles §4.1.5).
    """

    acs_url: str
    in_response_to: str | None
    relay_state: str | None = None
    binding: str = vocabulary.POST


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOnRequest:
    """A request that has passed every check. `subject`: who it must be, if it says so.

    `attribute_service`: the AttributeConsumingServiceIndex, None for the default service.
    `name_qualifier`: the affiliation whose persistent NameID is asked for, empty for its own.
    `may_create`: whether a first persistent NameID may be given.
    `draft`: what the checks saw, until the request is stored; `checks`: the same written down.
    """

    service_provider: KnownServiceProvider
    reply_to: ReplyTo
    name_id_format: str
    demand: Demand
    requirement: AuthenticationRequirement
    subject: NameID | None = None
    attribute_service: int | None = None
    name_qualifier: str = ""
    may_create: bool = True
    received: Mapping[str, Any] = field(default_factory=dict)
    draft: Draft | None = field(default=None, compare=False, repr=False)
    checks: Sequence[Mapping[str, Any]] = ()

    def stored(self) -> dict[str, Any]:
        """As JSON, to wait for its person."""
        return {
            "entity_id": self.service_provider.entity_id,
            "reply_to": asdict(self.reply_to),
            "name_id_format": self.name_id_format,
            "demand": asdict(self.demand),
            "subject": asdict(self.subject) if self.subject else None,
            "attribute_service": self.attribute_service,
            "name_qualifier": self.name_qualifier,
            "may_create": self.may_create,
            "received": self.whole(most=MAX_WAITING),
        }

    def whole(self, *, most: int | None = None) -> dict[str, Any]:
        """What came, with the message itself: for the trace."""
        return whole(self.received, self.draft.message if self.draft else None, most=most)


def restore(
    stored: Mapping[str, Any],
    service_provider: KnownServiceProvider,
    requirement: AuthenticationRequirement,
) -> SignOnRequest:
    """The request out of its JSON."""
    subject = stored["subject"]
    return SignOnRequest(
        service_provider=service_provider,
        reply_to=ReplyTo(**stored["reply_to"]),
        name_id_format=stored["name_id_format"],
        demand=Demand(stored["demand"]["comparison"], tuple(stored["demand"]["class_refs"])),
        requirement=requirement,
        subject=NameID(**subject) if subject else None,
        attribute_service=stored.get("attribute_service"),
        name_qualifier=stored.get("name_qualifier", ""),
        may_create=stored.get("may_create", True),
        received=stored["received"],
        checks=stored.get("checks", ()),
    )


@dataclass(slots=True)
class Draft:
    """A request on its way through the checks; each fills in what it has proven.

    `acs_url`: empty until it is proven to be the service provider's own.
    `relay_state`: what is sent along where there is no message that brought one.
    `expected`, `found_instead`, `remedy`: what the failing check found, for administrators.
    `meant`: finds what was probably meant, where somebody reads it: strangers cause refusals.
    """

    origin: Request
    message: Message | None = None
    service_provider: KnownServiceProvider | None = None
    authn_request: AuthnRequest | None = None
    acs_url: str = ""
    binding: str = vocabulary.POST
    relay_state: str | None = None
    name_id_format: str = ""
    name_qualifier: str = ""
    demand: Demand = field(default_factory=Demand)
    subject_id: str | None = None
    login_hint: str = ""
    expected: str = ""
    found_instead: str = ""
    remedy: str = ""
    meant: Callable[[], str] = str

    @property
    def now(self) -> datetime:
        """When the request came."""
        return self.origin.now

    @property
    def known(self) -> KnownServiceProvider:
        """The service provider, in every check after the one that found it."""
        if self.service_provider is None:
            raise LookupError("no service provider yet: the order of the checks is wrong")
        return self.service_provider

    @property
    def verified(self) -> AuthnRequest:
        """The AuthnRequest, in every check after the one that verified it."""
        if self.authn_request is None:
            raise LookupError("no AuthnRequest yet: the order of the checks is wrong")
        return self.authn_request

    @property
    def suggestion(self) -> str:
        """What an administrator may do about it, found when it is read."""
        return near_misses.question(self.meant()) + self.remedy

    def found(
        self,
        *,
        expected: str = "",
        received: str = "",
        suggestion: str = "",
        meant: Callable[[], str] = str,
    ) -> None:
        """Note what a check is about to refuse, for the trace alone."""
        self.expected, self.found_instead = expected, received
        self.remedy, self.meant = suggestion, meant

    def reply_to(self) -> ReplyTo | None:
        """Where an error may be sent; None as long as the address is not proven."""
        if not self.acs_url:
            return None
        return ReplyTo(
            acs_url=self.acs_url,
            binding=self.binding,
            in_response_to=self.authn_request.id if self.authn_request else None,
            relay_state=self.message.relay_state if self.message else self.relay_state,
        )

    def requirement(self) -> AuthenticationRequirement:
        """What the request demands of the sign-in, in the words of both protocols."""
        acr_values = self.demand.acr_values()
        asked = self.authn_request
        return AuthenticationRequirement(
            force=asked is not None and asked.force_authn,
            passive=asked is not None and asked.is_passive,
            acr_values=acr_values,
            essential_acr=bool(acr_values),
            login_hint=self.login_hint[:MAX_LOGIN_HINT],
            subject=self.subject_id,
        )

    def complete(self) -> SignOnRequest:
        """The request, after the last check."""
        reply_to = self.reply_to()
        if reply_to is None:
            raise LookupError("no assertion consumer service: the order of the checks is wrong")
        asked = self.authn_request
        policy = asked.name_id_policy if asked else None
        return SignOnRequest(
            service_provider=self.known,
            reply_to=reply_to,
            name_id_format=self.name_id_format,
            demand=self.demand,
            requirement=self.requirement(),
            subject=asked.subject if asked else None,
            attribute_service=asked.attribute_consuming_service_index if asked else None,
            name_qualifier=self.name_qualifier,
            may_create=policy is None or policy.allow_create is not False,
            received=facts(self.origin, self.message, self.authn_request),
            draft=self,
        )
