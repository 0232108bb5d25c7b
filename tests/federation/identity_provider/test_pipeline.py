"""The order of the checks, and what each of them refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings

from federation.identity_provider import checks, entity, pipeline
from federation.models import SeenMessage
from federation.saml import vocabulary
from idp.models import SignIn
from idp.protocol.message import Response
from tests.attacks.saml import service_provider
from tests.support.protocol import FORM, header
from tests.support.saml import Party, SamlWorld, posted

OTHER = "https://sp.example/elsewhere"


def refused(response: Response, code: str) -> str:
    """The page of a refusal with this code."""
    page = response.body.decode()
    assert response.status == 400, page
    assert f'id="error-code">{code}<' in page
    assert 'id="error-reference">' in page
    return page


def last() -> SignIn:
    return SignIn.objects.order_by("-at", "-id")[0]


def test_the_order_of_the_checks() -> None:
    assert [check.__name__ for check in pipeline.CHECKS] == [
        "decoded_message",
        "verified_request",
        "enabled_application",
        "current_metadata",
        "demanded_signature",
        "exact_destination",
        "recent_issue_instant",
        "valid_conditions",
        "not_seen_before",
        "registered_consumer",
        "possible_passive",
        "wanted_here",
        "known_name_id_format",
        "known_attribute_service",
        "reachable_authn_context",
        "known_subject",
    ]


def test_every_check_is_in_the_table_and_says_what_it_checks() -> None:
    public = {
        name
        for name, value in vars(checks).items()
        if callable(value) and getattr(value, "__module__", "") == checks.__name__
        and not name.startswith("_")
    }  # fmt: skip
    assert public == {check.__name__ for check in pipeline.CHECKS}
    for check in pipeline.CHECKS:
        assert pipeline.describe(check).endswith(".") or "(" in pipeline.describe(check)


# ----- the message -----


@pytest.mark.parametrize(
    "query",
    ["", "RelayState=x", "SAMLRequest=", "SAMLRequest=%00", "SAMLRequest=a&SAMLResponse=b", "=&=&"],
)
def test_refuses_what_is_no_request(saml: SamlWorld, party: Party, query: str) -> None:
    refused(party.send_query(query), "invalid_request")


@pytest.mark.parametrize("content_type", ["", "text/plain", "multipart/form-data", "text/xml"])
def test_refuses_another_kind_of_body(party: Party, content_type: str) -> None:
    body = party.sp.post(party.request())
    refused(party.send_form(body, content_type=content_type), "invalid_request")


@pytest.mark.parametrize(
    "query", ["SAMLRequest=x", "SAMLResponse=x", "a=b&RelayState=", "SAML%52equest=x", "Signature"]
)
def test_a_message_in_the_address_of_a_post_is_refused(
    saml: SamlWorld, party: Party, query: str
) -> None:
    body = party.sp.post(party.request())
    refused(party.send_form(body, saml.session, query=query), "invalid_request")
    answer = party.send_form(body, saml.session, query="lang=en")
    assert posted(answer).status == ("Success",)


def test_takes_a_form_that_names_its_charset(saml: SamlWorld, party: Party) -> None:
    body = party.sp.post(party.request())
    answer = party.send_form(body, saml.session, content_type=f"{FORM}; charset=UTF-8")
    assert posted(answer).status == ("Success",)


def test_another_method_is_not_allowed(saml: SamlWorld) -> None:
    answer = saml.provider.send("PUT", "/saml/sso")
    assert answer.status == 405
    assert header(answer, "Allow") == "GET, POST"


def test_a_body_above_the_limit_is_refused(saml: SamlWorld, party: Party) -> None:
    body = b"SAMLRequest=" + b"A" * (1024 * 1024)
    assert party.send_form(body).status == 413


# ----- who asks -----


def test_refuses_an_unknown_service_provider(party: Party) -> None:
    issuer = "<saml:Issuer>https://nobody.example</saml:Issuer>"
    page = refused(party.redirect(issuer=issuer), "unknown_service_provider")
    assert "not known to this service" in page
    assert "nobody.example" not in page
    assert last().trace[-1]["received"] == "https://nobody.example"


@pytest.mark.parametrize("change", [str.upper, lambda one: one + "/", lambda one: one[:-1]])
def test_compares_entity_ids_exactly(party: Party, change: Any) -> None:
    issuer = f"<saml:Issuer>{change(party.sp.entity_id)}</saml:Issuer>"
    refused(party.redirect(issuer=issuer), "unknown_service_provider")


def test_refuses_a_disabled_application(saml: SamlWorld, party: Party) -> None:
    party.change_application(enabled=False)
    refused(party.redirect(saml.session), "disabled_application")
    refused(party.post(saml.session, signed=True), "disabled_application")
    assert last().application_name == "Acme Reports"
    assert last().suggestion == "Enable the application in the administration."


def test_an_unsigned_request_where_signatures_are_demanded(saml: SamlWorld, party: Party) -> None:
    party.change(want_authn_requests_signed=True)
    refused(party.redirect(saml.session), "unsigned_request")
    refused(party.post(saml.session), "unsigned_request")
    assert posted(party.redirect(saml.session, signed=True)).status == ("Success",)
    assert posted(party.post(saml.session, signed=True)).status == ("Success",)


def test_a_signature_by_a_foreign_key_is_refused_though_none_is_demanded(party: Party) -> None:
    foreign = service_provider.rsa_key("somebody else")
    query = party.sp.redirect(party.request(), key=foreign)
    refused(party.send_query(query), "invalid_request")
    signed = party.sp.signed(key=service_provider.xmlsec_key(foreign))
    refused(party.send_form(party.sp.post(signed)), "invalid_request")
    assert last().error == "signature_value"
    assert "metadata" in last().suggestion


def test_a_signed_request_of_one_that_has_no_key_is_refused(saml: SamlWorld) -> None:
    party = saml.party(signing=False)
    refused(party.redirect(signed=True), "invalid_request")
    assert last().error == "no_key"


def test_one_service_provider_cannot_sign_for_another(saml: SamlWorld, party: Party) -> None:
    own = service_provider.certificate(service_provider.rsa_key("another service provider"))
    party.change(signing_certificates=[service_provider.base64_der(own)])
    refused(party.redirect(signed=True), "invalid_request")


# ----- where and when -----


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize(
    "destination",
    [
        "http://localhost:8000/saml/sso/",
        "http://localhost:8000/saml/sso?x",
        "http://localhost:8000/saml/ssox",
        "HTTP://localhost:8000/saml/sso",
        "https://other.example/saml/sso",
        "",
    ],
)
def test_refuses_another_destination(party: Party, destination: str, signed: bool) -> None:
    text = party.request().replace(f'"{party.sp.destination}"', f'"{destination}"')
    query = party.sp.redirect(text, signed=signed)
    refused(party.send_query(query), "wrong_destination")
    assert last().trace[-1]["expected"] == "http://localhost:8000/saml/sso"


def test_a_signed_request_names_its_destination(saml: SamlWorld, party: Party) -> None:
    text = party.request().replace(f'Destination="{party.sp.destination}"', "")
    refused(party.send_query(party.sp.redirect(text)), "wrong_destination")
    answer = party.send_query(party.sp.redirect(text, signed=False), saml.session)
    assert posted(answer).status == ("Success",)


@pytest.mark.parametrize("minutes", [-60 * 24, -4, 4, 60 * 24])
def test_refuses_a_request_of_another_time(party: Party, minutes: int) -> None:
    other_time = datetime.now(UTC) + timedelta(minutes=minutes)
    stamp = other_time.strftime("%Y-%m-%dT%H:%M:%SZ")
    text = party.request()
    now = text.split('IssueInstant="')[1].split('"')[0]
    refused(party.send_query(party.sp.redirect(text.replace(now, stamp))), "expired_request")


@pytest.mark.parametrize("minutes", [-2.5, 2.5])
def test_bears_clocks_that_differ(saml: SamlWorld, party: Party, minutes: float) -> None:
    saml.provider.ahead = timedelta(minutes=minutes)
    assert posted(party.redirect(saml.session)).status == ("Success",)


@pytest.mark.parametrize(
    ("conditions", "accepted"),
    [
        ({"NotOnOrAfter": 10}, True),
        ({"NotOnOrAfter": -2}, True),
        ({"NotOnOrAfter": -4}, False),
        ({"NotBefore": -10, "NotOnOrAfter": 10}, True),
        ({"NotBefore": 2}, True),
        ({"NotBefore": 4}, False),
    ],
)
def test_honours_the_requests_own_conditions(
    saml: SamlWorld, party: Party, conditions: dict[str, int], accepted: bool
) -> None:
    now = datetime.now(UTC)
    said = " ".join(
        f'{name}="{now + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"'
        for name, minutes in conditions.items()
    )
    answer = party.redirect(saml.session, inside=f"<saml:Conditions {said}/>")
    if accepted:
        assert posted(answer).status == ("Success",)
    else:
        refused(answer, "expired_request")


# ----- once -----


@pytest.mark.parametrize("binding", ["redirect", "post"])
def test_a_signed_request_is_accepted_once(saml: SamlWorld, party: Party, binding: str) -> None:
    if binding == "redirect":
        query = party.sp.redirect(party.request())
        send: Any = lambda: party.send_query(query, saml.session)  # noqa: E731 (used below)
    else:
        body = party.sp.post(party.sp.signed(identifier="_once"))
        send = lambda: party.send_form(body, saml.session)  # noqa: E731 (used below)
    assert posted(send()).status == ("Success",)
    page = refused(send(), "repeated_request")
    assert "used before" in page
    refused(send(), "repeated_request")


def test_the_other_binding_is_no_way_round(saml: SamlWorld, party: Party) -> None:
    assert posted(party.redirect(saml.session, signed=True, identifier="_a")).status == ("Success",)
    refused(party.post(saml.session, signed=True, identifier="_a"), "repeated_request")


def test_two_service_providers_may_use_the_same_id(saml: SamlWorld, party: Party) -> None:
    other = saml.party()
    assert posted(party.redirect(saml.session, signed=True, identifier="_a")).status == ("Success",)
    assert posted(other.redirect(saml.session, signed=True, identifier="_a")).status == ("Success",)


def test_an_unsigned_request_is_not_remembered(saml: SamlWorld, party: Party) -> None:
    for _ in range(2):
        assert posted(party.redirect(saml.session, identifier="_a")).status == ("Success",)
    assert not SeenMessage.objects.exists()


def test_what_is_remembered_outlives_the_window(saml: SamlWorld, party: Party) -> None:
    posted(party.redirect(saml.session, signed=True))
    row = SeenMessage.objects.get()
    assert row.expires_at > datetime.now(UTC) + 2 * settings.IDP.clock_skew
    assert len(row.key) == 64


def test_a_message_that_was_refused_before_is_not_remembered(party: Party) -> None:
    party.change_application(enabled=False)
    refused(party.redirect(signed=True), "disabled_application")
    assert not SeenMessage.objects.exists()


# ----- where the answer goes -----


@pytest.mark.parametrize(
    "url",
    [
        OTHER,
        "https://sp.example/acs",
        "javascript:alert(1)",
        "{acs}/",
        "{acs}?x=1",
        "{acs}#x",
        "{acs}.evil.example",
        "{upper}",
        "http{rest}",
        "",
    ],
)
@pytest.mark.parametrize("signed", [True, False])
def test_an_unknown_consumer_gets_nothing(
    saml: SamlWorld, party: Party, url: str, signed: bool
) -> None:
    acs = party.sp.acs_url
    address = url.format(acs=acs, upper=acs.upper(), rest=acs.removeprefix("https"))
    named = party.request().replace(f'"{acs}"', f'"{address}"')
    answer = party.send_query(party.sp.redirect(named, signed=signed), saml.session)
    page = refused(answer, "unknown_assertion_consumer_service")
    assert "SAMLResponse" not in page
    assert "nothing was sent there" in page
    assert acs in last().trace[-1]["expected"]


def with_services(party: Party, *services: dict[str, Any]) -> None:
    party.change(
        assertion_consumer_services=[
            {"binding": vocabulary.POST, "index": None, "is_default": None, **service}
            for service in services
        ]
    )


def without_consumer(party: Party, instead: str = "", **options: Any) -> str:
    consumer = f'AssertionConsumerServiceURL="{party.sp.acs_url}"'
    return party.request(**options).replace(consumer, instead)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", "https://two.example/acs"),
        ('AssertionConsumerServiceIndex="0"', "https://one.example/acs"),
        ('AssertionConsumerServiceIndex="1"', "https://two.example/acs"),
        ('AssertionConsumerServiceURL="https://one.example/acs"', "https://one.example/acs"),
        (f'ProtocolBinding="{vocabulary.POST}"', "https://two.example/acs"),
    ],
)
def test_chooses_by_url_index_or_default(
    saml: SamlWorld, party: Party, said: str, expected: str
) -> None:
    with_services(
        party,
        {"url": "https://one.example/acs", "index": 0},
        {"url": "https://two.example/acs", "index": 1, "is_default": True},
    )
    query = party.sp.redirect(without_consumer(party, said), signed=False)
    answer = posted(party.send_query(query, saml.session))
    assert answer.action == expected
    assert answer.root.get("Destination") == expected
    assert answer.one("//saml:SubjectConfirmationData").get("Recipient") == expected


@pytest.mark.parametrize(
    "said",
    [
        'AssertionConsumerServiceIndex="7"',
        'ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"',
        f'ProtocolBinding="{vocabulary.REDIRECT}"',
    ],
)
def test_an_index_or_binding_that_is_not_there(saml: SamlWorld, party: Party, said: str) -> None:
    query = party.sp.redirect(without_consumer(party, said), signed=False)
    answer = party.send_query(query, saml.session)
    refused(answer, "unknown_assertion_consumer_service")


def test_index_and_url_together_are_refused(saml: SamlWorld, party: Party) -> None:
    both = party.request(attributes='AssertionConsumerServiceIndex="0"')
    refused(party.send_query(party.sp.redirect(both, signed=False)), "invalid_request")


# ----- from here on the service provider is told -----


@pytest.mark.parametrize("with_session", [True, False])
def test_force_and_passive_together(saml: SamlWorld, party: Party, with_session: bool) -> None:
    answer = party.redirect(
        saml.session if with_session else None, attributes='ForceAuthn="true" IsPassive="true"'
    )
    assert posted(answer).status == ("Responder", "NoPassive")


def test_an_unsupported_name_id_format(saml: SamlWorld, party: Party) -> None:
    kerberos = "urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos"
    answer = party.redirect(saml.session, inside=f'<samlp:NameIDPolicy Format="{kerberos}"/>')
    assert posted(answer).status == ("Requester", "InvalidNameIDPolicy")
    assert kerberos in last().trace[-1]["received"]


def test_the_namespace_of_another_service_provider(saml: SamlWorld, party: Party) -> None:
    policy = '<samlp:NameIDPolicy SPNameQualifier="https://other.example"/>'
    answer = party.redirect(saml.session, inside=policy)
    assert posted(answer).status == ("Requester", "InvalidNameIDPolicy")
    own = f'<samlp:NameIDPolicy SPNameQualifier="{party.sp.entity_id}"/>'
    assert posted(party.redirect(saml.session, inside=own)).status == ("Success",)


def test_scoping_and_extensions_are_tolerated(saml: SamlWorld, party: Party) -> None:
    inside = (
        '<samlp:Extensions><x:any xmlns:x="urn:example:x">y</x:any></samlp:Extensions>'
        '<samlp:Scoping ProxyCount="0">'
        "<samlp:RequesterID>https://requester.example</samlp:RequesterID></samlp:Scoping>"
    )
    attributes = 'ProviderName="Acme" Consent="urn:oasis:names:tc:SAML:2.0:consent:unspecified"'
    answer = party.redirect(saml.session, inside=inside, attributes=attributes)
    assert posted(answer).status == ("Success",)


def listed(*entity_ids: str, more: str = "") -> str:
    entries = "".join(f'<samlp:IDPEntry ProviderID="{one}"/>' for one in entity_ids)
    return f"<samlp:Scoping><samlp:IDPList>{entries}{more}</samlp:IDPList></samlp:Scoping>"


OTHERS = ("https://other.example", "http://localhost:8000/saml/metadata/")


def test_a_list_of_other_identity_providers(saml: SamlWorld, party: Party) -> None:
    answer = party.redirect(saml.session, inside=listed(*OTHERS))
    assert posted(answer).status == ("Responder", "NoSupportedIDP")
    trace = last()
    assert trace.trace[-1]["expected"] == entity.entity_id()
    assert trace.received["IDPList"] == list(OTHERS)
    assert "IDPList" in trace.suggestion


def test_a_list_that_we_are_in_or_that_goes_on_elsewhere(saml: SamlWorld, party: Party) -> None:
    elsewhere = "<samlp:GetComplete>https://sp.example/idps</samlp:GetComplete>"
    for inside in (listed(*OTHERS, entity.entity_id()), listed(*OTHERS, more=elsewhere)):
        assert posted(party.redirect(saml.session, inside=inside)).status == ("Success",)


def test_an_attribute_consuming_service_index_is_tolerated(saml: SamlWorld, party: Party) -> None:
    answer = party.redirect(saml.session, attributes='AttributeConsumingServiceIndex="3"')
    assert posted(answer).status == ("Success",)
