"""What is missing before the first sign-in at a service provider, and where it is fixed."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse
from django.utils import timezone

from federation.identity_provider import first_sign_in
from federation.identity_provider.findings import Finding, Fix, Severity
from federation.models import ServiceProvider
from idp.admin.kinds import Notice
from idp.models import Application

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
