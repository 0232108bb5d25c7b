"""The grant refresh_token: rotation, repeats, replays, and everything that ends it."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from idp.accounts import consents, people
from idp.accounts import session as sessions
from idp.models import AuditEvent, Grant
from tests.support.factories import GroupFactory
from tests.support.protocol import RelyingParty, World, agree, claims_of, json


def refused(response: Any) -> str:
    assert response.status == 400, response.body
    return json(response)["error"]


@pytest.fixture
def party(world: World) -> RelyingParty:
    return world.relying_party(refresh_always=True)


@pytest.fixture
def first(world: World, party: RelyingParty) -> dict[str, Any]:
    return party.tokens(world.session, scope="openid email profile")


def test_rotates(party: RelyingParty, first: dict[str, Any]) -> None:
    second = json(party.refresh(first["refresh_token"]))
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert json(party.refresh(second["refresh_token"]))["refresh_token"]
    assert Grant.objects.get().generation == 2


def test_new_id_token_keeps_what_identifies_the_sign_in(
    party: RelyingParty, first: dict[str, Any]
) -> None:
    old = claims_of(first["id_token"])
    new = claims_of(json(party.refresh(first["refresh_token"]))["id_token"])
    for name in ("iss", "sub", "aud", "auth_time", "acr", "amr", "sid"):
        assert new[name] == old[name]
    assert "nonce" not in new


def test_repeat_inside_the_window_gets_the_very_same_successor(
    world: World, party: RelyingParty, first: dict[str, Any]
) -> None:
    second = json(party.refresh(first["refresh_token"]))
    world.provider.ahead = timedelta(seconds=9)
    again = json(party.refresh(first["refresh_token"]))
    assert again["refresh_token"] == second["refresh_token"]
    assert Grant.objects.get().generation == 1


def test_replay_outside_the_window_ends_the_grant(
    world: World, party: RelyingParty, first: dict[str, Any]
) -> None:
    second = json(party.refresh(first["refresh_token"]))
    world.provider.ahead = timedelta(seconds=11)
    assert refused(party.refresh(first["refresh_token"])) == "invalid_grant"
    assert refused(party.refresh(second["refresh_token"])) == "invalid_grant"
    assert party.introspect(second["access_token"]) == {"active": False}
    assert AuditEvent.objects.get(action="grant.revoked").reason == "refresh token replayed"


def test_replay_of_an_older_generation_ends_the_grant_at_once(
    party: RelyingParty, first: dict[str, Any]
) -> None:
    second = json(party.refresh(first["refresh_token"]))
    third = json(party.refresh(second["refresh_token"]))
    assert refused(party.refresh(first["refresh_token"])) == "invalid_grant"
    assert refused(party.refresh(third["refresh_token"])) == "invalid_grant"


def test_no_repeat_after_revocation(party: RelyingParty, first: dict[str, Any]) -> None:
    second = json(party.refresh(first["refresh_token"]))
    assert party.revoke(second["refresh_token"]).status == 200
    assert refused(party.refresh(first["refresh_token"])) == "invalid_grant"


def test_token_of_another_client_changes_nothing(
    world: World, party: RelyingParty, first: dict[str, Any]
) -> None:
    thief = world.relying_party(refresh_always=True)
    assert refused(thief.refresh(first["refresh_token"])) == "invalid_grant"
    assert party.refresh(first["refresh_token"]).status == 200


def test_every_character_counts(party: RelyingParty, first: dict[str, Any]) -> None:
    token = first["refresh_token"]
    for position in range(len(token)):
        other = "B" if token[position] == "A" else "A"
        changed = token[:position] + other + token[position + 1 :]
        assert refused(party.refresh(changed)) == "invalid_grant"
    for cut in (token[:-1], token + "A", token[:10], "gtr_", token.upper()):
        assert refused(party.refresh(cut)) == "invalid_grant"
    assert party.refresh(token).status == 200


def test_no_refresh_after_the_person_was_disabled(
    world: World, party: RelyingParty, first: dict[str, Any]
) -> None:
    world.user.is_active = False
    world.user.save()
    assert refused(party.refresh(first["refresh_token"])) == "invalid_grant"
    assert Grant.objects.get().generation == 0


def test_disabling_ends_access_tokens_too(
    world: World, party: RelyingParty, first: dict[str, Any]
) -> None:
    people.disable(world.user, now=timezone.now())
    assert party.introspect(first["access_token"]) == {"active": False}
    assert party.userinfo(first["access_token"]).status == 401


def test_no_refresh_after_sign_out(
    world: World, party: RelyingParty, first: dict[str, Any]
) -> None:
    sessions.end(world.session, reason="signed out", now=timezone.now())
    assert refused(party.refresh(first["refresh_token"])) == "invalid_grant"
    assert party.introspect(first["access_token"]) == {"active": False}


def test_no_refresh_after_access_was_lost(
    world: World, party: RelyingParty, first: dict[str, Any]
) -> None:
    party.change_application(access="groups")
    assert refused(party.refresh(first["refresh_token"])) == "invalid_grant"
    group = GroupFactory()
    party.application.allowed_groups.add(group)
    assert refused(party.refresh(first["refresh_token"])) == "invalid_grant"
    world.user.groups.add(group)
    assert party.refresh(first["refresh_token"]).status == 200


def test_no_refresh_where_nobody_may_use_the_application(
    party: RelyingParty, first: dict[str, Any]
) -> None:
    party.change_application(access="nobody")
    assert refused(party.refresh(first["refresh_token"])) == "invalid_grant"


def test_no_refresh_for_a_disabled_application(party: RelyingParty, first: dict[str, Any]) -> None:
    party.change_application(enabled=False)
    assert party.refresh(first["refresh_token"]).status == 401


def test_no_refresh_after_consent_was_withdrawn(world: World) -> None:
    party = world.relying_party(trusted=False, refresh_always=True)
    agree(world.user, party.application, "openid")
    first = party.tokens(world.session)
    consents.withdraw(world.user, party.application, now=timezone.now())
    assert refused(party.refresh(first["refresh_token"])) == "invalid_grant"
    assert party.introspect(first["access_token"]) == {"active": False}


def test_new_consent_does_not_revive_an_old_grant(world: World) -> None:
    party = world.relying_party(trusted=False, refresh_always=True)
    agree(world.user, party.application, "openid")
    first = party.tokens(world.session)
    world.user.consents.all().delete()
    agree(world.user, party.application, "openid")
    assert refused(party.refresh(first["refresh_token"])) == "invalid_grant"


def test_idle_and_absolute_end(world: World, party: RelyingParty, first: dict[str, Any]) -> None:
    grant = Grant.objects.get()
    grant.offline = True
    grant.save()
    token = first["refresh_token"]
    for days in (29, 58, 87):
        world.provider.ahead = timedelta(days=days)
        response = json(party.refresh(token))
        token = response["refresh_token"]
    world.provider.ahead = timedelta(days=91)
    assert refused(party.refresh(token)) == "invalid_grant"


def test_idle_end(world: World, party: RelyingParty, first: dict[str, Any]) -> None:
    Grant.objects.update(offline=True)
    world.provider.ahead = timedelta(days=31)
    assert refused(party.refresh(first["refresh_token"])) == "invalid_grant"


def test_scope_can_shrink_for_one_answer(party: RelyingParty, first: dict[str, Any]) -> None:
    second = json(party.refresh(first["refresh_token"], scope="openid"))
    assert second["scope"] == "openid"
    third = json(party.refresh(second["refresh_token"]))
    assert third["scope"] == "openid email profile"


def test_wider_scope_is_refused_and_leaves_the_token_as_it_is(
    world: World, party: RelyingParty, first: dict[str, Any]
) -> None:
    assert refused(party.refresh(first["refresh_token"], scope="openid phone")) == "invalid_scope"
    world.provider.ahead = timedelta(seconds=60)
    assert party.refresh(first["refresh_token"]).status == 200


def test_scope_that_the_client_lost_is_gone(party: RelyingParty, first: dict[str, Any]) -> None:
    party.change(scope="openid profile")
    assert json(party.refresh(first["refresh_token"]))["scope"] == "openid profile"


def test_offline_access_outlives_the_session(world: World) -> None:
    party = world.relying_party()
    agree(world.user, party.application, "openid", "offline_access")
    first = party.tokens(world.session, scope="openid offline_access")
    sessions.end(world.session, reason="signed out", now=timezone.now())
    assert party.refresh(first["refresh_token"]).status == 200


def test_refresh_needs_registration(world: World, party: RelyingParty, first: Any) -> None:
    party.change(grant_types=["authorization_code"])
    assert refused(party.refresh(first["refresh_token"])) == "unauthorized_client"


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_parallel_refreshes_get_one_and_the_same_successor(
    world: World, party: RelyingParty
) -> None:
    first = party.tokens(world.session)
    barrier = threading.Barrier(20)
    answers: list[Any] = []

    def refresh() -> None:
        barrier.wait()
        try:
            answers.append(party.refresh(first["refresh_token"]))
        finally:
            connection.close()

    threads = [threading.Thread(target=refresh) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {response.status for response in answers} == {200}
    assert len({json(response)["refresh_token"] for response in answers}) == 1
    assert Grant.objects.get().generation == 1
