"""A provider in this process, alice's session, and two relying parties."""

from tests.support.protocol import public, web, world  # noqa: F401 (fixtures)
