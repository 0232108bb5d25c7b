"""The dispatcher: what waits, whose it is, which step is next, and that it ends once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from idp.accounts import interaction
from idp.models import AuditEvent, Consent, Interaction, Session, SignIn
from tests.support.factories import PASSWORD, GroupFactory, UserFactory
from tests.support.sign_in import BACK, KIND, Browser, Origin, begin

pytestmark = pytest.mark.django_db


def sign_in(browser, page, name="alice", secret=PASSWORD):
    return browser.submit(page, username=name, password=secret)


class TestSteps:
    def test_stranger_signs_in_and_the_kind_answers(self, browser, alice, application, probe):
        page = browser.open(begin(browser, application))
        assert b"Acme Reports" in page.content
        response = sign_in(browser, page)
        assert (response.status_code, response.headers["Location"]) == (303, BACK)
        ((row, session),) = probe.finished
        assert session.user == alice
        assert row.request == {"state": "secret-state"}
        assert row.application == application

    def test_signed_in_person_goes_straight_on(self, browser, alice, application, probe):
        browser.sign_in()
        assert browser.open(begin(browser, application)).headers["Location"] == BACK

    def test_email_address_signs_in_whatever_its_case(self, browser, alice, application, probe):
        page = browser.open(begin(browser, application))
        assert sign_in(browser, page, "ALICE@Example.ORG").headers["Location"] == BACK

    def test_every_post_is_answered_with_303(self, browser, alice, application, probe):
        page = browser.open(begin(browser, application))
        for secret in ("wrong", PASSWORD):
            response = browser.submit(page, follow=False, username="alice", password=secret)
            assert response.status_code == 303

    def test_wrong_password_keeps_the_name_and_says_so(self, browser, alice, application, probe):
        page = browser.open(begin(browser, application))
        page = sign_in(browser, page, secret="wrong")
        assert b'role="alert"' in page.content
        assert b'value="alice"' in page.content
        again = browser.open(page.path)
        assert b'role="alert"' not in again.content

    def test_unknown_and_known_names_read_the_same(self, browser, alice, application, probe):
        pages = []
        for name in ("alice", "nobody"):
            page = browser.open(begin(browser, application))
            page = sign_in(browser, page, name, "wrong")
            token = browser.form_of(page, "password")["inputs"]["csrfmiddlewaretoken"]
            text = page.content.decode().replace(name, "NAME").replace(page.path, "PATH")
            pages.append(text.replace(token, "TOKEN"))
        assert len({text.count("csrfmiddlewaretoken") for text in pages}) == 1
        strip = [line for line in pages[0].splitlines() if "csrf" not in line]
        assert strip == [line for line in pages[1].splitlines() if "csrf" not in line]

    def test_disabled_person_reads_the_same_words(self, browser, application, probe):
        UserFactory(username="carol", password=PASSWORD, is_active=False)
        page = sign_in(browser, browser.open(begin(browser, application)), "carol")
        assert b"do not fit together" in page.content
        assert not probe.finished
        assert Session.objects.count() == 0

    @pytest.mark.parametrize("fields", [{}, {"username": "alice"}, {"password": PASSWORD}])
    def test_incomplete_form_changes_nothing(self, browser, alice, application, probe, fields):
        page = browser.open(begin(browser, application))
        token = browser.form_of(page, "password")["inputs"]["csrfmiddlewaretoken"]
        response = browser.post(page.path, {**fields, "csrfmiddlewaretoken": token})
        assert response.status_code == 303
        assert not probe.finished
        assert Session.objects.count() == 0

    def test_cancel_refuses(self, browser, application, probe):
        page = browser.open(begin(browser, application))
        response = browser.submit(page, cancel="1")
        assert response.headers["Location"] == f"{BACK}?error=cancelled"
        assert probe.refused == ["cancelled"]
        late = browser.open(page.path).content
        assert b"This sign-in is over" in late
        assert b"That took a while" not in late

    def test_unreachable_acr_is_refused_at_once(self, browser, application, probe):
        path = begin(browser, application, acr_values=("phr",), essential_acr=True)
        browser.open(path)
        assert probe.refused == ["unmet_authentication_requirements"]

    @pytest.mark.standard("OIDC Core", "3.1.2.1", "prompt=none shows no page")
    @pytest.mark.standard("SAML Core", "3.4.1", "IsPassive shows no page")
    def test_passive_request_never_shows_a_page(self, browser, application, probe):
        browser.open(begin(browser, application, passive=True))
        assert probe.refused == ["login_required"]

    def test_passive_request_is_refused_where_consent_is_missing(
        self, browser, alice, application, probe
    ):
        browser.sign_in()
        probe.ask(application, "email")
        browser.open(begin(browser, application, passive=True))
        assert probe.refused == ["consent_required"]

    def test_head_does_not_finish(self, browser, alice, application, probe):
        browser.sign_in()
        path = begin(browser, application)
        assert browser.head(path).status_code == 405
        assert not probe.finished


class TestReauthentication:
    @pytest.mark.standard("OIDC Core", "3.1.2.1", "prompt=login asks for a new proof")
    @pytest.mark.standard("SAML Core", "3.4.1", "ForceAuthn asks for a new proof")
    def test_force_asks_the_same_person_for_the_password(self, browser, alice, application, probe):
        browser.sign_in()
        before = Session.objects.get()
        token = browser.session_token
        page = browser.open(begin(browser, application, force=True))
        assert b"readonly" in page.content
        assert b"alice" in page.content
        assert not probe.finished
        response = browser.submit(page, password=PASSWORD)
        assert response.headers["Location"] == BACK
        after = Session.objects.get()
        assert after.pk == before.pk
        assert after.authenticated_at > before.authenticated_at
        assert browser.session_token != token
        assert after.events.count() == 2

    def test_proof_from_before_the_request_does_not_count(self, browser, alice, application, probe):
        browser.sign_in()
        assert browser.open(begin(browser, application, force=True)).status_code == 200
        assert not probe.finished

    @pytest.mark.standard("OIDC Core", "3.1.2.1", "max_age is measured from the proof")
    def test_max_age_is_measured_from_the_proof(self, browser, alice, application, probe, clock):
        browser.sign_in()
        clock.advance(minutes=5)
        path = begin(browser, application, max_age=timedelta(minutes=10))
        assert browser.open(path).headers["Location"] == BACK
        path = begin(browser, application, max_age=timedelta(minutes=4))
        assert browser.open(path).status_code == 200

    def test_name_of_somebody_else_is_not_looked_at(self, browser, alice, bob, application, probe):
        browser.sign_in()
        page = browser.open(begin(browser, application, force=True))
        page = browser.submit(page, username="bob", password=PASSWORD)
        assert not probe.finished
        assert Session.objects.get().user == alice

    def test_not_you_lets_somebody_else_sign_in(self, browser, alice, bob, application, probe):
        browser.sign_in()
        first = Session.objects.get()
        page = browser.open(begin(browser, application, force=True))
        page = browser.submit(page, switch="1")
        assert b"readonly" not in page.content
        assert sign_in(browser, page, "bob").headers["Location"] == BACK
        assert probe.finished[0][1].user == bob
        first.refresh_from_db()
        assert first.ended_at is not None

    def test_switch_counts_even_though_somebody_is_signed_in(
        self, browser, alice, bob, application, probe
    ):
        probe.ask(application, "email")
        browser.sign_in()
        page = browser.open(begin(browser, application))
        page = browser.submit(page, switch="1")
        assert b'id="id_password"' in page.content
        assert browser.open(page.path.removesuffix("/login")).path.endswith("/login")
        page = sign_in(browser, page, "bob")
        response = browser.submit(page, decision="allow")
        assert response.headers["Location"] == BACK
        assert Consent.objects.get().user == bob

    @pytest.mark.standard("OIDC Core", "3.1.2.1", "prompt=select_account asks who it is")
    def test_account_selection_asks_although_somebody_is_signed_in(
        self, browser, alice, bob, application, probe
    ):
        browser.sign_in()
        page = browser.open(begin(browser, application, select_account=True))
        assert b'value="alice"' in page.content
        assert b"readonly" not in page.content
        assert sign_in(browser, page, "bob").headers["Location"] == BACK

    def test_expected_person_is_demanded(self, browser, alice, bob, application, probe):
        browser.sign_in("bob")
        page = browser.open(begin(browser, application, subject=alice.subject))
        assert b'value="bob"' not in page.content
        assert sign_in(browser, page, "alice").headers["Location"] == BACK

    @pytest.mark.standard("OIDC Core", "3.1.2.1", "another person than id_token_hint names")
    def test_another_person_than_the_expected_one_is_refused(
        self, browser, alice, bob, application, probe
    ):
        page = browser.open(begin(browser, application, subject=alice.subject))
        sign_in(browser, page, "bob")
        assert probe.refused == ["login_required"]
        assert not probe.finished


class TestAccess:
    @pytest.mark.parametrize("access", ["groups", "nobody", "unheard of"])
    def test_not_allowed_is_told_with_a_reference(self, browser, alice, application, probe, access):
        application.access = access
        application.contact = "ask@app.example"
        application.save()
        page = sign_in(browser, browser.open(begin(browser, application)))
        assert page.status_code == 403
        assert b"ask@app.example" in page.content
        browser.open(page.path)
        (trace,) = SignIn.objects.filter(application_id=application.pk)
        assert trace.reference.encode() in page.content
        assert AuditEvent.objects.filter(reference=trace.reference).count() == 1
        assert not probe.finished
        browser.submit(page, cancel="1")
        assert probe.refused == ["not_allowed"]

    def test_member_of_the_group_may(self, browser, application, probe):
        UserFactory(username="alice", password=PASSWORD, groups=["staff"])
        application.access = "groups"
        application.save()
        application.allowed_groups.add(UserFactory(groups=["staff"]).groups.get())
        page = sign_in(browser, browser.open(begin(browser, application)))
        assert page.headers["Location"] == BACK

    def test_groups_without_any_group_means_nobody(self, browser, alice, application, probe):
        alice.groups.add(GroupFactory())
        application.access = "groups"
        application.save()
        assert sign_in(browser, browser.open(begin(browser, application))).status_code == 403

    def test_somebody_else_may_sign_in_instead(self, browser, alice, bob, application, probe):
        application.access = "groups"
        application.save()
        group = GroupFactory()
        application.allowed_groups.add(group)
        bob.groups.add(group)
        page = sign_in(browser, browser.open(begin(browser, application)))
        page = browser.submit(page, switch="1")
        assert sign_in(browser, page, "bob").headers["Location"] == BACK

    def test_failing_policy_denies(self, browser, alice, application, probe, monkeypatch):
        from idp.accounts import access

        def explode(*args):
            raise RuntimeError("no such policy")

        monkeypatch.setattr(access, "_refusal", explode)
        assert sign_in(browser, browser.open(begin(browser, application))).status_code == 403
        assert not probe.finished

    def test_withdrawn_access_is_seen_at_the_last_moment(self, browser, alice, application, probe):
        probe.ask(application, "email")
        page = sign_in(browser, browser.open(begin(browser, application)))
        application.enabled = False
        application.save()
        assert browser.submit(page, decision="allow").status_code == 403
        assert not probe.finished
        assert not Consent.objects.exists()


class TestConsent:
    def test_asks_with_values_and_keeps_the_answer(self, browser, alice, application, probe):
        probe.ask(application, "email", "profile")
        page = sign_in(browser, browser.open(begin(browser, application)))
        assert b"Value of email" in page.content
        response = browser.submit(page, decision="allow")
        assert response.headers["Location"] == BACK
        consent = Consent.objects.get()
        assert (consent.user, consent.scopes) == (alice, ["email", "profile"])
        assert AuditEvent.objects.filter(action="consent.given").count() == 1

    def test_adds_to_what_was_allowed(self, browser, alice, application, probe):
        Consent.objects.create(user=alice, application=application, scopes=["groups"])
        probe.ask(application, "email")
        page = sign_in(browser, browser.open(begin(browser, application)))
        browser.submit(page, decision="allow")
        assert Consent.objects.get().scopes == ["email", "groups"]

    def test_deny_refuses(self, browser, alice, application, probe):
        probe.ask(application, "email")
        page = sign_in(browser, browser.open(begin(browser, application)))
        response = browser.submit(page, decision="deny")
        assert response.headers["Location"] == f"{BACK}?error=consent_denied"
        assert not Consent.objects.exists()
        assert AuditEvent.objects.filter(action="consent.denied").count() == 1

    def test_every_interaction_asks_when_the_kind_does(self, browser, alice, application, probe):
        probe.ask(application, "email")
        page = sign_in(browser, browser.open(begin(browser, application)))
        browser.submit(page, decision="allow")
        assert browser.open(begin(browser, application)).status_code == 200
        assert len(probe.finished) == 1

    def test_late_form_says_so(self, browser, alice, application, probe):
        probe.ask(application, "email")
        page = sign_in(browser, browser.open(begin(browser, application)))
        page = browser.open(browser.post(page.path, {"decision": "allow"}).headers["Location"])
        assert b"That took a while" in page.content
        assert browser.submit(page, decision="allow").headers["Location"] == BACK

    @pytest.mark.parametrize("decision", ["", "yes", "ALLOW"])
    def test_no_decision_shows_the_page_again(self, browser, alice, application, probe, decision):
        probe.ask(application, "email")
        page = sign_in(browser, browser.open(begin(browser, application)))
        assert browser.submit(page, decision=decision).status_code == 200
        assert not probe.finished

    def test_allow_counts_only_for_who_saw_the_question(
        self, browser, alice, bob, application, probe
    ):
        probe.ask(application, "email")
        page = sign_in(browser, browser.open(begin(browser, application)))
        second_tab = browser.open(begin(browser, application, force=True))
        second_tab = browser.submit(second_tab, switch="1")
        sign_in(browser, second_tab, "bob")
        shown_again = browser.submit(page, decision="allow")
        assert b"bob@example.org" in shown_again.content
        assert not Consent.objects.exists()

    def test_consent_of_one_person_is_not_that_of_the_next(
        self, browser, alice, bob, application, probe
    ):
        probe.ask(application, "email")
        login_page = browser.open(begin(browser, application))
        page = sign_in(browser, login_page)
        browser.submit(page, follow=False, decision="allow")
        page = sign_in(browser, login_page, "bob")
        assert b"bob@example.org" in page.content
        assert not probe.finished

    def test_allow_counts_only_for_what_was_shown(self, browser, alice, application, probe):
        probe.ask(application, "email")
        page = sign_in(browser, browser.open(begin(browser, application)))
        probe.ask(application, "email", "address")
        assert b"Value of address" in browser.submit(page, decision="allow").content
        assert not Consent.objects.exists()


class TestWaysOn:
    def test_finished_interaction_leads_on(self, browser, alice, application, probe):
        path = begin(browser, application)
        sign_in(browser, browser.open(path))
        page = browser.open(path)
        assert page.status_code == 200
        assert b"already signed in" in page.content
        assert b"https://app.example/start" in page.content
        assert len(probe.finished) == 1

    def test_old_form_of_a_finished_interaction_leads_on(self, browser, alice, application, probe):
        page = browser.open(begin(browser, application))
        sign_in(browser, page)
        assert b"already signed in" in sign_in(browser, page).content

    def test_expired_interaction_leads_on(self, browser, alice, application, probe, clock):
        path = begin(browser, application)
        page = browser.open(path)
        clock.advance(hours=2)
        for response in (browser.open(path), sign_in(browser, page)):
            assert response.status_code == 410
            assert b"/restarted" in response.content
        assert not probe.finished

    def test_second_tab_goes_straight_on_after_the_first(self, browser, alice, application, probe):
        first = browser.open(begin(browser, application))
        second = browser.open(begin(browser, application))
        assert sign_in(browser, first).headers["Location"] == BACK
        assert browser.open(second.path).headers["Location"] == BACK

    def test_second_tab_form_still_works(self, browser, alice, application, probe):
        first = browser.open(begin(browser, application))
        second = browser.open(begin(browser, application))
        assert sign_in(browser, first).headers["Location"] == BACK
        assert sign_in(browser, second).headers["Location"] == BACK
        assert len(probe.finished) == 2

    def test_late_form_shows_the_page_again_and_does_nothing(
        self, browser, alice, application, probe
    ):
        page = browser.open(begin(browser, application))
        response = browser.post(page.path, {"username": "alice", "password": PASSWORD})
        assert response.status_code == 303
        page = browser.open(response.headers["Location"])
        assert b"That took a while" in page.content
        assert Session.objects.count() == 0
        assert sign_in(browser, page).headers["Location"] == BACK

    def test_cookies_off_is_explained(self, application, probe):
        page = Browser().open(begin(Browser(), application))
        assert page.status_code == 400
        assert b"does not keep cookies" in page.content
        assert b"secret-state" not in page.content

    @pytest.mark.parametrize(
        "handle", ["x", "x" * 43, "%00", "..%2f..", "%ff" * 20, "a" * 5000, "é" * 43, "%0d%0aX: y"]
    )
    def test_handle_of_nothing_leads_on(self, browser, db, handle):
        for step in ("", "/login", "/consent", "/not-allowed"):
            assert browser.get(f"/interaction/{handle}{step}").status_code in (404, 410)


class TestBrowser:
    def test_other_browser_never_continues(self, browser, other_browser, alice, application, probe):
        path = begin(browser, application)
        other_browser.sign_in()
        page = other_browser.open(path)
        assert page.status_code == 410
        assert b"Acme Reports" not in page.content
        assert not probe.finished
        assert sign_in(browser, browser.open(path)).headers["Location"] == BACK

    def test_post_from_another_site_is_bound_to_the_browser_that_returns(
        self, browser, other_browser, alice, application, probe
    ):
        path = begin(browser, application, method="POST")
        assert not Interaction.objects.get().browser_hash
        page = browser.open(path)
        assert page.status_code == 200
        browser_cookie = browser.cookies["gatehouse_browser"].value
        assert browser_cookie
        other_browser.open("/login")
        assert other_browser.open(path).status_code == 410
        assert sign_in(browser, page).headers["Location"] == BACK

    def test_post_from_another_site_keeps_the_browser_cookie(
        self, browser, alice, application, probe
    ):
        first = browser.open(begin(browser, application))
        cookie = browser.cookies["gatehouse_browser"].value
        path = begin(browser, application, method="POST")
        page = browser.open(path)
        assert browser.cookies["gatehouse_browser"].value == cookie
        sign_in(browser, page)
        assert sign_in(browser, first).headers["Location"] == BACK

    def test_post_with_cookies_off_is_explained(self, application, probe):
        path = begin(None, application, method="POST")
        response = Browser().get(path)
        assert response.status_code == 303
        page = Browser().get(response.headers["Location"])
        assert page.status_code == 400
        assert b"does not keep cookies" in page.content
        assert not Interaction.objects.get().browser_hash

    def test_handle_is_kept_as_a_digest(self, browser, application):
        path = begin(browser, application)
        handle = path.rpartition("/")[2]
        row = Interaction.objects.get()
        assert handle.encode() not in bytes(row.handle_hash) + bytes(row.browser_hash)
        assert len(bytes(row.handle_hash)) == 32

    def test_session_that_ended_meanwhile_does_not_finish(self, browser, alice, application, probe):
        browser.sign_in()
        path = begin(browser, application)
        row, session = Interaction.objects.latest("pk"), Session.objects.get()
        Session.objects.update(ended_at=timezone.now())
        assert not interaction.claim(row, session, now=timezone.now())
        assert browser.open(path).path.endswith("/login")

    def test_kind_that_nobody_registered_is_unknown(self, browser, db):
        from idp.protocol.authentication_context import AuthenticationRequirement

        opened = interaction.open(
            "saml-that-is-off",
            application=None,
            requirement=AuthenticationRequirement(),
            request={},
            origin=Origin(),
            now=timezone.now(),
        )
        browser.cookies.load(opened.cookies[0])
        assert browser.open(opened.path).status_code == 410


class TestClaim:
    def test_second_claim_fails(self, browser, alice, application, probe):
        begin(browser, application)
        row = Interaction.objects.get(kind=KIND)
        assert interaction.claim(row, None, now=timezone.now())
        assert not interaction.claim(row, None, now=timezone.now())

    def test_refused_interaction_is_not_claimed_for_a_person(self, browser, alice, application):
        begin(browser, application)
        row = Interaction.objects.get(kind=KIND)
        stale = Interaction.objects.get(kind=KIND)
        interaction.refuse(row, interaction.Refusal.CANCELLED)
        assert not interaction.claim(stale, None, now=timezone.now())

    @pytest.mark.parametrize("change", ["switched_at", "consented_at"])
    def test_claim_fails_when_what_was_decided_from_has_changed(
        self, browser, alice, application, change
    ):
        begin(browser, application)
        row = Interaction.objects.get(kind=KIND)
        Interaction.objects.update(**{change: timezone.now()})
        assert not interaction.claim(row, None, now=timezone.now())

    def test_nothing_changes_after_the_end(self, browser, alice, application):
        begin(browser, application)
        row = Interaction.objects.get(kind=KIND)
        interaction.claim(row, None, now=timezone.now())
        interaction.refuse(row, interaction.Refusal.CANCELLED)
        interaction.switch(row, now=timezone.now())
        row.refresh_from_db()
        assert (row.refused, row.switched_at) == ("", None)
