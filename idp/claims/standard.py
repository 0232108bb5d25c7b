"""The claims that the standards define: their scopes, their types, and the reserved ones.

OIDC Core §5.1 (standard claims) and §5.4 (scopes); `groups` is ours, under the name people ask for.
"""

from __future__ import annotations

from collections.abc import Mapping

SCOPE_CLAIMS: Mapping[str, tuple[str, ...]] = {
    "profile": (
        "name",
        "family_name",
        "given_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
    "groups": ("groups",),
}
SCOPE_OF: Mapping[str, str] = {
    claim: scope for scope, claims in SCOPE_CLAIMS.items() for claim in claims
}
CLAIMS = tuple(SCOPE_OF)

# A claim that says something about another one goes only together with it.
COMPANION_OF: Mapping[str, str] = {
    "email_verified": "email",
    "phone_number_verified": "phone_number",
}

# OIDC Core §5.1: what a mapping row must give where it sets one of them; the others are texts.
_OTHER_TYPES: Mapping[str, tuple[type, ...]] = {
    "email_verified": (bool,),
    "phone_number_verified": (bool,),
    "updated_at": (int, float),
    "address": (dict,),
    "groups": (list, str),
}
_TYPE_WORDS: Mapping[type, str] = {
    bool: "true or false",
    int: "a number",
    dict: "an object",
    list: "a list",
    str: "a text",
}

# Said by the protocol, never by a row: RFC 7519 §4.1, OIDC Core §2 and §5.6.2, RFC 9068 §2.2,
# RFC 7662 §2.2, RFC 7800 §3.1, RFC 8693 §4, RFC 9396 §9.1, RFC 8417 §2.2, RFC 9493 §5.
RESERVED = frozenset(
    {
        *("iss", "sub", "aud", "exp", "iat", "nbf", "jti"),
        *("nonce", "auth_time", "acr", "amr", "azp", "sid", "at_hash", "c_hash", "s_hash"),
        *("client_id", "scope", "cnf", "act", "may_act", "authorization_details"),
        *("typ", "token_type", "active", "events", "sub_id", "sub_jwk", "toe", "txn"),
        *("verified_claims", "_claim_names", "_claim_sources"),
    }
)
RESERVED_PREFIX = "gatehouse_"


def wrong_type(claim: str, value: object) -> str:
    """What a standard claim should be, in words, if `value` is not that; else an empty string."""
    if claim not in SCOPE_OF:
        return ""
    wanted = _OTHER_TYPES.get(claim, (str,))
    fits = isinstance(value, wanted) and (bool in wanted or not isinstance(value, bool))
    return "" if fits else _TYPE_WORDS[wanted[0]]
