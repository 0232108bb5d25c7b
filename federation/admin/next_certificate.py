"""The next certificate beside an application's settings, while it is signed for with the old one.

Whoever sets an application up during a roll-over would otherwise do it again within weeks.
"""

from __future__ import annotations

from dataclasses import replace

from django.urls import reverse

from federation.identity_provider import key_pins
from federation.models import ServiceProvider
from federation.saml import certificate
from idp import keys
from idp.admin.kinds import Setting, Sheet, Snippet
from idp.models import SigningKey

TITLE = "Next certificate"
NOTE = (
    "Our signing certificate is being replaced, and the next one is published already. If the "
    "application takes two certificates, enter both. If it takes only one, move it to the next "
    "key now, and enter the next certificate in place of the one of today."
)


def beside(sheet: Sheet, provider: ServiceProvider) -> Sheet:
    """The sheet with the next certificate, and what to do with it, if one is published."""
    following = keys.saml().following
    if following is None or key_pins.kid_of(provider) == following.kid:
        return sheet
    row = SigningKey.objects.only("id").get(kid=following.kid)
    pem = following.certificate.strip()
    fingerprint = certificate.fingerprint(certificate.load(pem))
    file = reverse("admin:idp_signingkey_certificate", args=[row.pk])
    links = (
        ("Download the next certificate", file),
        ("Move it to the next key", reverse("admin:saml_roll_over")),
    )
    return replace(
        sheet,
        settings=(*sheet.settings, Setting(f"{TITLE}: fingerprint (SHA-256)", fingerprint)),
        snippets=(*sheet.snippets, Snippet(TITLE, pem)),
        links=(*sheet.links, *links),
        notes=(NOTE, *sheet.notes),
    )
