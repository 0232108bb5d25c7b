"""What has been asked before passes by memory; what differs from it passes by the checks."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from idp import directory
from idp.authorization import known_request, pipeline
from idp.authorization.request import LONGEST, LONGEST_STATE
from idp.models import Application
from idp.protocol import parameters as forms
from tests.support.protocol import CALLBACK, RelyingParty, World, answer, encode

FRESH = {"state": "another", "nonce": "new", "code_challenge": "C" * 43}


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the checks that have run since."""
    names: list[str] = []

    def watched(check: pipeline.Check) -> pipeline.Check:
        def run(draft: Any) -> None:
            names.append(check.__name__)
            check(draft)

        return run

    monkeypatch.setattr(pipeline, "CHECKS", tuple(watched(check) for check in pipeline.CHECKS))
    return names


def run(web: RelyingParty, **changes: Any) -> Any:
    parameters = forms.parse(encode(web.request(**changes)))
    return pipeline.run(parameters, now=timezone.now())


def refused(web: RelyingParty, **changes: Any) -> str:
    with pytest.raises(pipeline.Refused) as caught:
        run(web, **changes)
    return caught.value.error.description


def test_the_like_of_an_earlier_request_is_what_the_checks_make_of_it(
    world: World, web: RelyingParty, ran: list[str]
) -> None:
    run(web)
    ran.clear()
    recalled = run(web, **FRESH)
    assert ran == []
    directory.forget()
    assert recalled._replace(parameters=None) == run(web, **FRESH)._replace(parameters=None)
    assert ran, "this time the checks were asked"
    assert recalled.reply_to.state == "another"
    assert (recalled.nonce, recalled.code_challenge) == ("new", "C" * 43)
    assert recalled.parameters.one("nonce") == "new", "what is stored for a page is the new one"


def test_a_challenge_without_a_code_means_nothing(world: World) -> None:
    implicit = world.relying_party(
        application_profile=Application.Profile.COMPATIBILITY,
        grant_types=["implicit"],
        response_types=["id_token"],
    )
    for challenge in ("C" * 43, "D" * 43):
        checked = run(implicit, response_type="id_token", code_challenge=challenge)
        assert checked.code_challenge == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": "short"},
        {"code_challenge": "=" * 43},
        {"code_challenge": ["C" * 43, "D" * 43]},
        {"state": "s" * (LONGEST_STATE + 1)},
        {"state": ["a", "b"]},
        {"nonce": "n" * (LONGEST["nonce"] + 1)},
        {"nonce": ["a", "b"]},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge": None},
        {"redirect_uri": "https://attacker.example/"},
        {"scope": "unknown"},
        {"prompt": "none login"},
        {"max_age": "-1"},
        {"claims": "{"},
        {"request": "e30.e30."},
        {"request_uri": "https://app.example.org/request"},
        {"registration": "{}"},
        {"id_token_hint": "e30.e30.e30"},
        {"resource": "https://unknown.example"},
        {"response_mode": "fragment.jwt"},
        {"response_type": "id_token"},
    ],
    ids=str,
)
def test_a_refusal_is_the_same_before_and_after(
    world: World, web: RelyingParty, changes: dict[str, Any]
) -> None:
    alone = refused(web, **changes)
    run(web)
    assert refused(web, **changes) == alone
    assert refused(web, **changes) == alone, "and nothing of it was kept"


@pytest.mark.parametrize(
    "changes",
    [
        {"login_hint": "alice"},
        {"claims": '{"userinfo": {"email": null}}'},
        {"anything": "else"},
        {"nonce": "", "state": ""},
        {"ui_locales": "e" * 2000},
    ],
    ids=str,
)
def test_what_may_never_come_again_is_not_kept(
    world: World, web: RelyingParty, ran: list[str], changes: dict[str, Any]
) -> None:
    run(web, **changes)
    ran.clear()
    run(web, **changes)
    assert ran


def test_an_empty_value_is_none_and_no_value_of_before(world: World, web: RelyingParty) -> None:
    assert run(web).nonce
    assert run(web, nonce="").nonce == ""
    assert run(web, nonce=None).nonce == ""
    assert run(web, state="").reply_to.state is None
    assert run(web, state=None).reply_to.state is None


def test_a_signed_request_neither_uses_nor_leaves_a_memory(
    world: World, web: RelyingParty, ran: list[str]
) -> None:
    parameters = forms.parse(encode(web.request()))
    assert pipeline.run(parameters, now=timezone.now(), signed=True).signed
    ran.clear()
    assert not run(web).signed
    assert ran
    ran.clear()
    assert pipeline.run(parameters, now=timezone.now(), signed=True).signed
    assert ran


def test_a_change_of_the_application_counts_at_once(world: World, web: RelyingParty) -> None:
    run(web)
    web.change(redirect_uris=["https://elsewhere.example/callback"])
    assert "not registered" in refused(web, redirect_uri=CALLBACK)
    web.change_application(enabled=False)
    assert "disabled" in refused(web)


def test_another_clients_request_is_another(world: World, web: RelyingParty) -> None:
    run(web)
    other = world.relying_party(redirect_uris=["https://other.example/callback"])
    assert run(other).client.pk == other.client.pk
    assert run(web).client.pk == web.client.pk


def test_memory_is_bounded(
    world: World, web: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_request, "MOST_KNOWN", 5)
    for seconds in range(20):
        run(web, max_age=str(seconds))
    assert len(known_request.memory()) <= 5


def test_a_person_is_asked_for_consent_all_the_same(world: World, web: RelyingParty) -> None:
    web.change_application(first_party=True, access=Application.Access.EVERYONE)
    assert "code" in answer(web.authorize(world.session))
    web.change_application(access=Application.Access.NOBODY)
    refusal = answer(web.authorize(world.session, prompt="none"))
    assert refusal["error"] == "access_denied"


def test_what_passed_before_a_change_is_not_kept_after_it(
    world: World, web: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(draft: Any) -> None:
        web.change(redirect_uris=["https://elsewhere.example/callback"])

    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "CHECKS", (*pipeline.CHECKS, change))
        run(web)
    assert "not registered" in refused(web, redirect_uri=CALLBACK)
