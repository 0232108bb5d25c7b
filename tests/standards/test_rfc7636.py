"""RFC 7636, Proof Key for Code Exchange."""

from __future__ import annotations

import pytest

from idp import features
from idp.protocol import pkce
from tests.support.protocol import VERIFIER, RelyingParty, World, answer, json

S = "RFC 7636"


@pytest.mark.standard(S, "4.1", "verifiers of 43 to 128 characters")
@pytest.mark.parametrize("verifier", ["a" * 43, "a" * 128, "aA0-._~" * 10])
def test_verifiers(world: World, web: RelyingParty, verifier: str) -> None:
    code = web.code(world.session, code_challenge=pkce.s256(verifier))
    assert web.redeem(code, code_verifier=verifier).status == 200


@pytest.mark.standard(S, "4.2", "S256 alone; plain is refused")
def test_methods(world: World, web: RelyingParty) -> None:
    for method in ("plain", "s256", "S512", None):
        response = web.authorize(
            world.session, code_challenge="a" * 43, code_challenge_method=method
        )
        assert answer(response)["error"] == "invalid_request"
    assert features.metadata("https://x")["code_challenge_methods_supported"] == ["S256"]


@pytest.mark.standard(S, "4.4.1", "a missing challenge is invalid_request")
def test_missing_challenge(world: World, public: RelyingParty) -> None:
    response = public.authorize(world.session, code_challenge=None, code_challenge_method=None)
    assert answer(response)["error"] == "invalid_request"


@pytest.mark.standard(S, "4.6", "a wrong or missing verifier is invalid_grant")
@pytest.mark.parametrize("verifier", [None, "b" * 43, VERIFIER[:-1], pkce.s256(VERIFIER)])
def test_wrong_verifier(world: World, web: RelyingParty, verifier: str | None) -> None:
    response = web.redeem(web.code(world.session), code_verifier=verifier)
    assert (response.status, json(response)["error"]) == (400, "invalid_grant")


@pytest.mark.standard("RFC 9700", "4.8", "a verifier without a challenge is refused")
def test_downgrade(world: World, web: RelyingParty) -> None:
    code = web.code(world.session, code_challenge=None, code_challenge_method=None)
    response = web.redeem(code)
    assert (response.status, json(response)["error"]) == (400, "invalid_grant")
