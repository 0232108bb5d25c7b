"""Why a claim is there or not; the usual reasons ready-made, so that no request waits for words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from idp.claims import facts, standard


class Reason(NamedTuple):
    """Why one claim is there or not, in plain words; `source` is where the value comes from."""

    claim: str
    released: bool
    because: str
    source: str


def origin(claim: str) -> str:
    """Where the built-in rules take a standard claim from, in the notation of mapping rows."""
    return facts.GROUPS if claim == "groups" else f"{facts.USER}.{claim}"


def _by_scope(*, released: bool, because: str) -> Mapping[str, Mapping[str, Reason]]:
    return {
        scope: {name: Reason(name, released, because.format(scope), origin(name)) for name in names}
        for scope, names in standard.SCOPE_CLAIMS.items()
    }


GRANTED = _by_scope(released=True, because="the scope {} was granted")
NOT_GRANTED = _by_scope(released=False, because="the scope {} was not granted")
AT_USERINFO = _by_scope(
    released=False, because="the claims of the scope {} go to UserInfo, not into the ID token"
)
ONLY_ROWS = _by_scope(released=False, because="only mapping rows put claims into the access token")
EMPTY: Mapping[str, Reason] = {
    name: Reason(name, False, "nothing is recorded for this person", origin(name))
    for name in standard.CLAIMS
}
REQUESTED: Mapping[str, Reason] = {
    name: Reason(name, True, "it was requested by name", origin(name)) for name in standard.CLAIMS
}
EMPTY_ATTRIBUTE = "nothing is recorded for this person"
DEFAULT_ATTRIBUTE = "given to every service provider without a mapping of its own"
