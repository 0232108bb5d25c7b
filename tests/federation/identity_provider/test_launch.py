"""Sign-on that is started from here: no request, nothing that a stranger could put into it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.utils import timezone

from federation.identity_provider import entity, pipeline
from idp.accounts import people
from idp.models import Application, AuditEvent, Interaction, Participant, SignIn, User
from tests.support.factories import PASSWORD, GroupFactory, UserFactory
from tests.support.protocol import cookie_of
from tests.support.saml import Party, SamlWorld, follow_a_source, posted
from tests.support.sign_in import Browser

FIRST, SECOND = "https://app.example/first?a=1&b=2", "second"


@pytest.fixture
def started(saml: SamlWorld) -> Party:
    """A service provider that may be started from here."""
    return saml.party(idp_initiated=True, relay_states=[FIRST, SECOND])


@pytest.fixture
def person(saml: SamlWorld) -> User:
    return UserFactory(username="bob", name="Bob Brown", password=PASSWORD)


def path(party: Party, relay_state: str | None = None) -> str:
    query = "" if relay_state is None else f"?RelayState={quote(relay_state, safe='')}"
    return f"{entity.LAUNCH_PATH}/{party.row.slug}{query}"


def browser_of(saml: SamlWorld) -> Browser:
    browser = Browser()
    browser.cookies.load(cookie_of(saml.session))
    return browser


def test_order_of_the_checks() -> None:
    assert [check.__name__ for check in pipeline.LAUNCH_CHECKS] == [
        "enabled_application",
        "current_metadata",
        "may_be_started_from_here",
        "allowed_relay_state",
        "default_consumer",
        "usual_name_id_format",
    ]


def test_whoever_is_signed_in_is_taken_there(saml: SamlWorld, started: Party) -> None:
    form = posted(browser_of(saml).open(path(started)))
    assert form.status == ("Success",)
    assert form.action == started.sp.acs_url
    assert form.attributes["uid"] == ["alice"]
    assert form.relay_state == FIRST
    assert not form.all("//@InResponseTo")
    assert Participant.objects.get().application == started.row.application
    trace = SignIn.objects.get()
    assert trace.result == "success"
    assert [one["name"] for one in trace.trace] == [
        pipeline.describe(check) for check in pipeline.LAUNCH_CHECKS
    ]


def test_python3_saml_takes_it(saml: SamlWorld, started: Party) -> None:
    form = posted(browser_of(saml).open(path(started)))
    response = started.accept(form)
    assert response.get_in_response_to() is None


def test_nobody_signed_in_signs_in_first(saml: SamlWorld, started: Party, person: User) -> None:
    browser = Browser()
    page = browser.open(path(started, SECOND))
    assert "Acme Reports" in page.content.decode()
    form = posted(browser.submit(page, username="bob", password=PASSWORD))
    assert form.attributes["uid"] == ["bob"]
    assert form.relay_state == SECOND
    assert not form.all("//@InResponseTo")


# ----- what is sent along -----


def test_another_of_the_list(saml: SamlWorld, started: Party) -> None:
    assert posted(browser_of(saml).open(path(started, SECOND))).relay_state == SECOND


def test_an_empty_list_sends_nothing(saml: SamlWorld) -> None:
    party = saml.party(idp_initiated=True)
    assert posted(browser_of(saml).open(path(party))).relay_state is None


@pytest.mark.parametrize(
    "given",
    [
        "https://evil.example/",
        "https://app.example/first",
        "SECOND",
        " second",
        "second/",
        "",
        "\0",
        "\u00e9" * 500,
        "x" * 50_000,
    ],
)
def test_only_what_is_listed_exactly(saml: SamlWorld, started: Party, given: str) -> None:
    page = browser_of(saml).open(path(started, given))
    assert page.status_code == 400
    assert b"SAMLResponse" not in page.content
    assert b"not_started_here" in page.content
    assert not Participant.objects.exists()


def test_two_are_refused_though_each_is_listed(saml: SamlWorld, started: Party) -> None:
    page = browser_of(saml).open(f"{path(started, SECOND)}&RelayState=second")
    assert page.status_code == 400


def test_the_trace_names_what_was_received(saml: SamlWorld, started: Party) -> None:
    browser_of(saml).open(path(started, "third"))
    trace = SignIn.objects.get()
    assert trace.result == "failure"
    assert trace.trace[-1]["received"] == "third"
    assert FIRST in trace.trace[-1]["expected"]
    assert "RelayStates" in trace.suggestion


# ----- who is not taken there -----


def test_off_unless_switched_on(saml: SamlWorld, party: Party) -> None:
    page = browser_of(saml).open(path(party))
    assert page.status_code == 400
    assert b"not_started_here" in page.content
    assert b"SAMLResponse" not in page.content
    assert "may be started from here" in SignIn.objects.get().suggestion


def test_an_unknown_address(saml: SamlWorld, started: Party) -> None:
    for slug in ("nothing", "x" * 41):
        assert browser_of(saml).get(f"{entity.LAUNCH_PATH}/{slug}").status_code == 404


@pytest.mark.parametrize("method", ["post", "head", "put"])
def test_only_by_get(saml: SamlWorld, started: Party, method: str) -> None:
    answer = getattr(browser_of(saml), method)(path(started))
    assert answer.status_code in (403, 405)
    assert not Participant.objects.exists()


def test_a_disabled_application(saml: SamlWorld, started: Party) -> None:
    started.change_application(enabled=False)
    page = browser_of(saml).open(path(started))
    assert page.status_code == 400
    assert b"disabled_application" in page.content


def test_one_whose_metadata_has_ended(saml: SamlWorld, started: Party) -> None:
    follow_a_source(started.row, ended=True)
    page = browser_of(saml).open(path(started))
    assert page.status_code == 400
    assert b"outdated_metadata" in page.content


def test_a_disabled_person(saml: SamlWorld, started: Party) -> None:
    people.disable(saml.user, now=timezone.now())
    page = browser_of(saml).open(path(started))
    assert b"SAMLResponse" not in page.content
    assert "id_username" in page.content.decode()


@pytest.mark.parametrize("access", [Application.Access.NOBODY, Application.Access.GROUPS])
def test_who_may_not_use_it(saml: SamlWorld, started: Party, access: str) -> None:
    started.change_application(access=access)
    started.row.application.allowed_groups.add(GroupFactory(name="others"))
    page = browser_of(saml).open(path(started))
    assert b"SAMLResponse" not in page.content
    assert page.path.endswith("/not-allowed")


@pytest.mark.parametrize(
    "changed",
    [{"idp_initiated": False}, {"relay_states": []}],
)
def test_what_has_changed_while_it_waited_counts(
    saml: SamlWorld, started: Party, person: User, changed: dict[str, Any]
) -> None:
    browser = Browser()
    page = browser.open(path(started))
    started.change(**changed)
    answer = browser.submit(page, username="bob", password=PASSWORD)
    assert b"SAMLResponse" not in answer.content
    assert b"not_started_here" in answer.content


def test_whoever_gives_up_reads_it_here_and_nothing_is_sent(
    saml: SamlWorld, started: Party
) -> None:
    browser = Browser()
    page = browser.open(path(started))
    answer = browser.submit(page, cancel="1")
    assert answer.status_code == 400
    assert b"SAMLResponse" not in answer.content
    assert b"You did not sign in." in answer.content


def test_without_what_the_name_is_made_of(saml: SamlWorld, started: Party) -> None:
    started.change(default_name_id_format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress")
    User.objects.filter(pk=saml.user.pk).update(email_verified=False)
    page = browser_of(saml).open(path(started))
    assert page.status_code == 400
    assert b"Your profile lacks" in page.content
    assert AuditEvent.objects.filter(action="saml.refused").exists()


# ----- the launcher -----


def test_the_account_page_leads_there(saml: SamlWorld, started: Party) -> None:
    page = browser_of(saml).get("/account").content.decode()
    assert f'href="{settings.IDP.url(path(started))}"' in page


def test_a_launch_address_of_its_own_comes_first(saml: SamlWorld, started: Party) -> None:
    started.change_application(launch_url="https://app.example/start")
    page = browser_of(saml).get("/account").content.decode()
    assert 'href="https://app.example/start"' in page
    assert entity.LAUNCH_PATH not in page


def test_the_account_page_knows_none_where_it_is_off(saml: SamlWorld, party: Party) -> None:
    assert entity.LAUNCH_PATH not in browser_of(saml).get("/account").content.decode()


def test_one_that_waited_too_long_begins_here_again(saml: SamlWorld, started: Party) -> None:
    browser = Browser()
    page = browser.open(path(started))
    Interaction.objects.update(expires_at=timezone.now())
    assert path(started) in browser.open(page.path).content.decode()
