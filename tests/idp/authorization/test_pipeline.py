"""The order of the checks: what is shown, what is redirected, what comes first."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.conf import settings

from idp.authorization import checks
from idp.authorization.pipeline import CHECKS, describe
from idp.models import AuditEvent, SignIn
from tests.attacks import redirect_uris
from tests.support.protocol import FORM, RelyingParty, World, answer, encode, header


def page(response: Any, code: str) -> str:
    """A page of ours with this error code, going nowhere; returns its text."""
    assert response.status == 400, response.body
    assert header(response, "Location") == ""
    assert header(response, "Content-Type") == "text/html; charset=utf-8"
    text = response.body.decode()
    assert f'<code id="error-code">{code}</code>' in text
    assert 'id="error-reference"' in text
    return text


def test_order() -> None:
    assert [check.__name__ for check in CHECKS] == [
        "known_client",
        "enabled_application",
        "request_object",
        "registered_redirect_uri",
        "response_mode_known",
        "no_repeated_parameters",
        "bearable_length",
        "unsupported_parameters",
        "known_response_type",
        "nonce_of_id_token",
        "allowed_scope",
        "allowed_resources",
        "proof_key",
        "possible_prompt",
        "readable_claims",
        "own_id_token_hint",
        "reachable_acr",
    ]


def test_every_check_says_what_it_checks() -> None:
    for check in CHECKS:
        assert describe(check).endswith((".", ")."))
    assert describe(checks.allowed_resources).startswith("Every resource")


# ----- shown -----


@pytest.mark.parametrize("client_id", ["nobody", "é", "a\tb", "a" * 200, "' OR 1=1 --", "\x7f"])
def test_unknown_client(world: World, web: RelyingParty, client_id: str) -> None:
    page(web.authorize(world.session, client_id=client_id), "invalid_client")


def test_missing_client(world: World, web: RelyingParty) -> None:
    page(web.authorize(world.session, client_id=None), "invalid_request")
    page(web.authorize(world.session, client_id=""), "invalid_request")


def test_missing_redirect_uri(world: World, web: RelyingParty) -> None:
    text = page(web.authorize(world.session, redirect_uri=None), "invalid_request")
    assert "did not say where the answer is to go" in text


def test_refused_request_object_is_no_missing_redirect_uri(world: World, web: RelyingParty) -> None:
    refused = web.authorize(world.session, redirect_uri=None, request="a.b.c")
    text = page(refused, "invalid_request_object")
    assert "did not say where" not in text


def test_disabled_application(world: World, web: RelyingParty) -> None:
    web.change_application(enabled=False)
    page(web.authorize(world.session), "unauthorized_client")


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_repeated_before_the_address_is_proven(world: World, web: RelyingParty, name: str) -> None:
    value = web.request()[name]
    query = encode({**web.request(), name: [value, value]})
    text = page(web.provider.get("/authorize", query), "invalid_request")
    assert "did not say where" not in text


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("broken", ["state=%ff", "state=%00", "state=%zz", "a=1&" * 250])
def test_broken_encoding(web: RelyingParty, method: str, broken: str) -> None:
    raw = f"{encode(web.request(state=None))}&{broken}"
    send = web.provider.get if method == "GET" else web.provider.post
    page(send("/authorize", raw), "invalid_request")


@pytest.mark.parametrize("content_type", ["", "application/json", "text/plain"])
def test_post_of_another_type(web: RelyingParty, content_type: str) -> None:
    response = web.provider.post("/authorize", web.request(), content_type=content_type)
    page(response, "invalid_request")


def test_post_with_parameters_in_the_url(web: RelyingParty) -> None:
    response = web.provider.post("/authorize", web.request(), query="state=x")
    page(response, "invalid_request")


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_other_methods(world: World, method: str) -> None:
    response = world.provider.send(method, "/authorize", content_type=FORM)
    assert (response.status, header(response, "Allow")) == (405, "GET, POST")


REGISTERED = "https://application.example/callback"
MUTATIONS = list(redirect_uris.mutations(REGISTERED))


def test_every_mutation_of_a_redirect_uri_is_shown(world: World, web: RelyingParty) -> None:
    assert len(MUTATIONS) > 100
    for mutation in MUTATIONS:
        response = web.authorize(world.session, redirect_uri=mutation.uri)
        assert (response.status, header(response, "Location")) == (400, ""), mutation
        assert b"invalid_request" in response.body, mutation


def test_mutations_are_shown_for_native_applications_too(world: World) -> None:
    party = world.relying_party(
        redirect_uris=["http://127.0.0.1/callback"],
        token_endpoint_auth_method="none",
        application_profile="native",
    )
    for mutation in redirect_uris.mutations("http://127.0.0.1:8765/callback"):
        response = party.authorize(world.session, redirect_uri=mutation.uri)
        if response.status == 303:
            assert re.fullmatch(r"http://127\.0\.0\.1(:\d+)?/callback", mutation.uri), mutation


def test_a_stranger_reads_nothing_of_the_registration(world: World, web: RelyingParty) -> None:
    text = page(web.authorize(None, redirect_uri="https://evil.example/cb"), "invalid_request")
    assert REGISTERED not in text
    assert "evil.example" not in text


def test_an_administrator_reads_what_to_register(world: World, web: RelyingParty) -> None:
    world.user.is_superuser = True
    world.user.save()
    response = web.authorize(world.session, redirect_uri="https://app.example/other")
    assert "https://app.example/other" in page(response, "invalid_request")


def test_refusal_is_traced_under_its_reference(world: World, web: RelyingParty) -> None:
    response = web.authorize(world.session, redirect_uri="https://evil.example/cb", nonce="secret")
    row = SignIn.objects.get()
    assert row.reference in response.body.decode()
    assert row.received["redirect_uri"] == "https://evil.example/cb"
    assert row.received["nonce"] == "(6 characters)"
    assert [line["passed"] for line in row.trace] == [True, True, True, False]
    assert row.trace[-1]["expected"] == REGISTERED
    assert row.suggestion
    assert AuditEvent.objects.get(action="authorization.refused").reference == row.reference


# ----- redirected -----


def sent(response: Any, error: str, **expected: str) -> dict[str, str]:
    """An error that was sent to the client; returns all its parameters."""
    parameters = answer(response)
    assert parameters["error"] == error
    assert parameters["iss"] == settings.IDP.issuer
    assert set(parameters) <= {"error", "error_description", "state", "iss"}
    for name, value in expected.items():
        assert parameters.get(name) == value
    return parameters


REFUSED = [
    ({"response_type": None}, "invalid_request"),
    ({"response_type": "none"}, "unsupported_response_type"),
    ({"response_type": "code code"}, "unsupported_response_type"),
    ({"response_mode": "web_message"}, "invalid_request"),
    ({"request": "a.b.c"}, "invalid_request_object"),
    ({"request_uri": "https://application.example/r"}, "invalid_request_uri"),
    ({"registration": "{}"}, "registration_not_supported"),
    ({"scope": None}, "invalid_scope"),
    ({"scope": "unknown"}, "invalid_scope"),
    ({"scope": 'a"b'}, "invalid_scope"),
    ({"resource": "https://unknown.example"}, "invalid_target"),
    ({"resource": "relative"}, "invalid_target"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"code_challenge": "é" * 43}, "invalid_request"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"max_age": "-1"}, "invalid_request"),
    ({"max_age": "soon"}, "invalid_request"),
    ({"max_age": "9" * 30}, "invalid_request"),
    ({"claims": "["}, "invalid_request"),
    ({"claims": '{"userinfo": 1}'}, "invalid_request"),
    ({"claims": '{"a":1,"a":2}'}, "invalid_request"),
    ({"id_token_hint": "a.b.c"}, "invalid_request"),
    ({"nonce": "n" * 3000}, "invalid_request"),
    (
        {"claims": '{"id_token": {"acr": {"essential": true, "value": "phr"}}}'},
        "unmet_authentication_requirements",
    ),
]


@pytest.mark.parametrize(("changes", "error"), REFUSED)
def test_refused_with_the_registered_code(
    world: World, web: RelyingParty, changes: dict[str, Any], error: str
) -> None:
    response = web.authorize(world.session, **changes)
    sent(response, error, state="state-1")
    assert header(response, "Location").startswith(REGISTERED + "?")
    assert header(response, "Cache-Control") == "no-store"
    assert header(response, "Referrer-Policy") == "no-referrer"
    assert header(response, "Access-Control-Allow-Origin") == ""


@pytest.mark.parametrize(
    "name",
    [
        *("response_type", "scope", "state", "nonce", "prompt", "max_age", "claims", "acr_values"),
        *("code_challenge", "response_mode", "login_hint", "display", "unknown"),
    ],
)
def test_repeated_parameter(world: World, web: RelyingParty, name: str) -> None:
    query = encode({**web.request(), name: ["a", "a"]})
    parameters = sent(web.provider.get("/authorize", query), "invalid_request")
    assert parameters.get("state") == (None if name == "state" else "state-1")


def test_unregistered_response_type(world: World, web: RelyingParty) -> None:
    web.change(response_types=[], grant_types=["client_credentials"])
    sent(web.authorize(world.session), "unauthorized_client")


STATES = ["x" * 128, "a b+c%20d", "\"<>'&=?#/\\", "é漢字🙂", "=&=&", "%", " ", "a" * 8192]


@pytest.mark.parametrize(
    "name", ["nonce", "prompt", "acr_values", "login_hint", "display", "ui_locales"]
)
def test_no_parameter_is_longer_than_a_row_can_bear(
    world: World, web: RelyingParty, name: str
) -> None:
    response = web.authorize(world.session, **{name: "login " * 342})
    assert sent(response, "invalid_request")["error_description"].startswith(f"{name} is longer")


@pytest.mark.parametrize("state", STATES)
def test_state_is_returned_byte_for_byte(world: World, web: RelyingParty, state: str) -> None:
    sent(web.authorize(world.session, prompt="none login", state=state), "invalid_request")
    assert answer(web.authorize(world.session, state=state))["state"] == state
    wrong = answer(web.authorize(world.session, state=state, scope="unknown"))
    assert wrong["state"] == state


def test_no_state_is_made_up(world: World, web: RelyingParty) -> None:
    assert "state" not in answer(web.authorize(world.session, state=None))
    assert "state" not in answer(web.authorize(world.session, state=None, scope="x"))


def test_state_too_long_to_carry(world: World, web: RelyingParty) -> None:
    parameters = sent(web.authorize(world.session, state="a" * 8193), "invalid_request")
    assert "state" not in parameters


def test_query_of_the_redirect_uri_is_kept(world: World) -> None:
    party = world.relying_party(redirect_uris=["https://a.example/cb?x=1&y=%20z"])
    location = header(party.authorize(world.session), "Location")
    assert location.startswith("https://a.example/cb?x=1&y=%20z&code=")


def test_unknown_things_are_ignored(world: World, web: RelyingParty) -> None:
    parameters = answer(
        web.authorize(
            world.session,
            extra="foobar",
            scope="openid unknown",
            prompt="create",
            display="hologram",
            ui_locales="se xx",
            claims_locales="se",
            acr_values="urn:unknown phr",
            claims='{"userinfo": {"shoe_size": null}, "other": {}}',
        )
    )
    assert parameters["code"]


# ----- proof key policy -----


@pytest.mark.parametrize(
    ("policy", "nonce", "public", "passes"),
    [
        ("default", "n", False, True),
        ("default", None, False, False),
        ("default", "n", True, False),
        ("required", "n", False, False),
        ("optional", None, False, True),
        ("optional", None, True, False),
        ("optional", "n", True, False),
    ],
)
def test_when_a_proof_key_is_required(
    world: World, policy: str, nonce: str | None, public: bool, passes: bool
) -> None:
    method = "none" if public else "client_secret_basic"
    party = world.relying_party(pkce=policy, token_endpoint_auth_method=method)
    response = party.authorize(
        world.session, nonce=nonce, code_challenge=None, code_challenge_method=None
    )
    if passes:
        assert answer(response)["code"]
    else:
        sent(response, "invalid_request")


def test_nonce_alone_protects_no_request_without_openid(world: World, web: RelyingParty) -> None:
    world.resource("https://api.example", "read", clients=[web])
    response = web.authorize(
        world.session, scope="read", code_challenge=None, code_challenge_method=None
    )
    sent(response, "invalid_request")


def test_refusal_says_nothing_of_the_detail(world: World, web: RelyingParty) -> None:
    parameters = sent(web.authorize(world.session, id_token_hint="a.b.c"), "invalid_request")
    assert parameters["error_description"] == "id_token_hint is not valid"
    assert "base64url" in SignIn.objects.get().reason
