"""The NameID by its format."""

from __future__ import annotations

from typing import Any

import pytest

from federation.identity_provider import name_ids
from federation.models import PersistentNameId
from federation.saml import errors, vocabulary
from idp.claims import attributes
from idp.models import ClaimMapping, Participant, User
from tests.support.factories import UserFactory
from tests.support.protocol import cookie_of, header
from tests.support.saml import Party, SamlWorld, accept, posted
from tests.support.sign_in import Browser

EMAIL = vocabulary.EMAIL_ADDRESS
ADDRESS = "alice@example.org"


def policy(format_: str) -> str:
    return f'<samlp:NameIDPolicy Format="{format_}" AllowCreate="true"/>'


def of(format_: str, user: User, party: Party) -> str:
    person = attributes.of(user)
    name = name_ids.of(format_, person, service_provider=party.row)
    assert name is not None
    return name.value


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


PERSISTENT = f'Format="{vocabulary.PERSISTENT}"'


@pytest.mark.parametrize("said", ["false", "0"])
@pytest.mark.parametrize("format_", [PERSISTENT, ""])
def test_a_first_one_is_not_made_where_that_is_forbidden(
    saml: SamlWorld, party: Party, said: str, format_: str
) -> None:
    inside = f'<samlp:NameIDPolicy {format_} AllowCreate="{said}"/>'
    form = posted(party.redirect(saml.session, inside=inside))
    assert form.status == ("Requester", "InvalidNameIDPolicy")
    assert not PersistentNameId.objects.exists()
    name = posted(party.redirect(saml.session)).name_id.text
    assert posted(party.redirect(saml.session, inside=inside)).name_id.text == name


def test_not_even_behind_the_sign_in_page(saml: SamlWorld, party: Party) -> None:
    inside = f'<samlp:NameIDPolicy {PERSISTENT} AllowCreate="false"/>'
    waiting = party.post(None, signed=True, inside=inside)
    browser = Browser()
    browser.cookies.load(cookie_of(saml.session))
    form = posted(browser.open(header(waiting, "Location")))
    assert form.status == ("Requester", "InvalidNameIDPolicy")
    assert not PersistentNameId.objects.exists()


@pytest.mark.parametrize("inside", ["", f"<samlp:NameIDPolicy {PERSISTENT}/>"])
def test_whoever_says_nothing_of_it_gets_a_first_one(
    saml: SamlWorld, party: Party, inside: str
) -> None:
    assert posted(party.redirect(saml.session, inside=inside)).status == ("Success",)


def test_forbidding_it_says_nothing_of_other_formats(saml: SamlWorld, party: Party) -> None:
    for format_ in (vocabulary.TRANSIENT, EMAIL):
        inside = f'<samlp:NameIDPolicy Format="{format_}" AllowCreate="false"/>'
        assert posted(party.redirect(saml.session, inside=inside)).status == ("Success",)


# ----- affiliations -----

AFFILIATION = "https://affiliation.example"
TOGETHER = f'<samlp:NameIDPolicy {PERSISTENT} SPNameQualifier="{AFFILIATION}"/>'


def test_an_affiliation_shares_a_persistent_name(saml: SamlWorld) -> None:
    one, other = (saml.party(name_qualifier=AFFILIATION) for _ in range(2))
    names = [
        posted(party.redirect(saml.session, inside=TOGETHER)).name_id for party in (one, other)
    ]
    assert names[0].text == names[1].text
    assert {name.get("SPNameQualifier") for name in names} == {AFFILIATION}
    own = posted(one.redirect(saml.session)).name_id
    assert own.text != names[0].text
    assert own.get("SPNameQualifier") == one.sp.entity_id


def test_nobody_else_reads_in_the_affiliation(saml: SamlWorld, party: Party) -> None:
    member = saml.party(name_qualifier=AFFILIATION)
    name = posted(member.redirect(saml.session, inside=TOGETHER)).name_id.text
    form = posted(party.redirect(saml.session, inside=TOGETHER))
    assert form.status == ("Requester", "InvalidNameIDPolicy")
    subject = (
        f"<saml:Subject><saml:NameID {PERSISTENT} SPNameQualifier='{AFFILIATION}'>{name}"
        "</saml:NameID></saml:Subject>"
    )
    assert posted(party.redirect(saml.session, inside=subject)).status[-1] == "UnknownPrincipal"
    assert posted(member.redirect(saml.session, inside=subject)).name_id.text == name


# ----- none -----


def test_an_assertion_that_names_nobody(saml: SamlWorld, party: Party) -> None:
    party.change(default_name_id_format=name_ids.NONE)
    form = posted(party.redirect(saml.session, identifier="_id"))
    assert form.status == ("Success",)
    assert not form.all("//saml:NameID")
    assert form.one("//saml:Subject/saml:SubjectConfirmation") is not None
    assert form.attributes["uid"] == ["alice"]
    assert Participant.objects.get().name_id == ""
    accept(party.sp, saml.provider.get("/saml/metadata").body, form, wantNameId=False)


def test_a_request_can_ask_for_a_name_all_the_same(saml: SamlWorld, party: Party) -> None:
    party.change(default_name_id_format=name_ids.NONE)
    form = posted(party.redirect(saml.session, inside=policy(vocabulary.TRANSIENT)))
    assert form.name_id.get("Format") == vocabulary.TRANSIENT
    unspecified = posted(party.redirect(saml.session, inside=policy(vocabulary.UNSPECIFIED)))
    assert not unspecified.all("//saml:NameID")


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


def test_no_address_that_its_mapping_does_not_give(saml: SamlWorld, party: Party) -> None:
    """A request gets no more than the administrator gives: persistent names, and a given name."""
    mapped = ClaimMapping.objects.create(
        application=party.row.application,
        claim="urn:oid:2.5.4.42",
        source="user",
        key="given_name",
        to_saml=True,
    )
    form = posted(party.redirect(saml.session, inside=policy(EMAIL)))
    assert form.status == ("Requester", "InvalidNameIDPolicy")
    mapped.key = "email"
    mapped.save()
    assert posted(party.redirect(saml.session, inside=policy(EMAIL))).name_id.text == ADDRESS
    mapped.delete()
    party.change(default_name_id_format=EMAIL)
    assert posted(party.redirect(saml.session)).name_id.text == ADDRESS


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
        assert foreseen is not None
        assert foreseen.format == format_
    assert name_ids.foreseen(name_ids.NONE, person, service_provider=party.row) is None
    assert not PersistentNameId.objects.exists()
    name = posted(party.redirect(saml.session)).name_id.text
    persistent = name_ids.foreseen(vocabulary.PERSISTENT, person, service_provider=party.row)
    assert persistent is not None
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
