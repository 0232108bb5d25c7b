"""Whole journeys over HTTP with Authlib's OAuth2Session, a client that we did not write."""

from __future__ import annotations

import pytest
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from tests.support.application import NONCE, Application, answer
from tests.support.person import TIMEOUT, Person
from tests.support.server import Gatehouse

AFTER_LOGOUT = "https://application.example/bye"


@pytest.fixture(scope="module")
def web(gatehouse: Gatehouse) -> Application:
    """A web application with a secret."""
    return Application(
        gatehouse,
        grant_types=["authorization_code", "refresh_token", "client_credentials"],
        scope="openid profile email groups offline_access",
        post_logout_redirect_uris=[AFTER_LOGOUT],
    )


def test_from_sign_in_to_sign_out(web: Application) -> None:
    person = Person()
    session = web.session(scope="openid profile email groups offline_access")
    page = person.open(web.request(session, prompt="consent"))
    page = person.sign_in(page, "alice", web.gatehouse.password)
    for shown in ("Alice Archer", "alice@example.org", "staff", "Stay connected"):
        assert shown in page.text
    page = person.submit(page, decision="allow")
    assert answer(page.url)["iss"] == web.metadata["issuer"]

    token = web.fetch_token(session, page.url)
    claims = web.verified(token["id_token"])
    assert claims["nonce"] == NONCE
    said = session.get(web.metadata["userinfo_endpoint"], timeout=TIMEOUT).json()
    assert said["sub"] == claims["sub"]
    assert said["email"] == "alice@example.org"
    assert sorted(said["groups"]) == ["staff", "users"]

    renewed = session.refresh_token(web.metadata["token_endpoint"], timeout=TIMEOUT)
    again = web.verified(renewed["id_token"])
    assert {name: again[name] for name in ("sub", "sid", "auth_time")} == {
        name: claims[name] for name in ("sub", "sid", "auth_time")
    }
    assert renewed["refresh_token"] != token["refresh_token"]
    assert web.is_active(renewed["access_token"])

    gone = session.revoke_token(
        web.metadata["revocation_endpoint"], renewed["refresh_token"], timeout=TIMEOUT
    )
    assert gone.status_code == 200
    assert not web.is_active(renewed["access_token"])
    with pytest.raises(OAuthError, match="invalid_grant"):
        session.refresh_token(
            web.metadata["token_endpoint"], renewed["refresh_token"], timeout=TIMEOUT
        )

    leave = requests.Request(
        "GET",
        web.metadata["end_session_endpoint"],
        params={
            "id_token_hint": renewed["id_token"],
            "post_logout_redirect_uri": AFTER_LOGOUT,
            "state": "s t",
        },
    ).prepare()
    assert person.open(str(leave.url)).url == f"{AFTER_LOGOUT}?state=s%20t"
    assert answer(web.visit(person, session, prompt="none"))["error"] == "login_required"


def test_a_session_answers_the_second_application_at_once(web: Application) -> None:
    person = Person()
    first = web.tokens(person)
    session = web.session()
    page = person.open(web.request(session, prompt="none"))
    second = web.fetch_token(session, page.url)
    one, two = (web.verified(token["id_token"]) for token in (first, second))
    assert [one[name] for name in ("sub", "auth_time", "sid")] == [
        two[name] for name in ("sub", "auth_time", "sid")
    ]


def test_denied(web: Application) -> None:
    person = Person()
    session = web.session()
    page = person.open(web.request(session, prompt="consent", state="s t"))
    page = person.sign_in(page, "bob", web.gatehouse.password)
    told = answer(person.submit(page, decision="deny").url)
    assert (told["error"], told["state"]) == ("access_denied", "s t")
    assert told["iss"] == web.metadata["issuer"]
    assert "code" not in told


def test_in_its_own_name(web: Application) -> None:
    session = OAuth2Session(web.client_id, web.secret)
    token = session.fetch_token(
        web.metadata["token_endpoint"], grant_type="client_credentials", timeout=TIMEOUT
    )
    assert "refresh_token" not in token
    assert web.is_active(token["access_token"])
    assert web.userinfo(token["access_token"]).status_code == 403


def test_everything_is_found_through_metadata(web: Application) -> None:
    found = {
        name: requests.options(address, headers={"Origin": "https://a.example"}, timeout=TIMEOUT)
        for name, address in web.metadata.items()
        if name.endswith(("_endpoint", "_uri"))
    }
    assert {name: page.status_code for name, page in found.items()} == {
        name: 405 if name in ("authorization_endpoint", "end_session_endpoint") else 204
        for name in found
    }
    oauth = requests.get(
        web.gatehouse.url("/.well-known/oauth-authorization-server"), timeout=TIMEOUT
    )
    assert oauth.json() == web.metadata
    assert int(oauth.headers["Content-Length"]) == len(oauth.content)


def test_a_single_page_application_renews_without_a_secret(gatehouse: Gatehouse) -> None:
    """Refresh tokens of a public client by its own switch, without offline_access (rotated)."""
    public = Application(
        gatehouse, token_endpoint_auth_method="none", gatehouse_refresh_always=True
    )
    assert "client_secret" not in public.registration
    first = public.tokens(Person())
    second = public.refresh(first["refresh_token"])
    assert second.status_code == 200
    assert second.headers["Access-Control-Allow-Origin"] == "*"
    third = public.refresh(second.json()["refresh_token"])
    assert third.json()["refresh_token"] != second.json()["refresh_token"]
    replay = public.refresh(first["refresh_token"])
    assert (replay.status_code, replay.json()["error"]) == (400, "invalid_grant")
    after = public.refresh(third.json()["refresh_token"])
    assert (after.status_code, after.json()["error"]) == (400, "invalid_grant")
    assert public.userinfo(third.json()["access_token"]).status_code == 401
