"""Keys at rest, values of our own, and the life cycle of signing keys."""

from __future__ import annotations

import base64
import time
from datetime import timedelta

import orjson
import pytest
from cryptography import x509
from django.test import override_settings
from django.utils import timezone

from idp import keys
from idp.models import SigningKey
from idp.protocol import jose

OTHER_KEY = base64.urlsafe_b64encode(b"o" * 32).decode()


def with_master_keys(settings, *master_keys):
    return override_settings(IDP=settings.IDP.model_copy(update={"master_key": master_keys}))


def test_sealed_value_opens_for_its_purpose_alone():
    sealed = keys.seal("code", b"content")
    assert keys.unseal("code", sealed) == b"content"
    with pytest.raises(keys.Unsealable):
        keys.unseal("refresh", sealed)


@pytest.mark.parametrize("position", [0, 11, 12, -1])
def test_altered_sealed_value_is_refused(position):
    sealed = bytearray(keys.seal("code", b"content"))
    sealed[position] ^= 1
    with pytest.raises(keys.Unsealable):
        keys.unseal("code", bytes(sealed))


@pytest.mark.parametrize("value", [b"", b"x", b"x" * 28])
def test_short_sealed_value_is_refused(value):
    with pytest.raises(keys.Unsealable):
        keys.unseal("code", value)


def test_old_master_key_still_opens(settings):
    first = settings.IDP.master_key[0]
    sealed, tag, stored = keys.seal("p", b"x"), keys.mac("p", b"x"), keys.encrypt(b"x")
    with with_master_keys(settings, OTHER_KEY, first):
        assert keys.unseal("p", sealed) == b"x"
        assert keys.check_mac("p", b"x", tag)
        assert keys.decrypt(stored) == b"x"
    with with_master_keys(settings, OTHER_KEY):
        assert not keys.check_mac("p", b"x", tag)
        with pytest.raises(keys.Unsealable):
            keys.unseal("p", sealed)
        with pytest.raises(keys.MasterKeyMismatch):
            keys.decrypt(stored)


def test_short_mac_is_refused():
    assert not keys.check_mac("p", b"x", keys.mac("p", b"x")[:15])
    assert not keys.check_mac("p", b"x", b"")


@pytest.mark.django_db
def test_ensure_creates_what_is_missing_once():
    made = keys.ensure()
    assert len(made) == 12
    assert keys.ensure() == []


@pytest.mark.django_db
@pytest.mark.standard("RFC 7517", "5", "public keys with unique kid, use and alg")
def test_key_set_is_public_and_unique():
    keys.ensure()
    published = orjson.loads(keys.jwks())["keys"]
    assert len({key["kid"] for key in published}) == len(published) == 10
    assert all(key["alg"] for key in published if key["use"] == "sig")
    assert {key["kty"] for key in published if key["use"] == "enc"} == {"RSA", "EC"}
    assert not any(set(key) & {"d", "p", "q", "dp", "dq", "qi", "k"} for key in published)


@pytest.mark.django_db
def test_private_keys_are_encrypted_at_rest():
    keys.ensure()
    for row in SigningKey.objects.all():
        assert b"PRIVATE" not in bytes(row.private_key)
        assert keys.decrypt(bytes(row.private_key))[:1] == b"\x30"


@pytest.mark.django_db
@pytest.mark.standard("OIDC Core", "10.1.1", "rotation publishes, signs, retires with overlap")
def test_rotation_signs_with_what_was_published_before():
    keys.ensure()
    before = set(keys.verification_keys())
    old = keys.signer("ES256")
    token = old.sign({"iss": "i", "aud": "a", "exp": 9999999999}, typ="JWT")
    assert keys.rotate("oidc", "ES256") == "rotated"
    assert keys.signer("ES256").kid in before
    assert keys.signer("ES256").kid != old.kid
    assert old.kid in keys.verification_keys()
    claims = jose.verify(
        token,
        keys.verification_keys(),
        typ=["JWT"],
        algorithms=["ES256"],
        issuer="i",
        audience="a",
        now=timezone.now(),
    )
    assert claims["iss"] == "i"


@pytest.mark.django_db
def test_retired_key_leaves_the_key_set_after_the_overlap():
    keys.ensure()
    old = keys.signer("ES256").kid
    keys.rotate("oidc", "ES256")
    long_ago = timezone.now() - keys.overlap() - timedelta(seconds=1)
    for row in SigningKey.objects.filter(kid=old):
        row.retired_at = long_ago
        row.save()
    assert old not in keys.verification_keys()


@pytest.mark.django_db
def test_saml_rotation_publishes_before_it_signs():
    keys.ensure()
    first = keys.saml_signing()
    assert keys.saml_certificates() == (first.certificate,)
    assert keys.rotate("saml", "RS256") == "published"
    assert keys.saml_signing().kid == first.kid
    assert len(keys.saml_certificates()) == 2
    following = keys.saml().following
    assert following is not None
    assert keys.saml_signing(following.kid).kid == following.kid
    assert keys.rotate("saml", "RS256") == "rotated"
    assert keys.saml_signing().kid == following.kid


@pytest.mark.django_db
@pytest.mark.standard("SAML Metadata", "2.4.1.1", "a retired key signs no more, and is published")
def test_retired_saml_key_signs_no_more_and_is_published_for_a_day(monkeypatch):
    keys.ensure()
    first = keys.saml_signing()
    keys.rotate("saml", "RS256")
    keys.rotate("saml", "RS256")
    assert keys.saml_signing(first.kid).kid == keys.saml_signing().kid != first.kid
    assert [key.kid for key in keys.saml().published] == [keys.saml_signing().kid, first.kid]
    later = time.time() + keys.SAML_PUBLISHED_FOR.total_seconds() + 1
    monkeypatch.setattr(keys.time, "time", lambda: later)
    SigningKey.objects.filter(kid=first.kid).update(
        retired_at=timezone.now() - keys.SAML_PUBLISHED_FOR
    )
    assert [key.kid for key in keys.saml().published] == [keys.saml_signing().kid]


@pytest.mark.django_db
def test_an_unknown_key_signs_nothing():
    keys.ensure()
    assert keys.saml_signing("odd").kid == keys.saml_signing().kid
    encryption = SigningKey.objects.get(purpose="saml-enc")
    assert keys.saml_signing(encryption.kid).kid == keys.saml_signing().kid


@pytest.mark.django_db
@pytest.mark.standard("SAML Metadata", "2.4.1.1", "two live decryption keys, the newest first")
def test_saml_decryption_keys_follow_each_other():
    keys.ensure()
    (first,) = keys.saml_decryption()
    assert keys.rotate("saml-enc", "RSA-OAEP") == "published"
    assert len(keys.saml_encryption_certificates()) == 2
    following, again = keys.saml_decryption()
    assert again.private_numbers() == first.private_numbers()
    assert keys.rotate("saml-enc", "RSA-OAEP") == "rotated"
    (published,) = keys.saml_encryption_certificates()
    certificate = x509.load_pem_x509_certificate(published.encode())
    assert certificate.public_key() == following.public_key()
    assert [key.public_key() for key in keys.saml_decryption()] == [
        following.public_key(),
        first.public_key(),
    ]
    SigningKey.objects.filter(purpose="saml-enc", state="retired").update(
        retired_at=timezone.now() - keys.SAML_DECRYPTS_FOR
    )
    keys.directory.forget()
    assert len(keys.saml_decryption()) == 1


@pytest.mark.django_db
def test_a_key_in_use_retires_only_where_its_users_are_named(monkeypatch):
    keys.ensure()
    monkeypatch.setitem(keys._users, "saml", lambda row: {"1": "Acme", "2": f"of {row.kid}"})
    first = keys.saml_signing().kid
    assert keys.rotate("saml", "RS256") == "published"
    for leaving in ([], ["1"], ["1", "2", "3"]):
        with pytest.raises(keys.StillInUse) as refusal:
            keys.rotate("saml", "RS256", leaving=leaving)
        assert refusal.value.users == {"1": "Acme", "2": f"of {first}"}
    assert keys.saml_signing().kid == first
    assert keys.rotate("saml", "RS256", leaving=["2", "1"]) == "rotated"


@pytest.mark.django_db
def test_a_step_that_somebody_else_took_is_not_taken_twice():
    keys.ensure()
    assert keys.rotate("saml", "RS256", step="rotated") is None
    assert keys.rotate("saml", "RS256", step="published") == "published"
    assert keys.rotate("saml", "RS256", step="published") is None
    assert SigningKey.objects.filter(purpose="saml").count() == 2


@pytest.mark.django_db
def test_saml_certificate_is_of_its_key():
    keys.ensure()
    key = keys.saml_signing()
    certificate = x509.load_pem_x509_certificate(key.certificate.encode())
    assert certificate.public_key() == key.private_key.public_key()
    assert key.private_key.key_size >= 2048


@pytest.mark.django_db
def test_only_one_current_key_is_possible():
    from django.db import IntegrityError

    keys.ensure()
    row = SigningKey.objects.filter(state="next").first()
    row.state = "current"
    with pytest.raises(IntegrityError):
        row.save()


@pytest.mark.django_db
def test_without_keys_signing_is_refused():
    with pytest.raises(keys.NoKey):
        keys.signer("RS256")
    with pytest.raises(keys.NoKey):
        keys.saml_signing()


@pytest.mark.django_db
def test_reencrypt_moves_to_the_first_master_key(settings):
    keys.lasting_secret.cache_clear()
    keys.ensure()
    first = settings.IDP.master_key[0]
    with with_master_keys(settings, OTHER_KEY, first):
        assert keys.reencrypt() == 13
    with with_master_keys(settings, OTHER_KEY):
        assert keys.saml_signing()


@pytest.mark.django_db
@pytest.mark.standard("OIDC Core", "10.1.1", "a key set in memory loses what has retired for good")
def test_cached_key_set_ends_with_its_first_retired_key(monkeypatch):
    keys.ensure()
    old = keys.signer("ES256").kid
    keys.rotate("oidc", "ES256")
    assert old in keys.verification_keys()
    assert old.encode() in keys.jwks()
    later = time.time() + keys.overlap().total_seconds() + 1
    monkeypatch.setattr(keys.time, "time", lambda: later)
    SigningKey.objects.filter(kid=old).update(
        retired_at=timezone.now() - keys.overlap() - timedelta(seconds=1)
    )
    assert old not in keys.verification_keys()
    assert old.encode() not in keys.jwks()


@pytest.mark.django_db
@pytest.mark.standard("OIDC Core", "10.2.1", "what was encrypted to the old key is still opened")
def test_encryption_key_is_replaced_and_still_opens():
    keys.ensure()
    (old,) = (
        k for k in orjson.loads(keys.jwks())["keys"] if k["use"] == "enc" and k["kty"] == "EC"
    )
    assert keys.rotate("oidc-enc", "ECDH-ES") == "rotated"
    published = [key for key in orjson.loads(keys.jwks())["keys"] if key["use"] == "enc"]
    assert len(published) == 2
    assert old["kid"] not in {key["kid"] for key in published}
    assert {old["kid"], *(key["kid"] for key in published)} == set(keys.decryption_keys())
    SigningKey.objects.get(kid=old["kid"])
    row = SigningKey.objects.get(kid=old["kid"])
    row.retired_at = timezone.now() - keys.DECRYPTS_FOR
    row.save()
    assert old["kid"] not in keys.decryption_keys()


@pytest.mark.django_db
def test_encryption_keys_verify_nothing():
    keys.ensure()
    assert not set(keys.decryption_keys()) & set(keys.verification_keys())


@pytest.mark.django_db
def test_rotation_of_a_key_that_is_not_current_any_more_does_nothing():
    keys.ensure()
    first = keys.signer("ES256").kid
    assert keys.rotate("oidc", "ES256", current=first) == "rotated"
    second = keys.signer("ES256").kid
    assert keys.rotate("oidc", "ES256", current=first) is None
    assert keys.signer("ES256").kid == second


@pytest.mark.django_db
def test_lasting_secret_survives_a_new_master_key(settings):
    keys.lasting_secret.cache_clear()
    secret = keys.lasting_secret("test")
    assert len(secret) == 32
    assert secret != keys.lasting_secret("other")
    with with_master_keys(settings, OTHER_KEY, settings.IDP.master_key[0]):
        keys.reencrypt()
    with with_master_keys(settings, OTHER_KEY):
        keys.lasting_secret.cache_clear()
        assert keys.lasting_secret("test") == secret
    keys.lasting_secret.cache_clear()
