"""Zendesk Support."""

from federation.identity_provider.saas.template import (
    LABEL,
    MappedAttribute,
    Ours,
    Placeholder,
    Signs,
    Template,
    VendorField,
)
from federation.saml import vocabulary

_CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"

TEMPLATE = Template(
    value="zendesk",
    title="Zendesk",
    documentation="https://support.zendesk.com/hc/en-us/articles/4408887505690-Enabling-SAML-single-sign-on",
    sources=("https://learn.microsoft.com/en-us/entra/identity/saas-apps/zendesk-tutorial",),
    placeholders=(
        Placeholder(
            name="subdomain",
            label="Subdomain",
            example="acme",
            pattern=LABEL,
            problem="What stands before .zendesk.com, in lower case.",
        ),
    ),
    entity_id="https://{subdomain}.zendesk.com",
    consumer="https://{subdomain}.zendesk.com/access/saml",
    name_id_format=vocabulary.EMAIL_ADDRESS,
    attributes=(
        MappedAttribute(name=f"{_CLAIMS}/givenname", key="given_name", required=True),
        MappedAttribute(name=f"{_CLAIMS}/surname", key="family_name", required=True),
    ),
    signs=Signs.NO,
    launch_url="https://{subdomain}.zendesk.com",
    fields=(
        VendorField("SAML SSO URL", Ours.SIGN_ON),
        VendorField("Certificate fingerprint", Ours.FINGERPRINT),
        VendorField("Remote logout URL", Ours.SIGN_OUT),
    ),
    notes=(
        "Zendesk also reads organization, phone, tags, role and external_id: add mapping rows by"
        " these names where you need them.",
        "Its page names the audience without https:// and its metadata with it: the metadata's is"
        " used here.",
    ),
)
