"""The claims parameter: individual claims, essential or with demanded values (OIDC Core §5.5).

Typed and bounded here; which claims exist and may go out is decided by `claims.release`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from idp.protocol import strict_json
from idp.protocol.errors import InvalidRequest

MAX_BYTES = 16 * 1024
MAX_CLAIMS = 100
MAX_VALUES = 50
MAX_NAME = 256

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Claim:
    """What is asked of one claim (OIDC Core §5.5.1); no values means any will do."""

    essential: bool = False
    values: tuple[Scalar, ...] = ()

    def accepts(self, value: object) -> bool:
        """Tell whether `value` is one of those demanded, of the same JSON type."""
        return not self.values or any(
            one == value and isinstance(one, bool) is isinstance(value, bool) for one in self.values
        )


_ANY = Claim()


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """The members `userinfo` and `id_token` of a claims parameter (OIDC Core §5.5)."""

    userinfo: Mapping[str, Claim] = field(default_factory=dict)
    id_token: Mapping[str, Claim] = field(default_factory=dict)

    def subject(self) -> str | None:
        """Return the `sub` it must be, None if any will do (OIDC Core §3.1.2.2, §5.5.1).

        Raises InvalidRequest when several are named, for there is one person only.
        """
        named = {
            value
            for claim in (self.userinfo.get("sub"), self.id_token.get("sub"))
            if claim is not None
            for value in claim.values
        }
        if not named:
            return None
        only = named.pop()
        if named or not isinstance(only, str):
            raise InvalidRequest("claims must name one sub, a string")
        return only

    def acr_values(self) -> tuple[str, ...]:
        """Return the demanded values of the ID token's acr (OIDC Core §5.5.1.1)."""
        claim = self.id_token.get("acr", _ANY)
        return tuple(value for value in claim.values if isinstance(value, str))

    def essential_acr(self) -> bool:
        """Tell whether one of `acr_values` must be reached (OIDC Core §5.5.1.1)."""
        claim = self.id_token.get("acr", _ANY)
        return claim.essential and bool(claim.values)

    def wants_auth_time(self) -> bool:
        """Tell whether the ID token must carry auth_time (OIDC Core §2)."""
        return "auth_time" in self.id_token

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON for storing; `from_dict` reads it."""
        parts = (("userinfo", self.userinfo), ("id_token", self.id_token))
        return {place: _as_members(claims) for place, claims in parts if claims}


def parse(value: str | None) -> ClaimsRequest:
    """Return the request in a claims parameter (OIDC Core §5.5). Raises InvalidRequest.

    Unknown members are ignored, at both levels, as §5.5 says; None asks for nothing.
    """
    if value is None:
        return ClaimsRequest()
    try:
        document = strict_json.load_object(
            value.encode("utf-8", "surrogatepass"), max_bytes=MAX_BYTES
        )
    except strict_json.InvalidJson as error:
        raise InvalidRequest(f"claims is not a JSON object: {error}") from None
    return from_dict(document)


def from_dict(document: Mapping[str, Any]) -> ClaimsRequest:
    """Return the request in a JSON object (OIDC Core §5.5). Raises InvalidRequest."""
    return ClaimsRequest(_claims(document, "userinfo"), _claims(document, "id_token"))


def _claims(document: Mapping[str, Any], place: str) -> dict[str, Claim]:
    members = document.get(place)
    if members is None:
        return {}
    if not isinstance(members, dict):
        raise InvalidRequest(f"claims.{place} must be an object")
    if len(members) > MAX_CLAIMS:
        raise InvalidRequest(f"claims.{place} has more than {MAX_CLAIMS} members")
    return {name: _claim(f"{place}.{name}", member) for name, member in members.items()}


def _claim(name: str, member: object) -> Claim:
    if len(name) > MAX_NAME or "\x00" in name:
        raise InvalidRequest("a claim's name in claims is too long or holds NUL")
    if member is None:
        return Claim()
    if not isinstance(member, dict):
        raise InvalidRequest(f"claims.{name} must be null or an object")
    essential = member.get("essential", False)
    if not isinstance(essential, bool):
        raise InvalidRequest(f"claims.{name}.essential must be true or false")
    return Claim(essential, _values(name, member))


def _values(name: str, member: Mapping[str, Any]) -> tuple[Scalar, ...]:
    if "value" in member and "values" in member:
        raise InvalidRequest(f"claims.{name} has both value and values")
    values = member.get("values", [member["value"]] if "value" in member else [])
    if not isinstance(values, list) or len(values) > MAX_VALUES:
        raise InvalidRequest(f"claims.{name}.values must be a list of at most {MAX_VALUES}")
    for one in values:
        if not isinstance(one, Scalar) or (isinstance(one, str) and "\x00" in one):
            raise InvalidRequest(f"claims.{name} demands what is no string, number or boolean")
    return tuple(values)


def _as_members(claims: Mapping[str, Claim]) -> dict[str, Any]:
    return {
        name: {"essential": claim.essential, "values": list(claim.values)}
        if claim.essential or claim.values
        else None
        for name, claim in claims.items()
    }
