"""A browser, people and a kind of interaction for the tests of the sign-in engine."""

import pytest

from tests.support.sign_in import (  # noqa: F401 (fixtures)
    alice,
    application,
    bob,
    browser,
    clock,
    other_browser,
    probe,
    quick_hashes,
)


@pytest.fixture(autouse=True)
def cheap(quick_hashes):  # noqa: F811 (the fixture)
    """Only test_password pays for passwords."""
