"""A browser, people and a kind of interaction for attacks on the sign-in engine."""

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
