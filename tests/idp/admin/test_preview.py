"""The preview: the very tokens that would be issued, for rows that nobody has saved."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from django.test import Client as Browser
from django.utils import timezone

from idp import models
from idp.admin import halves, preview, preview_tokens
from idp.admin.preview import Case, NothingIssued
from idp.claims import applications, mapping
from idp.endpoints import userinfo
from idp.models import Application
from idp.protocol import jose
from idp.protocol.message import Request
from idp.tokens import issuance
from tests.support.factories import ClientFactory, ResourceFactory, SessionFactory, UserFactory

SCOPES = ("openid", "profile", "email", "groups")


@pytest.fixture
def alice(admin_user: models.User) -> models.User:
    return UserFactory(
        username="alice",
        name="Alice Liddell",
        groups=["staff", "users"],
        attributes={"department": "Sales", "roles": ["app-editor", "other"]},
    )


@pytest.fixture
def client(admin_user: models.User) -> models.Client:
    return ClientFactory(id_token_signed_response_alg="ES256", id_token_scope_claims=True)


def row(application: Application, **columns: Any) -> models.ClaimMapping:
    values = {
        "claim": "department",
        "source": "attribute",
        "key": "department",
        "to_id_token": True,
        "to_userinfo": True,
        "to_access_token": True,
        **columns,
    }
    return models.ClaimMapping.objects.create(application=application, **values)


def posted(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    data: dict[str, Any] = {
        "mappings-TOTAL_FORMS": len(rows),
        "mappings-INITIAL_FORMS": 0,
        "preview-person": "alice",
        "preview-target": "id_token",
        "preview-scope": list(SCOPES),
    }
    for number, columns in enumerate(rows):
        values = {
            "position": number + 1,
            "claim": "department",
            "source": "attribute",
            "key": "department",
            "transforms": "",
            "to_id_token": "on",
            **columns,
        }
        data |= {f"mappings-{number}-{name}": value for name, value in values.items()}
    return {**data, **more}


def shown(browser: Browser, client: models.Client, data: dict[str, Any]) -> str:
    response = browser.post(f"/admin/preview/{client.pk}/", data)
    assert response.status_code == 200
    return response.content.decode()


def payload(token: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(jose.decode(token.split(".")[1]))
    return found


def case_for(client: models.Client, user: models.User | None, **values: Any) -> Case:
    half = halves.find_client(client.pk)
    rows = values.pop("rows", None)
    return Case(
        half=half,
        rows=applications.rows(half.application) if rows is None else rows,
        user=user,
        now=timezone.now(),
        scopes=values.pop("scopes", SCOPES),
        **values,
    )


VOLATILE = {"iat", "exp", "auth_time", "jti", "at_hash", "sid", "nonce"}


def steady(claims: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if name not in VOLATILE}


def issued_for(client: models.Client, user: models.User) -> dict[str, Any]:
    """What the token endpoint would really answer, with the rows as they are saved."""
    session = SessionFactory(user=user)
    now = timezone.now()
    grant = models.Grant.objects.create(
        application_id=client.pk,
        user_id=user.pk,
        session_id=session.pk,
        sid=models.identifiers.new_id(),
        scope=" ".join(SCOPES),
        acr="pwd",
        amr="pwd",
        authenticated_at=now,
        expires_at=now,
        absolute_expires_at=now,
    )
    half = halves.find_client(client.pk)
    authorization = issuance.Authorization(client=half, scope=SCOPES, grant=grant)
    answer = issuance.issue(authorization, now=now)
    request = Request(
        method="GET",
        path="/userinfo",
        now=now,
        authorization=(f"Bearer {answer['access_token']}",),
    )
    return {**answer, "userinfo": orjson.loads(userinfo.userinfo(request).body)}


def test_equals_what_is_really_issued(client: models.Client, alice: models.User) -> None:
    saved = row(client.application, transforms=[{"name": "upper"}])
    row(client.application, claim="groups", source="groups", key="", position=2)
    drafted = mapping.stored_rows(client.application.mappings.all())
    models.ClaimMapping.objects.all().delete()

    case = case_for(client, alice, rows=drafted)
    before = {
        "id_token": preview_tokens._issued(case)["id_token"],
        "access_token": preview_tokens._issued(case)["access_token"],
    }
    answer = preview_tokens.userinfo(case).text

    saved.pk = None
    saved.save()
    row(client.application, claim="groups", source="groups", key="", position=2)
    real = issued_for(client, alice)
    for name, token in before.items():
        assert steady(payload(token)) == steady(payload(real[name]))
        assert len(token) == pytest.approx(len(real[name]), abs=120)
    assert orjson.loads(answer) == real["userinfo"]
    assert payload(before["id_token"])["department"] == "SALES"


def test_shows_unsaved_rows_and_saves_nothing(
    browser: Browser, client: models.Client, alice: models.User
) -> None:
    html = shown(browser, client, posted({}))
    assert "differs from today" in html
    assert "&quot;department&quot;: &quot;Sales&quot;" in html
    assert 'class="added"' in html
    assert "mapping row 1" in html
    assert models.ClaimMapping.objects.count() == 0
    assert not models.AuditEvent.objects.filter(action="token.issued").exists()
    assert models.Grant.objects.count() == 0


def test_shows_what_would_go_away(
    browser: Browser, client: models.Client, alice: models.User
) -> None:
    row(client.application)
    html = shown(browser, client, posted())
    assert 'class="removed"' in html
    assert "differs from today" in html


def test_is_as_today_when_nothing_changed(
    browser: Browser, client: models.Client, alice: models.User
) -> None:
    html = shown(browser, client, posted())
    assert "as it is today" in html
    assert "Nobody gains or loses a claim" in html


def test_counts_who_gains_and_loses(
    browser: Browser, client: models.Client, alice: models.User
) -> None:
    UserFactory(username="bob", attributes={"department": "Works"})
    html = shown(browser, client, posted({}))
    counted = html[html.index("<h3>Everybody</h3>") :]
    assert "<code>department</code></th><td>2</td><td>0</td><td>0</td>" in counted
    assert "All 3 people" in counted


def test_shows_errors_at_their_row_and_goes_on(
    browser: Browser, client: models.Client, alice: models.User
) -> None:
    html = shown(browser, client, posted({}, {"claim": "role", "transforms": "lower | frist"}))
    assert 'data-row="2" data-field="transforms"' in html
    assert "Column 9: There is no transform “frist”. Did you mean “first”?" in html
    assert "has errors" in html
    assert "&quot;department&quot;: &quot;Sales&quot;" in html


@pytest.mark.parametrize("position", ["", "x", "-1", "99999999999999999999"])
def test_bears_any_position(
    browser: Browser, client: models.Client, alice: models.User, position: str
) -> None:
    assert "department" in shown(browser, client, posted({"position": position}))


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"mappings-TOTAL_FORMS": "x"},
        {"mappings-TOTAL_FORMS": "9999999", "mappings-INITIAL_FORMS": "0"},
        {"preview-person": "nobody\x00", "preview-target": "odd", "preview-scope": "odd"},
        {"preview-person": "x" * 5000},
    ],
)
def test_bears_any_form(
    browser: Browser, client: models.Client, alice: models.User, data: dict[str, Any]
) -> None:
    shown(browser, client, data)


def test_knows_no_strangers(browser: Browser, client: models.Client, alice: models.User) -> None:
    data = posted({}, **{"preview-person": "nobody"})
    assert "Nobody is known as “nobody”" in shown(browser, client, data)


def test_machine_receives_an_access_token_only(client: models.Client) -> None:
    case = case_for(client, None, scopes=())
    assert "client_id" in preview_tokens.access_token(case).text
    for target in (preview_tokens.id_token, preview_tokens.userinfo):
        with pytest.raises(NothingIssued):
            target(case)


def test_kinds_have_their_targets(admin_user: models.User) -> None:
    machine = Application(kind="machine")
    assert [target.name for target in preview.targets(machine)] == ["access_token"]
    web = Application(kind="web")
    assert {target.name for target in preview.targets(web)} == {
        "id_token",
        "userinfo",
        "access_token",
    }
    assert [target.name for target in preview.targets(Application(kind="saml"))] == ["assertion"]


def test_disabled_people_get_nothing(client: models.Client, alice: models.User) -> None:
    alice.is_active = False
    alice.save()
    case = case_for(client, alice)
    for target in preview.targets(client.application):
        with pytest.raises(NothingIssued):
            target.show(case)


def test_without_openid_there_is_no_id_token(client: models.Client, alice: models.User) -> None:
    case = case_for(client, alice, scopes=("profile",))
    with pytest.raises(NothingIssued):
        preview_tokens.id_token(case)
    with pytest.raises(NothingIssued):
        preview_tokens.userinfo(case)


def test_access_token_is_for_the_chosen_api(client: models.Client, alice: models.User) -> None:
    api = ResourceFactory(scopes=["read"])
    client.resources.add(api)
    case = case_for(client, alice, scopes=("openid", "read"), resources=(api.identifier,))
    assert f'"aud": "{api.identifier}"' in preview_tokens.access_token(case).text


def test_says_when_the_person_may_not_use_it(
    browser: Browser, client: models.Client, alice: models.User
) -> None:
    Application.objects.filter(pk=client.pk).update(access="nobody")
    assert "open to nobody" in shown(browser, client, posted({}))


def test_remarks_on_attributes_that_nobody_has(
    browser: Browser, client: models.Client, alice: models.User
) -> None:
    html = shown(browser, client, posted({"key": "departement"}))
    assert "Did you mean “department”?" in html


def test_follows_unsaved_settings_of_the_client(
    browser: Browser, client: models.Client, alice: models.User
) -> None:
    data = posted(**{"client-TOTAL_FORMS": 1, "client-0-id_token_signed_response_alg": "RS256"})
    html = shown(browser, client, data)
    assert "&quot;alg&quot;: &quot;RS256&quot;" in html
    assert "Alice Liddell" not in html.split("<h3>Why<")[0].replace('class="removed"', "") or (
        'class="removed"' in html
    )


def test_names_the_largest_and_its_size(
    browser: Browser, client: models.Client, alice: models.User
) -> None:
    UserFactory(username="big", attributes={"department": "x" * 4000})
    html = shown(browser, client, posted({}))
    assert "The largest is big" in html
    assert "too large for a cookie" in html


def test_only_answers_posts_about_applications(browser: Browser, client: models.Client) -> None:
    assert browser.get(f"/admin/preview/{client.pk}/").status_code == 404
    nobody = "01a20da9-0000-7000-8000-000000000000"
    assert browser.post(f"/admin/preview/{nobody}/").status_code == 404
