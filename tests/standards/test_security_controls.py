"""The numbered security controls, through endpoints and pages; the section is the control.

Controls that a standard demands too carry their mark there: see test_rfc9700.
"""

from __future__ import annotations

import ast
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.contrib.auth import hashers
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client as DjangoClient
from django.test import override_settings
from django.utils import timezone

from federation.identity_provider import registration as saml_registration
from federation.saml import errors as saml_errors
from idp import audit, directory, features, keys, refusals
from idp.accounts import attempts, cookies, password, people
from idp.accounts import session as sessions
from idp.authorization import consent
from idp.claims import release
from idp.models import (
    AuditEvent,
    Consent,
    Grant,
    Interaction,
    Session,
    SignIn,
    SigningKey,
    StoredSecret,
    User,
)
from idp.models.application import validate_logo
from idp.tokens import client_secret, opaque, registration_token, revocation
from tests.attacks import redirect_uris
from tests.support import dynamic
from tests.support.factories import PASSWORD, SessionFactory, UserFactory
from tests.support.protocol import (
    FORM,
    RelyingParty,
    World,
    agree,
    answer,
    basic,
    cookie_of,
    header,
    json,
)
from tests.support.sign_in import Browser, Clock, clock, quick_hashes  # noqa: F401 (fixtures)

S = "Security control"
ROOT = Path(__file__).parents[2]
SOURCES = [path for name in ("idp", "federation") for path in (ROOT / name).rglob("*.py")]


def error(response: Any) -> tuple[int, str]:
    return response.status, json(response)["error"]


@pytest.fixture
def alice(world: World, quick_hashes: None) -> User:  # noqa: F811 (fixture)
    world.user.set_password(PASSWORD)
    world.user.save()
    return world.user


@pytest.fixture
def browser() -> Browser:
    return Browser()


def try_(browser: Browser, name: str, secret: str, **extra: Any) -> Any:
    page = browser.open("/login", **extra)
    token = browser.form_of(page, "username")["inputs"]
    posted = browser.post(page.path, {**token, "username": name, "password": secret}, **extra)
    return browser._follow(posted, page.path)


# ----- API and limits -----


@pytest.mark.standard(S, "7", "bodies, parameters, depth, metadata and pictures are bounded")
def test_limits(world: World, web: RelyingParty) -> None:
    provider = world.provider
    large = b"a=" + b"x" * (1024 * 1024)
    for path in ("/token", "/introspect", "/revoke", "/userinfo", "/authorize", "/saml/sso"):
        response = provider.send("POST", path, body=large, content_type=FORM)
        assert response.status == 413, path
    assert DjangoClient().post("/login", {"username": "x" * 1_100_000}).status_code in (400, 413)
    dynamic.policy()
    for body in (b"[" * 5000, b'{"a":' * 5000, b'{"client_name": "' + b"x" * 70_000 + b'"}'):
        response = dynamic.send(provider, "POST", "/register", body)
        assert error(response) == (400, "invalid_client_metadata")
    for name in ("state", "nonce", "prompt", "login_hint"):
        found = web.authorize(world.session, **{name: "x" * 9000})
        assert "error=invalid_request" in header(found, "Location"), name
    deep = '{"userinfo":' * 500 + "{}" + "}" * 500
    assert answer(web.authorize(world.session, claims=deep))["error"] == "invalid_request"
    many = [f"https://api{number}.example" for number in range(50)]
    assert answer(web.authorize(world.session, resource=many))["error"] == "invalid_target"
    with pytest.raises(saml_errors.InvalidMetadata):
        saml_registration.register_from_metadata(b"<x>" + b" " * 2_000_000 + b"</x>")
    with pytest.raises(ValidationError):
        validate_logo(b"\x89PNG\r\n\x1a\n" + b"x" * 100_000)


@pytest.mark.standard(S, "8", "tries are counted for the person, by every name, from every header")
def test_password_tries(alice: User, browser: Browser) -> None:
    names = [alice.username, alice.email, alice.username.upper(), f" {alice.username} "]
    for number in range(attempts.PAIR.tries):
        forged = {"HTTP_X_FORWARDED_FOR": f"198.51.100.{number}", "HTTP_X_REAL_IP": "198.51.100.9"}
        page = try_(Browser(), names[number % len(names)], "wrong", **forged)
        assert b"do not fit together" in page.content
    for name in names:
        assert b"Too many attempts" in try_(Browser(), name, "wrong").content
        assert b"Too many attempts" in try_(Browser(), name, PASSWORD).content
    other = UserFactory(password=PASSWORD)
    assert try_(Browser(), other.username, PASSWORD).path == "/account"
    assert b"Too many attempts" in try_(Browser(), alice.username, PASSWORD).content


@pytest.mark.standard(S, "8", "wrong secrets of clients are slowed, the right one is not")
def test_client_tries(web: RelyingParty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MOST_OF_ONE", 20)
    moment = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: moment)
    statuses = []
    for path in ("/token", "/introspect", "/revoke"):
        for _ in range(25):
            wrong = basic(web.id, secrets.token_hex(8))
            statuses.append(web.provider.post(path, {"token": "x"}, authorization=wrong).status)
    assert set(statuses) == {401, 429}
    right = web.provider.post("/revoke", {"token": "x"}, authorization=web.authorization)
    assert right.status == 200


PAGES = ("/", "/login", "/logout", "/logout/done", "/account", "/admin/", "/nowhere")


@pytest.mark.standard(S, "11", "every page and every answer carries its headers")
def test_headers(world: World, alice: User, browser: Browser) -> None:
    root = UserFactory(is_superuser=True)
    browser.cookies.load(cookie_of(SessionFactory(user=root)))
    secure = settings.IDP.model_copy(update={"issuer": "https://id.example.org"})
    with override_settings(IDP=secure, ALLOWED_HOSTS=["id.example.org"]):
        for path in (*PAGES, *features.routes()):
            found = DjangoClient(SERVER_NAME="id.example.org").get(path, secure=True)
            headers = found.headers
            assert headers["X-Content-Type-Options"] == "nosniff", path
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy, path
            assert "unsafe" not in policy, path
            assert headers["Strict-Transport-Security"].startswith("max-age=31536000"), path
            if not features.is_framable(path):
                assert "frame-ancestors 'none'" in policy, path
            if headers.get("Content-Type", "").startswith("text/html"):
                assert headers["Referrer-Policy"] in ("no-referrer", "same-origin"), path
                assert "camera=()" in headers["Permissions-Policy"], path
                assert features.is_framable(path) or "no-store" in headers["Cache-Control"], path
    for path in ("/account", "/admin/"):
        assert browser.get(path).headers["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.standard(S, "12", "address, scheme and host come from configuration, not from headers")
def test_proxies(world: World, settings: Any) -> None:
    outside = DjangoClient(REMOTE_ADDR="192.0.2.9")
    for number, name in enumerate(
        (
            *("X_FORWARDED_FOR", "FORWARDED", "X_REAL_IP", "X_CLIENT_IP", "TRUE_CLIENT_IP"),
            *("CF_CONNECTING_IP", "X_ORIGINAL_FORWARDED_FOR", "X_FORWARDED"),
        )
    ):
        forged = {f"HTTP_{name}": f"198.51.100.{number}"}
        outside.post("/token", "grant_type=x", content_type=FORM, **forged)  # type: ignore[arg-type]
    found = AuditEvent.objects.filter(action="token.refused")
    assert {event.client_address for event in found} == {"192.0.2.9"}
    for host in ("evil.example", "localhost.evil.example", "localhost@evil.example"):
        assert outside.get("/login", headers={"host": host}).status_code == 400


@pytest.mark.standard(S, "16", "SQL is the ORM's, or literals with parameters")
def test_sql() -> None:
    for path in SOURCES:
        lines = path.read_text().splitlines()
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            called = ast.unparse(node.func)
            assert not called.endswith(("objects.raw", ".extra")), f"{path}:{node.lineno}"
            if node.func.attr == "execute" and node.args:
                statement = node.args[0]
                explained = "# noqa: S608 (" in lines[statement.lineno - 1]
                literal = not isinstance(statement, ast.BinOp | ast.JoinedStr)
                assert literal or explained, f"{path}:{node.lineno}"


@pytest.mark.standard(S, "16", "nothing that is typed becomes SQL")
@pytest.mark.parametrize("value", ["' OR '1'='1", "\x00", "1; DROP TABLE idp_user", "%_\\"])
def test_hostile_strings(world: World, alice: User, value: str) -> None:
    people_before = User.objects.count()
    assert try_(Browser(), value, value).status_code == 200
    root = DjangoClient()
    root.cookies.load(cookie_of(SessionFactory(user=UserFactory(is_superuser=True))))
    for page in ("user", "application", "auditevent", "signin", "session", "group"):
        found = root.get(f"/admin/idp/{page}/?{urlencode({'q': value})}")
        assert found.status_code in (200, 302, 303, 400), page
    assert User.objects.count() == people_before + 1
    assert not Session.objects.filter(user=alice).exclude(pk=world.session.pk).exists()


# ----- authentication and sessions -----


@pytest.mark.standard(S, "17", "Argon2id; long, whole, in one form; common ones are refused")
@pytest.mark.django_db
def test_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = hashers.make_password("correct horse battery staple")
    assert stored.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    monkeypatch.setattr(password.Argon2id, "memory_cost", 64)
    monkeypatch.setattr(password.Argon2id, "time_cost", 1)
    person = UserFactory.build()
    for good in ("x7" * 32, "q-r" * 300, "p\u00e4sswort mit umlaut", "\u6f22\u5b57" * 8):
        password.validate(person, good)
    for bad in ("short", "password1234", "qwerty123456", "x" * 1025):
        with pytest.raises(ValidationError):
            password.validate(person, bad)
    long = "a" * 200
    person.password = hashers.make_password(long + "b")
    assert password.verify(person, long + "b")
    assert not password.verify(person, long)
    assert not password.verify(person, long + "c")
    assert not password.verify(person, long + "B")
    person.password = hashers.make_password(unicodedata.normalize("NFD", "pässwort genug"))
    assert password.verify(person, unicodedata.normalize("NFC", "pässwort genug"))


@pytest.mark.standard(S, "18", "a name that nobody has is answered alike, with the same work")
def test_enumeration(
    world: World, alice: User, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    checked: list[str] = []
    real = password.Argon2id.verify

    def verify(self: Any, secret: str, encoded: str) -> bool:
        checked.append(encoded.split("$")[3])
        return real(self, secret, encoded)

    monkeypatch.setattr(password.Argon2id, "verify", verify)
    UserFactory(username="without-password")
    UserFactory(username="gone", password=PASSWORD, is_active=False)
    texts = set()
    for name in (alice.username, "nobody-here", "without-password", "gone"):
        page = try_(Browser(), name, "wrong")
        text = re.sub(r'value="[^"]{20,}"|/interaction/[\w-]+', "", page.content.decode())
        texts.add((page.status_code, text.replace(name, "")))
    assert len(texts) == 1
    assert len(checked) == 4
    assert len(set(checked)) == 1


@pytest.mark.standard(S, "20", "no order of steps, and no empty form, gets anybody further")
def test_steps(world: World, alice: User, browser: Browser) -> None:
    party = world.relying_party(trusted=False)
    page = browser.open(f"/authorize?{urlencode(party.request())}")
    token = browser.form_of(page, "username")["inputs"]["csrfmiddlewaretoken"]
    base = page.path.removesuffix("/login")
    for step in ("", "/login", "/consent", "/not-allowed"):
        for fields in (
            {},
            {"decision": "allow"},
            {"username": alice.username},
            {"password": PASSWORD},
            {"username": alice.username, "password": ""},
            {"switch": "1"},
        ):
            posted = browser.post(f"{base}{step}", {"csrfmiddlewaretoken": token, **fields})
            assert "code=" not in posted.headers.get("Location", "")
        assert "code=" not in browser.open(f"{base}{step}").headers.get("Location", "")
    assert not Consent.objects.exists()
    assert Session.objects.count() == 1
    asked = browser.submit(browser.open(base), username=alice.username, password=PASSWORD)
    assert asked.path.endswith("/consent")
    for step in ("", "/login", "/not-allowed"):
        assert "code=" not in browser.open(f"{base}{step}").headers.get("Location", "")
    done = browser.submit(browser.open(base), decision="allow")
    assert "code=" in done.headers["Location"]


@pytest.mark.standard(S, "24", "the session's token is new after every proof, and the old one dead")
def test_session_tokens(world: World, alice: User, web: RelyingParty) -> None:
    world.session.delete()
    browser = Browser()
    browser.cookies["gatehouse_session"] = planted = cookies.new_token()
    browser.sign_in(alice.username)
    tokens = [planted, browser.session_token]
    page = browser.open(f"/authorize?{urlencode(web.request(prompt='login'))}")
    browser.submit(page, password=PASSWORD)
    tokens.append(browser.session_token)
    now = timezone.now()
    assert len(set(tokens)) == 3
    assert [bool(sessions.current(one, now=now)) for one in tokens] == [False, False, True]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", one) for one in tokens)
    assert tokens[2] not in str(list(Session.objects.values()))
    secure = settings.IDP.model_copy(update={"issuer": "https://id.example.org"})
    with override_settings(IDP=secure):
        said = cookies.header("session", "x")
    assert said.startswith("__Host-gatehouse_session=x;")
    assert all(one in said for one in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))


@pytest.mark.standard(S, "25", "a sign-in that began in one browser does not end in another")
def test_login_csrf(world: World, alice: User, web: RelyingParty) -> None:
    attacker, victim = Browser(), Browser()
    page = attacker.open(f"/authorize?{urlencode(web.request())}")
    victim.cookies.load(cookie_of(world.session))
    base = page.path.removesuffix("/login")
    for step in ("", "/login", "/consent"):
        assert victim.open(f"{base}{step}").status_code in (400, 410)
    mallory = UserFactory(password=PASSWORD)
    token = attacker.form_of(page, "username")["inputs"]
    fields = {**token, "username": mallory.username, "password": PASSWORD}
    fresh = Browser()
    fresh.post(page.path, fields)
    assert not Session.objects.filter(user=mallory).exists()
    assert not fresh.session_token


@pytest.mark.standard(S, "26", "sessions end unused, and on their day; the administration earlier")
def test_timeouts(world: World, alice: User, clock: Clock) -> None:  # noqa: F811 (fixture)
    idle, used = Browser(), Browser()
    for browser in (idle, used):
        browser.sign_in(alice.username)
    for hours in range(11, 7 * 24, 11):
        clock.ahead = timedelta(hours=hours)
        assert used.open("/account").path == "/account"
    assert idle.open("/account").path.endswith("/login")
    clock.ahead = timedelta(days=7, seconds=1)
    assert used.open("/account").path.endswith("/login")


@pytest.mark.standard(S, "26", "administrators prove themselves anew after half a day")
def test_administration(world: World, alice: User, clock: Clock) -> None:  # noqa: F811 (fixture)
    root = UserFactory(username="root", is_superuser=True, password=PASSWORD)
    browser = Browser()
    browser.sign_in(root.username)
    assert browser.open("/admin/").path == "/admin/"
    clock.ahead = timedelta(hours=11)
    assert browser.open("/admin/").path == "/admin/"
    clock.ahead = timedelta(hours=12, minutes=1)
    assert browser.open("/account").path == "/account"
    page = browser.open("/admin/idp/user/")
    assert page.path.endswith("/login")
    assert b"id_password" in page.content
    posted = browser.post("/admin/idp/group/add/", {"name": "staff"})
    assert posted.status_code in (303, 403)
    assert browser.submit(page, password=PASSWORD).path == "/admin/idp/user/"
    assert browser.open("/admin/").path == "/admin/"


def _disable(user: User, root: DjangoClient) -> None:
    people.disable(user, now=timezone.now())


def _delete(user: User, root: DjangoClient) -> None:
    assert root.post(f"/admin/idp/user/{user.pk}/delete/", {"post": "yes"}).status_code == 302


def _password(user: User, root: DjangoClient) -> None:
    password.change(user, "another long password", session=None, now=timezone.now())


@pytest.mark.standard(S, "27", "disabled, deleted, new password: everything of theirs ends")
@pytest.mark.parametrize("end", [_disable, _delete, _password])
def test_everything_ends(
    world: World, alice: User, end: Callable[[User, DjangoClient], None]
) -> None:
    root = DjangoClient()
    root.cookies.load(cookie_of(SessionFactory(user=UserFactory(is_superuser=True))))
    party = world.relying_party(refresh_always=True)
    agree(alice, party.application, "openid", "offline_access")
    bound = party.tokens(world.session)
    offline = party.tokens(world.session, scope="openid offline_access")
    pending = party.code(world.session)
    waiting = Browser()
    page = waiting.open(f"/authorize?{urlencode(party.request())}")
    end(alice, root)
    assert sessions.current(world.session.token, now=timezone.now()) is None  # type: ignore[attr-defined]
    assert answer(party.authorize(world.session, prompt="none"))["error"] == "login_required"
    for one in (bound, offline):
        assert error(party.refresh(one["refresh_token"])) == (400, "invalid_grant")
        assert party.introspect(one["access_token"]) == {"active": False}
        assert party.userinfo(one["access_token"]).status == 401
    assert error(party.redeem(pending)) == (400, "invalid_grant")
    late = waiting.submit(page, username=alice.username, password=PASSWORD)
    assert "code=" not in late.headers.get("Location", "")


@pytest.mark.standard(S, "28", "people see and end their sessions and permissions; so do we")
def test_own_sessions(world: World, alice: User) -> None:
    world.session.delete()
    party = world.relying_party(trusted=False, application_name="Acme", refresh_always=True)
    here, there = Browser(), Browser()
    here.sign_in(alice.username)
    there.sign_in(alice.username)
    agree(alice, party.application, "openid")
    away = Session.objects.get(token_hash=cookies.digest(there.session_token))
    away.token = there.session_token  # type: ignore[attr-defined]
    tokens = party.tokens(away)
    here.submit(here.open("/account/sessions"), session=away.pk.hex)
    assert there.open("/account").path.endswith("/login")
    assert party.introspect(tokens["access_token"]) == {"active": False}
    row = Session.objects.get(token_hash=cookies.digest(here.session_token))
    row.token = here.session_token  # type: ignore[attr-defined]
    tokens = party.tokens(row)
    shown = here.open("/account/permissions")
    assert b"Acme" in shown.content
    here.submit(shown, consent=str(Consent.objects.get().pk))
    assert error(party.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
    root = DjangoClient()
    root.cookies.load(cookie_of(SessionFactory(user=UserFactory(is_superuser=True))))
    assert root.post(f"/admin/idp/session/{row.pk}/end/", {"back": "person"}).status_code == 303
    assert here.open("/account").path.endswith("/login")


# ----- OAuth: what no single standard's file proves -----


@pytest.mark.standard(S, "32", "addresses after sign-out are as exact as redirect URIs")
def test_addresses_after_logout(world: World) -> None:
    registered = "https://application.example:8443/bye?kept=1"
    party = world.relying_party(post_logout_redirect_uris=[registered])
    hint = party.tokens(world.session)["id_token"]
    cookies_sent = cookie_of(world.session)
    for mutation in redirect_uris.mutations(registered):
        parameters = {"id_token_hint": hint, "post_logout_redirect_uri": mutation.uri}
        response = world.provider.get("/end_session", parameters, cookies=cookies_sent)
        assert (response.status, header(response, "Location")) == (400, ""), mutation
    parameters = {"id_token_hint": hint, "post_logout_redirect_uri": registered}
    response = world.provider.get("/end_session", parameters, cookies=cookies_sent)
    assert header(response, "Location") == registered


@pytest.mark.standard(S, "34", "what was asked for cannot change while somebody signs in")
def test_stored_requests(world: World, alice: User, web: RelyingParty, browser: Browser) -> None:
    page = browser.open(f"/authorize?{urlencode(web.request(scope='openid'))}")
    form = browser.form_of(page, "username")["inputs"]
    changed = {
        "redirect_uri": "https://evil.example/",
        "response_type": "id_token token",
        "scope": "openid email profile",
        "client_id": "other",
        "code_challenge": "x" * 43,
    }
    posted = browser.post(
        f"{page.path}?{urlencode(changed)}",
        {**form, **changed, "username": alice.username, "password": PASSWORD},
    )
    location = browser._follow(posted, page.path).headers["Location"]
    assert location.startswith("https://application.example/callback?code=")
    code = location.partition("code=")[2].partition("&")[0]
    assert json(web.redeem(code))["scope"] == "openid"


@pytest.mark.standard(S, "34", "grants, response types and modes are the client's own")
def test_allow_lists(world: World) -> None:
    party = world.relying_party(grant_types=["authorization_code"], response_modes=["query"])
    for grant_type in ("client_credentials", "refresh_token"):
        refused = party.token(grant_type=grant_type, refresh_token="x")
        assert error(refused) == (400, "unauthorized_client")
    for mode in ("fragment", "form_post"):
        found = answer(party.authorize(world.session, response_mode=mode))
        assert found["error"] == "invalid_request"
    party.change(response_types=[])
    assert answer(party.authorize(world.session))["error"] == "unauthorized_client"


@pytest.mark.standard(S, "41", "a token of one client is nothing to another")
def test_client_binding(world: World, web: RelyingParty) -> None:
    web.change(refresh_always=True)
    other = world.relying_party(refresh_always=True)
    tokens, code = web.tokens(world.session), web.code(world.session)
    assert other.introspect(tokens["access_token"]) == {"active": False}
    assert error(other.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
    assert error(other.redeem(code)) == (400, "invalid_grant")
    assert other.revoke(tokens["refresh_token"]).status == 400
    hinted = answer(other.authorize(world.session, id_token_hint=tokens["id_token"]))
    assert hinted["error"] == "invalid_request"
    world.resource("https://api.example", "read", clients=[web])
    api = web.tokens(world.session, scope="openid read", resource="https://api.example")
    assert web.userinfo(api["access_token"]).status == 401
    assert web.refresh(tokens["refresh_token"]).status == 200
    assert web.redeem(code).status == 200


XSS = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


@pytest.mark.standard(S, "47", "whatever a client says of itself or sends is text on every page")
def test_escaping(world: World, alice: User, browser: Browser) -> None:
    party = world.relying_party(trusted=False, application_name=XSS)
    browser.cookies.load(cookie_of(world.session))
    asked = browser.open(f"/authorize?{urlencode(party.request(login_hint=XSS, state=XSS))}")
    agree(alice, party.application, "openid")
    posted = party.authorize(world.session, response_mode="form_post", state=XSS)
    refused = party.authorize(world.session, client_id=XSS, state=XSS)
    signing_in = Browser().open(f"/authorize?{urlencode(party.request(login_hint=XSS))}")
    leaving = browser.open(f"/end_session?{urlencode({'client_id': party.id, 'state': XSS})}")
    for page in (asked, signing_in, leaving, posted, refused):
        body = page.body if hasattr(page, "body") else page.content
        assert b"<script>alert" not in body
        assert b"<img src=x" not in body
    assert b"&lt;script&gt;" in asked.content


@pytest.mark.standard(S, "48", "what was made for one purpose is unknown for every other")
def test_purposes(world: World, web: RelyingParty) -> None:
    for purpose in ("code", "end_session", "refresh_token", "x"):
        sealed = keys.seal(purpose, b"content")
        for other in ("code", "end_session", "refresh_token", "y"):
            if other == purpose:
                assert keys.unseal(other, sealed) == b"content"
            else:
                with pytest.raises(keys.Unsealable):
                    keys.unseal(other, sealed)
    dynamic.policy(mode="token")
    for value in (web.secret, web.code(world.session), web.tokens(world.session)["id_token"]):
        assert dynamic.register(world.provider, token=value).status == 401
        assert web.userinfo(value).status == 401
        assert error(web.refresh(value)) == (400, "invalid_grant")


# ----- crypto and keys -----


@pytest.mark.standard(S, "49", "no cryptography of our own, and no module beyond the allowed ones")
@pytest.mark.standard(S, "53", "randomness is the system's")
def test_imports() -> None:
    banned = {
        *("random", "jwt", "Crypto", "Cryptodome", "rsa", "ecdsa", "nacl", "pickle", "marshal"),
        *("ssl", "M2Crypto", "OpenSSL", "authlib.jose"),
    }
    # What speaks TLS, what implements JWE, and the generator of OpenSSL.
    doors = ("idp/outbound.py", "idp/protocol/jwe.py", "idp/randomness.py")
    allowed = {ROOT / door for door in doors}
    for path in SOURCES:
        tree = ast.parse(path.read_text())
        # Where a specification makes an identifier of SHA-1 (SAML Bindings §3.6.4, MDQ).
        identifiers = {id(one.func) for one in ast.walk(tree) if _is_for_no_security(one)}
        for node in ast.walk(tree):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert path in allowed or not banned.intersection(names), path
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                weak = node.value.id == "hashlib" and node.attr in ("md5", "sha1")
                assert not weak or id(node) in identifiers, f"{path}:{node.lineno}"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec", "compile"), f"{path}:{node.lineno}"


def _is_for_no_security(node: ast.AST) -> bool:
    """Whether a hash is called as one that nothing rests on."""
    said = [one for one in getattr(node, "keywords", ()) if one.arg == "usedforsecurity"]
    return isinstance(node, ast.Call) and any(
        isinstance(one.value, ast.Constant) and one.value.value is False for one in said
    )


@pytest.mark.standard(S, "50", "private keys are encrypted under a key outside, one for each use")
def test_keys_at_rest(world: World, settings: Any) -> None:
    keys.lasting_secret("test-of-control-50")
    rows = list(SigningKey.objects.all())
    stored = [bytes(row.private_key) for row in rows]
    stored += [bytes(row.encrypted) for row in StoredSecret.objects.all()]
    assert len(rows) == len({row.kid for row in rows}) >= 11
    for blob in stored:
        assert b"PRIVATE KEY" not in blob
        assert not blob.startswith(b"\x30")
        assert keys.decrypt(blob)
    stranger = (b"A" * 43 + b"=").decode()
    foreign = settings.IDP.model_copy(update={"master_key": (stranger,)})
    with override_settings(IDP=foreign), pytest.raises(keys.MasterKeyMismatch):
        keys.decrypt(stored[0])
    purposes = {row.purpose for row in rows}
    assert {"oidc", "saml", "oidc-enc"} <= purposes


@pytest.mark.standard(S, "51", "tokens are hashed at rest and compared whole")
def test_opaque_values(world: World, web: RelyingParty) -> None:
    web.change(refresh_always=True)
    dynamic.policy(mode="token")
    row, initial = dynamic.initial_access_token()
    response = dynamic.register(world.provider, token=initial)
    client = dynamic.Registered(world.provider, json(response))
    refresh_token = web.tokens(world.session)["refresh_token"]
    checks: dict[str, Callable[[str], bool]] = {
        web.secret: lambda value: (
            world.provider.post(
                "/revoke", {"token": "x"}, authorization=basic(web.id, value)
            ).status
            == 200
        ),
        client.token: lambda value: client.read(value).status == 200,
        refresh_token: lambda value: web.refresh(value).status == 200,
    }
    for value, taken in checks.items():
        prefix, _, body = value.partition("_")
        assert prefix in ("gts", "gtr", "gtm")
        for wrong in (value[:-1], value + "A", f"{prefix}_{body[1:]}", f"gtx_{body}", body, "x"):
            assert not taken(wrong), wrong
        for position in range(0, len(value), 5):
            other = "B" if value[position] == "A" else "A"
            assert not taken(value[:position] + other + value[position + 1 :])
        assert taken(value)
    kept = "".join(
        str(list(model.objects.values()))
        for model in (type(web.client), type(row), Grant, Session, Interaction)
    )
    assert not any(value in kept for value in (*checks, initial))
    assert registration_token.digest(initial) == bytes(row.token_hash)
    assert len(client_secret.digest("x")) == 32
    with pytest.raises(opaque.Malformed):
        opaque.disassemble("gts_", web.secret[:-1], longest=200)


# ----- logging and errors -----


@pytest.mark.standard(S, "56", "who, what, for which client, from where, when: in the trail")
def test_audit_trail(world: World, alice: User, web: RelyingParty) -> None:
    audit.write_through(enabled=True)
    world.session.delete()
    agent = {"HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux) Firefox/140.0"}
    browser = Browser(**agent)
    try_(browser, alice.username, "wrong")
    party = world.relying_party(trusted=False, application_name="Acme", refresh_always=True)
    page = browser.open(f"/authorize?{urlencode(party.request())}")
    page = browser.submit(page, username=alice.username, password=PASSWORD)
    done = browser.submit(page, decision="allow")
    code = done.headers["Location"].partition("code=")[2].partition("&")[0]
    tokens = json(party.redeem(code))
    party.redeem("x")
    party.revoke(tokens["refresh_token"])
    root = DjangoClient()
    admin = UserFactory(username="root", is_superuser=True)
    root.cookies.load(cookie_of(SessionFactory(user=admin)))
    root.post(f"/admin/idp/user/{alice.pk}/disable/")
    call_command("rotate_signing_keys", "--algorithm", "ES256")
    events = {event.action: event for event in AuditEvent.objects.all()}
    expected = {
        *("token.issued", "token.refused", "grant.revoked", "user.disabled", "session.ended"),
        *("consent.given", "key.rotated"),
    }
    assert expected <= events.keys(), sorted(events)
    issued = events["token.issued"]
    assert issued.application_name == "Acme"
    assert issued.user_id == alice.pk
    assert issued.client_address == world.provider.address
    assert issued.request_id == "test"
    assert issued.at.utcoffset() == timedelta(0)
    assert events["user.disabled"].actor == "root"
    assert events["user.disabled"].user_name == alice.username
    assert events["token.refused"].reason
    sign_ins = {row.result for row in SignIn.objects.all()}
    assert {"success", "failure"} <= sign_ins


@pytest.mark.standard(S, "57", "the trail is only added to, and tells of what was changed")
def test_append_only(world: World) -> None:
    first = audit.record("token.issued", details={"number": 1})
    audit.record("token.issued", details={"number": 2})
    first.action = "nothing"
    with pytest.raises(IntegrityError), transaction.atomic():
        first.save()
    root = DjangoClient()
    root.cookies.load(cookie_of(SessionFactory(user=UserFactory(is_superuser=True))))
    base = f"/admin/idp/auditevent/{first.pk}"
    for path in (f"{base}/delete/", f"{base}/change/", "/admin/idp/auditevent/add/"):
        root.post(path, {"post": "yes", "action": "x"})
    assert AuditEvent.objects.count() == 2
    assert AuditEvent.objects.get(pk=first.pk).action == "token.issued"
    assert audit.seal(now=timezone.now() + timedelta(minutes=2)) >= 2
    assert audit.verify_seals() == []
    AuditEvent.objects.filter(pk=first.pk).update(reason="changed")
    assert audit.verify_seals()
    AuditEvent.objects.filter(pk=first.pk).update(reason="")
    assert audit.verify_seals() == []
    AuditEvent.objects.filter(pk=first.pk).delete()
    assert audit.verify_seals()


@pytest.mark.standard(S, "58", "secrets in the wrong place are in no log and no row")
def test_secrets_in_wrong_places(
    world: World, alice: User, web: RelyingParty, caplog: pytest.LogCaptureFixture, capsys: Any
) -> None:
    caplog.set_level("DEBUG")
    mistyped = "my-other-secret-password"
    try_(Browser(), mistyped, PASSWORD)
    try_(Browser(), alice.username, mistyped)
    DjangoClient().get(f"/login?password={mistyped}")
    DjangoClient().get(f"/nowhere?client_secret={web.secret}")
    DjangoClient().post("/token", {"client_secret": web.secret, "code": mistyped})
    web.provider.post("/token", {"grant_type": mistyped}, authorization=basic(mistyped, mistyped))
    web.provider.get("/authorize", {"client_id": "x", "client_secret": web.secret})
    kept = [
        *AuditEvent.objects.values_list("reason", "details", "user_name", "actor"),
        *SignIn.objects.values_list("received", "trace", "reason", "user_name"),
    ]
    written = f"{kept}{caplog.text}{capsys.readouterr()}"
    assert web.secret not in written
    assert PASSWORD not in written
    assert f"'{mistyped}'" not in str([row[2:] for row in kept])


@pytest.mark.standard(S, "59", "a line of the log is one object, whatever stands in a request")
def test_log_injection(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    forged = 'x\n{"event": "forged"}\r\n\x1b[31m'
    world.provider.send("GET", "/authorize", query=urlencode({"client_id": forged}))
    DjangoClient().get("/login", {"next": forged}, headers={"user-agent": "x\x1b[31m"})
    written = "".join(capfd.readouterr())
    assert "\x1b[31m" not in written
    assert not [line for line in written.splitlines() if line.startswith('{"event": "forged"')]
    for row in SignIn.objects.all():
        assert "\x1b" not in row.user_agent


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any, str], None]]:
    def fail(module: Any, name: str) -> None:
        def broken(*args: Any, **kwargs: Any) -> Any:
            raise RuntimeError("internal detail")

        monkeypatch.setattr(module, name, broken)

    yield fail
    directory.forget()


@pytest.mark.standard(S, "60", "a rule that breaks denies")
def test_fail_closed(world: World, web: RelyingParty, failing: Callable[[Any, str], None]) -> None:
    tokens = web.tokens(world.session, scope="openid email")
    code = web.code(world.session, claims='{"id_token":{"email":null}}')
    failing(release, "release")
    for response in (web.redeem(code), web.userinfo(tokens["access_token"])):
        assert response.status == 500
        assert b"internal" not in response.body
        assert b'token":' not in response.body
    failing(revocation, "is_denied")
    assert web.userinfo(tokens["access_token"]).status == 500
    failing(consent, "is_settled")
    response = web.authorize(world.session)
    assert response.status == 500
    assert header(response, "Location") == ""
    failing(client_secret, "belongs_to")
    assert web.token(grant_type="client_credentials").status == 500


@pytest.mark.standard(S, "61", "nonsense gets no 500 and no trace, anywhere")
def test_generic_errors(world: World, web: RelyingParty) -> None:
    values = (
        "",
        "\x00",
        "é漢",
        "'",
        "{}",
        "[]",
        "-1",
        "9" * 400,
        "a b",
        "%00",
        "../..",
        "x" * 5000,
    )
    names = [*web.request(), "token", "code", "grant_type", "SAMLRequest", "RelayState", "resource"]
    names += ["id_token_hint", "claims", "max_age", "request", "request_uri", "client_assertion"]
    for path in features.routes():
        for method in ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "x"):
            assert world.provider.send(method, path).status < 500, (method, path)
        for value in values:
            form = {**web.request(), **dict.fromkeys(names, value)}
            encoded = urlencode(form)
            for response in (
                world.provider.send("GET", path, query=encoded),
                world.provider.send("POST", path, body=encoded.encode(), content_type=FORM),
                world.provider.send("POST", path, body=value.encode(), content_type=FORM),
                world.provider.send("GET", path, authorization=(value,)),
                world.provider.send("GET", path, cookies={"gatehouse_session": value}),
            ):
                assert response.status < 500 or response.status == 503, (path, value)
                assert b"Traceback" not in response.body
    for path in PAGES:
        for value in values:
            assert DjangoClient().get(f"{path}{value[:100]}?next={value[:100]}").status_code < 500
