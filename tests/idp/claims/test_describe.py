"""The lines of the consent page."""

from __future__ import annotations

import dataclasses

import pytest

from idp.claims import describe, standard
from idp.claims.describe import consent_lines
from idp.claims.facts import ApplicationFacts
from idp.claims.mapping import parse_row
from idp.claims.person import Person
from idp.protocol import claims_request as claims_parameter
from idp.protocol import scope as scope_syntax


def texts(person: Person, application: ApplicationFacts, *scopes: str, **more: object) -> list[str]:
    lines = consent_lines(person, application=application, scopes=scopes, **more)  # type: ignore[arg-type]
    return [line.text for line in lines]


def test_every_scope_with_the_actual_value(alice: Person, application: ApplicationFacts) -> None:
    scopes = ("openid", "profile", "email", "address", "phone", "groups", "offline_access")
    assert texts(alice, application, *scopes) == [
        f"A lasting identifier of your account: {alice.id}",
        "Your name and profile: Alice Example\nMiddle name: Eve\nNickname: Ali\nUser name: alice\n"
        "Profile page: https://example.org/alice\nPicture: https://example.org/alice.png\n"
        "Website: https://alice.example\nGender: female\nDate of birth: 1990-01-01\n"
        "Time zone: Europe/Berlin\nLanguage: en-GB",
        "Your email address: alice@example.org",
        "Your postal address: Street 1, 10115 Berlin",
        "Your phone number: +49301234567",
        "The groups you belong to: staff, users",
        "Stay connected while you are away, until you withdraw it",
    ]


def test_resource_scopes_use_their_description(
    alice: Person, application: ApplicationFacts
) -> None:
    described = {"reports:read": "Read your reports"}
    assert texts(alice, application, "reports:read", "x:y", descriptions=described) == [
        "Read your reports",
        "Use “x:y” for you",
    ]


def test_says_where_nothing_is_recorded(application: ApplicationFacts) -> None:
    bare = Person(id="1", username="bob", preferred_username="bob", given_name="Bob")
    assert texts(bare, application, "profile", "phone", "address", "groups") == [
        "Your name and profile: Bob\nUser name: bob",
        "Your phone number: nothing is recorded",
        "Your postal address: nothing is recorded",
        "The groups you belong to: nothing is recorded",
    ]


def test_an_address_without_a_formatted_line(application: ApplicationFacts) -> None:
    person = Person(id="1", username="b", address={"locality": "Berlin", "country": "DE"})
    assert texts(person, application, "address") == ["Your postal address: Berlin, DE"]


@pytest.mark.standard("OIDC Core", "5.5", "claims requested by name are consented to")
def test_claims_requested_by_name_are_listed(alice: Person, application: ApplicationFacts) -> None:
    request = claims_parameter.parse(
        '{"userinfo": {"birthdate": null, "email": null}, "id_token": {"phone_number": null}}'
    )
    lines = texts(alice, application, "openid", "email", claims_request=request)
    assert lines[1:] == [
        "Your email address: alice@example.org",
        "Your date of birth: 1990-01-01",
        "Your phone number: +49301234567",
    ]


def test_mapped_claims_are_listed_with_what_will_go_out(
    alice: Person, application: ApplicationFacts
) -> None:
    rows = [
        parse_row({"claim": claim, "source": source, "key": key, "destinations": to})
        for claim, source, key, to in [
            ("email", "attribute", "department", ["userinfo"]),
            ("teams", "attribute", "teams", ["access_token"]),
            ("checked", "user", "email_verified", ["id_token"]),
            ("tier", "constant", "gold", ["userinfo"]),
        ]
    ]
    assert texts(alice, application, "email", rows=rows) == [
        "Your email address: R&D",
        "Your “checked”: yes",
        "Your “teams”: blue, red",
    ]


def test_differing_values_at_different_places_are_all_told(
    alice: Person, application: ApplicationFacts
) -> None:
    rows = [
        parse_row(
            {
                "claim": "groups",
                "source": "groups",
                "destinations": ["access_token"],
                "transforms": [{"name": "upper"}],
            }
        )
    ]
    assert texts(alice, application, "groups", rows=rows) == [
        "The groups you belong to: staff, users, STAFF, USERS"
    ]


def test_long_values_are_shortened(alice: Person, application: ApplicationFacts) -> None:
    many = dataclasses.replace(alice, groups=tuple(f"g{n:03}" for n in range(50)))
    (line,) = texts(many, application, "groups")
    assert line.endswith("g019, and 30 more")
    long = dataclasses.replace(alice, groups=("g" * 1000,))
    (line,) = texts(long, application, "groups")
    assert line.endswith("…")
    assert len(line) < describe.MAX_SHOWN + 50


def test_every_scope_and_claim_has_words() -> None:
    assert set(describe.SCOPE_LABELS) == set(scope_syntax.OPENID_SCOPES)
    assert set(describe.CLAIM_LABELS) == set(standard.CLAIMS)
