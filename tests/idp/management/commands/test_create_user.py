"""`create_user`: people from scripts."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from idp.accounts import password
from idp.accounts import session as sessions
from idp.models import AuditEvent, Group, User
from tests.support.factories import PASSWORD, SessionFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def secret(monkeypatch):
    monkeypatch.setenv("GATEHOUSE_PASSWORD", PASSWORD)


def create(name="alice", *options, email="alice@example.org"):
    out, err = io.StringIO(), io.StringIO()
    call_command("create_user", name, "--email", email, *options, stdout=out, stderr=err)
    return out.getvalue() + err.getvalue()


def test_person_can_sign_in_and_the_address_is_verified():
    said = create()
    alice = User.objects.get()
    assert password.verify(alice, PASSWORD)
    assert alice.email_verified
    assert alice.subject in said
    assert PASSWORD not in said
    assert not alice.is_superuser
    assert AuditEvent.objects.get().action == "user.created"


def test_profile_goes_to_fields_and_the_rest_to_attributes():
    create(
        "alice",
        *("--claim", "given_name=Alice"),
        *("--claim", "phone_number=+4930123456"),
        *("--claim", "phone_number_verified:=true"),
        *("--claim", 'address:={"locality": "Berlin"}'),
        *("--claim", "birthdate=1990-02-03"),
        *("--claim", "department=Sales"),
        *("--claim", "level:=3"),
        *("--claim", 'roles:=["a", "b"]'),
        *("--claim", "equation=a=b"),
    )
    alice = User.objects.get()
    assert (alice.given_name, alice.phone_number) == ("Alice", "+4930123456")
    assert alice.phone_number_verified is True
    assert alice.address == {"locality": "Berlin"}
    assert alice.attributes == {
        "department": "Sales",
        "level": 3,
        "roles": ["a", "b"],
        "equation": "a=b",
    }


def test_groups_are_made_and_joined():
    Group.objects.create(name="Staff")
    create("alice", "--group", "staff", "--group", "users")
    groups = User.objects.get().groups.values_list("name", flat=True)
    assert sorted(groups) == ["Staff", "users"]
    assert Group.objects.count() == 2


def test_superuser():
    create("root", "--superuser")
    assert User.objects.get().is_superuser


def test_again_brings_up_to_date():
    create("alice", "--group", "staff", "--claim", "department=Sales")
    create("ALICE", "--claim", "level:=3", "--superuser", email="new@example.org")
    alice = User.objects.get()
    assert alice.email == "new@example.org"
    assert alice.attributes == {"department": "Sales", "level": 3}
    assert alice.is_superuser
    assert [group.name for group in alice.groups.all()] == ["staff"]


def test_again_with_the_same_password_ends_nothing():
    create()
    session = SessionFactory(user=User.objects.get())
    create()
    assert sessions.current(session.token, now=timezone.now())


def test_again_with_another_password_ends_everything(monkeypatch):
    create()
    session = SessionFactory(user=User.objects.get())
    monkeypatch.setenv("GATEHOUSE_PASSWORD", "another long password")
    create()
    assert sessions.current(session.token, now=timezone.now()) is None
    assert password.verify(User.objects.get(), "another long password")


def test_without_a_password_nobody_signs_in_and_it_says_so(monkeypatch):
    monkeypatch.delenv("GATEHOUSE_PASSWORD")
    assert "GATEHOUSE_PASSWORD is not set" in create()
    assert not password.verify(User.objects.get(), "")


def test_again_without_a_password_keeps_it(monkeypatch):
    create()
    monkeypatch.delenv("GATEHOUSE_PASSWORD")
    assert "not set" not in create()
    assert password.verify(User.objects.get(), PASSWORD)


def test_weak_password_is_named(monkeypatch):
    monkeypatch.setenv("GATEHOUSE_PASSWORD", "demo")
    said = create()
    assert "weak" in said
    assert password.verify(User.objects.get(), "demo")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--claim", "sub=x"], "sub"),
        (["--claim", "email_verified:=false"], "email_verified"),
        (["--claim", "email=x@example.org"], "--email"),
        (["--claim", "groups=staff"], "--group"),
        (["--claim", "preferred_username=x"], "the name itself"),
        (["--claim", "nonsense"], "k=v"),
        (["--claim", "=x"], "k=v"),
        (["--claim", ":=1"], "k=v"),
        (["--claim", "x:={"], "not JSON"),
        (["--claim", "x:=NaN"], "x"),
        (["--claim", "x:=" + "[" * 100_000], "not JSON"),
        (["--claim", 'x:="\\u0000"'], "x"),
        (["--claim", "address=Berlin"], "an object"),
        (["--claim", "phone_number_verified=yes"], "true or false"),
        (["--claim", "given_name:=7"], "a text"),
        (["--claim", "birthdate=yesterday"], "birthdate"),
        (["--claim", "phone_number=123"], "phone_number"),
        (["--claim", "website=javascript:alert(1)"], "website"),
        (["--claim", "given_name=" + "x" * 200], "given_name"),
        (["--group", ""], "name"),
        (["--group", "x" * 200], "name"),
    ],
)
def test_refuses_and_changes_nothing(options, words):
    with pytest.raises(CommandError, match=r"(?s).*") as refusal:
        create("alice", *options)
    if "k=v" in words:
        words = "k=text or k:=JSON"
    assert words in str(refusal.value)
    assert not User.objects.exists()


@pytest.mark.parametrize("name", ["", "a b", "<script>", "a@b", "x" * 151, "\udcff", "a\tb"])
def test_refuses_names(name):
    with pytest.raises(CommandError):
        create(name)
    assert not User.objects.exists()


@pytest.mark.parametrize("email", ["", "x", "a@b@c", "a b@example.org", "x" * 300 + "@example.org"])
def test_refuses_addresses(email):
    with pytest.raises(CommandError, match="email"):
        create(email=email)
    assert not User.objects.exists()


def test_address_of_somebody_else_is_refused():
    UserFactory(username="bob", email="bob@example.org")
    with pytest.raises(CommandError, match="belongs to somebody else"):
        create(email="BOB@example.org")
    assert User.objects.count() == 1


def test_password_beyond_the_limit_is_refused(monkeypatch):
    monkeypatch.setenv("GATEHOUSE_PASSWORD", "x" * 2000)
    with pytest.raises(CommandError, match="at most 1024"):
        create()
