"""Requests that differ from an earlier one only in what is new at each sign-in.

An application asks for the same thing every time, but for state, nonce and code challenge. What
has passed every check under this configuration is kept; those three values are checked for each
request, and whatever else a request holds sends it through all checks again. A memory belongs to
one configuration: what was checked under it is never put into that of a later one.
"""

from __future__ import annotations

from collections.abc import Hashable

from idp import directory
from idp.authorization.request import LONGEST, LONGEST_STATE, AuthorizationRequest, ReplyTo
from idp.protocol import pkce
from idp.protocol.parameters import Parameters

MOST_KNOWN = 1024
LONGEST_KNOWN = 2000
FRESH = frozenset({"state", "nonce", "code_challenge"})
LASTING = frozenset(
    {
        *("client_id", "redirect_uri", "response_type", "response_mode", "scope", "resource"),
        *("code_challenge_method", "prompt", "max_age", "acr_values", "display", "ui_locales"),
    }
)


Memory = dict[Hashable, AuthorizationRequest]


def memory() -> Memory:
    """What is known under the configuration of now; to be taken before anything is checked."""
    return directory.cached("known-authorization-requests", dict)


def recall(parameters: Parameters, *, memory: Memory) -> AuthorizationRequest | None:
    """The request, if its like has passed; None where the checks have to decide."""
    key = _key(parameters)
    known = memory.get(key) if key is not None else None
    if known is None:
        return None
    state, nonce = parameters.one("state"), parameters.one("nonce")
    challenge = parameters.one("code_challenge")
    if len(state or "") > LONGEST_STATE or len(nonce or "") > LONGEST["nonce"]:
        return None
    if challenge is not None and not pkce.is_challenge(challenge):
        return None
    return known._replace(
        reply_to=ReplyTo(known.reply_to.redirect_uri, known.reply_to.mode, state),
        nonce=nonce or "",
        # Without a code to protect the checks leave it out.
        code_challenge=(challenge or "") if known.code_challenge else "",
        parameters=parameters,
    )


def remember(parameters: Parameters, request: AuthorizationRequest, *, memory: Memory) -> None:
    """Keep a request that has passed every check, unless it may never come again.

    `memory`: the one that was taken before the checks. If configuration has changed since, nobody
    reads it any more.
    """
    key = _key(parameters)
    if key is None or sum(len(value) for _, value in parameters.pairs()) > LONGEST_KNOWN:
        return
    if len(memory) >= MOST_KNOWN:
        memory.clear()
    memory[key] = request


def _key(parameters: Parameters) -> Hashable | None:
    """What two requests have in common that ask for the same; None for one of its own kind."""
    key: list[Hashable] = []
    for name, values in parameters.items():
        if name in LASTING:
            key.append((name, *values))
        elif name in FRESH and len(values) == 1 and values[0]:
            key.append(name)
        else:
            return None
    return tuple(key)
