"""Tokens in the front channel: who may have them, and whether anybody may (OIDC Core §3.2, §3.3).

Implicit and hybrid responses exist for clients of the profile `compatibility` alone (RFC 9700
§2.1.2). Discovery offers them only while there is such a client, or one could register itself.
"""

from __future__ import annotations

from idp import directory
from idp.models import Application, Client, RegistrationPolicy
from idp.protocol import response_type, vocabulary
from idp.protocol.vocabulary import GrantType

_COMPATIBILITY = Application.Profile.COMPATIBILITY


def response_types() -> tuple[str, ...]:
    """The response types that somebody may use here."""
    return vocabulary.RESPONSE_TYPES if is_offered() else (vocabulary.CODE,)


def is_offered() -> bool:
    """Whether there is, or may come, a client that gets tokens in the front channel."""
    return directory.cached("front-channel", _is_offered)


def _is_offered() -> bool:
    if Application.objects.filter(profile=_COMPATIBILITY, enabled=True).exists():
        return True
    registering = RegistrationPolicy.objects.exclude(mode=RegistrationPolicy.Mode.OFF)
    return registering.filter(profile=_COMPATIBILITY).exists()


def may_use(client: Client, kind: str) -> bool:
    """Whether the client is registered for this response type and the grants behind it."""
    if kind not in client.response_types:
        return False
    needed = {GrantType.AUTHORIZATION_CODE} if response_type.CODE in kind.split(" ") else set()
    if response_type.brings_tokens(kind):
        if client.application.profile != _COMPATIBILITY:
            return False
        needed.add(GrantType.IMPLICIT)
    return needed.issubset(client.grant_types)
