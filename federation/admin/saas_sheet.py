"""Settings for a SaaS application in its vendor's own field names."""

from __future__ import annotations

from federation.identity_provider import entity, key_pins
from federation.identity_provider.saas.template import Ours, Template, VendorField
from federation.models import ServiceProvider
from federation.saml import certificate
from idp import keys
from idp.admin.kinds import Setting, Sheet, Snippet


def sheet(provider: ServiceProvider, template: Template) -> Sheet:
    """What to enter at the vendor, and where the vendor explains it."""
    pem = keys.saml_signing(key_pins.kid_of(provider)).certificate.strip()
    metadata = entity.metadata_url(provider)
    values = {
        Ours.METADATA: metadata,
        Ours.ENTITY_ID: entity.entity_id(),
        Ours.SIGN_ON: entity.single_sign_on_url(),
        Ours.SIGN_OUT: entity.sign_out_url(),
        Ours.FINGERPRINT: certificate.fingerprint(certificate.load(pem)),
        Ours.CERTIFICATE: pem,
    }
    rows = tuple(Setting(field.label, _value(field, values, provider)) for field in template.fields)
    links = (
        (f"How {template.title} documents it", template.documentation),
        ("Download our metadata", metadata),
    )
    return Sheet(rows, (Snippet("Certificate", pem),), links, template.notes)


def _value(field: VendorField, values: dict[Ours, str], provider: ServiceProvider) -> str:
    if isinstance(field.value, Ours):
        return values[field.value]
    # Their own entity ID, as it was filled in.
    return provider.entity_id if "{" in field.value else field.value
