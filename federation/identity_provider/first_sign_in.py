"""Look at a service provider before anybody signs in there: gathers what `findings` judges."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from federation.identity_provider import coverage, findings
from federation.identity_provider.findings import Finding, Subject
from federation.models import ServiceProvider
from idp.claims import applications
from idp.claims.mapping import Row


def look(
    row: ServiceProvider,
    *,
    metadata_xml: str,
    now: datetime,
    rows: Sequence[Row] | None = None,
) -> tuple[Finding, ...]:
    """What is found about a service provider, saved or only drafted, the worst first.

    `rows`: the mapping, where it is not the saved one.
    """
    if rows is None:
        rows = () if row._state.adding else applications.rows(row.application)
    return findings.of(
        Subject(
            row=row,
            rows=rows,
            now=now,
            wants_assertions_signed=findings.wanted(metadata_xml, entity_id=row.entity_id),
            coverage=coverage.of(row, rows=rows, now=now),
        )
    )
