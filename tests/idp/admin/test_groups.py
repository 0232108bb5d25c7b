"""Groups: members put in and taken out by name, and what goes when one is deleted."""

from __future__ import annotations

from django.test import Client as Browser

from idp import models
from tests.support.factories import ApplicationFactory, GroupFactory, UserFactory

LIST = "/admin/idp/group/"


def test_creates_with_people(browser: Browser) -> None:
    UserFactory(username="alice")
    UserFactory(username="bob")
    data = {"name": "staff", "add_people": "Alice\nbob@example.org"}
    assert browser.post(f"{LIST}add/", data).status_code == 302
    group = models.Group.objects.get()
    assert sorted(user.username for user in group.members.all()) == ["alice", "bob"]
    assert models.AuditEvent.objects.get(action="group.created").actor == "root"


def test_names_the_unknown_and_keeps_what_was_typed(browser: Browser) -> None:
    data = {"name": "staff", "add_people": "nobody\nneither"}
    html = browser.post(f"{LIST}add/", data).content.decode()
    assert "Nobody is known as nobody, neither." in html
    assert "nobody\nneither" in html
    assert not models.Group.objects.exists()


def test_removes_people(browser: Browser) -> None:
    user = UserFactory(username="alice", groups=["staff"])
    group = models.Group.objects.get()
    data = {"name": "staff", "remove_people": "alice"}
    assert browser.post(f"{LIST}{group.pk}/change/", data).status_code == 302
    assert not user.groups.exists()


def test_names_are_unique_whatever_the_case(browser: Browser) -> None:
    GroupFactory(name="Staff")
    html = browser.post(f"{LIST}add/", {"name": "sTAFF"}).content.decode()
    assert "already exists" in html


def test_lists_with_counts(browser: Browser) -> None:
    UserFactory(groups=["staff"])
    ApplicationFactory(access="groups").allowed_groups.add(models.Group.objects.get())
    html = browser.get(LIST).content.decode()
    assert "staff" in html
    assert "?group=" in html
    assert browser.get(LIST, {"q": "STA"}).content.decode().count("?group=") == 1


def test_says_what_goes_with_it(browser: Browser) -> None:
    user = UserFactory(groups=["staff"])
    group = models.Group.objects.get()
    ApplicationFactory(name="Wiki", access="groups").allowed_groups.add(group)
    url = f"{LIST}{group.pk}/delete/"
    html = browser.get(url).content.decode()
    assert "1 membership" in html
    assert "Wiki" in html
    assert browser.post(url, {"post": "yes"}).status_code == 302
    assert models.User.objects.filter(pk=user.pk).exists()


def test_shows_members_and_applications(browser: Browser) -> None:
    for number in range(53):
        UserFactory(username=f"member{number:02}", groups=["staff"])
    group = models.Group.objects.get()
    ApplicationFactory(name="Wiki", access="groups").allowed_groups.add(group)
    html = browser.get(f"{LIST}{group.pk}/change/").content.decode()
    for words in ("member00", "Show all", "Wiki"):
        assert words in html
    assert "member52" not in html
