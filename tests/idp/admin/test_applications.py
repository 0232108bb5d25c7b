"""The pages of applications: the list, what is saved, what is done to them, what goes with them."""

from __future__ import annotations

import io
import json
import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client as Browser
from django.utils import timezone
from django.utils.html import escape
from PIL import Image

from idp import models, registration
from idp.admin.client_form import ClientForm
from idp.tokens import revocation
from tests.support import dynamic
from tests.support.factories import (
    ApplicationFactory,
    ClientFactory,
    GroupFactory,
    ServiceProviderFactory,
    SessionFactory,
    UserFactory,
)
from tests.support.protocol import Provider

LIST = "/admin/idp/application/"


def page(application: models.Application) -> str:
    return f"{LIST}{application.pk}/change/"


def form(client: models.Client, *rows: models.ClaimMapping, **changes: Any) -> dict[str, Any]:
    """What the page of an OAuth application posts."""
    data: dict[str, Any] = {
        "name": client.application.name,
        "access": client.application.access,
        "client-TOTAL_FORMS": 1,
        "client-INITIAL_FORMS": 1,
        "client-0-application": str(client.pk),
        "client-0-redirect_uris": "\n".join(client.redirect_uris),
        "client-0-post_logout_redirect_uris": "",
        "client-0-token_endpoint_auth_method": client.token_endpoint_auth_method,
        "client-0-grant_types": client.grant_types,
        "client-0-id_token_signed_response_alg": client.id_token_signed_response_alg,
        "client-0-subject_type": client.subject_type,
        "client-0-profile": client.application.profile,
        "client-0-response_types": client.response_types,
        "client-0-pkce": client.pkce,
        "client-0-scope": client.scope,
        "client-0-default_acr_values": "",
        "mappings-TOTAL_FORMS": len(rows),
        "mappings-INITIAL_FORMS": len(rows),
    }
    for number, row in enumerate(rows):
        data |= {
            f"mappings-{number}-id": row.pk,
            f"mappings-{number}-application": str(client.pk),
            f"mappings-{number}-position": row.position,
            f"mappings-{number}-claim": row.claim,
            f"mappings-{number}-source": row.source,
            f"mappings-{number}-key": row.key,
            f"mappings-{number}-transforms": "",
            f"mappings-{number}-to_id_token": "on",
        }
    return {**data, **changes}


def added(number: int, **columns: Any) -> dict[str, Any]:
    values = {
        "position": number + 1,
        "claim": "department",
        "source": "attribute",
        "key": "department",
        "transforms": "lower | trim",
        "to_id_token": "on",
        **columns,
    }
    return {f"mappings-{number}-{name}": value for name, value in values.items()}


def changes() -> dict[str, Any]:
    event = models.AuditEvent.objects.filter(action="application.changed").get()
    found: dict[str, Any] = event.details["changes"]
    return found


# ----- the list -----


def test_lists_both_protocols_with_words(browser: Browser) -> None:
    ClientFactory(application__name="Wiki")
    ServiceProviderFactory(application__name="Payroll", application__enabled=False)
    ApplicationFactory(name="Closed", access="nobody", kind="machine")
    staff = ApplicationFactory(name="Staff only", access="groups")
    staff.allowed_groups.add(GroupFactory(name="staff"))
    html = browser.get(LIST).content.decode()
    for words in ("Wiki", "Payroll", "SAML application", "disabled", "open to nobody", "staff"):
        assert words in html


def test_list_asks_the_same_number_of_questions_for_many(
    browser: Browser, django_assert_max_num_queries: Any
) -> None:
    for _ in range(12):
        ApplicationFactory(access="groups").allowed_groups.add(GroupFactory())
    with django_assert_max_num_queries(8):
        browser.get(LIST)


def test_finds_by_name_and_client_id(browser: Browser) -> None:
    wiki = ClientFactory(application__name="The Wiki")
    ClientFactory(application__name="Other")
    for term in ("wiki", wiki.client_id):
        html = browser.get(LIST, {"q": term}).content.decode()
        assert "The Wiki" in html
        assert "Other</a>" not in html
    assert "Nothing fits." in browser.get(LIST, {"q": "nothing"}).content.decode()
    assert browser.get(LIST, {"q": "x\x00"}).status_code == 200
    assert browser.get(LIST, {"kind": "spa"}).status_code == 200


def test_adding_leads_to_the_wizard(browser: Browser) -> None:
    assert browser.get(f"{LIST}add/").headers["Location"] == "/admin/connect/"
    assert browser.post(f"{LIST}add/", {"name": "x"}).status_code == 303
    assert models.Application.objects.count() == 0


# ----- saving -----


def test_saves_and_records_before_and_after(browser: Browser) -> None:
    client = ClientFactory(application__name="Old")
    data = form(
        client,
        name="New",
        **{"client-0-redirect_uris": "https://a.example/\nhttps://b.example/"},
    )
    assert browser.post(page(client.application), data).status_code == 302
    client.refresh_from_db()
    assert client.application.name == "New"
    assert client.redirect_uris == ["https://a.example/", "https://b.example/"]
    assert changes()["name"] == {"before": "Old", "after": "New"}
    assert changes()["redirect_uris"]["after"] == ["https://a.example/", "https://b.example/"]
    event = models.AuditEvent.objects.get(action="application.changed")
    assert (event.actor, event.application_id) == ("root", client.pk)


def test_saving_nothing_records_nothing(browser: Browser) -> None:
    client = ClientFactory(application__name="Same")
    assert browser.post(page(client.application), form(client)).status_code == 302
    assert not models.AuditEvent.objects.filter(action="application.changed").exists()


def test_keeps_the_secret_through_an_edit(browser: Browser) -> None:
    client = ClientFactory()
    before = bytes(client.secret_hash)
    browser.post(page(client.application), form(client, name="Other"))
    client.refresh_from_db()
    assert bytes(client.secret_hash) == before


def test_a_client_that_becomes_public_loses_its_secret(browser: Browser) -> None:
    client = ClientFactory()
    data = form(client, **{"client-0-token_endpoint_auth_method": "none"})
    assert browser.post(page(client.application), data).status_code == 302
    client.refresh_from_db()
    assert client.is_public
    assert bytes(client.secret_hash) == b""


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("redirect_uris", "http://a.example/", "must be https"),
        ("redirect_uris", "", "at least one redirect URI"),
        ("post_logout_redirect_uris", "https://a.example/#x", "fragment"),
        ("grant_types", ["refresh_token"], "refresh_token needs authorization_code"),
        ("grant_types", ["password"], "not one of the available choices"),
        ("pkce", "optional", ""),
        ("scope", 'a"b', "not allowed"),
        ("refresh_always", "on", ""),
        ("default_max_age", "-1", "greater than or equal to 0"),
    ],
)
def test_refuses_what_the_protocol_forbids_and_keeps_it_typed(
    browser: Browser, field: str, value: Any, words: str
) -> None:
    client = ClientFactory(
        token_endpoint_auth_method="none" if field == "pkce" else "client_secret_basic",
        grant_types=["authorization_code"],
    )
    response = browser.post(
        page(client.application), form(client, name="Typed", **{f"client-0-{field}": value})
    )
    html = response.content.decode()
    assert response.status_code == 200
    assert words in html
    assert 'class="errorlist"' in html
    assert 'value="Typed"' in html
    client.application.refresh_from_db()
    assert client.application.name != "Typed"


def test_open_to_groups_needs_a_group(browser: Browser) -> None:
    client = ClientFactory()
    response = browser.post(page(client.application), form(client, access="groups"))
    assert "Choose at least one group" in response.content.decode()
    group = GroupFactory()
    data = form(client, access="groups", allowed_groups=[str(group.pk)])
    assert browser.post(page(client.application), data).status_code == 302
    assert changes()["allowed_groups"]["after"] == [group.name]


def test_adds_changes_orders_and_removes_rows(browser: Browser) -> None:
    client = ClientFactory()
    one, two = (
        models.ClaimMapping.objects.create(
            application=client.application,
            position=position,
            claim=f"claim{position}",
            source="constant",
            key="x",
            to_id_token=True,
        )
        for position in (1, 2)
    )
    data = form(
        client,
        one,
        two,
        **{"mappings-TOTAL_FORMS": 3, "mappings-0-position": 9, "mappings-1-DELETE": "on"},
        **added(2),
    )
    assert browser.post(page(client.application), data).status_code == 302
    rows = list(client.application.mappings.all())
    assert [(row.position, row.claim) for row in rows] == [(1, "department"), (2, "claim1")]
    assert rows[0].transforms == [{"name": "lower"}, {"name": "trim"}]
    assert rows[0].to_saml is False
    assert changes()["claim mappings"]["deleted"]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"transforms": "lower | trimm"}, "Column 9"),
        ({"transforms": "limit x"}, "Column 1"),
        ({"source": "user", "key": "emial"}, "Did you mean “email”?"),
        ({"claim": "sub"}, "said by the protocol"),
        ({"claim": "  "}, "required"),
        ({"to_id_token": ""}, "tick at least one box"),
        ({"scope": "a b"}, "spaces"),
        ({"source": "odd"}, "not one of the available choices"),
        ({"claim": "a\x00b"}, "Null characters"),
    ],
)
def test_refuses_rows_with_the_place(browser: Browser, columns: dict[str, Any], words: str) -> None:
    client = ClientFactory()
    data = form(client, **{"mappings-TOTAL_FORMS": 1}, **added(0, **columns))
    response = browser.post(page(client.application), data)
    assert response.status_code == 200
    assert words in response.content.decode()
    assert models.ClaimMapping.objects.count() == 0


def test_an_empty_row_is_none(browser: Browser) -> None:
    client = ClientFactory()
    empty = added(0, claim="", key="", transforms="", to_id_token="", position="7")
    data = form(client, **{"mappings-TOTAL_FORMS": 1}, **empty)
    assert browser.post(page(client.application), data).status_code == 302
    assert models.ClaimMapping.objects.count() == 0


def test_rows_of_a_service_provider_go_to_saml_alone(browser: Browser) -> None:
    provider = ServiceProviderFactory()
    data = {
        "name": "SP",
        "access": "everyone",
        "service_provider-TOTAL_FORMS": 1,
        "service_provider-INITIAL_FORMS": 1,
        "service_provider-0-application": str(provider.pk),
        "service_provider-0-acs_urls": "https://new.example/acs",
        "service_provider-0-default_name_id_format": provider.default_name_id_format,
        "service_provider-0-name_id_source": "username",
        "service_provider-0-sign_response": "on",
        "service_provider-0-signature_algorithm": "rsa-sha256",
        "service_provider-0-attribute_release": provider.attribute_release,
        "service_provider-0-subject_identifier": provider.subject_identifier,
        "mappings-TOTAL_FORMS": 1,
        "mappings-INITIAL_FORMS": 0,
        "mappings-0-claim": "urn:oid:2.5.4.42",
        "mappings-0-source": "user",
        "mappings-0-key": "given_name",
        "mappings-0-name_format": "basic",
        "mappings-0-friendly_name": "givenName",
    }
    assert browser.post(page(provider.application), data).status_code == 302
    row = models.ClaimMapping.objects.get()
    assert (row.to_saml, row.to_id_token, row.name_format) == (True, False, "basic")
    provider.refresh_from_db()
    assert [one["url"] for one in provider.assertion_consumer_services] == [
        "https://new.example/acs"
    ]
    assert provider.sign_assertion is False


def test_preview_without_a_script_saves_nothing_and_keeps_everything(browser: Browser) -> None:
    UserFactory(username="alice", attributes={"department": "Sales"})
    client = ClientFactory()
    data = form(
        client,
        name="Typed",
        _preview="1",
        **{"mappings-TOTAL_FORMS": 1, "preview-person": "alice"},
        **{"preview-target": "id_token", "preview-scope": ["openid"]},
        **added(0),
    )
    response = browser.post(page(client.application), data)
    html = response.content.decode()
    assert response.status_code == 200
    assert "&quot;department&quot;: &quot;sales&quot;" in html
    assert 'value="Typed"' in html
    assert 'value="lower | trim"' in html
    assert "Please correct" not in html
    client.application.refresh_from_db()
    assert client.application.name != "Typed"
    assert models.ClaimMapping.objects.count() == 0


# ----- the logo -----


def picture(kind: str = "PNG", *, side: int = 600, **options: Any) -> SimpleUploadedFile:
    file = io.BytesIO()
    Image.new("RGB", (side, side), "green").save(file, kind, **options)
    return SimpleUploadedFile("logo", file.getvalue())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_keeps_the_pixels_of_a_logo_and_nothing_else(browser: Browser, kind: str) -> None:
    client = ClientFactory()
    options = {"comment": b"secret remark"} if kind == "JPEG" else {}
    data = form(client, logo_upload=picture(kind, **options))
    assert browser.post(page(client.application), data).status_code == 302
    application = models.Application.objects.get()
    logo = bytes(application.logo)
    assert application.logo_type == "image/png"
    assert logo.startswith(b"\x89PNG")
    assert b"secret remark" not in logo
    assert max(Image.open(io.BytesIO(logo)).size) <= 256
    assert browser.post(page(application), form(client, logo_remove="on")).status_code == 302
    assert models.Application.objects.get().logo_type == ""


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"\x89PNG\r\n\x1a\nbroken",
        b"\xff\xd8\xff\xe0",
        b"GIF89a",
        b"",
    ],
)
def test_refuses_what_is_no_picture(browser: Browser, content: bytes) -> None:
    client = ClientFactory()
    upload = SimpleUploadedFile("logo.png", content)
    response = browser.post(page(client.application), form(client, logo_upload=upload))
    assert response.status_code == 200
    assert "errorlist" in response.content.decode()
    assert models.Application.objects.get().logo_type == ""


def test_refuses_a_picture_with_too_many_pixels(browser: Browser) -> None:
    client = ClientFactory()
    huge = picture(side=5000)
    response = browser.post(page(client.application), form(client, logo_upload=huge))
    assert "too many pixels" in response.content.decode()


# ----- what is done to it -----


def test_a_new_secret_is_asked_for_first_and_shown_once(browser: Browser) -> None:
    client = ClientFactory()
    old = bytes(client.secret_hash)
    url = f"{LIST}{client.pk}/secret/"
    assert "works on for as long as you say" in browser.get(url).content.decode()
    client.refresh_from_db()
    assert bytes(client.secret_hash) == old
    response = browser.post(url)
    assert response.headers["Location"] == f"/admin/connect/{client.pk}/settings/"
    client.refresh_from_db()
    assert bytes(client.secret_hash) != old
    assert "data-secret" in browser.get(response.headers["Location"]).content.decode()
    assert "data-secret" not in browser.get(response.headers["Location"]).content.decode()


def test_two_secrets_for_a_week_and_the_end_of_the_older_one(browser: Browser) -> None:
    client = ClientFactory()
    old = bytes(client.secret_hash)
    url = f"{LIST}{client.pk}/secret/"
    browser.post(url, {"keep": "7"})
    client.refresh_from_db()
    assert bytes(client.previous_secret_hash) == old
    left = client.previous_secret_expires_at - timezone.now()
    assert timedelta(days=6) < left <= timedelta(days=7)
    shown = browser.get(url).content.decode()
    assert "Two secrets are live" in shown
    assert "Nobody has used it" in shown
    browser.post(url, {"end": "1"})
    client.refresh_from_db()
    assert bytes(client.previous_secret_hash) == b""
    assert "Two secrets are live" not in browser.get(url).content.decode()


@pytest.mark.parametrize("days", ["0", "", "-1", "9999", "x"])
def test_an_overlap_that_is_not_offered_is_none(browser: Browser, days: str) -> None:
    client = ClientFactory()
    browser.post(f"{LIST}{client.pk}/secret/", {"keep": days})
    client.refresh_from_db()
    assert client.previous_secret_expires_at is None


def test_public_clients_have_no_secret_to_make(browser: Browser) -> None:
    client = ClientFactory(public=True)
    assert browser.post(f"{LIST}{client.pk}/secret/").status_code == 404
    assert "New secret" not in browser.get(page(client.application)).content.decode()


def token_page(client: models.Client) -> str:
    return f"{LIST}{client.pk}/registration-token/"


@pytest.fixture
def itself() -> Any:
    """A client that has registered itself."""
    dynamic.policy()
    return dynamic.registered(Provider())


def row_of(itself: dynamic.Registered) -> models.Client:
    return models.Client.objects.select_related("application").get(client_id=itself.id)


def test_a_new_registration_token_is_asked_for_first_and_shown_once(
    browser: Browser, itself: dynamic.Registered
) -> None:
    url = token_page(row_of(itself))
    assert url in browser.get(page(row_of(itself).application)).content.decode()
    assert "gtm_" not in browser.get(url).content.decode()
    assert itself.read().status == 200
    response = browser.post(url)
    assert response.headers["Location"] == url
    shown = browser.get(url).content.decode()
    (token,) = set(re.findall(r"gtm_[A-Za-z0-9_-]+", shown))
    assert escape(itself.answer["registration_client_uri"]) in shown
    assert token not in browser.get(url).content.decode()
    assert itself.read().status == 401
    assert itself.read(token).status == 200
    event = models.AuditEvent.objects.get(action="client.registration_token_renewed")
    assert (event.actor, event.application_id) == ("root", row_of(itself).pk)
    assert token not in str(event.details)


@pytest.mark.parametrize("decision", [{}, {"end": "1"}], ids=["renew", "end"])
def test_a_client_that_removes_itself_meanwhile_gets_no_token(
    browser: Browser,
    itself: dynamic.Registered,
    monkeypatch: pytest.MonkeyPatch,
    decision: dict[str, str],
) -> None:
    take = registration.take

    def meanwhile(client: models.Client) -> models.Client | None:
        monkeypatch.setattr(registration, "take", take)
        registration.remove(client)
        return registration.take(client)

    url, home = token_page(row_of(itself)), page(row_of(itself).application)
    monkeypatch.setattr(registration, "take", meanwhile)
    response = browser.post(url, decision)
    assert response.status_code == (303 if decision else 404)
    assert browser.get(home).status_code == 302, "there is nothing any more"
    assert not models.OneTimeValue.objects.exists()


def test_an_ended_registration_token_manages_nothing(
    browser: Browser, itself: dynamic.Registered
) -> None:
    client = row_of(itself)
    for _ in range(2):
        response = browser.post(token_page(client), {"end": "1"})
        assert response.headers["Location"] == page(client.application)
    answers = [itself.read(), itself.change(client_name="X"), itself.remove()]
    assert [one.status for one in answers] == [401, 401, 401]
    assert models.AuditEvent.objects.get(action="client.registration_token_ended").actor == "root"
    html = browser.get(token_page(client)).content.decode()
    assert "only administrators change it" in html
    assert "End the token" not in html
    assert "next update replaces" not in browser.get(page(client.application)).content.decode()


def test_an_update_does_what_the_page_says(browser: Browser, itself: dynamic.Registered) -> None:
    client = row_of(itself)
    data = form(
        client,
        **{
            "name": "By hand",
            "description": "By hand",
            "owner": "Ops",
            "first_party": "on",
            "launch_url": "https://hand.example/",
            "client-0-redirect_uris": "https://hand.example/callback",
            "client-0-pkce": "required",
            "client-0-default_max_age": "60",
            "client-0-id_token_scope_claims": "on",
            "client-0-backchannel_logout_uri": "https://hand.example/logout",
        },
    )
    assert browser.post(page(client.application), data).status_code == 302
    assert "next update replaces" in browser.get(page(client.application)).content.decode()
    assert row_of(itself).backchannel_logout_uri
    assert itself.change(client_name=None).status == 200
    client = row_of(itself)
    replaced = (client.redirect_uris, client.default_max_age, client.backchannel_logout_uri)
    assert replaced == (dynamic.SOUND["redirect_uris"], None, "")
    application = client.application
    kept = (application.name, application.description, application.owner, application.launch_url)
    assert kept == ("By hand", "By hand", "Ops", "https://hand.example/")
    assert (application.first_party, client.pkce) == (True, "required")
    assert client.id_token_scope_claims
    itself.change(client_name="Its own", contacts=["ops@wiki.example"])
    application.refresh_from_db()
    assert (application.name, application.contact) == ("Its own", "ops@wiki.example")


def test_who_did_not_register_itself_has_no_registration_token(browser: Browser) -> None:
    client = ClientFactory()
    for method in (browser.get, browser.post):
        assert method(token_page(client)).status_code == 404
    assert "Registration token" not in browser.get(page(client.application)).content.decode()


def test_disabling_denies_its_tokens_at_once(browser: Browser) -> None:
    client = ClientFactory()
    url = f"{LIST}{client.pk}/disable/"
    assert "gets no tokens" in browser.get(url).content.decode()
    assert models.Application.objects.get().enabled
    browser.post(url)
    assert not models.Application.objects.get().enabled
    now = timezone.now()
    claims = {"jti": "x", "client_id": client.client_id, "iat": (now - timedelta(1)).timestamp()}
    assert revocation.is_denied(claims)
    assert changes()["enabled"] == {"before": True, "after": False}
    assert browser.get(f"{LIST}{client.pk}/enable/").status_code == 404
    browser.post(f"{LIST}{client.pk}/enable/")
    assert models.Application.objects.get().enabled


def test_deleting_says_what_goes_and_takes_it_along(browser: Browser) -> None:
    client = ClientFactory()
    user = UserFactory()
    session = SessionFactory(user=user)
    now = timezone.now()
    models.Participant.objects.create(session=session, application=client.application)
    models.Consent.objects.create(user=user, application=client.application)
    models.Grant.objects.create(
        application_id=client.pk,
        user_id=user.pk,
        session_id=session.pk,
        sid=session.pk,
        scope="openid",
        acr="pwd",
        amr="pwd",
        authenticated_at=now,
        expires_at=now + timedelta(1),
        absolute_expires_at=now + timedelta(1),
    )
    url = f"{LIST}{client.pk}/delete/"
    html = browser.get(url).content.decode()
    for words in ("1 authorization,", "1 consent ", "part in 1 session;", "What stays"):
        assert words in html
    assert browser.post(url, {"post": "yes"}).status_code == 302
    assert not models.Application.objects.exists()
    assert models.Session.objects.filter(pk=session.pk, ended_at=None).exists()
    issued_at = (now - timedelta(minutes=1)).timestamp()
    assert revocation.is_denied({"jti": "x", "client_id": client.client_id, "iat": issued_at})
    event = models.AuditEvent.objects.get(action="application.deleted")
    assert (event.actor, event.session_id) == ("root", browser.session_row.pk)
    assert (event.application_id, event.details["object"]) == (client.pk, str(client.application))


def test_deleting_a_service_provider_is_recorded_too(browser: Browser) -> None:
    application = ServiceProviderFactory().application
    assert browser.post(f"{LIST}{application.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not models.Application.objects.exists()
    event = models.AuditEvent.objects.get(action="application.deleted")
    assert (event.actor, event.application_id) == ("root", application.pk)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_deleting_waits_for_whoever_writes_it(browser: Browser) -> None:
    """Application, then client, then the version row: in any other order both would wait."""
    client = ClientFactory()
    taken, statuses = threading.Event(), []

    def delete() -> None:
        taken.wait(10)
        response = browser.post(f"{LIST}{client.pk}/delete/", {"post": "yes"})
        statuses.append(response.status_code)
        connection.close()

    thread = threading.Thread(target=delete)
    thread.start()
    with transaction.atomic():
        row = registration.take(client)
        taken.set()
        thread.join(0.5)  # by now it waits
        row.application.name = "Changed"
        row.application.save()
    thread.join(10)
    assert statuses == [302]
    assert not models.Application.objects.exists()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_saving_undoes_nothing_that_is_decided_meanwhile(
    browser: Browser, itself: dynamic.Registered, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page writes whole rows: whoever ends a token or disables waits for it, or it for them."""
    client = row_of(itself)
    clean = ClientForm.clean

    def decide() -> None:
        registration.end_registration_token(client)
        models.Application.objects.filter(pk=client.pk).update(enabled=False)
        connection.close()

    deciding = threading.Thread(target=decide)

    def meanwhile(one: ClientForm) -> dict[str, Any]:
        deciding.start()
        deciding.join(timeout=1)
        return clean(one)

    monkeypatch.setattr(ClientForm, "clean", meanwhile)
    data = form(client, name="By hand")
    assert browser.post(page(client.application), data).status_code == 302
    deciding.join()
    after = row_of(itself)
    assert after.application.name == "By hand"
    assert not after.application.enabled
    assert not after.registration_token_hash


def test_unknown_applications_are_not_found(browser: Browser) -> None:
    nobody = "01a20da9-0000-7000-8000-000000000000"
    for task in ("secret", "registration-token", "disable", "enable"):
        assert browser.post(f"{LIST}{nobody}/{task}/").status_code == 404
    assert browser.get(f"{LIST}{nobody}/change/").status_code == 302
    assert browser.get(f"{LIST}odd/change/").status_code in (302, 404)


def test_a_machine_has_no_people(browser: Browser) -> None:
    client = ClientFactory(
        application__kind="machine",
        application__profile="machine",
        application__access="everyone",
        grant_types=["client_credentials"],
        response_types=[],
        redirect_uris=[],
    )
    html = browser.get(page(client.application)).content.decode()
    assert "#access" not in html
    assert 'name="allowed_groups"' not in html
    data = form(client, name="Job")
    del data["access"]
    assert browser.post(page(client.application), data).status_code == 302
    client.application.refresh_from_db()
    assert (client.application.name, client.application.access) == ("Job", "everyone")


# ----- everything that can be registered -----


KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
}


def test_keys_algorithms_and_addresses(browser: Browser) -> None:
    client = ClientFactory()
    changes = {
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks": json.dumps({"keys": [KEY]}),
        "id_token_encrypted_response_alg": "ECDH-ES",
        "userinfo_signed_response_alg": "EdDSA",
        "subject_type": "pairwise",
        "initiate_login_uri": "https://application.example/login",
        "backchannel_logout_uri": "https://application.example/logout",
        "frontchannel_logout_uri": "https://application.example/front",
        "frontchannel_logout_session_required": "on",
        "request_uris": "https://application.example/r1\nhttps://application.example/r2",
        "require_signed_request_object": "on",
    }
    posted = form(client, **{f"client-0-{name}": value for name, value in changes.items()})
    response = browser.post(page(client.application), posted)
    assert response.status_code == 302, response.content.decode()
    client.refresh_from_db()
    assert client.jwks == {"keys": [KEY]}
    assert client.id_token_encrypted_response_enc == "A128CBC-HS256"
    assert client.userinfo_encrypted_response_enc == ""
    assert client.request_uris == changes["request_uris"].split("\n")
    assert client.subject_type == "pairwise"
    assert bytes(client.secret_hash) == b""
    shown = browser.get(page(client.application)).content.decode()
    assert "https://application.example/front" in shown
    assert "New secret" not in shown


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"jwks": '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}'}, "private key"),
        ({"jwks": "["}, "not JSON"),
        ({"jwks_uri": "http://application.example/jwks"}, "must be https"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "needs jwks or jwks_uri"),
        ({"id_token_encrypted_response_alg": "RSA-OAEP"}, "needs jwks or jwks_uri"),
        ({"response_types": ["id_token"], "grant_types": ["implicit"]}, "compatibility"),
        ({"response_types": ["code", "code token"]}, "implicit"),
        ({"backchannel_logout_uri": "https://a.example/#x"}, "fragment"),
        ({"initiate_login_uri": "javascript:alert(1)"}, "must be https"),
        ({"subject_type": "none"}, "Select a valid choice"),
    ],
)
def test_what_does_not_fit_together(browser: Browser, changes: dict[str, Any], words: str) -> None:
    client = ClientFactory()
    posted = form(client, **{f"client-0-{name}": value for name, value in changes.items()})
    response = browser.post(page(client.application), posted)
    assert response.status_code == 200
    assert words in response.content.decode()


def test_warns_of_an_application_without_proof_key(browser: Browser) -> None:
    client = ClientFactory()
    for policy, warned in (("optional", True), ("required", False)):
        posted = form(client, **{"client-0-pkce": policy})
        response = browser.post(page(client.application), posted, follow=True)
        assert ("is not noticed" in response.content.decode()) is warned
        client.refresh_from_db()
        assert client.pkce == policy


def test_compatibility_is_a_choice_of_web_applications(browser: Browser) -> None:
    client = ClientFactory()
    changes = {
        "client-0-profile": "compatibility",
        "client-0-grant_types": ["authorization_code", "implicit"],
        "client-0-response_types": ["code", "id_token token"],
    }
    assert browser.post(page(client.application), form(client, **changes)).status_code == 302
    client = models.Client.objects.select_related("application").get(pk=client.pk)
    assert client.application.profile == "compatibility"
    assert client.response_types == ["id_token token", "code"] or set(client.response_types) == {
        *("code", "id_token token")
    }
    native = ClientFactory(public=True, application__profile="native", application__kind="native")
    native.redirect_uris, native.metadata = ["http://127.0.0.1/cb"], {"application_type": "native"}
    native.save()
    posted = form(native, **{"client-0-profile": "compatibility"})
    assert browser.post(page(native.application), posted).status_code == 302
    native.application.refresh_from_db()
    assert native.application.profile == "native"


def test_a_sector_that_cannot_be_read_is_told(browser: Browser) -> None:
    client = ClientFactory()
    posted = form(client, **{"client-0-sector_identifier_uri": "https://10.0.0.1/sector.json"})
    response = browser.post(page(client.application), posted)
    assert "private network" in response.content.decode()
    client.refresh_from_db()
    assert client.sector_identifier_uri == ""


def test_who_registered_it_and_when_it_goes(browser: Browser) -> None:
    client = ClientFactory(application__origin="dynamic", application__owner="Team Wiki")
    shown = browser.get(page(client.application)).content.decode()
    assert "it registered itself" in shown
    assert "Team Wiki" in shown
    assert "is removed after" in shown
    assert browser.post(page(client.application), form(client, keep="on")).status_code == 302
    client.application.refresh_from_db()
    assert client.application.keep
    assert "is removed after" not in browser.get(page(client.application)).content.decode()
    listed = browser.get(f"{LIST}?origin=dynamic").content.decode()
    assert client.application.name in listed
    assert client.application.name not in browser.get(f"{LIST}?origin=command").content.decode()
    assert client.application.name not in browser.get(f"{LIST}?unused=30").content.decode()
