"""Proof keys: S256 and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import pkce
from idp.protocol.errors import InvalidRequest

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.standard("RFC 7636", "B", "the example of the appendix")
def test_example() -> None:
    assert pkce.s256(VERIFIER) == CHALLENGE
    assert pkce.verify(VERIFIER, CHALLENGE)


@pytest.mark.standard("RFC 7636", "4.3", "plain, the default of the RFC, is refused")
@pytest.mark.parametrize("method", [None, "plain", "s256", "S512", "", "S256 "])
def test_refuses_other_methods(method: str | None) -> None:
    with pytest.raises(InvalidRequest, match="S256"):
        pkce.validate_challenge(CHALLENGE, method)


@pytest.mark.standard("RFC 7636", "4.2", "syntax of the challenge")
@pytest.mark.parametrize(
    "challenge",
    ["", CHALLENGE[:-1], CHALLENGE + "a", CHALLENGE + "=", CHALLENGE[:-1] + "+", CHALLENGE + "\n"],
)
def test_refuses_malformed_challenges(challenge: str) -> None:
    with pytest.raises(InvalidRequest, match="43"):
        pkce.validate_challenge(challenge, "S256")


def test_challenge_and_method_come_together() -> None:
    pkce.validate_challenge(None, None)
    pkce.validate_challenge(CHALLENGE, "S256")
    with pytest.raises(InvalidRequest):
        pkce.validate_challenge(None, "S256")


@pytest.mark.standard("RFC 7636", "4.6", "another verifier is refused")
@pytest.mark.parametrize(
    "verifier",
    [
        *(
            None,
            "",
            VERIFIER[:-1] + "l",
            VERIFIER + "x",
            VERIFIER[:42],
            CHALLENGE,
            VERIFIER.lower(),
        ),
        *("a" * 129, VERIFIER + "\n", VERIFIER[:-1] + "é", VERIFIER[:-1] + "+"),
    ],
)
def test_refuses_other_verifiers(verifier: str | None) -> None:
    assert not pkce.verify(verifier, CHALLENGE)


@pytest.mark.standard("RFC 7636", "4.1", "a verifier has 43 to 128 unreserved characters")
@pytest.mark.parametrize("verifier", ["a" * 42, "a" * 129, "a" * 42 + "="])
def test_refuses_malformed_verifiers(verifier: str) -> None:
    assert not pkce.verify(verifier, pkce.s256(verifier))


@pytest.mark.parametrize("verifier", ["a" * 43, "-._~" * 32])
def test_accepts_the_shortest_and_the_longest(verifier: str) -> None:
    assert pkce.verify(verifier, pkce.s256(verifier))


@pytest.mark.standard("RFC 9700", "4.8", "a verifier without a challenge is a downgrade")
@pytest.mark.parametrize("challenge", [None, ""])
def test_verifier_without_challenge(challenge: str | None) -> None:
    assert not pkce.verify(VERIFIER, challenge)
    assert pkce.verify(None, challenge)


@given(st.text(), st.text())
def test_nothing_escapes(verifier: str, challenge: str) -> None:
    assert pkce.verify(verifier, challenge) is (verifier == challenge == "")
