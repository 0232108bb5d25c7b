"""Client authentication: exactly one method, the registered one, and no oracle."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.utils import timezone

from idp import refusals
from idp.client_auth.registry import METHODS
from idp.models import AuditEvent
from idp.protocol import vocabulary
from tests.support.protocol import Provider, RelyingParty, World, basic, header, json

GRANT = {"grant_type": "client_credentials"}


def ask(provider: Provider, *authorization: str, **form: Any) -> Any:
    return provider.post("/token", {**GRANT, **form}, authorization=tuple(authorization))


@pytest.fixture
def post(world: World) -> RelyingParty:
    return world.relying_party(
        token_endpoint_auth_method="client_secret_post", grant_types=["client_credentials"]
    )


def assert_refused(response: Any) -> str:
    assert response.status == 401
    assert json(response)["error"] == "invalid_client"
    assert dict(response.headers)["WWW-Authenticate"].startswith("Basic ")
    return json(response)["error_description"]


def test_registry_is_what_may_be_registered() -> None:
    assert tuple(METHODS) == vocabulary.TOKEN_ENDPOINT_AUTH_METHODS


def test_basic(web: RelyingParty) -> None:
    assert ask(web.provider, *web.authorization).status == 200


def test_scheme_in_any_case(web: RelyingParty) -> None:
    value = web.authorization[0].removeprefix("Basic ")
    for scheme in ("basic", "BASIC", "bAsIc"):
        assert ask(web.provider, f"{scheme} {value}").status == 200


def test_basic_credentials_are_form_decoded(web: RelyingParty) -> None:
    escaped = "".join(f"%{byte:02X}" for byte in web.secret.encode())
    pair = base64.b64encode(f"{web.id}:{escaped}".encode()).decode()
    assert ask(web.provider, f"Basic {pair}").status == 200


def test_post(post: RelyingParty) -> None:
    response = ask(post.provider, client_id=post.id, client_secret=post.secret)
    assert response.status == 200


def test_post_where_basic_was_registered(web: RelyingParty) -> None:
    assert_refused(ask(web.provider, client_id=web.id, client_secret=web.secret))


def test_basic_where_post_was_registered(post: RelyingParty) -> None:
    assert_refused(ask(post.provider, *basic(post.id, post.secret)))


def test_bare_client_id_where_a_secret_was_registered(web: RelyingParty) -> None:
    assert_refused(ask(web.provider, client_id=web.id))


def test_empty_secret_is_no_secret(post: RelyingParty) -> None:
    assert_refused(ask(post.provider, client_id=post.id, client_secret=""))


def test_public_client_with_a_secret(public: RelyingParty) -> None:
    assert_refused(ask(public.provider, *basic(public.id, "x")))
    assert_refused(ask(public.provider, client_id=public.id, client_secret="x"))
    assert_refused(ask(public.provider, *basic(public.id, "")))


@pytest.mark.parametrize("authorization", [True, False])
def test_two_methods_at_once(web: RelyingParty, post: RelyingParty, authorization: bool) -> None:
    party = web if authorization else post
    response = ask(
        party.provider,
        *basic(party.id, party.secret),
        client_id=party.id,
        client_secret=party.secret,
    )
    assert (response.status, json(response)["error"]) == (400, "invalid_request")


def test_client_id_beside_basic_must_agree(web: RelyingParty, post: RelyingParty) -> None:
    assert ask(web.provider, *web.authorization, client_id=web.id).status == 200
    response = ask(web.provider, *web.authorization, client_id=post.id)
    assert (response.status, json(response)["error"]) == (400, "invalid_request")


def test_two_authorization_headers(web: RelyingParty) -> None:
    response = ask(web.provider, *web.authorization, *web.authorization)
    assert (response.status, json(response)["error"]) == (400, "invalid_request")


def test_headers_joined_by_the_server(web: RelyingParty) -> None:
    joined = ", ".join([web.authorization[0], web.authorization[0]])
    assert_refused(ask(web.provider, joined))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic " + base64.b64encode(b"a%ff:x").decode(),
        "Basic " + base64.b64encode(b"a%00b:x").decode(),
        "Basic " + base64.b64encode(b"a\x00b:x").decode(),
        "Basic " + base64.b64encode(b":").decode(),
        "Basic " + "A" * 5000,
        "Bearer abc",
        "Digest x",
        "Basic é",
        "Basic\tx",
    ],
)
def test_broken_header(world: World, value: str) -> None:
    assert_refused(ask(world.provider, value))


def test_unknown_client_and_wrong_secret_read_the_same(web: RelyingParty) -> None:
    wrong = ask(web.provider, *basic(web.id, "gts_wrong"))
    unknown = ask(web.provider, *basic("nobody", "gts_wrong"))
    assert assert_refused(wrong) == assert_refused(unknown)
    assert wrong.body == unknown.body


def test_nobody_says_who_it_is(world: World) -> None:
    assert_refused(ask(world.provider))
    assert_refused(ask(world.provider, client_secret="x"))


def test_disabled_application(web: RelyingParty) -> None:
    web.change_application(enabled=False)
    assert_refused(ask(web.provider, *web.authorization))


def test_a_refusal_is_in_the_audit_trail_without_the_secret(web: RelyingParty) -> None:
    ask(web.provider, *basic(web.id, "gts_very-secret"))
    event = AuditEvent.objects.get(action="token.refused")
    assert "wrong secret" in event.reason
    assert "very-secret" not in str(vars(event))


def test_a_flood_of_failures_is_slowed_and_keeps_nobody_out(
    web: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "MOST_OF_ONE", 60)
    moment = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: moment)  # no bucket runs down meanwhile
    statuses = [ask(web.provider, *basic(web.id, "wrong")).status for _ in range(70)]
    assert statuses == [401] * 60 + [429] * 10
    refused = web.provider.responses[-1]
    assert json(refused)["error"] == "invalid_client"
    assert header(refused, "Retry-After") == "60"
    assert ask(web.provider, *web.authorization).status == 200
    assert AuditEvent.objects.filter(action="token.refused").count() == 60
