"""The page at `/`, logos, cookies and the pages for what went wrong."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings

from idp.accounts import cookies
from tests.support.factories import ApplicationFactory, UserFactory
from tests.support.sign_in import Browser, begin

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100


class TestHome:
    def test_stranger_may_sign_in(self, browser):
        page = browser.get("/")
        assert page.status_code == 200
        assert b'href="/login"' in page.content

    def test_person_is_greeted(self, browser, alice):
        browser.sign_in()
        page = browser.get("/")
        assert b"Alice Adams" in page.content
        assert b"/admin/" not in page.content

    def test_administrator_finds_the_way(self, browser):
        UserFactory(username="root", password="correct horse battery staple", is_superuser=True)
        browser.sign_in("root")
        assert b"/admin/" in browser.get("/").content


class TestLogo:
    def test_is_an_image_and_nothing_else(self, browser):
        row = ApplicationFactory(logo=PNG, logo_type="image/png")
        response = browser.get(row.logo_url)
        assert response.content == PNG
        assert response.headers["Content-Type"] == "image/png"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in response.headers["Content-Security-Policy"]
        assert "immutable" in response.headers["Cache-Control"]
        again = browser.get(row.logo_url, HTTP_IF_NONE_MATCH=response.headers["ETag"])
        assert (again.status_code, again.content) == (304, b"")

    def test_address_without_version_is_not_kept_for_long(self, browser):
        row = ApplicationFactory(logo=PNG, logo_type="image/png")
        response = browser.get(f"/logo/{row.pk.hex}?v=1")
        assert response.headers["Cache-Control"] == "public, max-age=3600"

    @pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", ""])
    def test_anything_else_is_not_served(self, browser, kind):
        row = ApplicationFactory(logo=b"<script>", logo_type=kind)
        assert browser.get(f"/logo/{row.pk.hex}").status_code == 404

    @pytest.mark.parametrize("name", ["x", "0" * 32, "0" * 33, "%00", "..%2f", "é" * 32])
    def test_unknown_is_not_found(self, browser, name):
        assert browser.get(f"/logo/{name}").status_code == 404


class TestCookies:
    def test_on_loopback_http(self, browser, alice):
        browser.sign_in()
        for name in ("session", "browser", "device"):
            morsel = browser.cookies[f"gatehouse_{name}"]
            assert morsel["httponly"]
            assert morsel["samesite"] == "Lax"
            assert morsel["path"] == "/"
            assert not morsel["domain"]

    def test_on_https_they_are_host_cookies(self):
        secure = settings.IDP.model_copy(update={"issuer": "https://id.example"})
        with override_settings(IDP=secure):
            header = cookies.header("session", "x")
        assert header.startswith("__Host-gatehouse_session=x;")
        assert "Secure" in header
        assert "HttpOnly" in header
        assert "SameSite=Lax" in header
        assert "Path=/" in header
        assert "Domain" not in header

    def test_session_ends_with_the_browser_and_the_device_does_not(self, browser, alice):
        browser.sign_in()
        assert browser.cookies["gatehouse_session"]["max-age"] == ""
        assert int(browser.cookies["gatehouse_device"]["max-age"]) > 86400 * 30

    @pytest.mark.parametrize("value", ["", "x", "x" * 43 + "=", "\x00" * 43, '"quoted"', "a b"])
    def test_cookie_that_is_not_ours_is_nobody(self, value):
        names = {settings.IDP.cookie(name): value for name in ("session", "browser", "device")}
        assert {cookies.read(names, name) for name in ("session", "browser", "device")} == {""}

    def test_forged_cookies_are_no_error(self, alice, probe):
        browser = Browser()
        for name in ("session", "browser", "device", "notice", "csrf"):
            browser.cookies[f"gatehouse_{name}"] = "A" * 43
        page = browser.open(begin(browser))
        assert page.status_code == 200
        assert browser.open("/account").status_code == 200
        assert browser.open("/logout").status_code == 200


class TestWhatWentWrong:
    def test_unknown_address(self, browser):
        response = browser.get("/nothing/here")
        assert response.status_code == 404
        assert b"nothing at this address" in response.content

    def test_body_beyond_the_limit(self, browser, alice):
        page = browser.open("/login")
        form = browser.form_of(page, "password")["inputs"]
        response = browser.post(page.path, {**form, "username": "x" * 2_000_000})
        assert response.status_code == 413
        assert b"larger than this service accepts" in response.content

    def test_file_beyond_the_limit(self, browser, alice):
        page = browser.open("/login")
        form = browser.form_of(page, "password")["inputs"]
        upload = SimpleUploadedFile("x", b"x" * 2_000_000)
        assert browser.post(page.path, {**form, "username": upload}).status_code == 413

    def test_server_error_has_a_reference(self, browser, monkeypatch):
        from idp.accounts.views import home

        def explode(*args, **kwargs):
            raise RuntimeError("secret detail")

        monkeypatch.setattr(home, "render", explode)
        browser.raise_request_exception = False
        response = browser.get("/")
        assert response.status_code == 500
        assert b"error-reference" in response.content
        assert b"secret detail" not in response.content
