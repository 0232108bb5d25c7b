"""Registering service providers, again and at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from federation.identity_provider import entity, registration
from federation.models import ServiceProvider as Row
from federation.saml import errors, vocabulary
from idp import audit
from idp.models import Application, AuditEvent
from tests.attacks.saml import metadata as hostile
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider, consumer, key_info
from tests.support.saml import metadata_of

pytestmark = pytest.mark.django_db

SP = ServiceProvider()
NAMED = (
    '<md:Extensions xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui"><mdui:UIInfo>'
    '<mdui:DisplayName xml:lang="en">\n  Acme\n  Reports </mdui:DisplayName>'
    "</mdui:UIInfo></md:Extensions>"
)


def document(
    *, sp: ServiceProvider = SP, signed: bool = False, role: str = "", **keys: bool
) -> bytes:
    text = metadata_of(sp, **keys).decode()
    if signed:
        text = text.replace('AuthnRequestsSigned="false"', 'AuthnRequestsSigned="true"')
    return text.replace("<md:KeyDescriptor", f"{role}<md:KeyDescriptor", 1).encode()


def register(*arguments: Any, **options: Any) -> Row:
    registered = registration.register_from_metadata(*arguments, **options)
    return Row.objects.select_related("application").get(pk=registered.service_provider.pk)


def test_takes_over_what_the_metadata_says() -> None:
    row = register(document(role=NAMED, encryption=True, signed=True))
    assert row.entity_id == SP.entity_id
    assert row.application.name == "Acme Reports"
    assert row.application.kind == Application.Kind.SAML
    assert row.assertion_consumer_services == [
        {"url": SP.acs_url, "binding": vocabulary.POST, "index": 0, "is_default": None}
    ]
    der = service_provider.base64_der(SP.certificate)
    assert row.signing_certificates == row.encryption_certificates == [der]
    assert row.want_authn_requests_signed
    assert row.slug == registration.slug(SP.entity_id)
    assert entity.metadata_url(row) == f"http://localhost:8000/saml/metadata/{row.slug}"


def test_a_key_without_use_serves_both_purposes() -> None:
    role = f"<md:KeyDescriptor>{key_info(SP.certificate)}</md:KeyDescriptor>{consumer(SP.acs_url)}"
    row = register(SP.metadata(role=role))
    assert row.signing_certificates == row.encryption_certificates != []


def test_an_expired_certificate_is_a_warning() -> None:
    old = service_provider.certificate(SP.key, ended=True)
    role = f"<md:KeyDescriptor>{key_info(old)}</md:KeyDescriptor>{consumer(SP.acs_url)}"
    registered = registration.register_from_metadata(SP.metadata(role=role))
    assert any("expired" in warning for warning in registered.warnings)
    assert registered.service_provider.signing_certificates == [service_provider.base64_der(old)]


def test_two_addresses_are_enough() -> None:
    registered = registration.register(" https://sp.example ", " https://sp.example/acs ")
    row = registered.service_provider
    assert registered.created
    assert (row.entity_id, row.application.name) == ("https://sp.example", "sp.example")
    assert row.assertion_consumer_services[0]["url"] == "https://sp.example/acs"
    assert row.default_name_id_format == vocabulary.PERSISTENT


@pytest.mark.parametrize(
    "acs",
    [
        "",
        "https://",
        "http://sp.example/acs",
        "javascript:alert(1)",
        "https://user@sp.example/acs",
        "https://sp.example/acs#x",
        "https://sp.example/a cs",
        "//sp.example/acs",
    ],
)
def test_refuses_an_address_that_a_browser_should_not_be_sent_to(acs: str) -> None:
    with pytest.raises(errors.InvalidMetadata):
        registration.register("https://sp.example", acs)
    assert not Application.objects.exists()


@pytest.mark.parametrize("entity_id", ["", "   ", "a\x00b", "x" * 1025, "a\u202eb", "a\nb"])
def test_refuses_an_entity_id_that_nobody_could_send(entity_id: str) -> None:
    with pytest.raises(errors.InvalidMetadata):
        registration.register(entity_id, "https://sp.example/acs")


@pytest.mark.parametrize("name", hostile.ATTACKS)
def test_hostile_metadata_is_refused_in_words_and_leaves_nothing(name: str) -> None:
    _, build = hostile.ATTACKS[name]
    with pytest.raises(errors.InvalidMetadata) as refused:
        registration.register_from_metadata(build(SP))
    assert refused.value.description
    assert not Application.objects.exists()


def test_a_document_with_several_asks_which() -> None:
    other = ServiceProvider(entity_id="https://other.example", acs_url="https://other.example/acs")
    several = hostile.group(document(), document(sp=other))
    with pytest.raises(errors.SeveralEntities) as asked:
        registration.register_from_metadata(several)
    assert set(asked.value.entity_ids) == {SP.entity_id, other.entity_id}
    assert register(several, entity_id=other.entity_id).entity_id == other.entity_id
    with pytest.raises(errors.InvalidMetadata):
        registration.register_from_metadata(several, entity_id="https://nobody.example")


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ([], vocabulary.PERSISTENT),
        ([vocabulary.UNSPECIFIED], vocabulary.PERSISTENT),
        ([vocabulary.UNSPECIFIED, vocabulary.EMAIL_ADDRESS], vocabulary.EMAIL_ADDRESS),
        ([vocabulary.TRANSIENT, vocabulary.PERSISTENT], vocabulary.TRANSIENT),
        (["urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos"], vocabulary.PERSISTENT),
        (["urn:example:x", vocabulary.EMAIL_ADDRESS], vocabulary.EMAIL_ADDRESS),
    ],
)
def test_the_default_format_is_one_that_we_give(listed: list[str], expected: str) -> None:
    formats = "".join(f"<md:NameIDFormat>{one}</md:NameIDFormat>" for one in listed)
    role = f"{formats}{consumer(SP.acs_url)}"
    row = register(SP.metadata(role=role))
    assert row.default_name_id_format == expected
    assert row.name_id_formats == listed


# ----- again -----


def test_again_updates_and_keeps_what_was_chosen() -> None:
    row = register(document())
    row.application.access = Application.Access.NOBODY
    row.application.name = "Our reports"
    row.application.save()
    Row.objects.filter(pk=row.pk).update(
        default_name_id_format=vocabulary.EMAIL_ADDRESS, sign_response=False
    )
    moved = ServiceProvider(acs_url="https://sp.example/acs2")
    again = registration.register_from_metadata(document(sp=moved, role=NAMED))
    assert not again.created
    row = Row.objects.select_related("application").get()
    assert row.assertion_consumer_services[0]["url"] == "https://sp.example/acs2"
    assert (row.application.name, row.application.access) == ("Our reports", "nobody")
    assert row.default_name_id_format == vocabulary.EMAIL_ADDRESS
    assert not row.sign_response


def test_again_with_a_name_renames() -> None:
    register(document())
    assert register(document(), name=" New \n name ").application.name == "New name"


def test_again_never_switches_a_demand_off() -> None:
    register(document(signed=True))
    assert register(document()).want_authn_requests_signed
    registration.register(SP.entity_id, SP.acs_url)
    assert Row.objects.get().want_authn_requests_signed


def test_two_addresses_of_one_that_is_known_keep_its_keys() -> None:
    before = register(document(encryption=True))
    registration.register(SP.entity_id, "https://sp.example/acs2")
    after = Row.objects.get()
    assert after.signing_certificates == before.signing_certificates
    assert after.encryption_certificates == before.encryption_certificates
    assert after.assertion_consumer_services[0]["url"] == "https://sp.example/acs2"


def test_of_two_at_once_the_second_becomes_an_update(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has looked before the first has written."""
    register(document())
    look, too_early = Row.objects.select_for_update, [True]

    def select_for_update(self: Any, **options: Any) -> Any:
        found = look(**options)
        return found.none() if too_early and too_early.pop() else found

    monkeypatch.setattr(type(Row.objects), "select_for_update", select_for_update)
    again = registration.register_from_metadata(document(), name="Second")
    assert not too_early
    assert not again.created
    assert Application.objects.get().name == "Second"


def test_the_audit_trail_tells_the_two_apart() -> None:
    audit.write_through(enabled=True)
    register(document(), actor="command")
    register(document(), actor="command")
    events = AuditEvent.objects.order_by("at", "id")
    assert [event.action for event in events] == ["application.created", "application.changed"]
    assert {event.actor for event in events} == {"command"}
    assert events[0].details["entity_id"] == SP.entity_id
    audit.write_through(enabled=False)


def test_valid_until_is_kept() -> None:
    until = "2099-01-01T00:00:00Z"
    text = document().decode().replace("entityID=", f'validUntil="{until}" entityID=', 1)
    assert register(text.encode()).metadata_valid_until == datetime(2099, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "enter",
    [
        lambda group: registration.register_from_metadata(document(sp=group)),
        lambda group: registration.register(group.entity_id, group.acs_url),
    ],
    ids=["metadata", "addresses"],
)
def test_nobody_takes_the_name_of_a_group(enter: Any) -> None:
    """Its persistent NameIDs would be those of the group: who they are, everywhere in it."""
    register(document())
    group = ServiceProvider(entity_id="https://group.example")
    Row.objects.update(name_qualifier=group.entity_id)
    with pytest.raises(errors.InvalidMetadata) as refused:
        enter(group)
    assert refused.value.check == "affiliation"
    assert Row.objects.count() == Application.objects.count() == 1
