"""GitHub Enterprise: an organisation or an enterprise in the cloud, or a server of one's own."""

from federation.identity_provider.saas.template import (
    DOMAIN,
    SEGMENT,
    MappedAttribute,
    Ours,
    Placeholder,
    Signs,
    Template,
    VendorField,
)
from federation.saml import vocabulary

_REFERENCE = "managing-iam/iam-configuration-reference/saml-configuration-reference"
_CLOUD = f"https://docs.github.com/en/enterprise-cloud@latest/admin/{_REFERENCE}"
_SERVER = f"https://docs.github.com/en/enterprise-server@latest/admin/{_REFERENCE}"
_HUMAN = (
    "GitHub asks for a name that stays and that people can read, never a transient one: it is our"
    " user name."
)
_FIELDS = (
    VendorField("Sign on URL", Ours.SIGN_ON),
    VendorField("Issuer", Ours.ENTITY_ID),
    VendorField("Public certificate", Ours.CERTIFICATE),
)
_ATTRIBUTES = (
    MappedAttribute(name="full_name", key="display_name"),
    MappedAttribute(name="emails", key="email"),
)


def _slug(name: str, label: str, example: str) -> Placeholder:
    return Placeholder(
        name=name,
        label=label,
        example=example,
        pattern=SEGMENT,
        problem="The name as it stands in the address at github.com.",
    )


ORGANIZATION = Template(
    value="github-organization",
    title="GitHub Enterprise Cloud, an organization",
    documentation=_CLOUD,
    placeholders=(_slug("organization", "Organization", "acme"),),
    entity_id="https://github.com/orgs/{organization}",
    consumer="https://github.com/orgs/{organization}/saml/consume",
    name_id_format=vocabulary.UNSPECIFIED,
    launch_url="https://github.com/orgs/{organization}/sso",
    metadata="https://github.com/orgs/{organization}/saml/metadata",
    fields=_FIELDS,
    notes=(_HUMAN,),
)

ENTERPRISE = Template(
    value="github-enterprise",
    title="GitHub Enterprise Cloud, an enterprise",
    documentation=_CLOUD,
    placeholders=(_slug("enterprise", "Enterprise", "acme"),),
    entity_id="https://github.com/enterprises/{enterprise}",
    consumer="https://github.com/enterprises/{enterprise}/saml/consume",
    name_id_format=vocabulary.UNSPECIFIED,
    attributes=_ATTRIBUTES,
    launch_url="https://github.com/enterprises/{enterprise}/sso",
    metadata="https://github.com/enterprises/{enterprise}/saml/metadata",
    fields=_FIELDS,
    notes=(_HUMAN, "Name and addresses are read for Enterprise Managed Users only."),
)

SERVER = Template(
    value="github-enterprise-server",
    title="GitHub Enterprise Server",
    documentation=_SERVER,
    placeholders=(
        Placeholder(
            name="hostname",
            label="Host name of the server",
            example="github.example.com",
            pattern=DOMAIN,
            problem="A host name in lower case, such as github.example.com.",
        ),
    ),
    entity_id="https://{hostname}",
    consumer="https://{hostname}/saml/consume",
    name_id_format=vocabulary.UNSPECIFIED,
    attributes=(MappedAttribute(name="username", key="username"), *_ATTRIBUTES),
    signs=Signs.YES,
    launch_url="https://{hostname}/sso",
    metadata="https://{hostname}/saml/metadata",
    fields=(
        VendorField("Single sign-on URL", Ours.SIGN_ON),
        VendorField("Issuer", Ours.ENTITY_ID),
        VendorField("Verification certificate", Ours.CERTIFICATE),
    ),
    notes=(
        _HUMAN,
        "The server signs its requests with a certificate of its own, which is in its metadata:"
        " enter it here, or every request is refused.",
    ),
)
