"""The signing key of each service provider: pinned, moved one by one, never taken away unasked."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from lxml import etree

from federation.identity_provider import entity, key_pins
from federation.models import KeyPin, ServiceProvider
from federation.saml import bindings, certificate, errors, signature, xml
from idp import keys
from idp.models import AuditEvent, SigningKey
from tests.support import single_logout
from tests.support.saml import NAMESPACES, Party, Posted, SamlWorld, posted

ORIGIN = {"actor": "root"}


def move(*parties: Party, to: str, actor: str = "root") -> list[ServiceProvider]:
    return key_pins.move(
        [party.row.pk for party in parties], to=to, now=timezone.now(), origin={"actor": actor}
    )


def publish() -> str:
    assert keys.rotate(keys.SAML, "RS256") == "published"
    following = keys.saml().following
    assert following is not None
    return following.kid


def signed_with(answer: Posted) -> str:
    """The kid of the one key whose signature on the response verifies."""
    root = xml.parse(answer.xml)
    found = []
    for row in SigningKey.objects.filter(purpose=keys.SAML):
        try:
            signature.verify(root, keys=[signature.verification_key(row.certificate)])
        except errors.InvalidSignature:
            continue
        found.append(row.kid)
    (kid,) = found
    return kid


def answered(saml: SamlWorld, party: Party) -> str:
    return signed_with(posted(party.redirect(saml.session)))


@pytest.mark.standard("SAML Metadata", "2.4.1.1", "each service provider's key follows its pin")
def test_each_is_signed_for_with_its_own_key(saml: SamlWorld) -> None:
    one, other = saml.party(), saml.party()
    old, new = keys.saml_signing().kid, publish()
    assert answered(saml, one) == answered(saml, other) == old
    assert [row.pk for row in move(one, to=new)] == [one.row.pk]
    assert (answered(saml, one), answered(saml, other)) == (new, old)
    move(one, to=old)
    assert answered(saml, one) == old


def test_error_responses_are_signed_with_it_too(saml: SamlWorld, party: Party) -> None:
    new = publish()
    move(party, to=new)
    party.change_application(access="nobody")
    answer = posted(party.redirect(saml.session, attributes='IsPassive="true"'))
    assert answer.status[0] != "Success"
    assert signed_with(answer) == new


def test_sign_outs_are_signed_with_it_too(saml: SamlWorld) -> None:
    one = single_logout.leaver(saml)
    old, new = keys.saml_signing(), publish()
    move(one.party, to=new)
    answer = one.get(saml.session, one.sign_on(saml.session).inside)
    query = urlsplit(single_logout.location_of(answer)).query
    message = bindings.decode_redirect(query)
    with pytest.raises(errors.InvalidSignature):
        bindings.verify_redirect(message, keys=[signature.verification_key(old.certificate)])
    following = keys.saml_signing(new).certificate
    bindings.verify_redirect(message, keys=[signature.verification_key(following)])


def test_what_was_signed_with_which_key_is_audited(saml: SamlWorld, party: Party) -> None:
    new = publish()
    move(party, to=new)
    party.redirect(saml.session)
    assert AuditEvent.objects.get(action="saml.response").details["signing_key"] == new


def test_its_metadata_is_signed_with_it_and_names_it_first(saml: SamlWorld, party: Party) -> None:
    old, new = keys.saml_signing(), publish()

    def first_certificate() -> Any:
        path = entity.metadata_url(party.row).partition(":8000")[2]
        root = xml.parse(Client().get(path).content)
        texts = etree.fromstring(xml.serialise(root)).xpath(
            "//md:KeyDescriptor[@use='signing']//ds:X509Certificate/text()", namespaces=NAMESPACES
        )
        assert len(texts) == 2
        assert signature.verify(root, keys=[signature.verification_key(texts[0])]) is root
        return certificate.load(texts[0]).public_key()

    assert first_certificate() == old.private_key.public_key()
    move(party, to=new)
    assert first_certificate() == keys.saml_signing(new).private_key.public_key()


def test_saving_the_service_provider_moves_nothing_back(saml: SamlWorld, party: Party) -> None:
    read_before = ServiceProvider.objects.get(pk=party.row.pk)
    new = publish()
    move(party, to=new)
    read_before.save()
    assert answered(saml, party) == new


def test_a_move_is_audited_with_before_and_after(saml: SamlWorld, party: Party) -> None:
    old, new = keys.saml_signing().kid, publish()
    move(party, to=new)
    event = AuditEvent.objects.get(action="application.key_moved")
    assert (event.actor, event.application_id) == ("root", party.row.pk)
    assert event.details["changes"] == {"signing_key": {"before": old, "after": new}}
    assert move(party, to=new) == []
    assert AuditEvent.objects.filter(action="application.key_moved").count() == 1


def test_nobody_moves_to_a_key_that_does_not_sign(saml: SamlWorld, party: Party) -> None:
    old = keys.saml_signing().kid
    encryption = SigningKey.objects.get(purpose=keys.SAML_ENCRYPTION).kid
    publish()
    keys.rotate(keys.SAML, "RS256", leaving=[str(party.row.pk)])
    for kid in (old, encryption, "odd", ""):
        with pytest.raises(key_pins.Overtaken):
            move(party, to=kid)
    assert not AuditEvent.objects.filter(action="application.key_moved").exists()


def test_unknown_service_providers_are_passed_over(saml: SamlWorld, party: Party) -> None:
    new = publish()
    moved = key_pins.move([uuid.uuid4(), party.row.pk], to=new, now=timezone.now(), origin=ORIGIN)
    assert [row.pk for row in moved] == [party.row.pk]
    assert KeyPin.objects.count() == 1


# ----- retiring -----


def test_no_key_retires_that_signs_for_somebody(saml: SamlWorld) -> None:
    left, moved, disabled = saml.party(), saml.party(), saml.party()
    disabled.change_application(enabled=False)
    old, new = keys.saml_signing().kid, publish()
    move(moved, to=new)
    with pytest.raises(keys.StillInUse) as refusal:
        keys.rotate(keys.SAML, "RS256")
    assert refusal.value.users == {str(left.row.pk): left.row.application.name}
    assert keys.saml_signing().kid == old
    with pytest.raises(keys.StillInUse):
        keys.rotate(keys.SAML, "RS256", leaving=[str(left.row.pk), str(moved.row.pk)])
    assert keys.rotate(keys.SAML, "RS256", leaving=[str(left.row.pk)]) == "rotated"
    assert answered(saml, left) == answered(saml, moved) == new


def test_moved_back_counts_as_left(saml: SamlWorld, party: Party) -> None:
    old, new = keys.saml_signing().kid, publish()
    move(party, to=new)
    move(party, to=old)
    with pytest.raises(keys.StillInUse):
        keys.rotate(keys.SAML, "RS256")


def test_who_was_left_behind_counts_as_moved_to_the_current_key(
    saml: SamlWorld, party: Party
) -> None:
    old, new = keys.saml_signing().kid, publish()
    move(party, to=new)
    move(party, to=old)
    keys.rotate(keys.SAML, "RS256", leaving=[str(party.row.pk)])
    assert move(party, to=new) == []
    move(party, to=(third := publish()))
    event = AuditEvent.objects.filter(action="application.key_moved").order_by("id").last()
    assert event is not None
    assert event.details["changes"] == {"signing_key": {"before": new, "after": third}}


def test_a_second_roll_over_begins_where_the_first_ended(saml: SamlWorld, party: Party) -> None:
    first = publish()
    move(party, to=first)
    assert keys.rotate(keys.SAML, "RS256") == "rotated"
    second = publish()
    with pytest.raises(keys.StillInUse):
        keys.rotate(keys.SAML, "RS256")
    assert answered(saml, party) == first
    move(party, to=second)
    assert keys.rotate(keys.SAML, "RS256") == "rotated"
    assert answered(saml, party) == second


# ----- told by hand -----


def test_told_by_hand_is_noted_and_taken_back(saml: SamlWorld, party: Party) -> None:
    new = publish()

    def note(*, told: bool) -> int:
        return key_pins.note_told(
            [party.row.pk], kid=new, told=told, by="root", now=timezone.now(), origin=ORIGIN
        )

    assert (note(told=True), note(told=True)) == (1, 0)
    assert KeyPin.objects.get().told_kid == new
    assert (note(told=False), note(told=False)) == (1, 0)
    assert KeyPin.objects.get().told_at is None
    assert AuditEvent.objects.filter(action="application.key_told").count() == 2


# ----- at once -----


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_administrators_move_at_once(saml: SamlWorld) -> None:
    parties = [saml.party() for _ in range(5)]
    new = publish()
    barrier = threading.Barrier(4)
    moved: dict[str, list[ServiceProvider]] = {}

    def run(actor: str) -> None:
        barrier.wait()
        order = parties if actor < "c" else parties[::-1]
        moved[actor] = move(*order, to=new, actor=actor)
        connection.close()

    threads = [threading.Thread(target=run, args=(actor,)) for actor in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(row.pk for rows in moved.values() for row in rows) == sorted(
        party.row.pk for party in parties
    )
    assert AuditEvent.objects.filter(action="application.key_moved").count() == 5


def outcome(act: Callable[[], Any], *refused: type[Exception]) -> str:
    """What an action in a thread of its own comes to."""
    try:
        act()
    except refused as error:
        return type(error).__name__
    finally:
        connection.close()
    return "done"


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_", range(4))
def test_moving_back_and_retiring_at_once_leave_nobody_behind(saml: SamlWorld, _: int) -> None:
    party = saml.party()
    old, new = keys.saml_signing().kid, publish()
    move(party, to=new)
    barrier = threading.Barrier(2)

    def back() -> None:
        barrier.wait()
        move(party, to=old)

    def retire() -> None:
        barrier.wait()
        assert keys.rotate(keys.SAML, "RS256", step="rotated") == "rotated"

    with ThreadPoolExecutor(2) as pool:
        moved = pool.submit(outcome, back, key_pins.Overtaken)
        retired = pool.submit(outcome, retire, keys.StillInUse)
    assert (moved.result(), retired.result()) in {("done", "StillInUse"), ("Overtaken", "done")}
