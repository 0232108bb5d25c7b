"""The in-process snapshot and the version row that empties it."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection

from idp import directory
from idp.models import Application, Client, Resource

pytestmark = pytest.mark.django_db


@pytest.fixture
def client_row():
    application = Application.objects.create(name="Reports")
    return Client.objects.create(application=application, client_id="reports")


def test_second_look_costs_no_query(client_row, django_assert_num_queries):
    directory.refresh()
    assert directory.client("reports").application.name == "Reports"
    with django_assert_num_queries(0):
        assert directory.client("reports").application.name == "Reports"


def test_change_is_seen_at_once_here(client_row):
    assert directory.client("reports").application.enabled
    client_row.application.enabled = False
    client_row.application.save()
    assert not directory.client("reports").application.enabled


def test_change_by_another_process_is_seen_after_a_poll(client_row):
    directory.refresh()
    assert directory.client("reports").application.name == "Reports"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE idp_application SET name = 'Elsewhere'")
        cursor.execute("UPDATE idp_version SET configuration = configuration + 1")
    assert directory.client("reports").application.name == "Reports"
    directory.refresh()
    assert directory.client("reports").application.name == "Elsewhere"


def test_relations_count_as_configuration(client_row):
    resource = Resource.objects.create(name="API", identifier="https://api.example.org")
    assert list(directory.client("reports").resources.all()) == []
    client_row.resources.add(resource)
    assert list(directory.client("reports").resources.all()) == [resource]


def test_what_follows_from_a_row_is_kept_with_it(client_row):
    known = directory.client("reports")
    assert directory.cached("follows", lambda: "from this row", of=known) == "from this row"
    assert directory.cached("follows", lambda: "from another", of=known) == "from this row"


def test_what_follows_from_an_earlier_row_is_not_kept(client_row):
    earlier = directory.client("reports")
    client_row.application.save()
    later = directory.client("reports")
    assert directory.cached("follows", lambda: "from the earlier", of=earlier) == "from the earlier"
    assert directory.cached("follows", lambda: "from the later", of=later) == "from the later"


@pytest.mark.parametrize("client_id", ["", "x" * 101, "unknown"])
def test_unknown_client_is_none(client_id):
    assert directory.client(client_id) is None


def test_observers_hear_of_the_deny_list():
    heard: list[int] = []

    def hear(version: int) -> None:
        heard.append(version)

    directory.observe(hear)
    try:
        directory.refresh()
        directory.bump_revocation()
        directory.refresh()
    finally:
        directory._observers.remove(hear)
    assert heard[-1] > heard[0]


def test_nothing_is_taken_for_true_while_the_version_cannot_be_read(client_row, monkeypatch):
    directory.refresh()
    directory.client("reports")
    with monkeypatch.context() as away:

        def unreachable() -> None:
            raise OperationalError("the database is away")

        away.setattr(directory, "_read_version", unreachable)
        away.setattr(directory, "_polled", 0.0)
        for _ in range(2):
            with pytest.raises(OperationalError):
                directory.client("reports")
    assert directory.client("reports").application.name == "Reports"
