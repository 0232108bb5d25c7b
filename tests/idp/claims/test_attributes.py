"""Loading a person: one statement, the same as from an instance, and nothing odd comes through."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from idp.claims import attributes
from idp.models import Group, User
from idp.models.identifiers import db_id

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    user = User.objects.create_user(
        "Alice",
        email="alice@example.org",
        email_verified=True,
        name="Alice Example",
        given_name="Alice",
        family_name="Example",
        middle_name="Eve",
        nickname="Ali",
        profile="https://example.org/alice",
        picture="https://example.org/a.png",
        website="https://alice.example",
        gender="female",
        birthdate="1990-01-01",
        zoneinfo="Europe/Berlin",
        locale="en-GB",
        phone_number="+49301234567",
        phone_number_verified=True,
        address={"street_address": "Street 1", "locality": "Berlin", "odd": "x", "region": ""},
        attributes={"department": "R&D", "ümlaut": ["ß", 1, None]},
    )
    for name in ("users", "staff", "Ärzte"):
        user.groups.add(Group.objects.create(name=name))
    return user


def test_one_statement(alice: User) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        person = attributes.load(alice.subject)
    assert len(queries) == 1
    assert person is not None
    assert person.id == alice.subject
    assert person.username == person.preferred_username == "Alice"
    assert person.groups == ("staff", "users", "Ärzte")
    assert person.email_verified is True
    assert person.address == {"street_address": "Street 1", "locality": "Berlin"}
    assert person.attributes == {"department": "R&D", "ümlaut": ["ß", 1, None]}
    assert person.updated_at == int(alice.updated_at.timestamp())


def test_the_same_from_an_instance(alice: User) -> None:
    assert attributes.load(alice.id) == attributes.of(User.objects.get(pk=alice.pk))


def test_a_person_with_hardly_anything() -> None:
    bob = User.objects.create_user("bob", email="")
    person = attributes.load(bob.id)
    assert person == attributes.of(bob)
    assert person is not None
    assert (person.groups, person.email, person.address) == ((), "", {})


def test_a_full_name_out_of_its_parts(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(name="")
    person = attributes.load(alice.id)
    assert person is not None
    assert person.name == "Alice Example"


def test_names_of_attributes_for_pickers(alice: User) -> None:
    User.objects.create_user("bob", email="", attributes={"badge": 1, "department": "Sales"})
    carol = User.objects.create_user("carol", email="")
    User.objects.filter(pk=carol.pk).update(attributes=["not", "an", "object"])
    assert attributes.names() == ("badge", "department", "ümlaut")
    assert len(attributes.names(limit=1)) == 1


def test_the_disabled_are_not_spoken_of(alice: User) -> None:
    alice.is_active = False
    alice.save()
    assert attributes.load(alice.subject) is None
    assert attributes.of(alice).username == "Alice"


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "alice",
        "x" * 32,
        "0" * 32,
        "' OR 1=1 --",
        "\x00",
        "2e82e1d1-e317-4470-8a6e-c4a336abb9e8",
    ],
)
def test_nobody(subject: str) -> None:
    assert attributes.load(subject) is None


def test_a_dashed_identifier_is_not_ours(alice: User) -> None:
    assert attributes.load(str(alice.id)) is None


@pytest.mark.parametrize(
    ("stored", "address", "custom"),
    [
        ([], {}, {}),
        ("text", {}, {}),
        (None, {}, {}),
        (7, {}, {}),
        ({"country": 5, "locality": None, "region": ["x"]}, {}, "same"),
        ({"country": "D\u0001E"}, {"country": "D\u0001E"}, "same"),
        ({"country": "x" * 5000}, {}, "same"),
        ({"big": 10**30}, {}, None),
    ],
)
def test_odd_json_counts_as_not_known(stored: Any, address: Any, custom: Any, alice: User) -> None:
    text = json.dumps(stored)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE idp_user SET address = %s, attributes = %s WHERE id = %s",
            [text, text, db_id(alice.id)],
        )
    person = attributes.load(alice.id)
    assert person is not None
    assert person.address == address
    if custom is not None:
        assert person.attributes == (stored if custom == "same" else custom)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL refuses it on the way in")
def test_half_a_character_does_not_stop_the_rest(alice: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE idp_user SET address = %s, attributes = %s WHERE id = %s",
            ['{"country": "\\ud800", "locality": "Berlin"}', '{"a": "\\ud800"}', db_id(alice.id)],
        )
    person = attributes.load(alice.id)
    assert person is not None
    assert person.address == {"locality": "Berlin"}


def test_updated_at_is_whole_seconds_rounded_down(alice: User) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 999_999, tzinfo=UTC)
    User.objects.filter(pk=alice.pk).update(updated_at=moment)
    person = attributes.load(alice.id)
    assert person is not None
    assert person.updated_at == int(moment.timestamp())


def test_groups_are_in_one_order_on_every_database(alice: User) -> None:
    loaded = attributes.load(alice.id)
    assert loaded is not None
    assert list(loaded.groups) == sorted(loaded.groups)
