"""Logout tokens: in the client's algorithm, for its own view of the person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.utils import timezone

from idp import keys, subjects
from idp.protocol import jose
from idp.tokens import logout_token
from tests.support.factories import ClientFactory
from tests.support.protocol import claims_of, restore_keys

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _keys(db: None) -> None:
    restore_keys()


def issue(**fields: Any) -> tuple[Any, dict[str, Any]]:
    client = ClientFactory(**fields)
    token = logout_token.issue(client, user_id=uuid4(), sid=uuid4(), now=timezone.now())
    return client, claims_of(token)


def test_verifies_with_the_published_keys() -> None:
    client = ClientFactory()
    user_id, sid, now = uuid4(), uuid4(), timezone.now()
    token = logout_token.issue(client, user_id=user_id, sid=sid, now=now)
    claims = jose.verify(
        token,
        keys.verification_keys(),
        typ=("logout+jwt",),
        algorithms=("RS256",),
        issuer=settings.IDP.issuer,
        audience=client.client_id,
        now=now + timedelta(seconds=90),
    )
    assert (claims["sub"], claims["sid"]) == (user_id.hex, sid.hex)


def test_pairwise_clients_hear_their_own_subject() -> None:
    client = ClientFactory(subject_type="pairwise")
    user_id = uuid4()
    token = logout_token.issue(client, user_id=user_id, sid=uuid4(), now=timezone.now())
    assert claims_of(token)["sub"] == subjects.of(client, user_id) != user_id.hex


def test_lives_two_minutes_and_has_no_nonce() -> None:
    _, claims = issue()
    assert "nonce" not in claims
    assert claims["exp"] - claims["iat"] == 120
