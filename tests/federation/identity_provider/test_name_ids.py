"""The NameID by its format."""

from __future__ import annotations

from typing import Any

import pytest

from federation.identity_provider import name_ids
from federation.models import PersistentNameId
from federation.saml import errors, vocabulary
from idp.claims import attributes
from idp.models import User
from tests.support.factories import UserFactory
from tests.support.saml import Party, SamlWorld, posted

EMAIL = vocabulary.EMAIL_ADDRESS


def policy(format_: str) -> str:
    return f'<samlp:NameIDPolicy Format="{format_}" AllowCreate="true"/>'


def of(format_: str, user: User, party: Party) -> str:
    person = attributes.of(user)
    return name_ids.of(format_, person, service_provider=party.row).value


def test_persistent_is_the_same_every_time(saml: SamlWorld, party: Party) -> None:
    first = posted(party.redirect(saml.session)).name_id
    again = posted(party.redirect(saml.session)).name_id
    assert first.text == again.text
    assert first.get("Format") == vocabulary.PERSISTENT
    assert len(first.text) == 40
    assert first.text == first.text.lower()
    assert saml.user.subject not in first.text
    assert (first.get("NameQualifier"), first.get("SPNameQualifier")) == (
        "http://localhost:8000/saml/metadata",
        party.sp.entity_id,
    )


def test_persistent_is_another_one_elsewhere_and_for_others(saml: SamlWorld, party: Party) -> None:
    _, other_person = saml.other()
    names = {
        posted(party.redirect(saml.session)).name_id.text,
        posted(saml.party().redirect(saml.session)).name_id.text,
        posted(party.redirect(other_person)).name_id.text,
    }
    assert len(names) == 3


def test_persistent_is_never_given_to_anybody_else(saml: SamlWorld, party: Party) -> None:
    user, session = saml.other(username="carol")
    name = posted(party.redirect(session)).name_id.text
    user.delete()
    _, session = saml.other(username="carol")
    assert posted(party.redirect(session)).name_id.text != name
    assert PersistentNameId.objects.get(value=name).user is None


def test_persistent_survives_the_registration(saml: SamlWorld, party: Party) -> None:
    name = posted(party.redirect(saml.session)).name_id.text
    entity_id = party.sp.entity_id
    party.row.application.delete()
    assert PersistentNameId.objects.get(value=name).service_provider == entity_id


def test_without_allow_create_a_first_one_is_given_all_the_same(
    saml: SamlWorld, party: Party
) -> None:
    inside = f'<samlp:NameIDPolicy Format="{vocabulary.PERSISTENT}" AllowCreate="false"/>'
    assert posted(party.redirect(saml.session, inside=inside)).status == ("Success",)


def test_transient_is_new_every_time(saml: SamlWorld, party: Party) -> None:
    answers = [
        posted(party.redirect(saml.session, inside=policy(vocabulary.TRANSIENT))).name_id
        for _ in range(2)
    ]
    assert answers[0].text != answers[1].text
    assert answers[0].get("Format") == vocabulary.TRANSIENT
    assert not PersistentNameId.objects.exists()


def test_email_address(saml: SamlWorld, party: Party) -> None:
    name = posted(party.redirect(saml.session, inside=policy(EMAIL))).name_id
    assert (name.get("Format"), name.text) == (EMAIL, "alice@example.org")
    assert name.get("NameQualifier") is None


@pytest.mark.parametrize("fields", [{"email_verified": False}, {"email": ""}])
def test_only_a_verified_address(saml: SamlWorld, party: Party, fields: dict[str, Any]) -> None:
    _, session = saml.other(**fields)
    form = posted(party.redirect(session, inside=policy(EMAIL)))
    assert form.status == ("Requester", "InvalidNameIDPolicy")


def test_unspecified_asks_for_the_applications_own(saml: SamlWorld, party: Party) -> None:
    inside = policy(vocabulary.UNSPECIFIED)
    name = posted(party.redirect(saml.session, inside=inside)).name_id
    assert name.get("Format") == vocabulary.PERSISTENT
    party.change(default_name_id_format=vocabulary.UNSPECIFIED)
    name = posted(party.redirect(saml.session, inside=inside)).name_id
    assert (name.get("Format"), name.text) == (vocabulary.UNSPECIFIED, "alice")
    assert posted(party.redirect(saml.session)).name_id.text == "alice"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("username", "dora"),
        ("email", "dora@example.org"),
        ("id", None),
        ("employeeNumber", "1234"),
        ("badge", "AB-7"),
    ],
)
def test_unspecified_from_profile_or_custom_attribute(
    saml: SamlWorld, party: Party, source: str, expected: str | None
) -> None:
    user = UserFactory(username="dora", attributes={"employeeNumber": 1234, "badge": "AB-7"})
    party.row.name_id_source = source
    assert of(vocabulary.UNSPECIFIED, user, party) == (expected or user.subject)


@pytest.mark.parametrize(
    ("source", "fields"),
    [
        ("email", {"email_verified": False}),
        ("nothing", {}),
        ("given_name", {}),
        ("address", {"address": {"country": "DE"}}),
        ("list", {"attributes": {"list": ["a"]}}),
        ("long", {"attributes": {"long": "x" * 257}}),
        ("lines", {"attributes": {"lines": "a\nb"}}),
        ("space", {"attributes": {"space": " a"}}),
        ("control", {"attributes": {"control": "a\x07b"}}),
        ("empty", {"attributes": {"empty": ""}}),
        ("", {}),
    ],
)
def test_unspecified_without_a_usable_value(
    saml: SamlWorld, party: Party, source: str, fields: dict[str, Any]
) -> None:
    party.row.name_id_source = source
    with pytest.raises(errors.InvalidNameIDPolicy):
        of(vocabulary.UNSPECIFIED, UserFactory(**fields), party)


def test_a_format_that_nobody_knows_is_not_made_up(saml: SamlWorld, party: Party) -> None:
    party.change(default_name_id_format="urn:example:format")
    form = posted(party.redirect(saml.session))
    assert form.status == ("Requester", "InvalidNameIDPolicy")


def test_a_preview_keeps_nothing(saml: SamlWorld, party: Party) -> None:
    person = attributes.of(saml.user)
    for format_ in name_ids.SUPPORTED:
        foreseen = name_ids.foreseen(format_, person, service_provider=party.row)
        assert foreseen.format == format_
    assert not PersistentNameId.objects.exists()
    name = posted(party.redirect(saml.session)).name_id.text
    persistent = name_ids.foreseen(vocabulary.PERSISTENT, person, service_provider=party.row)
    assert persistent.value == name


def test_of_two_that_ask_at_once_both_get_the_same(
    saml: SamlWorld, party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second has looked before the first has written."""
    manager = PersistentNameId.objects
    first = manager.give(saml.user.pk, service_provider=party.sp.entity_id)
    monkeypatch.setattr(type(manager), "known", lambda *args, **options: None)
    assert manager.give(saml.user.pk, service_provider=party.sp.entity_id) == first
    assert PersistentNameId.objects.count() == 1
