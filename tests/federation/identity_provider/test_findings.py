"""What is missing before the first sign-in: each finding, and that a good one has none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from federation.identity_provider import coverage, findings, first_sign_in
from federation.identity_provider.coverage import Coverage
from federation.identity_provider.findings import Finding, Fix, Severity, Subject
from federation.models import ServiceProvider as Row
from federation.saml import vocabulary
from idp.claims import saml_attributes
from idp.models import Application, User
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider
from tests.support.factories import UserFactory
from tests.support.saml import Party, SamlWorld, metadata_of

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SP = ServiceProvider()
CERTIFICATE = service_provider.base64_der(SP.certificate)
ENDED = service_provider.base64_der(service_provider.certificate(SP.key, ended=True))
ACS = {"url": "https://sp.example/acs", "binding": vocabulary.POST, "index": 0}
MAIL = {"name": "urn:oid:0.9.2342.19200300.100.1.3", "friendly_name": "mail", "required": True}
CBC = {"algorithm": "http://www.w3.org/2001/04/xmlenc#aes128-cbc"}


def row(**changes: Any) -> Row:
    """A service provider at which there is nothing to be found."""
    good: dict[str, Any] = {
        "application": Application(kind=Application.Kind.SAML),
        "entity_id": "https://sp.example",
        "assertion_consumer_services": [ACS],
        "signing_certificates": [CERTIFICATE],
        "encryption_certificates": [CERTIFICATE],
        "single_logout_services": [{"url": "https://sp.example/slo"}],
        "want_authn_requests_signed": True,
    }
    return Row(**good | changes)


def found(
    *, coverage: Coverage | None = None, wants: bool = False, rows: Any = (), **changes: Any
) -> tuple[Finding, ...]:
    return findings.of(
        Subject(
            row=row(**changes),
            rows=rows,
            now=NOW,
            wants_assertions_signed=wants,
            coverage=coverage,
        )
    )


def test_nothing_is_found_where_all_is_well() -> None:
    assert found(coverage=Coverage(total=3, looked_at=3)) == ()


@pytest.mark.parametrize(
    ("changes", "check", "severity", "fix"),
    [
        ({"assertion_consumer_services": []}, "no_consumer", Severity.STOPS, Fix.PROTOCOL),
        (
            {
                "assertion_consumer_services": [
                    {**ACS, "binding": "urn:oasis:names:tc:SAML:2.0:bindings:PAOS"}
                ]
            },
            "no_consumer",
            Severity.STOPS,
            Fix.PROTOCOL,
        ),
        (
            {"assertion_consumer_services": [ACS, {**ACS, "url": "https://b.example"}]},
            "repeated_index",
            Severity.HINDERS,
            Fix.METADATA,
        ),
        (
            {"assertion_consumer_services": [{**ACS, "url": "http://localhost/acs"}]},
            "only_http",
            Severity.HINDERS,
            Fix.PROTOCOL,
        ),
        ({"signing_certificates": []}, "no_signing_key", Severity.STOPS, Fix.METADATA),
        (
            {"signing_certificates": [], "want_authn_requests_signed": False},
            "requests_unverified",
            Severity.TELLS,
            Fix.METADATA,
        ),
        ({"signing_certificates": [ENDED]}, "certificate_ended", Severity.TELLS, Fix.METADATA),
        (
            {"sign_response": False, "sign_assertion": False},
            "unsigned",
            Severity.STOPS,
            Fix.PROTOCOL,
        ),
        (
            {"sign_assertion": False, "wants": True},
            "assertion_unsigned",
            Severity.STOPS,
            Fix.PROTOCOL,
        ),
        ({"encryption_methods": [CBC]}, "no_common_algorithm", Severity.STOPS, Fix.PROTOCOL),
        ({"encryption_certificates": ["bm8="]}, "encryption_key", Severity.STOPS, Fix.METADATA),
        ({"encryption_certificates": []}, "not_encrypted", Severity.TELLS, Fix.METADATA),
        ({"encrypt_assertion": False}, "not_encrypted", Severity.TELLS, Fix.METADATA),
        ({"single_logout_services": []}, "no_logout", Severity.TELLS, Fix.METADATA),
        (
            {"metadata_valid_until": NOW + timedelta(days=29)},
            "metadata_ends",
            Severity.HINDERS,
            Fix.METADATA,
        ),
        (
            {"metadata_valid_until": NOW - timedelta(days=1)},
            "metadata_ends",
            Severity.HINDERS,
            Fix.METADATA,
        ),
        (
            {"requested_attributes": [{"name": "urn:oid:1.2.3", "required": True}]},
            "unmapped",
            Severity.HINDERS,
            Fix.CLAIMS,
        ),
        (
            {"name_id_formats": [vocabulary.EMAIL_ADDRESS]},
            "unlisted_name_id",
            Severity.HINDERS,
            Fix.PROTOCOL,
        ),
        ({"coverage": Coverage(total=0, looked_at=0)}, "nobody", Severity.STOPS, Fix.ACCESS),
        (
            {
                "coverage": Coverage(total=9, looked_at=9, without_name_id=2),
                "default_name_id_format": vocabulary.EMAIL_ADDRESS,
            },
            "without_name_id",
            Severity.HINDERS,
            Fix.PEOPLE,
        ),
        (
            {
                "coverage": Coverage(total=9, looked_at=9, without_name_id=9),
                "default_name_id_format": vocabulary.UNSPECIFIED,
            },
            "without_name_id",
            Severity.STOPS,
            Fix.PEOPLE,
        ),
        (
            {
                "coverage": Coverage(
                    total=9, looked_at=9, without_attribute={str(MAIL["name"]): 4}
                ),
                "requested_attributes": [MAIL],
            },
            "without_value",
            Severity.HINDERS,
            Fix.PEOPLE,
        ),
    ],
)
def test_each_finding(changes: dict[str, Any], check: str, severity: Severity, fix: Fix) -> None:
    (one,) = found(**changes)
    assert (one.check, one.severity, one.fix) == (check, severity, fix)
    assert one.text.endswith(".")


@pytest.mark.parametrize(
    "changes",
    [
        {"metadata_valid_until": NOW + timedelta(days=31)},
        {"wants": True},
        {"requested_attributes": [{**MAIL, "name": "urn:oid:1.2.3", "required": False}]},
        {"requested_attributes": [MAIL, "odd"]},
        {"name_id_formats": [vocabulary.PERSISTENT, vocabulary.EMAIL_ADDRESS]},
        {"name_id_formats": [vocabulary.UNSPECIFIED]},
        {"assertion_consumer_services": [ACS, {**ACS, "url": "https://b.example", "index": 1}]},
        {"assertion_consumer_services": [{**ACS, "index": None}, {**ACS, "index": None}]},
        {"encryption_methods": [CBC, {"algorithm": vocabulary.AES128_GCM}]},
        {"encryption_methods": [CBC], "encrypt_assertion": True, "encryption_certificates": []},
    ],
)
def test_what_is_no_finding(changes: dict[str, Any]) -> None:
    assert {one.check for one in found(**changes)} <= {"not_encrypted"}


def test_the_worst_comes_first() -> None:
    several = found(
        single_logout_services=[],
        assertion_consumer_services=[],
        metadata_valid_until=NOW,
    )
    assert [one.severity for one in several] == sorted(one.severity for one in several)
    assert several[0].check == "no_consumer"


def test_artifacts_alone_need_a_key() -> None:
    alone = {"assertion_consumer_services": [{**ACS, "binding": vocabulary.ARTIFACT}]}
    assert found(**alone) == ()
    assert "artifacts_unverified" in {one.check for one in found(**alone, signing_certificates=[])}


def test_people_are_told_in_numbers() -> None:
    assert Coverage(total=9, looked_at=9).people(1) == "1 of 9 people does"
    assert Coverage(total=9_000, looked_at=2_000).people(40) == "40 of the 2,000 newest people do"


def test_reads_what_the_metadata_wants_signed() -> None:
    said = metadata_of(SP).decode()
    wants = said.replace("<md:SPSSODescriptor ", '<md:SPSSODescriptor WantAssertionsSigned="true" ')
    if "WantAssertionsSigned" in said:
        wants = said.replace('WantAssertionsSigned="false"', 'WantAssertionsSigned="true"')
        said = wants.replace('WantAssertionsSigned="true"', 'WantAssertionsSigned="false"')
    assert findings.wanted(wants, entity_id=SP.entity_id)
    ended = wants.replace("entityID=", 'validUntil="2020-01-01T00:00:00Z" entityID=', 1)
    assert findings.wanted(ended, entity_id=SP.entity_id)
    for other in (said, "", "<odd", wants.replace(SP.entity_id, "https://else.example")):
        assert not findings.wanted(other, entity_id=SP.entity_id)


# ----- people -----


def counted(party: Party) -> Coverage:
    return coverage.of(party.row, rows=saml_attributes.DEFAULT_ROWS, now=NOW)


def test_counts_people_without_a_verified_address(saml: SamlWorld, party: Party) -> None:
    UserFactory(email_verified=False)
    UserFactory(is_active=False, email_verified=False)
    party.change(default_name_id_format=vocabulary.EMAIL_ADDRESS)
    assert counted(party) == Coverage(total=2, looked_at=2, without_name_id=1)


def test_counts_people_without_a_required_attribute(saml: SamlWorld, party: Party) -> None:
    User.objects.filter(pk=saml.user.pk).update(email="")
    UserFactory()
    party.change(requested_attributes=[MAIL])
    assert counted(party).without_attribute == {MAIL["name"]: 1}


def test_counts_only_who_may_use_it(saml: SamlWorld, party: Party) -> None:
    UserFactory()
    party.change_application(access=Application.Access.NOBODY)
    assert counted(party).total == 0
    party.change_application(access=Application.Access.GROUPS)
    assert counted(party).total == 0
    party.row.application.allowed_groups.set(saml.user.groups.all())
    assert counted(party).total == 1


def test_looks_at_people_no_longer_than_it_may(saml: SamlWorld, party: Party) -> None:
    UserFactory()
    party.change(default_name_id_format=vocabulary.EMAIL_ADDRESS)
    few = coverage.of(party.row, rows=(), now=NOW, seconds=0)
    assert (few.total, few.looked_at) == (2, 1)


def test_random_names_need_no_look_at_people(party: Party, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        counted(party)


def test_a_draft_is_looked_at_without_being_saved(saml: SamlWorld) -> None:
    look = first_sign_in.look(row(signing_certificates=[]), metadata_xml="", now=NOW)
    assert [one.check for one in look] == ["no_signing_key"]
    assert not Application.objects.exists()
