"""What the SAML application registers with the core."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from federation.models import SeenMessage
from idp import features, prune
from idp.accounts import interaction


@pytest.mark.django_db
def test_routes_are_features_and_publish_nothing_to_openid() -> None:
    assert {"/saml/sso", "/saml/metadata"} <= set(features.routes())
    assert not features.is_cors("/saml/sso")
    assert not [name for name in features.metadata("https://idp.example") if "saml" in name]


def test_the_dispatcher_knows_the_kind() -> None:
    assert "saml" in interaction.kinds()


@pytest.mark.django_db
def test_messages_seen_are_pruned_when_their_time_is_over() -> None:
    now = timezone.now()
    assert SeenMessage.objects.remember("old", until=now - timedelta(seconds=1))
    assert SeenMessage.objects.remember("new", until=now + timedelta(hours=1))
    assert not SeenMessage.objects.remember("new", until=now)
    assert prune.prune(now=now, pause=0)["SAML messages seen"] == 1
    assert [row.key for row in SeenMessage.objects.all()] == ["new"]
