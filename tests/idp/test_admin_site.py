"""The administration's site: who comes in, what is registered, how its pages are made."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from django.core.management import call_command
from django.test import Client as Browser
from django.urls import reverse

from idp import models
from idp.admin_site import NAVIGATION, site
from tests.support import protocol
from tests.support.factories import SessionFactory, UserFactory

LISTS = [label.replace(".", "_") for _title, labels in NAVIGATION for label in labels]
PAGES = [
    "/admin/",
    "/admin/connect/",
    *(f"/admin/connect/{kind}/" for kind in models.Application.Kind.values),
    *(f"/admin/{name.replace('_', '/')}/" for name in LISTS),
    "/admin/idp/user/add/",
    "/admin/idp/group/add/",
    "/admin/idp/resource/add/",
    "/admin/find/?q=nobody-of-this-name",
    "/admin/idp/signingkey/rotate/oidc/ES256/",
]


def signed_in(*, administrator: bool) -> Browser:
    protocol.restore_keys()
    user = UserFactory(username="root", is_superuser=administrator)
    browser = Browser()
    browser.cookies["gatehouse_session"] = SessionFactory(user=user).token
    return browser


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/", "/admin/idp/user/?q=a", "/admin/nothing/there/"])
def test_leads_strangers_to_the_sign_in_and_back(path: str) -> None:
    response = Browser().get(path)
    assert response.status_code == 303
    assert response.headers["Location"] == f"/login?next={quote(path, safe='')}"


@pytest.mark.django_db
def test_leads_strangers_away_from_every_page_and_every_method() -> None:
    pages = [*PAGES, "/admin/logout/"]
    for path in pages:
        for method in ("get", "post"):
            response = getattr(Browser(), method)(path)
            assert (response.status_code, path) == (303, path)
            assert response.headers["Location"].startswith("/login?next=")


@pytest.mark.django_db
def test_a_form_that_was_being_typed_waits_for_the_sign_in() -> None:
    typed = {"name": "<staff>", "add_people": "alice", "password1": "not this"}
    own = {"Sec-Fetch-Site": "same-origin"}
    response = Browser().post("/admin/idp/group/add/", typed, headers=own)
    html = response.content.decode()
    assert response.status_code == 403
    assert 'action="/admin/idp/group/add/"' in html
    assert 'name="name" value="&lt;staff&gt;"' in html
    assert "not this" not in html
    assert not models.Group.objects.exists()
    for header in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "none"}, {}):
        response = Browser().post("/admin/idp/group/add/", typed, headers=header)
        assert response.status_code == 303


@pytest.mark.django_db
def test_tells_a_person_who_is_no_administrator() -> None:
    browser = signed_in(administrator=False)
    for path in PAGES:
        response = browser.get(path)
        assert response.status_code == 403
        assert "This page is not for you" in response.content.decode()


@pytest.mark.django_db
def test_a_disabled_administrator_is_a_stranger() -> None:
    browser = signed_in(administrator=True)
    models.User.objects.update(is_active=False)
    assert browser.get("/admin/").status_code == 303


@pytest.mark.django_db
@pytest.mark.parametrize("path", PAGES)
def test_every_page_answers_an_administrator(path: str) -> None:
    response = signed_in(administrator=True).get(path, follow=True)
    assert response.status_code == 200
    assert response.headers["Cache-Control"].count("no-store") == 1


@pytest.mark.django_db
@pytest.mark.parametrize("path", PAGES)
def test_pages_have_nothing_inline_and_one_heading(path: str) -> None:
    html = signed_in(administrator=True).get(path, follow=True).content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", html)
    assert html.count("<h1") == 1
    assert html.count("<main") == 1
    assert 'lang="en"' in html


@pytest.mark.django_db
def test_pages_are_light() -> None:
    html = signed_in(administrator=True).get("/admin/connect/web/").content.decode()
    assert len(re.findall(r"<link rel=\"stylesheet\"|<script", html)) <= 3
    assert "/static/admin/" not in html


@pytest.mark.django_db
def test_demands_the_form_token() -> None:
    browser = signed_in(administrator=True)
    strict = Browser(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    for path in ("/admin/connect/web/", "/admin/connect/saml/", "/admin/idp/group/add/"):
        before = models.Application.objects.count(), models.Group.objects.count()
        strict.post(path, {"name": "x", "redirect_uris": "https://a.example/"})
        assert (models.Application.objects.count(), models.Group.objects.count()) == before


@pytest.mark.django_db
def test_registers_every_model_of_the_navigation() -> None:
    reverse("admin:index")
    registered = {model._meta.label_lower for model in site._registry}
    assert registered == {label for _title, labels in NAVIGATION for label in labels}


@pytest.mark.django_db
def test_passes_djangos_checks_of_administrations() -> None:
    reverse("admin:index")
    call_command("check", tag=["admin"], fail_level="WARNING")


@pytest.mark.django_db
def test_has_no_sign_in_or_password_pages_of_its_own() -> None:
    browser = signed_in(administrator=True)
    assert browser.get("/admin/login/").headers["Location"].startswith("/login")
    assert browser.get("/admin/logout/").headers["Location"] == "/logout"
    assert browser.get("/admin/password_change/").status_code == 404
    assert browser.get("/admin/r/1/no-identifier/").status_code == 404
    assert browser.get("/admin/idp/").headers["Location"] == "/admin/"


@pytest.mark.django_db
def test_shows_no_hash_anywhere() -> None:
    browser = signed_in(administrator=True)
    user = models.User.objects.get()
    user.set_password("a secret of mine")
    user.save()
    session = models.Session.objects.get()
    paths = [
        *PAGES,
        f"/admin/idp/user/{user.pk}/change/",
        f"/admin/idp/session/{session.pk}/change/",
    ]
    for path in paths:
        html = browser.get(path).content.decode()
        assert "argon2" not in html
        assert user.password not in html
        assert bytes(session.token_hash).hex() not in html
