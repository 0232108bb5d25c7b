"""The grant authorization_code: one code, one client, one redirect_uri, one verifier, once."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from idp.models import AuditEvent, Grant, Revocation
from idp.tokens import authorization_code
from tests.support.factories import GroupFactory
from tests.support.protocol import VERIFIER, RelyingParty, World, agree, claims_of, json


def refused(response: Any) -> str:
    assert response.status == 400, response.body
    return json(response)["error"]


def test_gives_tokens_for_a_code(world: World, web: RelyingParty) -> None:
    tokens = web.tokens(world.session, scope="openid email")
    assert tokens["token_type"] == "Bearer"
    assert tokens["scope"] == "openid email"
    assert tokens["expires_in"] == 600
    assert claims_of(tokens["id_token"])["nonce"] == "nonce-1"
    assert "refresh_token" not in tokens
    grant = Grant.objects.get()
    assert (grant.user_id, grant.application_id) == (world.user.pk, web.application.pk)


def test_code_twice_takes_everything_back(world: World, web: RelyingParty) -> None:
    web.change(refresh_always=True)
    code = web.code(world.session)
    first = json(web.redeem(code))
    assert web.introspect(first["access_token"])["active"] is True
    assert refused(web.redeem(code)) == "invalid_grant"
    assert web.introspect(first["access_token"]) == {"active": False}
    assert web.userinfo(first["access_token"]).status == 401
    assert refused(web.refresh(first["refresh_token"])) == "invalid_grant"
    assert Grant.objects.get().revoked_at is not None
    assert Revocation.objects.filter(kind="grant").count() == 1
    assert AuditEvent.objects.filter(action="grant.revoked").count() == 1


def test_code_twice_after_its_end_takes_everything_back(world: World, web: RelyingParty) -> None:
    code = web.code(world.session)
    first = json(web.redeem(code))
    world.provider.ahead = timedelta(seconds=70)
    assert refused(web.redeem(code)) == "invalid_grant"
    assert web.introspect(first["access_token"]) == {"active": False}


def test_code_of_another_client_is_not_used_up(world: World, web: RelyingParty) -> None:
    thief = world.relying_party()
    code = web.code(world.session)
    assert refused(thief.redeem(code)) == "invalid_grant"
    assert web.redeem(code).status == 200


@pytest.mark.parametrize("verifier", [None, "", "w" * 43, "v" * 42, "v" * 129, VERIFIER + "\x7f"])
def test_wrong_verifier_does_not_use_the_code_up(
    world: World, web: RelyingParty, verifier: str | None
) -> None:
    code = web.code(world.session)
    assert refused(web.redeem(code, code_verifier=verifier)) == "invalid_grant"
    assert web.redeem(code).status == 200


def test_verifier_without_challenge_is_refused(world: World, web: RelyingParty) -> None:
    code = web.code(world.session, code_challenge=None, code_challenge_method=None)
    assert refused(web.redeem(code)) == "invalid_grant"
    assert web.redeem(code, code_verifier=None).status == 200


@pytest.mark.parametrize(
    "redirect_uri",
    [None, "https://application.example/callback/", "https://application.example/CALLBACK"],
)
def test_other_redirect_uri_is_refused(
    world: World, web: RelyingParty, redirect_uri: str | None
) -> None:
    code = web.code(world.session)
    assert refused(web.redeem(code, redirect_uri=redirect_uri)) == "invalid_grant"
    assert web.redeem(code).status == 200


def test_expired_code_is_refused(world: World, web: RelyingParty) -> None:
    code = web.code(world.session)
    world.provider.ahead = timedelta(seconds=60)
    assert refused(web.redeem(code)) == "invalid_grant"
    assert not Grant.objects.exists()


def test_code_of_an_ended_session_is_refused(world: World, web: RelyingParty) -> None:
    code = web.code(world.session)
    world.session.ended_at = world.provider.now
    world.session.save()
    assert refused(web.redeem(code)) == "invalid_grant"
    assert not Grant.objects.exists()


def test_code_of_a_disabled_person_is_refused(world: World, web: RelyingParty) -> None:
    code = web.code(world.session)
    world.user.is_active = False
    world.user.save()
    assert refused(web.redeem(code)) == "invalid_grant"


def test_code_of_a_disabled_application_is_refused(world: World, web: RelyingParty) -> None:
    code = web.code(world.session)
    web.change_application(enabled=False)
    response = web.redeem(code)
    assert (response.status, json(response)["error"]) == (401, "invalid_client")


def test_code_after_access_was_lost_is_refused(world: World, web: RelyingParty) -> None:
    group = GroupFactory()
    world.user.groups.add(group)
    web.application.allowed_groups.add(group)
    web.change_application(access="groups")
    first, second = web.code(world.session), web.code(world.session)
    assert web.redeem(first).status == 200
    world.user.groups.clear()
    assert refused(web.redeem(second)) == "invalid_grant"


def test_code_after_consent_was_withdrawn_is_refused(world: World) -> None:
    party = world.relying_party(trusted=False)
    agree(world.user, party.application, "openid")
    code = party.code(world.session)
    world.user.consents.all().delete()
    assert refused(party.redeem(code)) == "invalid_grant"
    agree(world.user, party.application, "openid")  # a later consent does not revive it
    assert refused(party.redeem(code)) == "invalid_grant"


@pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: c + "A", lambda c: c[:20] + c[21:]])
def test_mutilated_code_is_refused(world: World, web: RelyingParty, change: Any) -> None:
    assert refused(web.redeem(change(web.code(world.session)))) == "invalid_grant"


@pytest.mark.parametrize("code", ["", "x", "gtc_", "gtc_AAAAAAAA", "é", "gtr_" + "A" * 54, "\x7f"])
def test_nonsense_code_is_refused(web: RelyingParty, code: str) -> None:
    expected = "invalid_grant" if code else "invalid_request"
    assert refused(web.redeem(code)) == expected


def test_every_character_of_a_code_counts(world: World, web: RelyingParty) -> None:
    code = web.code(world.session)
    for position in range(len(code)):
        other = "B" if code[position] == "A" else "A"
        changed = code[:position] + other + code[position + 1 :]
        assert refused(web.redeem(changed)) == "invalid_grant"
    assert web.redeem(code).status == 200


def test_long_request_makes_a_stored_code(world: World, web: RelyingParty) -> None:
    nonce = "n" * 2000
    code = web.code(world.session, nonce=nonce)
    assert len(code) < 100
    assert claims_of(json(web.redeem(code))["id_token"])["nonce"] == nonce
    assert refused(web.redeem(code)) == "invalid_grant"


def test_reference_of_a_stored_code_cannot_be_made_up(world: World, web: RelyingParty) -> None:
    code = web.code(world.session, nonce="n" * 2000)
    body = bytearray(authorization_code.opaque.disassemble("gtc_", code, longest=1000))
    body[20] ^= 1
    forged = authorization_code.opaque.assemble("gtc_", bytes(body))
    assert refused(web.redeem(forged)) == "invalid_grant"
    assert web.redeem(code).status == 200


def test_grant_needs_registration(world: World) -> None:
    machine = world.relying_party(grant_types=["client_credentials"])
    response = machine.redeem("gtc_x")
    assert refused(response) == "unauthorized_client"


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_one_of_fifty_parallel_redemptions_wins(world: World, web: RelyingParty) -> None:
    code = web.code(world.session)
    barrier = threading.Barrier(50)
    statuses: list[int] = []

    def redeem() -> None:
        barrier.wait()
        try:
            statuses.append(web.redeem(code).status)
        finally:
            connection.close()

    threads = [threading.Thread(target=redeem) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [400] * 49
    assert Grant.objects.count() == 1
    assert Grant.objects.get().revoked_at is not None
