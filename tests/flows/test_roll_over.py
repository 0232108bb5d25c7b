"""A whole roll-over of our SAML certificate over HTTP, with python3-saml as the service providers.

One fetches our metadata by itself, one is told by mail, one stays on the old key until the end. No
sign-in fails, not even while people sign in all the time and waves move under them.
"""

from __future__ import annotations

import email
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from typing import Any

import pytest
import requests
from onelogin.saml2.errors import OneLogin_Saml2_ValidationError

from federation.saml import datatypes
from tests.attacks.saml.service_provider import ServiceProvider
from tests.support.person import TIMEOUT, Person
from tests.support.postgresql import Cluster
from tests.support.saml import Posted, accept, metadata_of, posted
from tests.support.server import Gatehouse

PAGE = "/admin/keys/saml/"
PATIENCE_SECONDS = 60
HEARD_EVERYWHERE = 0.3  # seconds until every process knows what was changed in one of them
CONTACT = (
    '<md:ContactPerson contactType="technical"><md:EmailAddress>mailto:ops@sp.example'
    "</md:EmailAddress></md:ContactPerson></md:EntityDescriptor>"
)


class Application:
    """A service provider that believes the metadata it was last given, and nothing else."""

    def __init__(self, gatehouse: Gatehouse, name: str) -> None:
        host = f"https://{name.lower()}.example"
        self.gatehouse, self.name = gatehouse, name
        self.sp = ServiceProvider(
            entity_id=f"{host}/metadata",
            acs_url=f"{host}/acs",
            destination=gatehouse.url("/saml/sso"),
        )
        text = metadata_of(self.sp).decode().replace("</md:EntityDescriptor>", CONTACT)
        registered = gatehouse.register_service_provider(text)
        self.metadata_url = registered["metadata_url"]
        # Downloaded by a person, as most are: that is no proof of anything.
        self.metadata = requests.get(
            self.metadata_url, headers={"Sec-Fetch-Mode": "navigate"}, timeout=TIMEOUT
        ).content

    def fetch(self) -> None:
        """Fetch the metadata by itself, and use it from now on."""
        self.metadata = requests.get(self.metadata_url, timeout=TIMEOUT).content

    def sign_in(self, person: Person) -> Any:
        """One sign-in, verified in python3-saml's strictest setting; raises if it is refused."""
        identifier = datatypes.new_id()
        query = self.sp.redirect(self.sp.text(identifier=identifier)).decode()
        page = person.open(self.gatehouse.url(f"/saml/sso?{query}"))
        return accept(self.sp, self.metadata, form_of(page), request_id=identifier)


def form_of(page: requests.Response) -> Posted:
    """The form that a browser would post to the service provider."""

    class Answer:
        status_code = page.status_code
        content = page.content

    return posted(Answer)


class Administrator(Person):
    """Presses the buttons of the roll-over's page."""

    def __init__(self, gatehouse: Gatehouse) -> None:
        super().__init__()
        self.gatehouse = gatehouse
        self.sign_in(self.open(gatehouse.url("/login?next=/admin/")), "admin", gatehouse.password)

    def page(self, path: str = PAGE) -> str:
        answer = self.open(self.gatehouse.url(path))
        assert answer.status_code == 200, answer.text[:500]
        return answer.text

    def press(self, path: str = PAGE, **fields: Any) -> str:
        """Send a form with the token and the keys of the page as it is now."""
        html = self.page(path)
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', html))
        kept = {key: hidden[key] for key in ("csrfmiddlewaretoken", "new", "old") if key in hidden}
        answer = self.session.post(
            self.gatehouse.url(path),
            data={**kept, **fields},
            headers={"Referer": self.gatehouse.url(path)},
            timeout=TIMEOUT,
        )
        assert answer.status_code == 200, answer.text[:500]
        return answer.text

    def identifier(self, application: Application) -> str:
        """The row's own value, from its check box."""
        name = application.sp.acs_url.removeprefix("https://").removesuffix("/acs")
        found = re.search(rf'value="([0-9a-f-]+)" aria-label="{re.escape(name)}"', self.page())
        assert found is not None
        return found[1]

    def wait_until_ready(self, count: int) -> None:
        """Fetches are written beside the endpoint: a moment later."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while f"<b>{count}</b> ready to move" not in (html := self.page()):
            assert time.monotonic() < deadline, html
            time.sleep(0.05)


@pytest.fixture(params=["sqlite", "postgresql"])
def server(
    request: pytest.FixtureRequest, own_gatehouse: Callable[..., Gatehouse], tmp_path: Any
) -> Gatehouse:
    """A server of its own whose mail goes into files; two processes on PostgreSQL."""
    options: dict[str, Any] = {"settings": {"GATEHOUSE_EMAIL_URL": (tmp_path / "mail").as_uri()}}
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("postgresql")
        options |= {"database_url": cluster.create_database(), "workers": 2}
    return own_gatehouse(**options)


def alice_at(server: Gatehouse) -> Person:
    person = Person()
    person.sign_in(person.open(server.url("/login")), "alice", server.password)
    return person


def mails(server: Gatehouse) -> Iterator[Message]:
    """What was sent, from the files."""
    for path in sorted((server.folder.parent / "mail").iterdir()):
        for text in path.read_bytes().split(b"-" * 79 + b"\n"):
            if text.strip():
                yield email.message_from_bytes(text)


def attachment(message: Message, name: str) -> bytes:
    (part,) = [one for one in message.walk() if one.get_filename() == name]
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


@pytest.mark.standard("SAML Metadata", "2.4.1.1", "a roll-over without a failed sign-in")
def test_three_service_providers_in_three_states(server: Gatehouse) -> None:
    fetching, told, silent = (Application(server, name) for name in ("Fetch", "Told", "Silent"))
    everybody = (fetching, told, silent)
    alice, administrator = alice_at(server), Administrator(server)

    def all_sign_in() -> None:
        for application in everybody:
            application.sign_in(alice)

    all_sign_in()
    administrator.press(publish="chosen")
    all_sign_in()

    # The first one reads our metadata now and then.
    administrator.wait_until_ready(0)
    fetching.fetch()
    administrator.wait_until_ready(1)
    all_sign_in()
    assert "signed for with the new certificate: fetch.example" in administrator.press(move="ready")
    all_sign_in()

    # The second one's people get a mail and import the file that is in it.
    told_id, silent_id = administrator.identifier(told), administrator.identifier(silent)
    asked = administrator.press(f"{PAGE}remind/", remind=told_id)
    (tick,) = re.findall(r'name="tick" value="([^"]+)"', asked)
    administrator.press(f"{PAGE}remind/", send="yes", tick=tick)
    (message,) = mails(server)
    assert message["To"] == "ops@sp.example"
    assert told.metadata_url in str(message.get_payload(0))
    told.metadata = attachment(message, "gatehouse-metadata.xml")
    all_sign_in()
    administrator.press(told=told_id)
    administrator.press(move="ready")
    all_sign_in()

    # The third one knows nothing: it stays on the old key, which cannot retire unasked.
    assert "not known to be ready" in administrator.press(move=silent_id)
    administrator.press(f"{PAGE}retire/")
    assert "silent.example" in administrator.page(f"{PAGE}retire/")
    all_sign_in()

    # Moved all the same it refuses what it gets, as these tests would see of the others too.
    administrator.press(move=silent_id, sure="yes")
    time.sleep(HEARD_EVERYWHERE)
    with pytest.raises(OneLogin_Saml2_ValidationError, match="Signature validation failed"):
        silent.sign_in(alice)
    administrator.press(back=silent_id)
    time.sleep(HEARD_EVERYWHERE)
    all_sign_in()

    silent.fetch()
    administrator.wait_until_ready(1)
    administrator.press(move="ready")
    all_sign_in()
    administrator.press(f"{PAGE}retire/")
    assert "Publish the next certificate" in administrator.page()
    all_sign_in()
    for application in everybody:
        application.fetch()
    all_sign_in()


def test_under_load_no_sign_in_fails(server: Gatehouse) -> None:
    applications = [Application(server, f"Load{number}") for number in range(4)]
    people = {application: alice_at(server) for application in applications}
    administrator = Administrator(server)
    over = threading.Event()

    def keep_signing_in(application: Application, person: Person) -> list[bytes]:
        """Sign in again and again; read our metadata now and then. Returns what it knew."""
        known = []
        while not over.is_set():
            application.fetch()
            known.append(application.metadata)
            for _ in range(5):
                application.sign_in(person)
        application.sign_in(person)
        return known

    with ThreadPoolExecutor(len(applications)) as pool:
        running = [pool.submit(keep_signing_in, one, person) for one, person in people.items()]
        try:
            administrator.press(publish="chosen")
            administrator.wait_until_ready(len(applications))
            identifiers = [administrator.identifier(one) for one in applications]
            administrator.press(move="chosen", chosen=identifiers[:2])
            administrator.press(back="chosen", chosen=identifiers[1:2])
            administrator.press(move="chosen", chosen=identifiers[1:4])
            administrator.press(move="ready")
            administrator.press(f"{PAGE}retire/")
            assert "Publish the next certificate" in administrator.page()
        finally:
            over.set()
        for one in running:
            # Two keys of three documents or more: before, between and after.
            assert len(set(one.result())) >= 2
    assert "endpoint_failed" not in server.log
