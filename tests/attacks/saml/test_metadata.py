"""Every hostile metadata document is refused, with a sentence for the administrator."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from federation.saml import errors
from federation.saml.metadata import service_provider as metadata
from tests.attacks.saml.metadata import ATTACKS
from tests.attacks.saml.service_provider import ServiceProvider

SP = ServiceProvider()
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize("name", ATTACKS)
def test_refuses(name: str) -> None:
    check, build = ATTACKS[name]
    document = build(SP)
    begin = time.process_time()
    with pytest.raises(errors.InvalidMetadata) as refused:
        metadata.parse(document, now=NOW)
    assert refused.value.check == check, refused.value
    assert time.process_time() - begin < 5
    assert len(refused.value.description) > 20


def test_takes_the_honest_document() -> None:
    assert metadata.parse(SP.metadata(), now=NOW).entity_id == SP.entity_id
