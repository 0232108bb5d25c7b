"""A federation's server, and an identity provider to import into."""

from tests.support.metadata import federation  # noqa: F401 (fixture)
from tests.support.saml import party, saml  # noqa: F401 (fixtures)
