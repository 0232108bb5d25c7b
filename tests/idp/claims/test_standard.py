"""The tables of the standard claims."""

from __future__ import annotations

from typing import Any

import pytest

from idp.claims import facts, standard
from idp.protocol import scope as scope_syntax


@pytest.mark.standard("OIDC Core", "5.4", "the claims of profile, email, address and phone")
def test_scopes_hold_the_claims_of_the_standard() -> None:
    assert set(standard.SCOPE_CLAIMS["profile"]) == {
        *("name", "family_name", "given_name", "middle_name", "nickname", "preferred_username"),
        *("profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale"),
        "updated_at",
    }
    assert standard.SCOPE_CLAIMS["email"] == ("email", "email_verified")
    assert standard.SCOPE_CLAIMS["address"] == ("address",)
    assert standard.SCOPE_CLAIMS["phone"] == ("phone_number", "phone_number_verified")
    assert standard.SCOPE_CLAIMS["groups"] == ("groups",)


def test_every_scope_with_claims_can_be_asked_for() -> None:
    assert {"openid", *standard.SCOPE_CLAIMS, "offline_access"} == set(scope_syntax.OPENID_SCOPES)


def test_a_claim_is_in_one_scope_only() -> None:
    assert len(standard.CLAIMS) == sum(len(claims) for claims in standard.SCOPE_CLAIMS.values())


def test_every_standard_claim_can_be_read() -> None:
    assert set(standard.CLAIMS) - {"groups"} <= set(facts.USER_KEYS)


def test_no_standard_claim_is_reserved() -> None:
    assert not standard.RESERVED & set(standard.CLAIMS)


@pytest.mark.standard("OIDC Core", "5.1", "the types of the standard claims")
@pytest.mark.parametrize(
    ("claim", "value", "wanted"),
    [
        ("email_verified", True, ""),
        ("email_verified", "true", "true or false"),
        ("email_verified", 1, "true or false"),
        ("updated_at", 1.5, ""),
        ("updated_at", True, "a number"),
        ("updated_at", "1", "a number"),
        ("address", {"country": "DE"}, ""),
        ("address", "Berlin", "an object"),
        ("name", "Alice", ""),
        ("name", ["Alice"], "a text"),
        ("name", False, "a text"),
        ("groups", ["a"], ""),
        ("groups", "a", ""),
        ("groups", 1, "a list"),
        ("role", 1, ""),
    ],
)
def test_types(claim: str, value: Any, wanted: str) -> None:
    assert standard.wrong_type(claim, value) == wanted
