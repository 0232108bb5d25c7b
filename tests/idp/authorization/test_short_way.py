"""The short way: answered at once, by one read, or not at all."""

from __future__ import annotations

from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.utils import timezone

from idp.accounts import session_state
from idp.models import Interaction, Participant, Session, SignIn
from tests.support.factories import GroupFactory, UserFactory
from tests.support.protocol import (
    RelyingParty,
    World,
    agree,
    answer,
    claims_of,
    cookie_of,
    header,
    json,
    sign_in,
)


def led_on(response: Any) -> None:
    """The person is asked something, on a page of ours."""
    assert response.status == 303
    assert header(response, "Location").startswith("/interaction/")
    assert Interaction.objects.count() == 1


@pytest.fixture
def asking(world: World) -> RelyingParty:
    """An application that asks for consent."""
    return world.relying_party(trusted=False)


# ----- sessions -----


def test_signed_in(world: World, web: RelyingParty) -> None:
    assert answer(web.authorize(world.session))["code"]
    assert not Interaction.objects.exists()


def test_not_signed_in(world: World, web: RelyingParty) -> None:
    led_on(web.authorize(None))


@pytest.mark.parametrize(
    "fields",
    [
        {"ended_at": timezone.now()},
        {"expires_at": timezone.now() - timedelta(seconds=1)},
        {"seen_at": timezone.now() - timedelta(hours=13)},
    ],
)
def test_session_is_no_longer_live(world: World, web: RelyingParty, fields: Any) -> None:
    Session.objects.update(**fields)
    led_on(web.authorize(world.session))


def test_person_was_disabled(world: World, web: RelyingParty) -> None:
    world.user.is_active = False
    world.user.save()
    led_on(web.authorize(world.session))


@pytest.mark.parametrize("value", ["", "x", "é" * 43, "a" * 43, "' OR 1=1"])
def test_cookie_of_nobody(world: World, web: RelyingParty, value: str) -> None:
    led_on(web.provider.get("/authorize", web.request(), cookies={"gatehouse_session": value}))


def test_one_read_and_no_write(
    world: World, web: RelyingParty, django_assert_num_queries: Any, monkeypatch: Any
) -> None:
    web.authorize(world.session)
    monkeypatch.setattr("idp.directory.POLL_SECONDS", 3600)
    with django_assert_num_queries(1):
        assert answer(web.authorize(world.session))["code"]


def test_use_is_noted_once_a_minute(world: World, web: RelyingParty) -> None:
    web.authorize(world.session)
    seen = Session.objects.get().seen_at
    world.provider.ahead = timedelta(seconds=30)
    web.authorize(world.session)
    assert Session.objects.get().seen_at == seen
    world.provider.ahead = timedelta(seconds=61)
    web.authorize(world.session)
    assert Session.objects.get().seen_at > seen
    assert Participant.objects.get().last_at > seen


def test_every_application_has_a_sid_of_its_own(world: World, web: RelyingParty) -> None:
    other = world.relying_party()
    sids = {
        claims_of(party.tokens(world.session)["id_token"])["sid"] for party in (web, web, other)
    }
    assert len(sids) == 2


def test_sign_in_without_a_page_is_traced_once_a_minute(world: World, web: RelyingParty) -> None:
    for _ in range(3):
        web.authorize(world.session)
    row = SignIn.objects.get()
    assert (row.protocol, row.result, row.user_name) == ("oidc", "success", world.user.username)
    assert row.application_id == web.application.pk


# ----- the browser's state -----


STATE = "gatehouse_browser_state"


def told(response: Any) -> str:
    """The state that the answer sets; empty if it leaves the browser's as it is."""
    cookie = SimpleCookie(header(response, "Set-Cookie"))
    assert set(cookie) <= {STATE}
    return cookie[STATE].value if cookie else ""


def test_lost_state_comes_with_the_answer(world: World, web: RelyingParty) -> None:
    response = web.authorize(world.session)
    assert answer(response)["session_state"]
    state = told(response)
    assert state == SimpleCookie(session_state.cookie(world.session.pk))[STATE].value
    for other in ({}, {STATE: "x"}):
        cookies = {**cookie_of(world.session), **other}
        assert told(web.provider.get("/authorize", web.request(), cookies=cookies)) == state
    cookies = {**cookie_of(world.session), STATE: state}
    response = web.provider.get("/authorize", web.request(), cookies=cookies)
    assert answer(response)["code"]
    assert told(response) == ""


def test_refusal_tells_of_the_end_of_the_session(world: World, web: RelyingParty) -> None:
    before = told(web.authorize(world.session))
    Session.objects.update(ended_at=timezone.now())
    response = web.authorize(world.session, prompt="none")
    assert answer(response)["error"] == "login_required"
    assert told(response) not in ("", before)
    assert told(web.authorize(None, prompt="none")) == ""


# ----- prompt, max_age, hints -----


@pytest.mark.parametrize("prompt", ["login", "consent", "select_account", "login consent"])
def test_prompt_asks(world: World, web: RelyingParty, prompt: str) -> None:
    led_on(web.authorize(world.session, prompt=prompt))


def test_max_age(world: World, web: RelyingParty) -> None:
    Session.objects.update(authenticated_at=timezone.now() - timedelta(seconds=100))
    assert answer(web.authorize(world.session, max_age="200"))["code"]
    led_on(web.authorize(world.session, max_age="99"))


def test_max_age_zero_asks_always(world: World, web: RelyingParty) -> None:
    led_on(web.authorize(world.session, max_age="0"))


def test_registered_max_age(world: World, web: RelyingParty) -> None:
    web.change(default_max_age=10)
    Session.objects.update(authenticated_at=timezone.now() - timedelta(seconds=100))
    assert answer(web.authorize(world.session, max_age="200"))["code"]
    led_on(web.authorize(world.session))


def test_prompt_none_without_session(world: World, web: RelyingParty) -> None:
    assert answer(web.authorize(None, prompt="none"))["error"] == "login_required"
    assert not Interaction.objects.exists()


def test_prompt_none_with_session(world: World, web: RelyingParty) -> None:
    assert answer(web.authorize(world.session, prompt="none"))["code"]


def test_prompt_none_with_an_old_session(world: World, web: RelyingParty) -> None:
    Session.objects.update(authenticated_at=timezone.now() - timedelta(seconds=100))
    response = web.authorize(world.session, prompt="none", max_age="50")
    assert answer(response)["error"] == "login_required"


def test_hint_of_the_same_person(world: World, web: RelyingParty) -> None:
    hint = web.tokens(world.session)["id_token"]
    assert answer(web.authorize(world.session, prompt="none", id_token_hint=hint))["code"]
    world.provider.ahead = timedelta(minutes=30)  # expired is fine
    assert answer(web.authorize(world.session, prompt="none", id_token_hint=hint))["code"]


def test_hint_of_somebody_else(world: World, web: RelyingParty) -> None:
    hint = web.tokens(sign_in(UserFactory()))["id_token"]
    response = web.authorize(world.session, prompt="none", id_token_hint=hint)
    assert answer(response)["error"] == "login_required"
    led_on(web.authorize(world.session, id_token_hint=hint))


def test_hint_issued_to_another_client(world: World, web: RelyingParty) -> None:
    hint = world.relying_party().tokens(world.session)["id_token"]
    response = web.authorize(world.session, prompt="none", id_token_hint=hint)
    assert answer(response)["error"] == "invalid_request"


def test_hint_is_not_stored(world: World, web: RelyingParty) -> None:
    hint = web.tokens(world.session)["id_token"]
    web.authorize(None, id_token_hint=hint, login_hint="alice")
    row = Interaction.objects.get()
    assert hint not in str(row.request)
    assert row.requirement["subject"] == world.user.subject
    assert row.requirement["login_hint"] == "alice"


def test_demanded_sub(world: World, web: RelyingParty) -> None:
    claims = '{"id_token": {"sub": {"value": "%s"}}}'
    mine = web.authorize(world.session, prompt="none", claims=claims % world.user.subject)
    assert answer(mine)["code"]
    other = web.authorize(world.session, prompt="none", claims=claims % ("0" * 32))
    assert answer(other)["error"] == "login_required"


# ----- access -----


def test_access_by_group(world: World, web: RelyingParty) -> None:
    group = GroupFactory()
    web.change_application(access="groups")
    led_on(web.authorize(world.session))
    assert answer(web.authorize(world.session, prompt="none"))["error"] == "access_denied"
    web.application.allowed_groups.add(group)
    assert answer(web.authorize(world.session, prompt="none"))["error"] == "access_denied"
    world.user.groups.add(group)
    assert answer(web.authorize(world.session, prompt="none"))["code"]


def test_access_for_nobody(world: World, web: RelyingParty) -> None:
    web.change_application(access="nobody")
    assert answer(web.authorize(world.session, prompt="none"))["error"] == "access_denied"


# ----- consent -----


def test_consent_is_asked_first(world: World, asking: RelyingParty) -> None:
    assert answer(asking.authorize(world.session, prompt="none"))["error"] == "consent_required"
    led_on(asking.authorize(world.session))


def test_consent_is_remembered(world: World, asking: RelyingParty) -> None:
    agree(world.user, asking.application, "openid", "email")
    assert answer(asking.authorize(world.session, scope="openid email"))["code"]
    assert answer(asking.authorize(world.session, scope="openid"))["code"]
    led_on(asking.authorize(world.session, scope="openid email phone"))


def test_consent_covers_claims_by_name(world: World, asking: RelyingParty) -> None:
    agree(world.user, asking.application, "openid")
    claims = '{"userinfo": {"email": null}}'
    response = asking.authorize(world.session, prompt="none", claims=claims)
    assert answer(response)["error"] == "consent_required"
    agree(world.user, asking.application, "openid", claims=("email",))
    assert answer(asking.authorize(world.session, prompt="none", claims=claims))["code"]


def test_consent_of_somebody_else_does_not_count(world: World, asking: RelyingParty) -> None:
    agree(UserFactory(), asking.application, "openid")
    led_on(asking.authorize(world.session))


@pytest.mark.parametrize(
    ("redirect_uri", "silent"),
    [
        ("com.example.app:/callback", False),
        ("http://127.0.0.1/callback", False),
        ("https://app.example/callback", True),
    ],
)
def test_native_application_is_never_answered_silently(
    world: World, redirect_uri: str, silent: bool
) -> None:
    party = world.relying_party(
        redirect_uris=[redirect_uri],
        token_endpoint_auth_method="none",
        application_profile="native",
        refresh_always=True,
    )
    agree(world.user, party.application, "openid")
    response = answer(party.authorize(world.session, prompt="none"))
    assert ("code" in response) is silent
    if not silent:
        assert response["error"] == "consent_required"


# ----- offline_access -----


def test_offline_access_without_grounds_is_ignored(world: World, web: RelyingParty) -> None:
    tokens = web.tokens(world.session, scope="openid offline_access")
    assert tokens["scope"] == "openid"
    assert "refresh_token" not in tokens


def test_offline_access_that_was_agreed_to(world: World, web: RelyingParty) -> None:
    agree(world.user, web.application, "openid", "offline_access")
    tokens = web.tokens(world.session, scope="openid offline_access")
    assert tokens["scope"] == "openid offline_access"
    assert json(web.refresh(tokens["refresh_token"]))["refresh_token"]


def test_offline_access_of_a_client_that_cannot_refresh(world: World) -> None:
    party = world.relying_party(grant_types=["authorization_code"])
    agree(world.user, party.application, "openid", "offline_access")
    tokens = party.tokens(world.session, scope="openid offline_access")
    assert "refresh_token" not in tokens


# ----- POST -----


def test_post_from_our_own_site(world: World, web: RelyingParty) -> None:
    response = web.provider.post("/authorize", web.request(), cookies=cookie_of(world.session))
    assert answer(response)["code"]


@pytest.mark.parametrize("prompt", [None, "none", "login"])
def test_post_from_another_site_goes_on_by_get(
    world: World, web: RelyingParty, prompt: str | None
) -> None:
    response = web.provider.post("/authorize", web.request(prompt=prompt))
    led_on(response)
    assert header(response, "Set-Cookie") == ""
    assert bytes(Interaction.objects.get().browser_hash) == b""
