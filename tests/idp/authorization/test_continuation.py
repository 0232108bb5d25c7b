"""A stored request, through sign-in and consent, to its one answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.utils import timezone

from idp.models import Consent, Interaction, SignIn
from tests.support.factories import PASSWORD
from tests.support.protocol import FORM, RelyingParty, World, claims_of, json
from tests.support.sign_in import Browser


@pytest.fixture
def browser() -> Browser:
    return Browser()


@pytest.fixture
def asking(world: World) -> RelyingParty:
    return world.relying_party(trusted=False)


@pytest.fixture(autouse=True)
def _password(world: World) -> None:
    world.user.set_password(PASSWORD)
    world.user.save()


def begin(browser: Browser, party: RelyingParty, **changes: Any) -> Any:
    return browser.open(f"/authorize?{urlencode(party.request(**changes), doseq=True)}")


def sign_in(browser: Browser, world: World, page: Any, **options: Any) -> Any:
    return browser.submit(page, username=world.user.username, password=PASSWORD, **options)


def back(page: Any) -> dict[str, str]:
    """The answer that the application got."""
    location = page.headers["Location"]
    assert location.startswith("https://application.example/callback?"), location
    return dict(parse_qsl(urlsplit(location).query))


def text(page: Any) -> str:
    return page.content.decode()


def test_what_is_ignored_is_not_stored(world: World, web: RelyingParty, browser: Browser) -> None:
    """Anybody may send a megabyte of anything, without signing in."""
    begin(browser, web, other="o" * 4000, id_token_hint=None, login_hint="alice")
    stored = Interaction.objects.get().request
    assert set(stored["parameters"]) <= {*web.request(), "login_hint"}
    assert stored["parameters"]["login_hint"] == "alice"


def test_sign_in_and_code(world: World, web: RelyingParty, browser: Browser) -> None:
    page = begin(browser, web, state="a b+c")
    assert web.application.name in text(page)
    answer = back(sign_in(browser, world, page))
    assert answer["state"] == "a b+c"
    assert answer["iss"] == "http://localhost:8000"
    tokens = json(web.redeem(answer["code"]))
    assert claims_of(tokens["id_token"])["sub"] == world.user.subject
    row = SignIn.objects.get(protocol="oidc")
    assert (row.result, row.user_id) == ("success", world.user.pk)


def test_consent_says_what_is_shared(world: World, asking: RelyingParty, browser: Browser) -> None:
    page = sign_in(browser, world, begin(browser, asking, scope="openid email"))
    assert world.user.email in text(page)
    assert "application.example" in text(page)
    answer = back(browser.submit(page, decision="allow"))
    assert json(asking.redeem(answer["code"]))["scope"] == "openid email"
    assert Consent.objects.get().scopes == ["email", "openid"]
    # And never again.
    again = back(begin(browser, asking, scope="openid email", prompt="none"))
    assert again["code"]


def test_denied_consent(world: World, asking: RelyingParty, browser: Browser) -> None:
    page = sign_in(browser, world, begin(browser, asking))
    answer = back(browser.submit(page, decision="deny"))
    assert answer["error"] == "access_denied"
    assert answer["iss"] == "http://localhost:8000"
    assert not Consent.objects.exists()


def test_cancelled_sign_in(world: World, web: RelyingParty, browser: Browser) -> None:
    page = begin(browser, web)
    answer = back(browser.submit(page, cancel="1"))
    assert answer["error"] == "access_denied"


def test_more_scopes_are_asked_for_alone(
    world: World, asking: RelyingParty, browser: Browser
) -> None:
    page = sign_in(browser, world, begin(browser, asking, scope="openid email"))
    browser.submit(page, decision="allow")
    page = begin(browser, asking, scope="openid email profile")
    assert "What you allowed before" in text(page)
    assert back(browser.submit(page, decision="allow"))["code"]


def test_prompt_consent_asks_again_and_gives_offline_access(
    world: World, web: RelyingParty, browser: Browser
) -> None:
    page = begin(browser, web, scope="openid offline_access", prompt="consent")
    page = sign_in(browser, world, page)
    assert "Stay connected" in text(page)
    tokens = json(web.redeem(back(browser.submit(page, decision="allow"))["code"]))
    assert tokens["scope"] == "openid offline_access"
    assert tokens["refresh_token"]
    page = begin(browser, web, scope="openid offline_access", prompt="consent")
    assert "Stay connected" in text(page)


def test_prompt_login_gives_a_later_auth_time(
    world: World, web: RelyingParty, browser: Browser
) -> None:
    first = back(sign_in(browser, world, begin(browser, web)))
    before = claims_of(json(web.redeem(first["code"]))["id_token"])["auth_time"]
    world.session.__class__.objects.update(authenticated_at=timezone.now() - timedelta(minutes=5))
    page = begin(browser, web, prompt="login")
    assert "id_password" in text(page)
    second = back(sign_in(browser, world, page))
    assert claims_of(json(web.redeem(second["code"]))["id_token"])["auth_time"] >= before


def test_native_application_is_asked_about_every_time(world: World, browser: Browser) -> None:
    party = world.relying_party(
        redirect_uris=["http://127.0.0.1/callback"],
        token_endpoint_auth_method="none",
        application_profile="native",
    )
    address = "http://127.0.0.1:5000/callback"
    page = sign_in(browser, world, begin(browser, party, redirect_uri=address))
    for _ in range(2):
        assert "runs on this computer" in text(page)
        done = browser.submit(page, decision="allow")
        assert done.headers["Location"].startswith(address + "?code=")
        page = begin(browser, party, redirect_uri=address)


def test_answered_once(world: World, web: RelyingParty, browser: Browser) -> None:
    page = begin(browser, web)
    assert back(sign_in(browser, world, page))["code"]
    again = browser.open(page.path.removesuffix("/login"))
    assert "code=" not in again.headers.get("Location", "")
    assert Interaction.objects.get().finished_at is not None


def test_post_from_another_site(world: World, web: RelyingParty, browser: Browser) -> None:
    """The browser keeps its Lax cookies from the POST, and sends them with the GET after it."""
    sign_in(browser, world, begin(browser, web))
    foreign = Browser()
    response = foreign.post("/authorize", urlencode(web.request(state="posted")), content_type=FORM)
    assert response.status_code == 303
    answer = back(browser.open(response.headers["Location"]))
    assert answer["state"] == "posted"
    assert answer["code"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda party: party.change_application(enabled=False), 400),
        (lambda party: party.change(redirect_uris=["https://elsewhere.example/cb"]), 400),
    ],
)
def test_checked_anew_when_the_person_is_ready(
    world: World, web: RelyingParty, browser: Browser, change: Any, status: int
) -> None:
    page = begin(browser, web)
    change(web)
    done = sign_in(browser, world, page)
    assert done.status_code in (status, 200, 403)
    assert "Location" not in done.headers
    assert "code=" not in str(done.headers)


def test_long_wait_begins_again(world: World, web: RelyingParty, browser: Browser) -> None:
    page = begin(browser, web, state="kept")
    Interaction.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    late = browser.open(page.path)
    assert "/authorize?" in text(late)
    assert "state=kept" in text(late)


def test_form_post(world: World, web: RelyingParty, browser: Browser) -> None:
    page = sign_in(browser, world, begin(browser, web, response_mode="form_post", state="\"<a b>'"))
    assert page.status_code == 200
    form = browser.form_of(page, "code", "state", "iss")
    assert form["action"] == "https://application.example/callback"
    assert form["inputs"]["state"] == "\"<a b>'"
    assert web.redeem(form["inputs"]["code"]).status == 200
    policy = page.headers["Content-Security-Policy"]
    assert "form-action" not in policy
    assert "unsafe" not in policy


def test_nothing_secret_is_stored(world: World, web: RelyingParty, browser: Browser) -> None:
    answer = back(sign_in(browser, world, begin(browser, web, nonce="nonce-xyz")))
    for row in SignIn.objects.all():
        stored = str(row.received) + str(row.trace) + row.reason
        assert answer["code"] not in stored
        assert "nonce-xyz" not in stored
