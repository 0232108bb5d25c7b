"""Alice, the application that asks about her, and her session, as plain values."""

from __future__ import annotations

import pytest

from idp.claims.facts import ApplicationFacts, Facts, SessionFacts
from idp.claims.person import Person


@pytest.fixture(scope="session")
def alice() -> Person:
    """A person with every standard claim."""
    return Person(
        id="0198" + "a" * 28,
        username="alice",
        preferred_username="alice",
        email="alice@example.org",
        email_verified=True,
        name="Alice Example",
        given_name="Alice",
        family_name="Example",
        middle_name="Eve",
        nickname="Ali",
        profile="https://example.org/alice",
        picture="https://example.org/alice.png",
        website="https://alice.example",
        gender="female",
        birthdate="1990-01-01",
        zoneinfo="Europe/Berlin",
        locale="en-GB",
        phone_number="+49301234567",
        phone_number_verified=False,
        address={"formatted": "Street 1\n10115 Berlin", "locality": "Berlin", "country": "DE"},
        groups=("staff", "users"),
        attributes={
            "department": "R&D",
            "level": 3,
            "teams": ["blue", "red"],
            "nothing": None,
            "object": {"a": {"b": 1}},
        },
        updated_at=1_700_000_000,
    )


@pytest.fixture(scope="session")
def application() -> ApplicationFacts:
    """An application that may ask for everything."""
    return ApplicationFacts(
        id="client-1",
        name="Acme Reports",
        kind="web",
        profile="default",
        scopes=frozenset(
            {"openid", "profile", "email", "address", "phone", "groups", "reports:read"}
        ),
    )


@pytest.fixture(scope="session")
def session() -> SessionFacts:
    return SessionFacts(id="sid-1", acr="pwd", amr=("pwd",), auth_time=1_700_000_100)


@pytest.fixture(scope="session")
def facts(alice: Person, application: ApplicationFacts, session: SessionFacts) -> Facts:
    return Facts(alice, application, session)
