"""What is missing before the first sign-in at a service provider, and where it is fixed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.urls import reverse
from django.utils import timezone

from federation.identity_provider import findings, first_sign_in
from federation.identity_provider.findings import Finding, Fix, Severity, Subject
from federation.models import MetadataProposal, ServiceProvider
from idp.admin import home
from idp.admin.kinds import Notice
from idp.models import Application

MOST_LOOKED_AT = 500
WORDS = {
    Severity.STOPS: ("stops sign-ins", "bad"),
    Severity.HINDERS: ("look at this", "warn"),
    Severity.TELLS: ("good to know", ""),
}
LINKS = {
    Fix.PROTOCOL: "To its settings",
    Fix.CLAIMS: "To its claims",
    Fix.ACCESS: "Who may use it",
    Fix.METADATA: "Import metadata",
    Fix.PEOPLE: "To the people",
}


def of_application(application: Application) -> list[Notice]:
    """For the pages of a registered application."""
    row = ServiceProvider.objects.select_related("application").filter(pk=application.pk).first()
    if row is None:
        return []
    found = first_sign_in.look(row, metadata_xml=row.metadata_xml, now=timezone.now())
    return notices(found, application=application)


def waiting(application: Application) -> list[Notice]:
    """New metadata that nobody has said yes or no to."""
    rows = MetadataProposal.objects.filter(service_provider=application.pk)
    if not rows.filter(state=MetadataProposal.State.WAITING).exists():
        return []
    url = reverse("admin:saml_metadata", args=[application.pk])
    word, tone = WORDS[Severity.HINDERS]
    return [Notice(word, tone, "New metadata of it waits for you.", url, "Look at the change")]


def standstill(now: datetime) -> list[home.Finding]:
    """Enabled service providers at which nobody can sign in, for the overview."""
    rows = ServiceProvider.objects.filter(application__enabled=True).select_related("application")
    rows = rows.defer("metadata_xml", "application__logo").order_by("-registered_at")[
        :MOST_LOOKED_AT
    ]
    stopped = [row for row in rows if _is_stopped(row, now)]
    if not stopped:
        return []
    if len(stopped) == 1:
        words = f"nobody can sign in to {stopped[0].application.name}"
        url = reverse("admin:idp_application_change", args=[stopped[0].pk])
    else:
        words = f"nobody can sign in to {len(stopped)} SAML applications"
        url = reverse("admin:idp_application_changelist") + "?kind=saml"
    return [home.Finding(good=False, text=words, url=url)]


def _is_stopped(row: ServiceProvider, now: datetime) -> bool:
    """By what its row says alone: nobody is looked at here."""
    found = findings.of(Subject(row=row, rows=(), now=now))
    return bool(found) and found[0].severity == Severity.STOPS


def notices(found: Iterable[Finding], *, application: Application | None = None) -> list[Notice]:
    """As a page shows them; links only where there is a page yet."""
    return [_notice(one, application) for one in found]


def _notice(finding: Finding, application: Application | None) -> Notice:
    word, tone = WORDS[finding.severity]
    url = _url(finding.fix, application)
    return Notice(word, tone, finding.text, url, LINKS[finding.fix] if url else "")


def _url(fix: Fix, application: Application | None) -> str:
    if fix == Fix.PEOPLE:
        return reverse("admin:idp_user_changelist")
    if application is None:
        return ""
    if fix == Fix.METADATA:
        return reverse("admin:connect_kind", args=["saml"])
    return reverse("admin:idp_application_change", args=[application.pk]) + f"#{fix}"


home.add_findings(standstill)
