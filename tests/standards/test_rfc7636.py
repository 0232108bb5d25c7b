"""RFC 7636, Proof Key for Code Exchange."""

from __future__ import annotations

import hashlib
from pathlib import Path

import orjson
import pytest
from django.core.management import call_command

from idp import features
from idp.protocol import client_metadata, jose, pkce
from idp.protocol.errors import InvalidClientMetadata
from tests.support.protocol import VERIFIER, RelyingParty, World, answer, json

S = "RFC 7636"


@pytest.mark.standard(S, "4.1", "verifiers of 43 to 128 characters")
@pytest.mark.parametrize("verifier", ["a" * 43, "a" * 128, "aA0-._~" * 10])
def test_verifiers(world: World, web: RelyingParty, verifier: str) -> None:
    code = web.code(world.session, code_challenge=pkce.s256(verifier))
    assert web.redeem(code, code_verifier=verifier).status == 200


@pytest.mark.standard(S, "4.1", "and nothing else is one")
@pytest.mark.parametrize("verifier", ["a" * 42, "a" * 129, "a" * 42 + "=", "é" * 43, "a b" * 20])
def test_no_verifiers(world: World, web: RelyingParty, verifier: str) -> None:
    challenge = jose.encode(hashlib.sha256(verifier.encode()).digest())
    response = web.redeem(web.code(world.session, code_challenge=challenge), code_verifier=verifier)
    assert (response.status, json(response)["error"]) == (400, "invalid_grant")


@pytest.mark.standard(S, "4.2", "a challenge is the base64url of a SHA-256")
@pytest.mark.parametrize("challenge", ["a" * 42, "a" * 44, "a" * 128, "a" * 42 + "=", "+" * 43])
def test_challenges(world: World, web: RelyingParty, challenge: str) -> None:
    refused = answer(web.authorize(world.session, code_challenge=challenge))
    assert refused["error"] == "invalid_request"


@pytest.mark.standard("Security control", "35", "S256 alone")
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


@pytest.mark.standard("RFC 9700", "2.1.1", "required of new clients, but where a nonce protects")
def test_policy(world: World, web: RelyingParty, public: RelyingParty) -> None:
    without = {"code_challenge": None, "code_challenge_method": None}

    def refused(party: RelyingParty, **changes: str | None) -> bool:
        found = answer(party.authorize(world.session, **without, **changes))
        assert found.get("error") in (None, "invalid_request")
        return "error" in found

    assert refused(web, nonce=None)
    assert refused(web, scope="email")
    assert not refused(web)
    web.change(pkce="required")
    assert refused(web)
    web.change(pkce="optional")
    assert not refused(web, nonce=None)
    public.change(pkce="optional")
    assert refused(public)


@pytest.mark.standard("RFC 9700", "2.1.1", "only confidential clients can opt out, with a warning")
def test_opting_out(db: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = {"redirect_uris": ["https://a.example/cb"], "gatehouse_pkce": "optional"}
    with pytest.raises(InvalidClientMetadata):
        client_metadata.parse({**document, "token_endpoint_auth_method": "none"})
    for policy in ("optional", "default"):
        file = tmp_path / "client.json"
        file.write_bytes(orjson.dumps({**document, "gatehouse_pkce": policy}))
        call_command("register_client", str(file))
        assert ("without a safeguard" in capsys.readouterr().err) is (policy == "optional")


@pytest.mark.standard(S, "4.6", "a wrong or missing verifier is invalid_grant")
@pytest.mark.parametrize("verifier", [None, "b" * 43, VERIFIER[:-1], pkce.s256(VERIFIER)])
def test_wrong_verifier(world: World, web: RelyingParty, verifier: str | None) -> None:
    response = web.redeem(web.code(world.session), code_verifier=verifier)
    assert (response.status, json(response)["error"]) == (400, "invalid_grant")


@pytest.mark.standard("Security control", "35", "a downgrade is refused")
@pytest.mark.standard("RFC 9700", "4.8", "a verifier without a challenge is refused")
def test_downgrade(world: World, web: RelyingParty) -> None:
    code = web.code(world.session, code_challenge=None, code_challenge_method=None)
    response = web.redeem(code)
    assert (response.status, json(response)["error"]) == (400, "invalid_grant")
