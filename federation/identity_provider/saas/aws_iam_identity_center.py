"""AWS IAM Identity Center with an external identity provider."""

from federation.identity_provider.saas.template import (
    Ours,
    Placeholder,
    Template,
    VendorField,
)
from federation.saml import vocabulary

TEMPLATE = Template(
    value="aws-iam-identity-center",
    title="AWS IAM Identity Center",
    documentation="https://docs.aws.amazon.com/singlesignon/latest/userguide/other-idps.html",
    sources=(
        "https://docs.aws.amazon.com/singlesignon/latest/userguide/multi-region-workforce-access.html",
        "https://learn.microsoft.com/en-us/entra/identity/saas-apps/aws-single-sign-on-tutorial",
    ),
    placeholders=(
        Placeholder(
            name="region",
            label="Region of IAM Identity Center",
            example="eu-central-1",
            pattern=r"[a-z]{2}(?:-[a-z]+)+-\d",
            problem="A region as AWS writes it, such as eu-central-1.",
        ),
        Placeholder(
            name="directory",
            label="Last part of the IAM Identity Center issuer URL",
            example="d-1234567890",
            pattern=r"d-[0-9a-z]{8,20}",
            problem="It begins with d- and goes on with digits and letters.",
            help="Settings, Identity source, Actions, Manage authentication shows it.",
        ),
        Placeholder(
            name="tenant",
            label="Last part of the IAM Identity Center ACS URL",
            example="11111111-2222-3333-4444-555555555555",
            pattern=r"[0-9a-z]+(?:-[0-9a-z]+){3,5}",
            problem="Digits and letters in groups, as in the ACS URL.",
        ),
    ),
    entity_id="https://{region}.signin.aws.amazon.com/platform/saml/{directory}",
    consumer="https://{region}.signin.aws/platform/saml/acs/{tenant}",
    more_consumers=(
        "https://{region}.signin.aws.amazon.com/platform/saml/acs/{tenant}",
        "https://{region}.sso.signin.aws/platform/saml/acs/{tenant}",
    ),
    name_id_format=vocabulary.EMAIL_ADDRESS,
    fields=(
        VendorField("IdP SAML metadata", Ours.METADATA),
        VendorField("IdP sign-in URL", Ours.SIGN_ON),
        VendorField("IdP issuer URL", Ours.ENTITY_ID),
        VendorField("IdP certificate", Ours.CERTIFICATE),
    ),
    notes=(
        "AWS offers its metadata as a file: importing it here is surer than filling in addresses.",
        "The person must exist in IAM Identity Center under the same address; SAML does not create"
        " anybody there.",
        "Encrypted assertions are not taken.",
    ),
)
