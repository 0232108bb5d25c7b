"""Look at a service provider before anybody signs in there: gathers what `findings` judges."""

from __future__ import annotations

from datetime import datetime

from federation.identity_provider import coverage, findings
from federation.identity_provider.findings import Finding, Subject
from federation.models import ServiceProvider
from idp.claims import applications


def look(row: ServiceProvider, *, metadata_xml: str, now: datetime) -> tuple[Finding, ...]:
    """What is found about a service provider, saved or only drafted, the worst first."""
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
