"""Set up what the demonstration lacks: database, keys, people, the two applications' registrations.

Runs in Gatehouse's environment (`python -m deploy.demo.prepare --data DIR --port N`) and through
management commands, as an administrator would. Run again, it changes nothing that is there.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import string
import sys
import tempfile
from pathlib import Path
from typing import Any

import django
from django.core.management import CommandError, call_command

from deploy import serve
from deploy.demo import environment, people, saas_application
from deploy.demo.environment import Demonstration


def prepare(demonstration: Demonstration) -> None:
    """Everything, in order; each step says what it does."""
    say("Preparing the database ...")
    call_command("migrate", verbosity=0)
    make_keys()
    password = demo_password(demonstration)
    os.environ["GATEHOUSE_PASSWORD"] = password
    for name, options in people.PEOPLE.items():
        settle(name, options, secret=password)
    register_web_application(demonstration)
    register_saas_application(demonstration)
    spoken = {"port": demonstration.port, "tls": demonstration.tls}
    demonstration.write({**demonstration.read(), **spoken})


def make_keys() -> None:
    """The first signing keys; says when the data belongs to another master key."""
    from idp import health, keys

    try:
        if keys.ensure():
            say("Made the signing keys.")
        health.keys_are_there()
    except keys.MasterKeyMismatch:
        sys.exit("The file master-key does not open the keys in the database: restore both.")


def new_password() -> str:
    """Sixteen characters that a double click selects and a shell takes as they are."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(16))


def demo_password(demonstration: Demonstration) -> str:
    """The people's password: the one asked for, else that of earlier runs, else a new one."""
    asked = os.environ.get("GATEHOUSE_DEMO_PASSWORD", "")
    password = asked or demonstration.password or new_password()
    if password != demonstration.password:
        lines = (f"{name} {password}\n" for name in people.PEOPLE)
        environment.write_private(demonstration.data / "demo-credentials", "".join(lines))
    return password


def settle(name: str, options: list[str], *, secret: str) -> None:
    """Create a person; one who is there only gets the password that was asked for."""
    from idp.accounts import password
    from idp.models import User

    user = User.objects.by_login(name)
    asked = bool(os.environ.get("GATEHOUSE_DEMO_PASSWORD"))
    if user is None:
        say(f"Creating {name} ...")
    elif asked and not password.verify(user, secret):
        say(f"Giving {name} the password of GATEHOUSE_DEMO_PASSWORD ...")
    else:
        return
    call_command("create_user", name, *options, stdout=io.StringIO())


def register_web_application(demonstration: Demonstration) -> None:
    """Register the OpenID Connect application, unless it is there."""
    from idp.models import Client

    home = demonstration.web_application
    known = demonstration.registered(home).get("client_id", "")
    if Client.objects.filter(client_id=known).exists():
        return
    metadata = {
        "client_name": name_for(demonstration, "Demo web application"),
        "client_uri": home,
        "redirect_uris": [f"{home}/callback"],
        "post_logout_redirect_uris": [f"{home}/signed-out"],
        "initiate_login_uri": f"{home}/login",
        "backchannel_logout_uri": f"{home}/backchannel-logout",
        "backchannel_logout_session_required": True,
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "scope": "openid profile email address phone groups",
    }
    register(demonstration, home, command="register_client", document=json.dumps(metadata))


def register_saas_application(demonstration: Demonstration) -> None:
    """Register the SAML service provider by its metadata, unless it is there as it is now."""
    from federation.models import ServiceProvider
    from idp.models import Application

    home = demonstration.saas_application
    entity_id = demonstration.registered(home).get("entity_id", "")
    settings = saas_application.service_provider(demonstration)
    metadata = saas_application.metadata_of(settings).decode()
    known = ServiceProvider.objects.filter(entity_id=entity_id).first()
    # One of an earlier release does not know how to be signed out.
    if known is not None and known.single_logout_services:
        return
    register(demonstration, home, command="register_service_provider", document=metadata)
    # Its metadata cannot say where people start it; an administrator would enter that.
    application = Application.objects.get(service_provider__entity_id=settings["sp"]["entityId"])
    if not application.launch_url:
        application.launch_url = home
        application.save(update_fields=["launch_url"])


def register(demonstration: Demonstration, home: str, *, command: str, document: str) -> None:
    """Run a registration command on a document and keep what it returns."""
    say(f"Registering {home} ...")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "registration"
        path.write_text(document)
        output = io.StringIO()
        # What a demonstration lacks, https, is no news.
        call_command(command, str(path), stdout=output, stderr=io.StringIO())
    answer: dict[str, Any] = json.loads(output.getvalue())
    notes = demonstration.read()
    demonstration.write(
        {**notes, "registrations": {**notes.get("registrations", {}), home: answer}}
    )


def name_for(demonstration: Demonstration, name: str) -> str:
    """The application's name; elsewhere than at the usual address with what differs."""
    scheme = "https, " if demonstration.tls else ""
    usual = demonstration.port == environment.DEFAULT_PORT and not demonstration.tls
    return name if usual else f"{name} ({scheme}port {demonstration.port + 1})"


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, flush=True)


def main() -> None:
    """Prepare the demonstration of the command line."""
    options = environment.application_options(sys.argv[1:])
    demonstration = environment.at(options.data, port=options.port, tls=options.tls)
    os.environ.update(demonstration.environment())
    serve.check_settings()
    django.setup()
    try:
        prepare(demonstration)
    except CommandError as error:
        sys.exit(f"The demonstration could not be set up: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
