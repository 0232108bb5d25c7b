"""What takes long in a test process and shows nothing: done once for many tests (pytest plugin)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings

_generate = rsa.generate_private_key


class RsaKeys:
    """Stands for the module `rsa` where Gatehouse makes keys: those of the test before, in order.

    So a test never gets the same key twice. What outlives a test asks for `new()` ones.
    """

    def __init__(self) -> None:
        self.made: list[rsa.RSAPrivateKey] = []
        self.given = 0
        self.are_kept = True

    def __getattr__(self, name: str) -> Any:
        return getattr(rsa, name)

    def generate_private_key(self, public_exponent: int, key_size: int) -> rsa.RSAPrivateKey:
        """A key of an earlier test, else a new one."""
        if not self.are_kept or (public_exponent, key_size) != (65537, 2048):
            return _generate(public_exponent, key_size)
        if self.given == len(self.made):
            self.made.append(_generate(public_exponent, key_size))
        self.given += 1
        return self.made[self.given - 1]

    @contextmanager
    def new(self) -> Iterator[None]:
        """Keys that no other test gets."""
        self.are_kept = False
        try:
            yield
        finally:
            self.are_kept = True


rsa_keys = RsaKeys()


def pytest_sessionstart() -> None:
    """Hand out such keys; and every test client's handler would look at all static files anew."""
    from idp.protocol import jose

    jose.rsa = rsa_keys  # type: ignore[assignment]
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Begin with the first key again."""
    rsa_keys.given = 0
