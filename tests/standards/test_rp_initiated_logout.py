"""OpenID Connect RP-Initiated Logout 1.0; modules of the conformance plan stand in the marks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.test import override_settings

from idp.models import Session
from tests.support.factories import UserFactory
from tests.support.protocol import (
    AFTER_LOGOUT,
    RelyingParty,
    World,
    answer,
    cookie_of,
    header,
    sign_in,
)
from tests.support.sign_in import Browser

S = "OIDC RP-Initiated Logout"


@pytest.fixture
def hint(world: World, web: RelyingParty) -> str:
    return web.tokens(world.session)["id_token"]


def leave(world: World, **parameters: Any) -> Any:
    return world.provider.get("/end_session", parameters, cookies=cookie_of(world.session))


def signed_in() -> bool:
    return Session.objects.filter(ended_at=None).exists()


@pytest.mark.standard(S, "2", "hint, registered address and state (oidcc-rp-initiated-logout)")
def test_everything(world: World, web: RelyingParty, hint: str) -> None:
    response = leave(world, id_token_hint=hint, post_logout_redirect_uri=AFTER_LOGOUT, state="s t")
    assert header(response, "Location") == AFTER_LOGOUT + "?state=s%20t"
    assert answer(web.authorize(world.session, prompt="none"))["error"] == "login_required"


@pytest.mark.standard(S, "3", "no state is made up (-no-state)")
def test_no_state(world: World, hint: str) -> None:
    response = leave(world, id_token_hint=hint, post_logout_redirect_uri=AFTER_LOGOUT)
    assert header(response, "Location") == AFTER_LOGOUT


@pytest.mark.standard(S, "3", "exact addresses only (-bad-…, -query-added-to-…)")
@pytest.mark.parametrize("address", [AFTER_LOGOUT + "?a=b", "https://evil.example/", "nonsense"])
def test_bad_address(world: World, hint: str, address: str) -> None:
    response = leave(world, id_token_hint=hint, post_logout_redirect_uri=address)
    assert (response.status, header(response, "Location")) == (400, "")


@pytest.mark.standard(S, "2", "a modified or foreign hint is not believed (-modified-…, -bad-…)")
def test_bad_hint(world: World, hint: str) -> None:
    head, body, signature = hint.split(".")
    for bad in (
        f"{head}.{body}.",
        f"eyJhbGciOiJub25lIn0.{body}.",
        f"{head}.{body}.{signature[1:]}",
    ):
        response = leave(world, id_token_hint=bad, post_logout_redirect_uri=AFTER_LOGOUT)
        assert header(response, "Location").startswith("/logout/confirm/")
        assert signed_in()


@pytest.mark.standard(S, "2", "without a hint the person is asked (-no-id-token-hint, -no-params)")
@pytest.mark.parametrize(
    "parameters", [{}, {"state": "s"}, {"post_logout_redirect_uri": AFTER_LOGOUT}]
)
def test_no_hint(world: World, web: RelyingParty, parameters: dict[str, str]) -> None:
    response = leave(world, **parameters)
    assert header(response, "Location").startswith("/logout/confirm/")
    assert signed_in()


@pytest.mark.standard(S, "2", "without an address a page says so (-no-post-logout-redirect-uri)")
def test_no_address(world: World, hint: str) -> None:
    assert header(leave(world, id_token_hint=hint), "Location") == "/logout/done"
    assert not signed_in()


@pytest.mark.standard(S, "2", "by POST too, also from another site")
def test_post(world: World, hint: str) -> None:
    form = {"id_token_hint": hint, "post_logout_redirect_uri": AFTER_LOGOUT}
    response = world.provider.post("/end_session", form, cookies=cookie_of(world.session))
    assert header(response, "Location") == AFTER_LOGOUT
    foreign = world.provider.post("/end_session", form)
    assert header(foreign, "Location").startswith("/end_session?ticket=")


@pytest.mark.standard(S, "2", "an expired hint counts")
def test_expired_hint(world: World, hint: str) -> None:
    world.provider.ahead = timedelta(hours=2)
    response = leave(world, id_token_hint=hint, post_logout_redirect_uri=AFTER_LOGOUT)
    assert header(response, "Location") == AFTER_LOGOUT
    assert not signed_in()


@pytest.mark.standard(S, "2", "a hint of another session, person or issuer signs nobody out")
def test_hint_of_another_session(world: World, web: RelyingParty) -> None:
    elsewhere = web.tokens(sign_in(world.user))["id_token"]
    somebody = web.tokens(sign_in(UserFactory()))["id_token"]
    web.tokens(world.session)
    for foreign in (elsewhere, somebody):
        response = leave(world, id_token_hint=foreign, post_logout_redirect_uri=AFTER_LOGOUT)
        assert header(response, "Location").startswith("/logout/confirm/")
    assert Session.objects.filter(ended_at=None).count() == 3
    other = settings.IDP.model_copy(update={"issuer": "https://other.example"})
    with override_settings(IDP=other):
        forged = web.tokens(world.session)["id_token"]
    response = leave(world, id_token_hint=forged, post_logout_redirect_uri=AFTER_LOGOUT)
    assert header(response, "Location").startswith("/logout/confirm/")


@pytest.mark.standard(S, "6", "the page that asks wants its own form; then it leads to the client")
def test_confirmation(world: World, web: RelyingParty) -> None:
    browser = Browser()
    browser.cookies.load(cookie_of(world.session))
    query = urlencode(
        {"client_id": web.id, "post_logout_redirect_uri": AFTER_LOGOUT, "state": "s t"}
    )
    page = browser.open(f"/end_session?{query}")
    assert signed_in()
    forged = browser.post(page.path, {"logout": "1"})
    assert "Location" not in forged.headers or AFTER_LOGOUT not in forged.headers["Location"]
    assert signed_in()
    done = browser.submit(browser.open(f"/end_session?{query}"), logout="1")
    assert done.headers["Location"] == AFTER_LOGOUT + "?state=s%20t"
    assert not signed_in()


@pytest.mark.standard(S, "3", "confirmed without a client nobody is led anywhere")
def test_confirmation_without_a_client(world: World) -> None:
    browser = Browser()
    browser.cookies.load(cookie_of(world.session))
    page = browser.open(f"/end_session?{urlencode({'post_logout_redirect_uri': AFTER_LOGOUT})}")
    assert browser.submit(page, logout="1").path == "/logout/done"
    assert not signed_in()


@pytest.mark.standard(S, "2", "client_id must be the hint's")
def test_client_id(world: World, hint: str) -> None:
    other = world.relying_party()
    assert leave(world, id_token_hint=hint, client_id=other.id).status == 400
    assert signed_in()


@pytest.mark.standard(S, "6", "an access token is no hint")
def test_access_token_as_hint(world: World, web: RelyingParty) -> None:
    token = web.tokens(world.session)["access_token"]
    response = leave(world, id_token_hint=token)
    assert header(response, "Location").startswith("/logout/confirm/")
