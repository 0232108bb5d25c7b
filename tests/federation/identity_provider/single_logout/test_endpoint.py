"""A service provider signs a person out through the browser: what ends, and what is said."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from federation.identity_provider.single_logout import matching, telling
from federation.saml import datatypes, encryption, vocabulary, xml
from idp import keys
from idp.accounts import session as sessions
from idp.models import AuditEvent, LogoutNotification, Session, SignIn
from tests.attacks.saml.service_provider import rsa_key, xmlsec_key
from tests.support.factories import ClientFactory
from tests.support.protocol import FORM, cookie_of, sign_in
from tests.support.saml import SamlWorld, follow_a_source
from tests.support.single_logout import (
    POST,
    REDIRECT,
    RELAY_STATE,
    Leaver,
    follow,
    instant,
    is_over,
    leaver,
    location_of,
    name_id,
    sent_by_post,
    sent_by_redirect,
    service,
    states,
)

SESSION_INDEX = "<samlp:SessionIndex>{}</samlp:SessionIndex>"


@pytest.fixture
def sp(saml: SamlWorld) -> Leaver:
    return leaver(saml)


# ----- one application -----


def test_the_session_ends_and_the_answer_is_signed(saml: SamlWorld, sp: Leaver) -> None:
    signed_on = sp.sign_on(saml.session)
    answer = sp.get(saml.session, signed_on.inside, identifier="_logout")
    assert is_over(saml.session)
    sent = sent_by_redirect(answer)
    assert (sent.status, sent.relay_state) == (("Success",), RELAY_STATE)
    assert sent.url == "https://sp.example/slo"
    assert sent.root.get("InResponseTo") == "_logout"
    assert sent.root.get("Destination") == "https://sp.example/slo"
    row = Session.objects.get(pk=saml.session.pk)
    assert row.end_reason == "signed out by application"
    cookies = [value for name, value in answer.headers if name == "Set-Cookie"]
    assert any("session=" in one and "Max-Age=0" in one for one in cookies)


def test_it_is_not_told_what_it_asked_for(saml: SamlWorld) -> None:
    sp = leaver(saml, [service(vocabulary.SOAP_BINDING), *REDIRECT])
    sp.get(saml.session, sp.sign_on(saml.session).inside)
    notice = LogoutNotification.objects.get()
    assert (notice.state, notice.attempts, notice.next_at) == ("acknowledged", 0, None)
    assert states(saml.session) == {"Acme Reports": "acknowledged"}


def test_by_post_in_the_binding_it_came_by(saml: SamlWorld) -> None:
    sp = leaver(saml, [*REDIRECT, service(vocabulary.POST, "https://sp.example/post")])
    answer = sp.post(saml.session, sp.sign_on(saml.session).inside)
    sent = sent_by_post(answer)
    assert (sent.url, sent.relay_state) == ("https://sp.example/post", RELAY_STATE)
    assert sent.status == ("Success",)


def test_the_answer_goes_to_the_response_location(saml: SamlWorld) -> None:
    sp = leaver(saml, [service(vocabulary.REDIRECT, response_url="https://sp.example/answers")])
    sent = sent_by_redirect(sp.get(saml.session, sp.sign_on(saml.session).inside))
    assert sent.url == sent.root.get("Destination") == "https://sp.example/answers"


def test_without_relay_state_there_is_none(saml: SamlWorld, sp: Leaver) -> None:
    answer = sp.get(saml.session, sp.sign_on(saml.session).inside, relay_state=None)
    assert sent_by_redirect(answer).relay_state is None


def test_a_post_from_another_site_comes_without_cookies(saml: SamlWorld, sp: Leaver) -> None:
    other = leaver(saml, POST)
    other.sign_on(saml.session)
    first = sp.post(None, sp.sign_on(saml.session).inside)
    assert not is_over(saml.session)
    assert location_of(first).startswith("/saml/slo?ticket=")
    second = follow(sp.party, first, saml.session)
    assert is_over(saml.session)
    # Its browser is known, so the other one can be told in it.
    assert location_of(second).startswith("/logout/applications?ticket=")
    assert follow(sp.party, first, saml.session).status == 400


@pytest.mark.parametrize("ticket", ["", "x", "AAAA", "A" * 40_000])
def test_a_ticket_of_somebody_else(saml: SamlWorld, sp: Leaver, ticket: str) -> None:
    answer = sp.party.provider.send("GET", "/saml/slo", query=f"ticket={ticket}")
    assert answer.status == 400


def test_a_ticket_expires(saml: SamlWorld, sp: Leaver) -> None:
    location = location_of(sp.post(None, sp.sign_on(saml.session).inside))
    sp.party.provider.ahead = timedelta(minutes=6)
    answer = sp.party.provider.send("GET", "/saml/slo", query=location.partition("?")[2])
    assert answer.status == 400
    assert not is_over(saml.session)


def test_an_address_that_was_never_registrable_is_not_used(saml: SamlWorld) -> None:
    sp = leaver(saml, [service(vocabulary.REDIRECT, "javascript:alert(1)")])
    answer = sp.get(saml.session, sp.sign_on(saml.session).inside)
    assert location_of(answer) == "/logout/done"
    assert is_over(saml.session)


def test_nobody_waits_for_an_answer_to_an_asynchronous_request(saml: SamlWorld, sp: Leaver) -> None:
    extension = (
        f'<samlp:Extensions><aslo:Asynchronous xmlns:aslo="{vocabulary.ASLO}"/></samlp:Extensions>'
    )
    answer = sp.get(saml.session, extension + sp.sign_on(saml.session).inside)
    assert is_over(saml.session)
    assert location_of(answer) == "/logout/done"


# ----- whose session -----


def test_without_an_index_every_session_of_the_person_there(saml: SamlWorld, sp: Leaver) -> None:
    first, second = saml.session, sign_in(saml.user)
    elsewhere = sign_in(saml.user)
    name = sp.sign_on(first).name
    sp.sign_on(second)
    sent = sent_by_redirect(sp.get(first, name_id(name)))
    assert sent.status == ("Success",)
    assert (is_over(first), is_over(second), is_over(elsewhere)) == (True, True, False)


def test_however_many_there_are(
    saml: SamlWorld, sp: Leaver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Success is not said before the last of them has ended."""
    monkeypatch.setattr(matching, "MOST_SESSIONS", 2)
    sessions = [saml.session, *(sign_in(saml.user) for _ in range(4))]
    names = [sp.sign_on(session).name for session in sessions]
    sent = sent_by_redirect(sp.get(sessions[0], name_id(names[0])))
    assert sent.status == ("Success",)
    assert all(is_over(session) for session in sessions)


def test_however_many_are_named(
    saml: SamlWorld, sp: Leaver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that have ended long ago take nobody's place."""
    monkeypatch.setattr(matching, "MOST_SESSIONS", 2)
    ended = [sign_in(saml.user) for _ in range(3)]
    live = [saml.session, *(sign_in(saml.user) for _ in range(4))]
    signed_on = [sp.sign_on(session) for session in [*ended, *live]]
    for session in ended:
        Session.objects.filter(pk=session.pk).update(ended_at=timezone.now())
    indexes = "".join(f"<samlp:SessionIndex>{one.index}</samlp:SessionIndex>" for one in signed_on)
    sent = sent_by_redirect(sp.get(live[0], name_id(signed_on[0].name) + indexes))
    assert sent.status == ("Success",)
    assert all(is_over(session) for session in live)


def test_an_index_means_that_session_alone(saml: SamlWorld, sp: Leaver) -> None:
    first, second = saml.session, sign_in(saml.user)
    signed_on = sp.sign_on(first)
    sp.sign_on(second)
    sp.get(first, signed_on.inside)
    assert (is_over(first), is_over(second)) == (True, False)


def test_a_name_of_an_affiliation_keeps_its_qualifier(saml: SamlWorld) -> None:
    """Two service providers share it; each signs out of its own sessions (SAML Core §8.3.7)."""
    group = "https://group.example"
    asking, told = leaver(saml, name_qualifier=group), leaver(saml, POST, name_qualifier=group)
    policy = (
        f'<samlp:NameIDPolicy Format="{vocabulary.PERSISTENT}" SPNameQualifier="{group}"'
        ' AllowCreate="true"/>'
    )
    own = asking.sign_on(saml.session, inside=policy)
    shared = told.sign_on(saml.session, inside=policy)
    assert own.name.text == shared.name.text
    assert own.name.get("SPNameQualifier") == group
    foreign = own.inside.replace(own.index, shared.index)
    assert sent_by_redirect(asking.get(saml.session, foreign)).status[0] == "Requester"
    answer = asking.get(saml.session, own.inside)
    assert location_of(answer).startswith("/logout/applications?ticket=")
    notice = LogoutNotification(
        sid=uuid.UUID(shared.index), name_id=shared.name.text, name_id_format=vocabulary.PERSISTENT
    )
    element = telling.request(
        notice, told.party.row, request_id="_x", destination="x", now=timezone.now()
    )
    assert element[1].get("SPNameQualifier") == group


def test_two_indexes_end_two_sessions(saml: SamlWorld, sp: Leaver) -> None:
    first, second = saml.session, sign_in(saml.user)
    one, two = sp.sign_on(first), sp.sign_on(second)
    sp.get(first, one.inside + SESSION_INDEX.format(two.index))
    assert (is_over(first), is_over(second)) == (True, True)


def forged(saml: SamlWorld, sp: Leaver, other: Leaver) -> dict[str, str]:
    """Names and indexes that are not this service provider's to use."""
    own, theirs = sp.sign_on(saml.session), other.sign_on(saml.session)
    _, session = saml.other()
    bobs = sp.sign_on(session)
    name = name_id(own.name)
    return {
        "another one's name and index": theirs.inside,
        "another one's name": name_id(theirs.name),
        "another one's index": name + SESSION_INDEX.format(theirs.index),
        "another person's index": name + SESSION_INDEX.format(bobs.index),
        "another person's name": name_id(bobs.name) + SESSION_INDEX.format(own.index),
        "an index of nobody": name + SESSION_INDEX.format("0" * 32),
        "an index in capitals": name + SESSION_INDEX.format(own.index.upper()),
        "no index at all": name + SESSION_INDEX.format("x"),
        "a name of nobody": "<saml:NameID>nobody</saml:NameID>",
        "an empty name": "<saml:NameID></saml:NameID>",
        "another format": name.replace("persistent", "transient"),
    }


FORGED = (
    "another one's name and index",
    "another one's name",
    "another one's index",
    "another person's index",
    "another person's name",
    "an index of nobody",
    "an index in capitals",
    "no index at all",
    "a name of nobody",
    "an empty name",
    "another format",
)


@pytest.mark.parametrize("case", FORGED)
def test_what_is_not_its_own_looks_like_nothing(saml: SamlWorld, sp: Leaver, case: str) -> None:
    inside = forged(saml, sp, leaver(saml))[case]
    sent = sent_by_redirect(sp.get(saml.session, inside))
    assert sent.status == ("Requester", "UnknownPrincipal")
    assert not Session.objects.filter(ended_at__isnull=False).exists()
    words = sent.root.xpath("//*[local-name()='StatusMessage']")[0].text
    assert words == "No session of this name and index is known here."


def test_a_session_of_its_own_that_is_over_already(saml: SamlWorld, sp: Leaver) -> None:
    signed_on = sp.sign_on(saml.session)
    Session.objects.filter(pk=saml.session.pk).update(ended_at=timezone.now())
    for inside in (signed_on.inside, name_id(signed_on.name)):
        assert sent_by_redirect(sp.get(None, inside)).status == ("Success",)


def test_the_browser_of_somebody_else_keeps_its_session(saml: SamlWorld, sp: Leaver) -> None:
    inside = sp.sign_on(saml.session).inside
    _, other = saml.other()
    answer = sp.get(other, inside)
    assert (is_over(saml.session), is_over(other)) == (True, False)
    assert not [one for one in answer.headers if one[0] == "Set-Cookie"]


# ----- who is refused -----


def refused(saml: SamlWorld, answer: Any) -> str:
    """The error code on the page; nothing has ended."""
    assert answer.status == 400, answer.body
    assert not is_over(saml.session)
    assert not LogoutNotification.objects.exists()
    text = answer.body.decode()
    assert "This sign-out cannot go on" in text
    return text.partition('id="error-code">')[2].partition("<")[0]


@pytest.mark.parametrize("binding", ["get", "post"])
def test_unsigned(saml: SamlWorld, sp: Leaver, binding: str) -> None:
    inside = sp.sign_on(saml.session).inside
    answer = getattr(sp, binding)(saml.session, inside, signed=False)
    assert refused(saml, answer) == "unsigned_request"


def test_signed_by_another_key(saml: SamlWorld, sp: Leaver) -> None:
    inside = sp.sign_on(saml.session).inside
    stranger = rsa_key("stranger")
    assert refused(saml, sp.get(saml.session, inside, key=stranger)) == "invalid_request"
    answer = sp.post(saml.session, inside, key=xmlsec_key(stranger))
    assert refused(saml, answer) == "invalid_request"
    assert AuditEvent.objects.filter(action="saml.refused").count() == 2


def test_a_post_without_cookies_is_refused_at_once(saml: SamlWorld, sp: Leaver) -> None:
    answer = sp.post(None, sp.sign_on(saml.session).inside, signed=False)
    assert refused(saml, answer) == "unsigned_request"


def test_a_service_provider_without_a_key(saml: SamlWorld) -> None:
    sp = leaver(saml, signing_certificates=[])
    inside = sp.sign_on(saml.session).inside
    assert refused(saml, sp.get(saml.session, inside)) == "invalid_request"


def test_somebody_who_is_not_registered(saml: SamlWorld, sp: Leaver) -> None:
    inside = sp.sign_on(saml.session).inside
    issuer = "<saml:Issuer>https://stranger.example</saml:Issuer>"
    answer = sp.get(saml.session, inside, issuer=issuer)
    assert refused(saml, answer) == "unknown_service_provider"


def test_a_disabled_application(saml: SamlWorld, sp: Leaver) -> None:
    inside = sp.sign_on(saml.session).inside
    sp.party.change_application(enabled=False)
    assert refused(saml, sp.get(saml.session, inside)) == "disabled_application"


def test_one_whose_metadata_has_ended(saml: SamlWorld, sp: Leaver) -> None:
    inside = sp.sign_on(saml.session).inside
    follow_a_source(sp.party.row, ended=True)
    assert refused(saml, sp.get(saml.session, inside)) == "outdated_metadata"
    follow_a_source(sp.party.row, ended=False)
    assert sp.get(saml.session, inside).status == 303


@pytest.mark.parametrize(
    "destination", ["https://idp.example/saml/sso", "", "https://evil.example"]
)
def test_another_destination(saml: SamlWorld, sp: Leaver, destination: str) -> None:
    inside = sp.sign_on(saml.session).inside
    answer = sp.get(saml.session, inside, destination=destination)
    assert refused(saml, answer) == "wrong_destination"


def test_no_destination(saml: SamlWorld, sp: Leaver) -> None:
    signed_on = sp.sign_on(saml.session)
    text = sp.text(signed_on.inside)
    without = text.replace(' Destination="', ' Consent="')
    query = sp.party.sp.redirect(without).decode()
    assert refused(saml, sp.party.provider.send("GET", "/saml/slo", query=query)) == (
        "wrong_destination"
    )


@pytest.mark.parametrize("minutes", [-10, 10])
def test_of_another_time(saml: SamlWorld, sp: Leaver, minutes: int) -> None:
    inside = sp.sign_on(saml.session).inside
    answer = sp.get(saml.session, inside, issue_instant=instant(timedelta(minutes=minutes)))
    assert refused(saml, answer) == "expired_request"


def test_not_on_or_after(saml: SamlWorld, sp: Leaver) -> None:
    inside = sp.sign_on(saml.session).inside
    past = datatypes.format_instant(instant(-timedelta(minutes=10)))
    answer = sp.get(saml.session, inside, attributes=f'NotOnOrAfter="{past}"')
    assert refused(saml, answer) == "expired_request"
    trace = SignIn.objects.latest("pk")
    assert trace.trace[-1]["rule"] == "not_on_or_after"


def test_once(saml: SamlWorld, sp: Leaver) -> None:
    query = sp.query(sp.sign_on(saml.session).inside)
    second = sign_in(saml.user)
    name = sp.sign_on(second)
    send = sp.party.provider.send
    assert send("GET", "/saml/slo", query=query, cookies=cookie_of(saml.session)).status == 303
    answer = send("GET", "/saml/slo", query=query, cookies=cookie_of(second))
    assert (answer.status, is_over(second)) == (400, False)
    assert name.index


@pytest.mark.parametrize(
    ("inside", "rule"),
    [
        ("", "schema"),
        ("<saml:BaseID>x</saml:BaseID>", "schema"),
        ("<saml:NameID>a</saml:NameID><saml:NameID>b</saml:NameID>", "schema"),
        ("<saml:NameID>a<b/></saml:NameID>", "schema"),
    ],
)
def test_of_another_shape(saml: SamlWorld, sp: Leaver, inside: str, rule: str) -> None:
    assert refused(saml, sp.get(saml.session, inside)) == "invalid_request"
    assert AuditEvent.objects.filter(reason__startswith=rule).exists()


def test_another_message(saml: SamlWorld, sp: Leaver) -> None:
    query = sp.party.sp.redirect(sp.party.request()).decode()
    assert refused(saml, sp.party.provider.send("GET", "/saml/slo", query=query)) == (
        "invalid_request"
    )


@pytest.mark.parametrize(
    ("method", "members", "status"),
    [
        ("GET", {"query": ""}, 400),
        ("GET", {"query": "SAMLRequest=x&SAMLResponse=y"}, 400),
        ("POST", {"body": b"SAMLRequest=" + b"A" * 10 * 1024 * 1024, "content_type": FORM}, 413),
        ("POST", {"body": b"{}", "content_type": "application/json"}, 400),
        ("POST", {"body": b"\xff", "content_type": FORM}, 400),
    ],
)
def test_anything_else(
    saml: SamlWorld, sp: Leaver, method: str, members: dict[str, Any], status: int
) -> None:
    assert sp.party.provider.send(method, "/saml/slo", **members).status == status


# ----- the others -----


def test_an_openid_connect_application_is_told(saml: SamlWorld, sp: Leaver) -> None:
    client = ClientFactory(
        backchannel_logout_uri="https://app.example/logout", application__name="Web"
    )
    sessions.participate(saml.session, client.application, timezone.now())
    answer = sp.get(saml.session, sp.sign_on(saml.session).inside)
    notice = LogoutNotification.objects.get(channel="backchannel")
    assert (notice.state, notice.application_id) == ("waiting", client.application_id)
    # It has not answered yet: a page waits for it, not for long.
    waiting = follow(sp.party, answer)
    assert (waiting.status, dict(waiting.headers)["Refresh"]) == (200, "1")
    assert "Web" in waiting.body.decode()
    LogoutNotification.objects.filter(pk=notice.pk).update(state="acknowledged")
    sent = sent_by_redirect(follow(sp.party, answer))
    assert (sent.status, sent.relay_state) == (("Success",), RELAY_STATE)


@pytest.mark.parametrize("state", ["failed", "unreachable"])
def test_who_could_not_be_told_makes_it_partial(saml: SamlWorld, sp: Leaver, state: str) -> None:
    other = leaver(saml, [service(vocabulary.SOAP_BINDING)])
    other.sign_on(saml.session)
    answer = sp.get(saml.session, sp.sign_on(saml.session).inside)
    LogoutNotification.objects.filter(channel="saml-soap").update(state=state)
    sent = sent_by_redirect(follow(sp.party, answer))
    assert sent.status == ("Success", "PartialLogout")


def test_who_does_not_answer_is_not_waited_for(saml: SamlWorld, sp: Leaver) -> None:
    other = leaver(saml, [service(vocabulary.SOAP_BINDING)])
    other.sign_on(saml.session)
    answer = sp.get(saml.session, sp.sign_on(saml.session).inside)
    sp.party.provider.ahead = timedelta(seconds=6)
    late = follow(sp.party, answer)
    assert sent_by_redirect(late).status == ("Success", "PartialLogout")


def test_who_has_no_address_makes_it_partial(saml: SamlWorld, sp: Leaver) -> None:
    leaver(saml, []).sign_on(saml.session)
    sent = sent_by_redirect(sp.get(saml.session, sp.sign_on(saml.session).inside))
    assert sent.status == ("Success", "PartialLogout")


def test_a_reply_is_given_for_half_an_hour(saml: SamlWorld, sp: Leaver) -> None:
    leaver(saml, [service(vocabulary.SOAP_BINDING)]).sign_on(saml.session)
    answer = sp.get(saml.session, sp.sign_on(saml.session).inside)
    sp.party.provider.ahead = timedelta(minutes=31)
    late = follow(sp.party, answer)
    assert location_of(late) == "/logout/done"
    for query in ("ticket=x", "x=y", ""):
        answer = sp.party.provider.send("GET", "/saml/slo/reply", query=query)
        assert location_of(answer) == "/logout/done"


@pytest.mark.standard("SAML Core", "2.2.4", "an encrypted name is opened, by either way in")
@pytest.mark.parametrize("way", ["get", "soap"])
def test_an_encrypted_name(saml: SamlWorld, sp: Leaver, way: str) -> None:
    name, index, rest = sp.sign_on(saml.session).inside.partition("<samlp:")
    (certificate,) = keys.saml_encryption_certificates()
    declared = name.replace("<saml:NameID", f'<saml:NameID xmlns:saml="{vocabulary.SAML}"')
    sealed = encryption.encrypt(
        xml.parse(declared.encode()), key=encryption.encryption_key(certificate, ())
    )
    text = xml.serialise(sealed).decode().replace("EncryptedAssertion", "EncryptedID")
    inside = text + index + rest
    if way == "get":
        sp.get(saml.session, inside)
    else:
        sp.soap(inside)
    assert is_over(saml.session)
