"""Where a plain sign-in leads: never away from this service."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from idp.accounts import return_path
from idp.models import Interaction

TRICKS = [
    "",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "/\\/evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https://evil.example",
    "http://localhost:8000",
    "HTTPS://EVIL.EXAMPLE/",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "mailto:x@evil.example",
    "evil.example",
    "account",
    "./account",
    "../account",
    "?next=x",
    "#x",
    "@evil.example",
    ":80",
    " /account",
    "/account ",
    "\t//evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\n/evil.example",
    "/%0a\n",
    "/\x00/evil.example",
    "\x00//evil.example",
    "/\x0b/evil.example",
    "/\x7f/x",
    "/\x85/evil.example",
    "/\xa0/evil.example",
    "/\u2028/evil.example",
    "/\u200b/evil.example",
    "\uff0f\uff0fevil.example",
    "/\uff0fevil.example",
    "/é",
    "/account//evil.example",
    "/account/..//evil.example",
    "/.//evil.example",
    "/\ud800",
    "/a\\b",
    "/account?x=\\",
    "/account\r\nSet-Cookie: x=y",
    "/" + "a" * 3000,
]
GOOD = [
    "/",
    "/account",
    "/account/sessions",
    "/admin/",
    "/admin/idp/user/?q=x&p=1",
    "/authorize?redirect_uri=https://app.example/back&state=x",
    "/authorize?redirect_uri=https%3A%2F%2Fapp.example",
    "/a#b",
    "/%2f%2fevil.example",
    "/a:b@c",
]


@pytest.mark.parametrize("target", TRICKS)
def test_refuses(target):
    assert return_path.validated(target) == return_path.HOME


@pytest.mark.parametrize("target", [None, 7, b"/account", ["/account"], {"a": 1}])
def test_refuses_what_is_no_text(target):
    assert return_path.validated(target) == return_path.HOME


@pytest.mark.parametrize("target", GOOD)
def test_lets_through(target):
    assert return_path.validated(target) == target


@pytest.mark.django_db
@pytest.mark.parametrize("target", [one for one in TRICKS if "\ud800" not in one])
def test_sign_in_never_leads_away(browser, alice, target):
    page = browser.open(f"/login?next={quote(target)}")
    response = browser.submit(page, follow=False, username="alice", password="wrong")
    assert response.headers["Location"].startswith("/interaction/")
    assert Interaction.objects.get().request == {"next": return_path.HOME}


@pytest.mark.django_db
def test_sign_in_leads_where_it_was_asked_to(browser, alice):
    page = browser.open("/login?next=/account/sessions%3Fx%3D1")
    page = browser.submit(page, username="alice", password="correct horse battery staple")
    assert page.path == "/account/sessions?x=1"
    assert page.status_code == 200


@pytest.mark.django_db
def test_signed_in_person_goes_straight_there(browser, alice):
    browser.sign_in()
    response = browser.get("/login?next=/account/password")
    assert (response.status_code, response.headers["Location"]) == (303, "/account/password")


@pytest.mark.django_db
def test_altered_row_still_does_not_lead_away(browser, alice):
    page = browser.open("/login")
    Interaction.objects.update(request={"next": "https://evil.example"})
    page = browser.submit(page, username="alice", password="correct horse battery staple")
    assert page.path == return_path.HOME
