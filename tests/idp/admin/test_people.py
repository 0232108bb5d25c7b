"""People in the administration: created, changed, disabled, deleted; nothing secret is shown."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone

from idp import models
from idp.accounts import password
from idp.tokens import revocation
from tests.support.factories import GroupFactory, SessionFactory, UserFactory

LIST = "/admin/idp/user/"
PASSWORD = "a long and fine password"


def form(user: models.User | None = None, **changes: Any) -> dict[str, Any]:
    data = {
        "username": user.username if user else "carol",
        "email": user.email if user else "carol@example.org",
        "attributes": "",
    }
    return {**data, **changes}


def page(user: models.User) -> str:
    return f"{LIST}{user.pk}/change/"


def actions() -> list[str]:
    return list(models.AuditEvent.objects.values_list("action", flat=True))


def test_lists_with_groups_and_states(browser: Browser) -> None:
    UserFactory(username="alice", name="Alice Liddell", groups=["staff"])
    UserFactory(username="gone", is_active=False)
    html = browser.get(LIST).content.decode()
    for words in ("Alice Liddell", "staff", "disabled", "administrator"):
        assert words in html


def test_list_asks_the_same_number_of_questions_for_many(
    browser: Browser, django_assert_max_num_queries: Any
) -> None:
    UserFactory.create_batch(30, groups=["users", "staff"])
    with django_assert_max_num_queries(9):
        browser.get(LIST)


def test_is_paged(browser: Browser) -> None:
    UserFactory.create_batch(55)
    html = browser.get(LIST).content.decode()
    assert html.count('class="field-display"') == 50
    assert browser.get(LIST, {"p": 2}).status_code == 200


@pytest.mark.parametrize("term", ["ALI", "alice@exa", "Alice"])
def test_finds_by_the_beginning_of_name_or_address(browser: Browser, term: str) -> None:
    UserFactory(username="alice")
    UserFactory(username="malice")
    html = browser.get(LIST, {"q": term}).content.decode()
    assert ">alice<" in html
    assert ">malice<" not in html


def test_filters_by_group(browser: Browser) -> None:
    UserFactory(username="alice", groups=["staff"])
    UserFactory(username="bob")
    group = models.Group.objects.get()
    html = browser.get(LIST, {"group": str(group.pk)}).content.decode()
    assert ">alice<" in html
    assert ">bob<" not in html
    assert browser.get(LIST, {"group": "odd"}).status_code == 200


def test_creates_with_a_password(browser: Browser) -> None:
    group = GroupFactory()
    data = form(
        password1=PASSWORD,
        password2=PASSWORD,
        groups=[str(group.pk)],
        attributes='{"department": "Sales"}',
        address_locality="Oxford",
    )
    response = browser.post(f"{LIST}add/", data)
    user = models.User.objects.get(username="carol")
    assert response.status_code == 302
    assert password.verify(user, PASSWORD)
    assert list(user.groups.all()) == [group]
    assert user.attributes == {"department": "Sales"}
    assert user.address == {"locality": "Oxford"}
    event = models.AuditEvent.objects.get(action="user.created")
    assert (event.actor, event.user_name) == ("root", "carol")
    assert PASSWORD not in str(event.details)
    assert event.details["changes"]["password1"] == "masked"


def test_hashes_outside_of_a_transaction(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    depth: list[int] = []
    original = password.Argon2id.encode

    def encode(self: Any, *args: Any) -> str:
        depth.append(len(connection.savepoint_ids))
        return original(self, *args)

    monkeypatch.setattr(password.Argon2id, "encode", encode)
    browser.post(f"{LIST}add/", form(password1=PASSWORD, password2=PASSWORD))
    assert depth == [0]


def test_creates_without_a_password_that_nobody_can_sign_in_with(browser: Browser) -> None:
    assert browser.post(f"{LIST}add/", form()).status_code == 302
    user = models.User.objects.get(username="carol")
    assert not user.has_usable_password()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password1": PASSWORD, "password2": "other"}, "do not match"),
        ({"password1": "short", "password2": "short"}, "too short"),
        ({"password1": "carol@example.org1", "password2": "carol@example.org1"}, "too similar"),
        ({"username": "ROOT"}, "taken"),
        ({"username": "a b"}, "No spaces"),
        ({"username": "a@b.example"}, "own e-mail address"),
        ({"email": "nothing"}, "valid email"),
        ({"attributes": "{"}, "line 1, column 2"),
        ({"attributes": "[]"}, "must be an object"),
        ({"attributes": '{"a": NaN}'}, "not JSON"),
        ({"attributes": '{"a": 1e999}'}, "not JSON"),
        ({"attributes": '{"a": 1, "a": 2}'}, "not JSON"),
        ({"attributes": '{"a": "\\ud800"}'}, "not JSON"),
        ({"attributes": '{"a":' * 2000 + "1" + "}" * 2000}, "not JSON"),
        ({"attributes": '{"a":' * 500 + "1" + "}" * 500}, "not JSON"),
        ({"attributes": '{"a": "\\u0000"}'}, "NUL"),
        ({"birthdate": "1.1.1970"}, "YYYY-MM-DD"),
        ({"phone_number": "030 1234"}, "E.164"),
        ({"profile": "javascript:alert(1)"}, "valid URL"),
    ],
)
def test_refuses_and_keeps_what_was_typed(
    browser: Browser, changes: dict[str, str], words: str
) -> None:
    response = browser.post(f"{LIST}add/", form(nickname="Typed", **changes))
    html = response.content.decode()
    assert response.status_code == 200
    assert words in html
    assert 'value="Typed"' in html
    assert PASSWORD not in html
    assert models.User.objects.count() == 1


def test_changes_and_records_before_and_after(browser: Browser) -> None:
    user = UserFactory(username="alice", address={"locality": "Oxford", "extra": "kept"})
    data = form(user, email="new@example.org", address_locality="London")
    assert browser.post(page(user), data).status_code == 302
    user.refresh_from_db()
    assert user.email == "new@example.org"
    assert user.address == {"locality": "London", "extra": "kept"}
    event = models.AuditEvent.objects.get(action="user.changed")
    assert event.details["changes"]["email"]["after"] == "new@example.org"
    assert event.details["changes"]["address_locality"] == {"before": "Oxford", "after": "London"}


def test_an_edit_leaves_the_password_alone(browser: Browser) -> None:
    user = UserFactory(password=PASSWORD)
    browser.post(page(user), form(user, nickname="x"))
    user.refresh_from_db()
    assert password.verify(user, PASSWORD)


def test_shows_no_hash(browser: Browser) -> None:
    user = UserFactory(password=PASSWORD)
    html = browser.get(page(user)).content.decode()
    assert user.password not in html
    assert "argon2" not in html


def test_sets_a_password_and_ends_everything(browser: Browser) -> None:
    user = UserFactory(password="the one before this")
    session = SessionFactory(user=user)
    url = f"{LIST}{user.pk}/password/"
    assert "All their sessions end" in browser.get(url).content.decode()
    wrong = browser.post(url, {"password1": PASSWORD, "password2": "x"})
    assert "do not match" in wrong.content.decode()
    assert browser.post(url, {"password1": PASSWORD, "password2": PASSWORD}).status_code == 303
    user.refresh_from_db()
    session.refresh_from_db()
    assert password.verify(user, PASSWORD)
    assert session.ended_at is not None
    assert models.AuditEvent.objects.get(action="password.changed").actor == "root"


def test_disables_and_ends_everything(browser: Browser) -> None:
    user = UserFactory(username="alice")
    session = SessionFactory(user=user)
    url = f"{LIST}{user.pk}/disable/"
    assert "1 live session:" in browser.get(url).content.decode()
    assert models.User.objects.get(pk=user.pk).is_active
    assert browser.post(url).status_code == 303
    user.refresh_from_db()
    session.refresh_from_db()
    assert not user.is_active
    assert session.ended_at is not None
    issued = timezone.now().timestamp() - 5
    claims = {"jti": "x", "client_id": "y", "iat": issued, "sid": "z", "sub": user.subject}
    assert revocation.is_denied(claims)
    assert "user.disabled" in actions()
    assert browser.get(f"{LIST}{user.pk}/enable/").status_code == 404
    browser.post(f"{LIST}{user.pk}/enable/")
    user.refresh_from_db()
    assert user.is_active


def test_nobody_disables_or_deletes_themselves(browser: Browser, admin_user: models.User) -> None:
    UserFactory(is_superuser=True)
    for task in ("disable", "delete"):
        url = f"{LIST}{admin_user.pk}/{task}/"
        assert "It is you" in browser.get(url).content.decode()
        browser.post(url, {"post": "yes"})
        admin_user.refresh_from_db()
        assert admin_user.is_active


def test_the_last_administrator_cannot_step_down(browser: Browser, admin_user: models.User) -> None:
    response = browser.post(page(admin_user), form(admin_user, is_superuser=""))
    assert "Nobody would be left" in response.content.decode()
    admin_user.refresh_from_db()
    assert admin_user.is_superuser


def test_deletes_with_everything(browser: Browser) -> None:
    user = UserFactory(username="alice")
    SessionFactory(user=user)
    url = f"{LIST}{user.pk}/delete/"
    html = browser.get(url).content.decode()
    assert "1 live session:" in html
    assert "nobody else ever gets them" in html
    assert browser.post(url, {"post": "yes"}).status_code == 302
    assert not models.User.objects.filter(pk=user.pk).exists()
    assert "user.deleted" in actions()
    assert browser.get(LIST).status_code == 200


def test_shows_and_ends_sessions(browser: Browser) -> None:
    user = UserFactory()
    session = SessionFactory(user=user, client_address="192.0.2.9")
    assert "192.0.2.9" in browser.get(page(user)).content.decode()
    end = f"/admin/idp/session/{session.pk}/end/"
    assert browser.get(end).status_code == 404
    response = browser.post(end, {"back": "person"})
    assert response.headers["Location"] == page(user)
    session.refresh_from_db()
    assert session.ended_at is not None
    assert models.AuditEvent.objects.get(action="session.ended").actor == "root"


def test_tasks_for_nobody_are_not_found(browser: Browser) -> None:
    nobody = "01a20da9-0000-7000-8000-000000000000"
    for task in ("password", "disable", "enable"):
        assert browser.post(f"{LIST}{nobody}/{task}/").status_code == 404
