"""Fills an empty database with what the scenarios need; prints it as JSON.

Run by `run.py` in the environment of the server to be measured: people with live sessions, a web
application, a machine, a gateway that may introspect, a SAML service provider.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "idp.settings")

REDIRECT_URI = "https://app.example.org/callback"
RESOURCE = "https://api.example.org"
SCOPE = "reports:read"
ENTITY_ID = "https://sp.example.org/metadata"
ACS = "https://sp.example.org/acs"


def main(people: int) -> None:
    """Create everything and print the facts."""
    import django

    django.setup()
    from django.core.management import call_command

    from idp import keys

    call_command("migrate", verbosity=0)
    keys.ensure()
    facts = {**_clients(), "people": [_person(number) for number in range(people)]}
    json.dump(facts, sys.stdout)


def _clients() -> dict[str, Any]:
    from django.conf import settings

    from federation.identity_provider import registration as saml
    from idp.models import Application, Resource, ResourceScope

    resource = Resource.objects.create(name="Reports", identifier=RESOURCE)
    ResourceScope.objects.create(resource=resource, name=SCOPE, description="Read reports")
    web = _register(
        {
            "client_name": "Web",
            "redirect_uris": [REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "id_token_signed_response_alg": "ES256",
            "gatehouse_refresh_always": True,
            "gatehouse_first_party": True,
        }
    )
    machine_metadata = {
        "grant_types": ["client_credentials"],
        "response_types": [],
        "gatehouse_profile": "machine",
        "gatehouse_resources": [RESOURCE],
    }
    machine = _register({"client_name": "Machine", **machine_metadata})
    gateway = _register({"client_name": "Gateway", **machine_metadata})
    gateway.pop("row").introspects.add(resource)
    provider = saml.register(ENTITY_ID, ACS, name="SaaS").service_provider
    for row in (web.pop("row"), machine.pop("row")):
        Application.objects.filter(pk=row.pk).update(access=Application.Access.EVERYONE)
    return {
        "web": web,
        "machine": machine,
        "gateway": gateway,
        "redirect_uri": REDIRECT_URI,
        "machine_scope": SCOPE,
        "resource": RESOURCE,
        "service_provider": {
            "entity_id": provider.entity_id,
            "destination": settings.IDP.url("/saml/sso"),
        },
    }


def _register(metadata: dict[str, Any]) -> dict[str, Any]:
    from idp import registration
    from idp.protocol import client_metadata

    client, secret = registration.register(client_metadata.parse(metadata))
    return {"client_id": client.client_id, "client_secret": secret, "row": client}


def _person(number: int) -> dict[str, Any]:
    from types import SimpleNamespace

    from django.conf import settings
    from django.utils import timezone

    from idp.accounts import session, session_state
    from idp.models import Group, User

    user = User.objects.create_user(
        f"person{number}",
        email=f"person{number}@example.org",
        email_verified=True,
        given_name="Person",
        family_name=f"Number {number}",
    )
    for name in ("staff", "users"):
        group, _ = Group.objects.get_or_create(name=name)
        user.groups.add(group)
    origin = SimpleNamespace(client_address="127.0.0.1", user_agent="bench", request_id="bench")
    now = timezone.now()
    begun, token = session.start(
        user, factor="password", amr=["pwd"], acr="pwd", request=origin, now=now, replacing=None
    )
    state, _, _ = session_state.cookie(begun.pk).partition(";")
    return {"cookie": f"{settings.IDP.cookie('session')}={token}; {state}"}


if __name__ == "__main__":
    main(int(sys.argv[1]))
