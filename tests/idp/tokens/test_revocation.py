"""The deny list: mirrored, in order, strict on demand, dropped when nothing can match."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from idp import directory
from idp.models import Grant, Revocation
from idp.protocol import jose
from idp.tokens import revocation
from tests.support.protocol import RelyingParty, World

KINDS = ("grant", "jti", "sid", "user", "client")


def claims(**changes: Any) -> dict[str, Any]:
    grant = uuid.uuid4()
    return {
        "jti": jose.encode(grant.bytes + b"noise123"),
        "sub": uuid.uuid4().hex,
        "sid": uuid.uuid4().hex,
        "client_id": f"client-{uuid.uuid4().hex}",
        "iat": int(timezone.now().timestamp()) - 5,
        **changes,
    }


def key_of(kind: str, token: dict[str, Any]) -> str:
    names = {"jti": "jti", "sid": "sid", "user": "sub", "client": "client_id"}
    if kind == "grant":
        return revocation.grant_id_of(token["jti"]).hex  # type: ignore[union-attr]
    return token[names[kind]]


@pytest.mark.django_db
@pytest.mark.parametrize("kind", KINDS)
def test_denies_by_every_kind_of_key(kind: str) -> None:
    token = claims()
    assert not revocation.is_denied(token)
    revocation.deny(kind, [key_of(kind, token)], now=timezone.now())
    assert revocation.is_denied(token)
    assert not revocation.is_denied(claims())


@pytest.mark.django_db
def test_later_tokens_are_not_denied() -> None:
    token = claims()
    revocation.deny("user", [token["sub"]], now=timezone.now())
    assert revocation.is_denied(token)
    assert not revocation.is_denied({**token, "iat": int(timezone.now().timestamp()) + 2})


@pytest.mark.django_db
def test_machine_is_not_denied_as_a_person() -> None:
    token = claims()
    del token["sid"]
    revocation.deny("user", [token["sub"]], now=timezone.now())
    assert not revocation.is_denied(token)


def other_process(kind: str, key: str) -> None:
    """What another process would commit."""
    directory.bump_revocation()
    now = timezone.now()
    Revocation.objects.create(kind=kind, key=key, before=now, expires_at=now + timedelta(hours=1))


@pytest.mark.django_db
def test_other_processes_are_heard_at_the_next_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "POLL_SECONDS", 3600)
    directory.refresh()
    token = claims()
    other_process("jti", token["jti"])
    assert not revocation.is_denied(token)
    directory.refresh()
    assert revocation.is_denied(token)


@pytest.mark.django_db
def test_strict_mode_hears_them_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "POLL_SECONDS", 3600)
    directory.refresh()
    token = claims()
    other_process("jti", token["jti"])
    strict = settings.IDP.model_copy(update={"strict_revocation": True})
    with override_settings(IDP=strict):
        assert revocation.is_denied(token)


@pytest.mark.django_db
def test_a_new_process_reads_everything_that_matters() -> None:
    token, old = claims(), claims()
    revocation.deny("jti", [token["jti"]], now=timezone.now())
    long_ago = timezone.now() - timedelta(days=3)
    Revocation.objects.create(kind="jti", key=old["jti"], before=long_ago, expires_at=long_ago)
    mirror = revocation.DenyList()
    mirror.observe(1)
    assert mirror.covers([("jti", token["jti"])], issued_at=token["iat"])
    assert not mirror.covers([("jti", old["jti"])], issued_at=0)


@pytest.mark.django_db
def test_nothing_slips_through_while_the_list_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    token = claims()
    revocation.deny("jti", [token["jti"]], now=timezone.now())
    mirror = revocation.DenyList()
    mirror.observe(1)
    seen: list[bool] = []
    extend = revocation._extend

    def watched(*args: Any, **facts: Any) -> None:
        seen.append(mirror.covers([("jti", token["jti"])], issued_at=token["iat"]))
        extend(*args, **facts)

    monkeypatch.setattr(revocation, "_extend", watched)
    mirror.observe(0)  # a version before: everything is read anew
    assert seen
    assert all(seen)


@pytest.mark.django_db
def test_rows_live_as_long_as_a_token_could() -> None:
    now = timezone.now()
    revocation.deny("sid", ["a"], now=now)
    assert Revocation.objects.get().expires_at >= now + settings.IDP.access_token_lifetime


@pytest.mark.django_db
def test_nothing_to_deny_writes_nothing() -> None:
    revocation.deny("sid", [], now=timezone.now())
    assert not Revocation.objects.exists()


@pytest.mark.parametrize("jti", ["", "x", "é", "AAAA", "!" * 30])
def test_grant_of_a_strange_jti(jti: str) -> None:
    assert revocation.grant_id_of(jti) is None


def test_grants_are_ended_for_somebody_or_not_at_all() -> None:
    with pytest.raises(ValueError, match="whose"):
        revocation.revoke_grants(reason="x", now=timezone.now())


def test_ends_grants_of_a_person_at_one_application(world: World, web: RelyingParty) -> None:
    other = world.relying_party()
    mine, theirs = web.tokens(world.session), other.tokens(world.session)
    ended = revocation.revoke_grants(
        reason="test", now=timezone.now(), user=world.user, application=web.application
    )
    assert ended == 1
    assert web.introspect(mine["access_token"]) == {"active": False}
    assert other.introspect(theirs["access_token"])["active"] is True
    assert Grant.objects.filter(revoked_at=None).count() == 1


def test_a_grant_ends_once(world: World, web: RelyingParty) -> None:
    web.tokens(world.session)
    grant = Grant.objects.get()
    now = timezone.now()
    assert revocation.revoke_grant(grant.pk, reason="first", now=now)
    assert not revocation.revoke_grant(grant.pk, reason="second", now=now)
    grant.refresh_from_db()
    assert grant.revoke_reason == "first"
