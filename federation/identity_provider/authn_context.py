"""RequestedAuthnContext against our ladder of acr values (SAML Core §3.3.2.2.1).

Which class refs we can state, which acr they ask for, and which one is stated in the end. Asks
nobody: what is demanded becomes part of the AuthenticationRequirement of both protocols.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from federation.saml import errors
from federation.saml.authn_request import RequestedAuthnContext
from idp.protocol import authentication_context
from idp.protocol.authentication_context import ACR_LADDER

UNSPECIFIED = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"
REFEDS_SFA = "https://refeds.org/profile/sfa"
# REFEDS SFA §4.1: a memorised secret of any characters has at least 12 of them.
SFA_PASSWORD_LENGTH = 12

EXACT, MINIMUM, BETTER, MAXIMUM = "exact", "minimum", "better", "maximum"


@dataclass(frozen=True, slots=True)
class Demand:
    """What a request demands: class refs that we know, in its order; none means nothing."""

    comparison: str = EXACT
    class_refs: tuple[str, ...] = ()

    def acr_values(self) -> tuple[str, ...]:
        """The acr values of which one must be reached; empty for no demand."""
        asked = tuple(dict.fromkeys(_acr(one) for one in self.class_refs))
        if self.comparison == BETTER and asked:
            return ACR_LADDER[_height(asked) + 1 :][:1]
        return ACR_LADDER[:1] if self.comparison == MAXIMUM and asked else asked


def demanded(context: RequestedAuthnContext | None) -> Demand:
    """What `context` demands. Raises NoAuthnContext if none of its classes can be stated here."""
    if context is None:
        return Demand()
    known = tuple(dict.fromkeys(one for one in context.class_refs if _knows(one)))
    demand = Demand(context.comparison, known)
    if not known or not demand.acr_values():
        asked = (*context.class_refs, *context.declaration_refs)
        raise errors.NoAuthnContext(f"{context.comparison} {', '.join(asked)}")
    return demand


def stated(acr: str, demand: Demand) -> str:
    """The AuthnContextClassRef of an assertion: what was reached, in the words asked for.

    Exact: the first class asked for that was reached. Otherwise the class of what was reached,
    but for a maximum at most the strongest one asked for.
    """
    if demand.comparison == EXACT:
        for one in demand.class_refs:
            if authentication_context.satisfies(acr, _acr(one)):
                return one
    if demand.comparison == MAXIMUM and demand.class_refs and acr in ACR_LADDER:
        highest = _height([_acr(one) for one in demand.class_refs])
        return authentication_context.saml_class(ACR_LADDER[min(ACR_LADDER.index(acr), highest)])
    return authentication_context.saml_class(acr)


def _knows(class_ref: str) -> bool:
    if class_ref == REFEDS_SFA:
        return settings.IDP.password_minimum_length >= SFA_PASSWORD_LENGTH
    if class_ref == UNSPECIFIED:
        return True
    return authentication_context.acr_of_saml_class(class_ref) is not None


def _acr(class_ref: str) -> str:
    """The acr that a known class asks for; unspecified and REFEDS SFA are met by any sign-in."""
    return authentication_context.acr_of_saml_class(class_ref) or ACR_LADDER[0]


def _height(acr_values: Sequence[str]) -> int:
    return max(ACR_LADDER.index(one) for one in acr_values)
