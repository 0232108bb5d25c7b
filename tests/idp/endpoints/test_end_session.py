"""end_session: who is signed out, who is asked, and where the browser may go."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.utils import timezone

from idp import keys
from idp.accounts import session as sessions
from idp.models import Interaction, Session
from tests.support.factories import UserFactory
from tests.support.protocol import (
    AFTER_LOGOUT,
    FORM,
    RelyingParty,
    World,
    claims_of,
    cookie_of,
    header,
    json,
    sign_in,
)
from tests.support.sign_in import Browser


@pytest.fixture
def hint(world: World, web: RelyingParty) -> str:
    return web.tokens(world.session)["id_token"]


def leave(world: World, session: Session | None = None, **parameters: Any) -> Any:
    return world.provider.get("/end_session", parameters, cookies=cookie_of(session))


def location(response: Any) -> str:
    assert response.status == 303, response.body
    return header(response, "Location")


def asked(response: Any) -> str:
    """The person is asked first; returns where they would go afterwards."""
    assert location(response).startswith("/logout/confirm/")
    assert Session.objects.get().ended_at is None
    return Interaction.objects.get().request["redirect_to"]


def refused(response: Any) -> None:
    assert response.status == 400
    assert header(response, "Location") == ""
    assert b'id="error-code">invalid_request<' in response.body
    assert Session.objects.filter(ended_at=None).exists()


def test_hint_of_this_session_signs_out_at_once(world: World, web: RelyingParty, hint: str) -> None:
    access_token = web.tokens(world.session)["access_token"]
    response = leave(
        world,
        world.session,
        id_token_hint=hint,
        post_logout_redirect_uri=AFTER_LOGOUT,
        state="a b",
    )
    assert location(response) == AFTER_LOGOUT + "?state=a%20b"
    set_cookies = [value for name, value in response.headers if name == "Set-Cookie"]
    assert any(cookie.startswith('gatehouse_session="";') for cookie in set_cookies)
    assert any(cookie.startswith("gatehouse_browser_state=") for cookie in set_cookies)
    assert Session.objects.get().ended_at is not None
    assert web.introspect(access_token) == {"active": False}


def test_no_state_is_made_up(world: World, hint: str) -> None:
    response = leave(
        world, world.session, id_token_hint=hint, post_logout_redirect_uri=AFTER_LOGOUT
    )
    assert location(response) == AFTER_LOGOUT


def test_without_an_address_a_page(world: World, hint: str) -> None:
    response = leave(world, world.session, id_token_hint=hint)
    assert location(response) == "/logout/done"
    assert Session.objects.get().ended_at is not None


def test_hint_without_a_session(world: World, hint: str) -> None:
    response = leave(world, None, id_token_hint=hint, post_logout_redirect_uri=AFTER_LOGOUT)
    assert location(response) == AFTER_LOGOUT


def test_nothing_at_all_asks(world: World) -> None:
    assert asked(leave(world, world.session)) == ""


def test_nobody_to_sign_out_leaves_no_row(world: World, web: RelyingParty) -> None:
    assert location(leave(world, None)) == "/logout/done"
    assert not Interaction.objects.exists()


def test_client_id_and_registered_address_ask_first(world: World, web: RelyingParty) -> None:
    response = leave(
        world, world.session, client_id=web.id, post_logout_redirect_uri=AFTER_LOGOUT, state="s"
    )
    assert asked(response) == AFTER_LOGOUT + "?state=s"


def test_address_alone_leads_nowhere(world: World, web: RelyingParty) -> None:
    response = leave(world, world.session, post_logout_redirect_uri=AFTER_LOGOUT)
    assert asked(response) == ""


@pytest.mark.parametrize(
    "address",
    [
        AFTER_LOGOUT + "?x=1",
        AFTER_LOGOUT + "/",
        AFTER_LOGOUT.upper(),
        "https://evil.example/",
        "//evil.example",
        "javascript:alert(1)",
        "https://application.example@evil.example/bye",
        "https://application.example/callback",
    ],
)
def test_unregistered_address_is_refused(world: World, hint: str, address: str) -> None:
    refused(leave(world, world.session, id_token_hint=hint, post_logout_redirect_uri=address))


def test_hint_for_another_client_is_refused(world: World, web: RelyingParty, hint: str) -> None:
    other = world.relying_party()
    refused(leave(world, world.session, id_token_hint=hint, client_id=other.id))


def test_hint_of_another_person_asks(world: World, web: RelyingParty) -> None:
    other = sign_in(UserFactory())
    foreign = web.tokens(other)["id_token"]
    sessions.end(other, reason="x", now=timezone.now())
    other.delete()
    response = leave(
        world, world.session, id_token_hint=foreign, post_logout_redirect_uri=AFTER_LOGOUT
    )
    assert asked(response) == AFTER_LOGOUT


def test_hint_of_an_earlier_session_asks(world: World, web: RelyingParty) -> None:
    earlier = sign_in(world.user)
    old = web.tokens(earlier)["id_token"]
    earlier.delete()
    assert asked(leave(world, world.session, id_token_hint=old)) == ""


def forgeries(world: World, web: RelyingParty) -> dict[str, str]:
    tokens = web.tokens(world.session)
    claims = claims_of(tokens["id_token"])
    head, body, signature = tokens["id_token"].split(".")
    return {
        "an access token": tokens["access_token"],
        "another issuer": keys.signer("RS256").sign({**claims, "iss": "https://x"}, typ="JWT"),
        "an access token's type": keys.signer("RS256").sign(claims, typ="at+jwt"),
        "alg none": f"eyJhbGciOiJub25lIn0.{body}.",
        "another signature": f"{head}.{body}.{signature[:-4]}AAAA",
        "nonsense": "nonsense",
    }


def test_forged_hint_is_not_believed(world: World, web: RelyingParty) -> None:
    for name, forged in forgeries(world, web).items():
        Interaction.objects.all().delete()
        response = leave(
            world,
            world.session,
            id_token_hint=forged,
            post_logout_redirect_uri=AFTER_LOGOUT,
            client_id=web.id,
        )
        assert asked(response) == "", name


def test_expired_hint_is_fine(world: World, hint: str) -> None:
    world.provider.ahead = timedelta(hours=2)
    assert location(leave(world, world.session, id_token_hint=hint)) == "/logout/done"


def test_repeated_parameter(world: World, hint: str) -> None:
    response = world.provider.get(
        "/end_session", [("state", "a"), ("state", "a")], cookies=cookie_of(world.session)
    )
    refused(response)


@pytest.mark.parametrize("query", ["state=%ff", "state=%00", "ticket=x", "ticket=AAAA"])
def test_broken_parameters(world: World, query: str) -> None:
    refused(world.provider.get("/end_session", query, cookies=cookie_of(world.session)))


def test_post_from_another_site_goes_on_by_get(world: World, web: RelyingParty, hint: str) -> None:
    form = {"id_token_hint": hint, "post_logout_redirect_uri": AFTER_LOGOUT, "state": "s"}
    response = world.provider.post("/end_session", form)
    path, _, query = location(response).partition("?")
    assert path == "/end_session"
    assert hint not in query
    response = world.provider.get(path, query, cookies=cookie_of(world.session))
    assert location(response) == AFTER_LOGOUT + "?state=s"
    assert Session.objects.get().ended_at is not None


def test_ticket_expires(world: World, hint: str) -> None:
    response = world.provider.post("/end_session", {"id_token_hint": hint})
    path, _, query = location(response).partition("?")
    world.provider.ahead = timedelta(minutes=6)
    refused(world.provider.get(path, query, cookies=cookie_of(world.session)))


def test_what_no_address_can_bear_is_refused(world: World, web: RelyingParty, hint: str) -> None:
    """A body of 1 MiB must not become an address of 1.4 MB, nor a row."""
    known = {"client_id": web.client.client_id, "post_logout_redirect_uri": AFTER_LOGOUT}
    long = {**known, "state": "s" * 100_000}
    refused(world.provider.post("/end_session", long))
    refused(world.provider.post("/end_session", long, cookies=cookie_of(world.session)))
    refused(leave(world, world.session, **known, state="s" * 8193))
    assert location(leave(world, id_token_hint=hint, **known, state="s" * 8192))
    ignored = world.provider.post("/end_session", {**known, "other": "o" * 100_000})
    assert len(location(ignored)) < 1000
    assert not Interaction.objects.exists()


def test_post_from_our_own_site(world: World, hint: str) -> None:
    response = world.provider.post(
        "/end_session", {"id_token_hint": hint}, cookies=cookie_of(world.session)
    )
    assert location(response) == "/logout/done"


def test_other_methods_and_types(world: World) -> None:
    assert world.provider.send("PUT", "/end_session", content_type=FORM).status == 405
    response = world.provider.post("/end_session", "{}", content_type="application/json")
    assert response.status == 400


def test_confirmed_in_the_browser(world: World, web: RelyingParty) -> None:
    browser = Browser()
    browser.cookies.load(cookie_of(world.session))
    query = f"client_id={web.id}&post_logout_redirect_uri={AFTER_LOGOUT}&state=s"
    page = browser.open(f"/end_session?{query}")
    done = browser.submit(page, logout="1")
    target = urlsplit(done.headers["Location"])
    assert target._replace(query="").geturl() == AFTER_LOGOUT
    assert dict(parse_qsl(target.query)) == {"state": "s"}
    assert Session.objects.get().ended_at is not None


def test_silent_sign_in_afterwards_fails(world: World, web: RelyingParty, hint: str) -> None:
    leave(world, world.session, id_token_hint=hint)
    response = web.authorize(world.session, prompt="none")
    assert "error=login_required" in header(response, "Location")
    assert json(web.provider.get("/.well-known/openid-configuration"))["end_session_endpoint"]
