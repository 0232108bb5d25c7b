"""A provider in this process, alice's session, and parties of both protocols."""

from tests.support.metadata import federation  # noqa: F401 (fixture)
from tests.support.protocol import public, web, world  # noqa: F401 (fixtures)
from tests.support.saml import party, saml  # noqa: F401 (fixtures)
