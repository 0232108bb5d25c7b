"""Google Workspace, with the SSO profile of the whole organisation (the legacy one)."""

from federation.identity_provider.saas.template import (
    DOMAIN,
    Ours,
    Placeholder,
    Template,
    VendorField,
)
from federation.saml import vocabulary

TEMPLATE = Template(
    value="google-workspace",
    title="Google Workspace",
    documentation="https://support.google.com/a/answer/6330801",
    sources=("https://support.google.com/a/answer/6349809",),
    placeholders=(
        Placeholder(
            name="domain",
            label="Primary domain of your Google Workspace account",
            example="example.com",
            pattern=DOMAIN,
            problem="A domain name in lower case, such as example.com.",
        ),
    ),
    entity_id="google.com/a/{domain}",
    consumer="https://www.google.com/a/{domain}/acs",
    more_consumers=("https://accounts.google.com/a/{domain}/acs",),
    name_id_format=vocabulary.EMAIL_ADDRESS,
    fields=(
        VendorField("Sign-in page URL", Ours.SIGN_ON),
        VendorField("Sign-out page URL", Ours.SIGN_OUT),
        VendorField("Verification certificate", Ours.CERTIFICATE),
        VendorField("Use a domain-specific issuer", "switched on"),
    ),
    notes=(
        "The NameID is the person's primary address at Google, upper and lower case included.",
        "Google takes at most 2 kB of attributes, in this profile of ASCII alone; it needs none.",
        "For a SAML SSO profile of its own Google shows an SP Entity ID and an ACS URL: connect it"
        " as another application with these two.",
    ),
)
