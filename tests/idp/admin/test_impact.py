"""Whom a draft concerns: counted over everybody, or over a sample that says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from idp import models
from idp.admin import halves, impact
from idp.admin.preview import Case, Shown, Target
from idp.claims import mapping
from tests.support.factories import ClientFactory, UserFactory

pytestmark = pytest.mark.django_db


def cases(client: models.Client, *rows: dict[str, Any]) -> tuple[Case, Case]:
    saved = Case(half=halves.find_client(client.pk), rows=(), user=None, now=timezone.now())
    drafted = tuple(mapping.parse_row(row, position=n) for n, row in enumerate(rows, start=1))
    return replace(saved, rows=drafted), saved


def target(release: Any) -> Target:
    return Target("x", "X", "oidc", lambda case: Shown("x", 10, ()), release)


def by_rows(case: Case) -> dict[str, Any]:
    return {row.claim: row.key for row in case.rows}


DEPARTMENT = {
    "claim": "department",
    "source": "attribute",
    "key": "department",
    "to_id_token": True,
}


def test_counts_gains_losses_and_changes() -> None:
    UserFactory.create_batch(3)
    draft, saved = cases(ClientFactory(), DEPARTMENT)
    found = impact.of(target(by_rows), draft, saved)
    assert [(c.claim, c.gained, c.lost, c.changed) for c in found.changes] == [
        ("department", 3, 0, 0)
    ]
    found = impact.of(target(by_rows), saved, draft)
    assert found.changes[0].lost == 3
    other = replace(draft, rows=tuple(replace(row, key="other") for row in draft.rows))
    assert impact.of(target(by_rows), other, draft).changes[0].changed == 3
    assert not found.is_sample


def test_leaves_out_the_disabled() -> None:
    UserFactory(is_active=False)
    UserFactory()
    draft, saved = cases(ClientFactory())
    assert impact.of(target(by_rows), draft, saved).total == 1


def test_names_the_worst() -> None:
    UserFactory.create_batch(2)
    big = UserFactory(nickname="x" * 90)
    draft, saved = cases(ClientFactory())
    found = impact.of(target(lambda case: {"n": case.user.nickname}), draft, saved)
    assert found.worst == big
    assert found.worst_shown is not None


def test_stops_in_time_and_says_so() -> None:
    UserFactory.create_batch(3)
    draft, saved = cases(ClientFactory())
    found = impact.of(target(by_rows), draft, saved, seconds=0)
    assert found.looked_at == 1
    assert found.is_sample


def test_takes_a_sample_above_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(impact, "MOST_PEOPLE", 4)
    monkeypatch.setattr(impact, "BATCH", 2)
    UserFactory.create_batch(7)
    draft, saved = cases(ClientFactory())
    found = impact.of(target(by_rows), draft, saved)
    assert (found.looked_at, found.total) == (4, 7)


def test_reads_in_batches(django_assert_num_queries: Any) -> None:
    UserFactory.create_batch(5, groups=["users"])
    draft, saved = cases(ClientFactory())
    with django_assert_num_queries(3):
        impact.of(target(by_rows), draft, saved)


def test_nobody_there_is_no_error() -> None:
    draft, saved = cases(ClientFactory())
    found = impact.of(target(by_rows), draft, saved)
    assert (found.total, found.worst) == (0, None)
