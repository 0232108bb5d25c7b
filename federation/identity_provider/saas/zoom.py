"""Zoom with a vanity URL."""

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
from idp.claims.mapping import NAME_FORMAT_URI


def _oid(number: str, name: str, key: str) -> MappedAttribute:
    return MappedAttribute(
        name=f"urn:oid:{number}", key=key, name_format=NAME_FORMAT_URI, friendly_name=name
    )


TEMPLATE = Template(
    value="zoom",
    title="Zoom",
    documentation="https://library.zoom.com/admin-corner/account-and-endpoint-management/sso-field-guide",
    sources=(
        "https://learn.microsoft.com/en-us/entra/identity/saas-apps/zoom-tutorial",
        "https://docs.pingidentity.com/r/en-us/pingoneforenterprise/p14eapps_zoom_connection",
    ),
    placeholders=(
        Placeholder(
            name="vanity",
            label="Vanity name",
            example="acme",
            pattern=LABEL,
            problem="What stands before .zoom.us, in lower case.",
        ),
    ),
    entity_id="{vanity}.zoom.us",
    consumer="https://{vanity}.zoom.us/saml/SSO",
    name_id_format=vocabulary.EMAIL_ADDRESS,
    attributes=(
        _oid("0.9.2342.19200300.100.1.3", "mail", "email"),
        _oid("2.5.4.42", "givenName", "given_name"),
        _oid("2.5.4.4", "sn", "family_name"),
    ),
    signs=Signs.OPTION,
    logout="https://{vanity}.zoom.us/saml/SingleLogout",
    launch_url="https://{vanity}.zoom.us",
    metadata="https://{vanity}.zoom.us/saml/metadata/sp",
    fields=(
        VendorField("Sign-in page URL", Ours.SIGN_ON),
        VendorField("Sign-out page URL", Ours.SIGN_OUT),
        VendorField("Identity provider certificate", Ours.CERTIFICATE),
        VendorField("Service Provider (SP) Entity ID", "{vanity}.zoom.us"),
        VendorField("Issuer (IDP Entity ID)", Ours.ENTITY_ID),
        VendorField("Binding", "HTTP-Redirect"),
        VendorField("Signature Hash Algorithm", "SHA-256"),
    ),
    notes=(
        "Under SAML Response Mapping enter the attribute names that are in the mapping here.",
        "Single logout works only for whoever's signing certificate of Zoom is known here: its"
        " metadata holds it.",
    ),
)
