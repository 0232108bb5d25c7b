"""Members that were only kept in `metadata` move to the columns that act on them."""

from typing import Any

from django.db import migrations

MEMBERS = (
    "backchannel_logout_session_required",
    "backchannel_logout_uri",
    "frontchannel_logout_session_required",
    "frontchannel_logout_uri",
    "initiate_login_uri",
    "jwks",
    "jwks_uri",
    "request_uris",
    "sector_identifier_uri",
    "token_endpoint_auth_signing_alg",
)


def move(apps: Any, schema_editor: Any) -> None:
    """`subject_type` was only ever public; a foreign algorithm was never used."""
    for client in apps.get_model("idp", "Client").objects.exclude(metadata={}).iterator():
        kept = dict(client.metadata)
        kept.pop("subject_type", None)
        for name in MEMBERS:
            if name in kept:
                setattr(client, name, kept.pop(name))
        client.metadata = kept
        client.save(update_fields=["metadata", *MEMBERS])


class Migration(migrations.Migration):
    dependencies = [("idp", "0002_conformance")]
    operations = [migrations.RunPython(move, migrations.RunPython.noop)]
