"""`manage.py rotate_signing_keys`: one step at a time, and nobody left behind unnamed."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from idp import keys
from idp.models import AuditEvent, SigningKey
from tests.support.factories import ServiceProviderFactory
from tests.support.protocol import restore_keys

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("rotate_signing_keys", *arguments, stdout=output)
    return output.getvalue()


def test_saml_publishes_first_and_names_who_would_be_left_behind() -> None:
    restore_keys()
    row = ServiceProviderFactory(application__name="Acme Reports")
    old = keys.saml_signing().kid
    assert "move the service providers" in run("--saml")
    with pytest.raises(CommandError, match=rf"{row.pk}  Acme Reports"):
        run("--saml")
    with pytest.raises(CommandError, match="would refuse sign-ins"):
        run("--saml", "--leave-behind", "somebody else")
    assert keys.saml_signing().kid == old
    assert not AuditEvent.objects.filter(action="key.rotated").exists()
    assert "signs for everybody now" in run("--saml", "--leave-behind", str(row.pk))
    assert keys.saml_signing().kid != old
    details = AuditEvent.objects.get(action="key.rotated").details
    assert (details["purpose"], details["left_behind"]) == ("saml", [str(row.pk)])


def test_saml_without_service_providers_needs_no_names() -> None:
    restore_keys()
    run("--saml")
    assert "signs for everybody now" in run("--saml")


def test_the_key_to_encrypt_to_us_with() -> None:
    restore_keys()
    assert "run this again" in run("--saml-encryption")
    assert "still opens" in run("--saml-encryption")
    assert SigningKey.objects.filter(purpose="saml-enc").count() == 2


def test_encryption_of_openid_connect_is_replaced() -> None:
    restore_keys()
    assert "the old one still opens" in run("--encryption", "--algorithm", "ECDH-ES")
