"""Signing keys, durable audit rows, and somebody to tell."""

from collections.abc import Iterator

import pytest

from idp import audit
from tests.support.logout import receiver  # noqa: F401 (a fixture)
from tests.support.protocol import restore_keys


@pytest.fixture(autouse=True)
def ready(db: None) -> Iterator[None]:
    audit.write_through(enabled=True)
    restore_keys()
    yield
    audit.write_through(enabled=False)
