"""Registering clients: by metadata in, by the same metadata out, the secret once."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from idp import registration
from idp.models import Application, AuditEvent, Client, Revocation, Version
from idp.protocol import client_metadata, subject
from idp.protocol.errors import InvalidClientMetadata
from idp.tokens import client_secret
from tests.support.factories import ResourceFactory

FULL = {
    "client_name": "Acme",
    "redirect_uris": ["https://acme.example/cb", "https://acme.example/cb2"],
    "post_logout_redirect_uris": ["https://acme.example/bye"],
    "token_endpoint_auth_method": "client_secret_post",
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "application_type": "web",
    "client_uri": "https://acme.example/",
    "policy_uri": "https://acme.example/privacy",
    "tos_uri": "https://acme.example/terms",
    "contacts": ["ops@acme.example"],
    "scope": "openid email offline_access",
    "id_token_signed_response_alg": "ES256",
    "default_max_age": 3600,
    "require_auth_time": True,
    "default_acr_values": ["pwd"],
    "backchannel_logout_uri": "https://acme.example/backchannel",
    "backchannel_logout_session_required": True,
    "jwks_uri": "https://acme.example/jwks",
    "gatehouse_profile": "default",
    "gatehouse_pkce": "required",
    "gatehouse_id_token_scope_claims": True,
    "gatehouse_refresh_always": True,
    "gatehouse_first_party": True,
}

PUBLIC = {"redirect_uris": ["https://a.example/"], "token_endpoint_auth_method": "none"}


def parse(document: dict[str, Any]) -> client_metadata.ClientMetadata:
    return client_metadata.parse(document)


@pytest.mark.django_db
def test_every_member_comes_back() -> None:
    client, secret = registration.register(parse(FULL))
    client.refresh_from_db()
    document = registration.document(client)
    for name, value in FULL.items():
        assert document[name] == value, name
    assert secret is not None
    assert client_secret.belongs_to(client, secret)
    assert secret not in str(document)
    assert secret not in str(vars(client))
    assert registration.metadata_of(client) == parse(FULL)


@pytest.mark.django_db
def test_columns_that_decide_are_filled() -> None:
    client, _ = registration.register(parse(FULL))
    assert client.pkce == "required"
    assert client.refresh_always
    assert client.application.first_party
    assert client.application.launch_url == "https://acme.example/"
    assert client.application.contact == "ops@acme.example"
    assert AuditEvent.objects.get().action == "application.created"


@pytest.mark.django_db
def test_public_client_has_no_secret() -> None:
    metadata = parse(
        {"redirect_uris": ["https://a.example/"], "token_endpoint_auth_method": "none"}
    )
    client, secret = registration.register(metadata)
    assert secret is None
    assert bytes(client.secret_hash) == b""
    assert client.application.kind == Application.Kind.SPA
    assert client.application.name == "a.example"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"redirect_uris": ["https://a.example/"]}, "web"),
        ({"gatehouse_profile": "machine"}, "machine"),
        (
            {
                "redirect_uris": ["http://127.0.0.1/"],
                "application_type": "native",
                "token_endpoint_auth_method": "none",
            },
            "native",
        ),
    ],
)
def test_kind(document: dict[str, Any], kind: str) -> None:
    client, _ = registration.register(parse(document))
    assert client.application.kind == kind


@pytest.mark.django_db
def test_client_id_is_nobodys_subject() -> None:
    client, _ = registration.register(parse({"redirect_uris": ["https://a.example/"]}))
    assert subject.may_be_client_id(client.client_id)


@pytest.mark.django_db
def test_offline_access_brings_the_grant_it_needs() -> None:
    client, _ = registration.register(parse({**PUBLIC, "scope": "openid offline_access"}))
    assert client.grant_types == ["authorization_code", "refresh_token"]
    client, _ = registration.register(parse({**PUBLIC, "scope": "openid"}))
    assert client.grant_types == ["authorization_code"]


@pytest.mark.django_db
def test_apis() -> None:
    document = {"gatehouse_profile": "machine", "gatehouse_resources": ["https://api.example"]}
    with pytest.raises(InvalidClientMetadata):
        registration.register(parse(document))
    assert not Application.objects.exists()
    resource = ResourceFactory(identifier="https://api.example")
    client, _ = registration.register(parse(document))
    assert list(client.resources.all()) == [resource]
    assert registration.document(client)["gatehouse_resources"] == ["https://api.example"]


@pytest.mark.django_db
def test_update() -> None:
    client, _ = registration.register(parse(FULL))
    changed = {**FULL, "redirect_uris": ["https://acme.example/new"], "client_name": "New"}
    del changed["jwks_uri"]
    registration.update(client, parse(changed))
    client = Client.objects.get()
    assert client.redirect_uris == ["https://acme.example/new"]
    assert client.application.name == "New"
    assert "jwks_uri" not in registration.document(client)
    assert bytes(client.secret_hash)


@pytest.mark.django_db
def test_becoming_public_ends_the_secret() -> None:
    client, _ = registration.register(parse(FULL))
    registration.update(client, parse({**FULL, "token_endpoint_auth_method": "none"}))
    assert bytes(Client.objects.get().secret_hash) == b""


@pytest.mark.django_db
def test_new_secret_kills_the_old_one() -> None:
    client, old = registration.register(parse(FULL))
    new = registration.regenerate_secret(client)
    client = Client.objects.get()
    assert old is not None
    assert not client_secret.belongs_to(client, old)
    assert client_secret.belongs_to(client, new)


@pytest.mark.django_db
def test_public_client_gets_no_new_secret() -> None:
    metadata = parse(
        {"redirect_uris": ["https://a.example/"], "token_endpoint_auth_method": "none"}
    )
    client, _ = registration.register(metadata)
    with pytest.raises(InvalidClientMetadata):
        registration.regenerate_secret(client)


# ----- the command -----


def run(file: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("register_client", file, stdout=out, skip_checks=True)
    return json.loads(out.getvalue())


@pytest.mark.django_db
def test_command_reads_a_file(tmp_path: Path) -> None:
    file = tmp_path / "client.json"
    file.write_text(json.dumps(FULL))
    document = run(str(file))
    client = Client.objects.get(client_id=document["client_id"])
    assert client_secret.belongs_to(client, document["client_secret"])
    assert document["client_secret_expires_at"] == 0
    assert document["redirect_uris"] == FULL["redirect_uris"]


@pytest.mark.django_db
def test_command_reads_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = json.dumps(PUBLIC)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw.encode())))
    document = run("-")
    assert "client_secret" not in document
    assert document["token_endpoint_auth_method"] == "none"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not a JSON object"),
        ("[]", "not a JSON object"),
        ('{"a":1,"a":2}', "not a JSON object"),
        ("{}", "invalid_redirect_uri"),
        ('{"redirect_uris":["http://a.example/"]}', "invalid_redirect_uri"),
        ('{"redirect_uris":"x"}', "invalid_client_metadata"),
        ('{"redirect_uris":["https://a.example/"],"gatehouse_x":1}', "gatehouse_x"),
        ("\x00", "not a JSON object"),
    ],
)
def test_command_says_what_is_wrong(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "client.json"
    file.write_text(content)
    with pytest.raises(CommandError, match=words):
        run(str(file))
    assert not Application.objects.exists()


@pytest.mark.django_db
def test_command_says_that_the_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        run(str(tmp_path / "missing.json"))


# ----- two secrets -----


@pytest.mark.django_db
def test_a_new_secret_beside_the_old_one() -> None:
    client, first = registration.register(client_metadata.parse(FULL))
    second = registration.regenerate_secret(client, keep_previous=timedelta(days=7))
    assert client_secret.belongs_to(client, first)
    assert client_secret.belongs_to(client, second)
    client.refresh_from_db()
    assert client.previous_secret_used_at is not None
    assert client.previous_secret_expires_at - timezone.now() > timedelta(days=6)
    third = registration.regenerate_secret(client, keep_previous=timedelta(days=7))
    assert [client_secret.belongs_to(client, one) for one in (first, second, third)] == [
        *(False, True, True)
    ]


@pytest.mark.django_db
def test_the_old_secret_ends_by_itself_or_at_once() -> None:
    client, first = registration.register(client_metadata.parse(FULL))
    second = registration.regenerate_secret(client, keep_previous=timedelta(days=7))
    client.previous_secret_expires_at = timezone.now()
    assert not client_secret.belongs_to(client, first)
    client.previous_secret_expires_at = timezone.now() + timedelta(days=1)
    assert registration.end_previous_secret(client)
    assert not registration.end_previous_secret(client)
    assert not client_secret.belongs_to(client, first)
    assert client_secret.belongs_to(client, second)


@pytest.mark.django_db
def test_without_an_overlap_tokens_die_with_an_overlap_they_live() -> None:
    client, _ = registration.register(client_metadata.parse(FULL))
    registration.regenerate_secret(client, keep_previous=timedelta(days=7))
    assert not Revocation.objects.exists()
    registration.regenerate_secret(client)
    assert Revocation.objects.get().key == client.client_id
    assert client.previous_secret_hash == b""


@pytest.mark.django_db
def test_use_of_the_old_secret_is_noted_without_emptying_memories() -> None:
    client, first = registration.register(client_metadata.parse(FULL))
    registration.regenerate_secret(client, keep_previous=timedelta(days=7))
    before = Version.objects.get().configuration
    for _ in range(3):
        assert client_secret.belongs_to(client, first)
    assert Version.objects.get().configuration == before
