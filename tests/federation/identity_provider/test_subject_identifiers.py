"""subject-id and pairwise-id."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from federation.identity_provider import subject_identifiers
from federation.saml.metadata import entity_attributes
from tests.support.factories import ServiceProviderFactory, UserFactory

pytestmark = pytest.mark.django_db
VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9=-]{0,126}@[A-Za-z0-9][A-Za-z0-9.-]{0,126}")


def provider(*asked: str, **fields: Any) -> Any:
    stored = [{"name": entity_attributes.SUBJECT_ID_REQ, "values": list(asked)}] if asked else []
    return ServiceProviderFactory(entity_attributes=stored, **fields)


def value(row: Any, user: Any) -> str:
    found = subject_identifiers.of(row, user.id.hex)
    assert found is not None
    (only,) = found.values
    return only


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ((), ""),
        (("none",), ""),
        (("subject-id",), "subject-id"),
        (("pairwise-id",), "pairwise-id"),
        (("any",), "pairwise-id"),
        ((" any\n",), "pairwise-id"),
        (("ANY",), ""),
        (("metadata",), ""),
        (("odd",), ""),
        (("subject-id", "pairwise-id"), ""),
    ],
)
def test_as_the_metadata_asks(asked: tuple[str, ...], given: str) -> None:
    assert subject_identifiers.wanted(provider(*asked)) == given


@pytest.mark.parametrize("choice", ["none", "subject-id", "pairwise-id"])
@pytest.mark.parametrize("asked", ["subject-id", "pairwise-id", "none"])
def test_an_administrator_decides_before_the_metadata(choice: str, asked: str) -> None:
    row = provider(asked, subject_identifier=choice)
    assert subject_identifiers.wanted(row) == ("" if choice == "none" else choice)


def test_an_unknown_choice_gives_nothing() -> None:
    assert subject_identifiers.wanted(provider("any", subject_identifier="odd")) == ""


def test_subject_id_is_the_same_everywhere_and_nobody_elses() -> None:
    alice, bob = UserFactory(), UserFactory()
    one, other = (provider(subject_identifier="subject-id") for _ in range(2))
    assert value(one, alice) == value(other, alice) == f"{alice.id.hex}@localhost"
    assert value(one, bob) != value(one, alice)


def test_pairwise_id_is_another_one_at_each_and_stays() -> None:
    alice, bob = UserFactory(), UserFactory()
    one, other = (provider(subject_identifier="pairwise-id") for _ in range(2))
    values = {value(row, user) for row in (one, other) for user in (alice, bob)}
    assert len(values) == 4
    assert value(one, alice) == value(one, alice)
    assert not any(user.id.hex in text for user in (alice, bob) for text in values)


@pytest.mark.parametrize("kind", ["subject-id", "pairwise-id"])
def test_characters_that_mean_the_same_in_any_case(kind: str) -> None:
    found = subject_identifiers.of(provider(subject_identifier=kind), UserFactory().id.hex)
    assert found is not None
    (text,) = found.values
    assert VALUE.fullmatch(text)
    assert text == text.lower()
    assert found.name == f"urn:oasis:names:tc:SAML:attribute:{kind}"
    assert found.name_format == "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"


def test_the_scope_is_the_configured_domain() -> None:
    row, user = provider(subject_identifier="subject-id"), UserFactory()
    with override_settings(IDP=settings.IDP.model_copy(update={"saml_scope": "example.org"})):
        assert value(row, user).endswith("@example.org")


def test_without_a_domain_there_is_none() -> None:
    row, user = provider(subject_identifier="subject-id"), UserFactory()
    with override_settings(IDP=settings.IDP.model_copy(update={"issuer": "http://[::1]:8000"})):
        assert settings.IDP.scope == ""
        assert subject_identifiers.of(row, user.id.hex) is None


def test_nothing_else_changes_what_is_kept() -> None:
    row, user = provider(subject_identifier="pairwise-id"), UserFactory()
    before = value(row, user)
    user.username, row.slug = "renamed", "renamed"
    assert value(row, user) == before
    row.entity_id = "https://other.example"
    assert value(row, user) != before
