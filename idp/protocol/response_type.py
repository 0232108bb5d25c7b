"""Response types: what an authorization response brings (OAuth Multiple Response Types §3, §5).

The order of the words means nothing, so each type has one spelling here. Says nothing about which
client may use which type.
"""

from __future__ import annotations

from idp.protocol import vocabulary

CODE = vocabulary.CODE
ID_TOKEN = "id_token"  # noqa: S105 - a word of response_type
TOKEN = "token"  # noqa: S105 - a word of response_type

_SPELLINGS = {frozenset(one.split(" ")): one for one in vocabulary.RESPONSE_TYPES}


def canonical(value: str) -> str | None:
    """Return the one spelling of a response type that we know, None for any other.

    A repeated word or a doubled space is another value (RFC 6749 §3.1.1).
    """
    words = value.split(" ")
    spelling = _SPELLINGS.get(frozenset(words))
    return spelling if spelling is not None and len(spelling.split(" ")) == len(words) else None


def words(response_type: str) -> frozenset[str]:
    """Return what a response of this type brings: code, id_token, token."""
    return frozenset(response_type.split(" "))


def brings_tokens(response_type: str) -> bool:
    """Tell whether tokens travel in the front channel, so that a query may not carry the answer."""
    return not words(response_type).isdisjoint((ID_TOKEN, TOKEN))
