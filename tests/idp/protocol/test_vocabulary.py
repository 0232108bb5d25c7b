"""The registered values that exist, and those that must not."""

from __future__ import annotations

import pytest

from idp.protocol import jose, vocabulary


@pytest.mark.standard("OIDC Core", "15.1", "RS256 is there, none is not")
def test_id_token_algorithms() -> None:
    assert vocabulary.DEFAULT_ID_TOKEN_SIGNING_ALG == "RS256"
    assert set(vocabulary.ID_TOKEN_SIGNING_ALGS) <= set(jose.ALGORITHMS)
    assert "none" not in jose.ALGORITHMS
    assert vocabulary.ACCESS_TOKEN_SIGNING_ALG in jose.ALGORITHMS


@pytest.mark.standard("RFC 9700", "2.4", "no password grant")
def test_grants_and_response_types() -> None:
    assert set(vocabulary.GRANT_TYPES) == {
        *("authorization_code", "refresh_token", "client_credentials", "implicit")
    }
    assert "token" not in vocabulary.RESPONSE_TYPES
    assert vocabulary.CODE_CHALLENGE_METHODS == ("S256",)


@pytest.mark.standard("RFC 9068", "5", "token kinds differ in typ")
def test_types_differ() -> None:
    assert len(set(vocabulary.JwtType)) == len(vocabulary.JwtType)
