"""What a protocol demands of an authentication, and whether the facts meet it.

OIDC Core §3.1.2.1 (prompt, max_age, acr_values) and SAML Core §3.4.1 (ForceAuthn, IsPassive,
RequestedAuthnContext) both translate to one AuthenticationRequirement. Asks nobody, shows nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.protocol import vocabulary
from idp.protocol.errors import InvalidRequest

ACR_LADDER = ("pwd", "mfa", "phr")

SAML_PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"  # noqa: S105 - a class name
SAML_MFA = "https://refeds.org/profile/mfa"

_CLASS_OF_ACR = {"pwd": SAML_PASSWORD, "mfa": SAML_MFA, "phr": SAML_MFA}
_ACR_OF_CLASS = {SAML_PASSWORD: "pwd", SAML_MFA: "mfa"}

_MAX_AGE_DIGITS = 9


@dataclass(frozen=True, slots=True)
class AuthenticationRequirement:
    """One request's demands, of either protocol.

    `force`: prompt=login or ForceAuthn. `passive`: prompt=none or IsPassive.
    `consent`: prompt=consent. `acr_values`: in order of preference; a wish, unless `essential_acr`
    (OIDC Core §5.5.1.1, SAML RequestedAuthnContext).
    `subject`: the `sub` of the user it must be (id_token_hint, claims.sub), in `sector` where the
    client's are pairwise (OIDC Core §8.1).
    """

    force: bool = False
    passive: bool = False
    max_age: timedelta | None = None
    acr_values: tuple[str, ...] = ()
    essential_acr: bool = False
    consent: bool = False
    select_account: bool = False
    login_hint: str = ""
    subject: str | None = None
    sector: str = ""


def fresh(
    requirement: AuthenticationRequirement,
    *,
    authenticated_at: datetime,
    proven_since: datetime | None,
    now: datetime,
) -> bool:
    """Tell whether an authentication is recent enough (OIDC Core §3.1.2.1, SAML Core §3.4.1).

    `proven_since`: when the current interaction began, None if none has begun. Whoever signed in
    since then has been asked actively, which is all that force and max_age demand.
    max_age=0 is force.
    """
    if proven_since is not None and authenticated_at >= proven_since:
        return True
    if requirement.force:
        return False
    if requirement.max_age is None:
        return True
    return requirement.max_age > timedelta(0) and now - authenticated_at <= requirement.max_age


def satisfied(
    requirement: AuthenticationRequirement,
    *,
    authenticated_at: datetime,
    proven_since: datetime | None,
    acr: str,
    now: datetime,
) -> bool:
    """Tell whether an authentication answers the request as it is (OIDC Core §3.1.2.1, §5.5.1.1).

    A voluntary acr never stands in the way; an essential one must be reached.
    """
    if requirement.essential_acr and not meets_any(acr, requirement.acr_values):
        return False
    return fresh(requirement, authenticated_at=authenticated_at, proven_since=proven_since, now=now)


def satisfies(acr: str, wanted: str) -> bool:
    """Tell whether `acr` is at least `wanted` on the ladder (OIDC Core §5.5.1.1).

    Values that are not on the ladder only equal themselves.
    """
    if acr in ACR_LADDER and wanted in ACR_LADDER:
        return ACR_LADDER.index(acr) >= ACR_LADDER.index(wanted)
    return bool(acr) and acr == wanted


def meets_any(acr: str, wanted: Sequence[str]) -> bool:
    """Tell whether `acr` reaches one of `wanted`; an empty wish is always met."""
    return not wanted or any(satisfies(acr, one) for one in wanted)


def reachable(wanted: Sequence[str], *, best: str) -> bool:
    """Tell whether one of `wanted` could be reached by somebody whose best acr is `best`.

    Where an essential acr is not reachable, asking again is in vain: answer with
    unmet_authentication_requirements at once.
    """
    return meets_any(best, wanted)


def released_acr(acr: str, wanted: Sequence[str] = ()) -> str:
    """Return the acr to state: the first wish that was reached, else what was (OIDC Core §5.5.1.1).

    A client that asks for `pwd` of a person who used two factors must read one of its own values.
    """
    return next((one for one in wanted if satisfies(acr, one)), acr)


def saml_class(acr: str) -> str:
    """Return the AuthnContextClassRef that states `acr` (SAML AuthnContext §3.4, REFEDS MFA)."""
    return _CLASS_OF_ACR.get(acr, SAML_PASSWORD)


def acr_of_saml_class(class_ref: str) -> str | None:
    """Return the acr that an AuthnContextClassRef asks for, None if we cannot state that class."""
    return _ACR_OF_CLASS.get(class_ref)


def parse_prompt(value: str | None) -> frozenset[str]:
    """Return the known values of prompt; unknown ones are ignored (OIDC Core §3.1.2.1).

    Raises InvalidRequest if none stands beside another value.
    """
    given = set((value or "").split(" ")) - {""}
    if "none" in given and len(given) > 1:
        raise InvalidRequest("prompt none cannot be combined with other values")
    return frozenset(given.intersection(vocabulary.PROMPTS))


def parse_max_age(value: str | None) -> timedelta | None:
    """Return max_age, a whole number of seconds (OIDC Core §3.1.2.1). Raises InvalidRequest."""
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= _MAX_AGE_DIGITS):
        raise InvalidRequest("max_age must be a number of seconds")
    return timedelta(seconds=int(value))


def parse_acr_values(value: str | None) -> tuple[str, ...]:
    """Return the values of acr_values, in order of preference (OIDC Core §3.1.2.1)."""
    return tuple(dict.fromkeys(part for part in (value or "").split(" ") if part))
