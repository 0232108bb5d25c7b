"""The application's side of a release, read from its rows."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from idp import directory
from idp.claims import applications
from idp.models import Application, ClaimMapping, Client, Resource
from idp.protocol import scope as scope_syntax

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    application = Application.objects.create(name="Acme", kind="web")
    return Client.objects.create(application=application, client_id="acme")


def _row(application: Application, position: int, claim: str, **more: object) -> ClaimMapping:
    return ClaimMapping.objects.create(
        application=application,
        position=position,
        claim=claim,
        source="groups",
        to_userinfo=True,
        **more,
    )


def test_rows_in_their_order(client: Client) -> None:
    _row(client.application, 20, "second")
    _row(client.application, 10, "first", transforms=[{"name": "limit", "arg": 2}])
    rows = applications.rows(client.application)
    assert [(row.claim, row.position) for row in rows] == [("first", 1), ("second", 2)]
    assert rows[0].transforms[0].arg == 2


def test_a_row_that_cannot_be_read_denies_its_claim(client: Client) -> None:
    _row(client.application, 1, "role", transforms=[{"name": "gone"}])
    (row,) = applications.rows(client.application)
    assert row.broken


def test_parsed_once_for_what_the_directory_keeps(client: Client) -> None:
    _row(client.application, 1, "role")
    directory.forget()
    kept = directory.client("acme")
    assert kept is not None
    with CaptureQueriesContext(connection) as queries:
        first = applications.rows(kept.application)
        facts = applications.of_client(kept)
        assert applications.rows(kept.application) is first
        assert applications.of_client(kept) is facts
    assert len(queries) == 0


def test_a_changed_mapping_is_seen(client: Client) -> None:
    _row(client.application, 1, "role")
    assert len(applications.rows(client.application)) == 1
    _row(client.application, 2, "unit")
    assert len(applications.rows(client.application)) == 2


def test_facts_of_a_client(client: Client) -> None:
    client.scope = "openid email"
    client.id_token_scope_claims = True
    facts = applications.of_client(client)
    assert (facts.id, facts.name, facts.kind) == ("acme", "Acme", "web")
    assert facts.scopes == {"openid", "email"}
    assert facts.id_token_scope_claims


def test_a_client_without_a_list_may_ask_for_everything_of_its_own(client: Client) -> None:
    resource = Resource.objects.create(name="Reports", identifier="https://api.example")
    resource.scopes.create(name="reports:read", description="read reports")
    client.resources.add(resource)
    facts = applications.of_client(client)
    assert facts.scopes == {*scope_syntax.OPENID_SCOPES, "reports:read"}


def test_facts_of_a_service_provider(client: Client) -> None:
    facts = applications.of_service_provider(client.application, entity_id="https://sp.example")
    assert (facts.id, facts.name, facts.scopes) == ("https://sp.example", "Acme", frozenset())
