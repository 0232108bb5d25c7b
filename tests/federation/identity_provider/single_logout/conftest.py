"""An identity provider in this process, alice's session, and service providers."""

from tests.support.saml import party, saml  # noqa: F401 (fixtures)
