"""Every template: complete facts, a registration, and an assertion as its vendor documents it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from federation.admin import assertion_preview, saas_sheet
from federation.identity_provider.saas import catalogue, registration
from federation.identity_provider.saas.template import MINIMAL, Ours, Signs, Template
from federation.identity_provider.service_providers import parsed
from federation.models import ServiceProvider as Row
from federation.saml import errors, vocabulary, xml
from federation.saml.metadata import endpoint
from idp.admin.preview import Case
from idp.claims import applications, attributes, mapping
from idp.models import Application, User
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider
from tests.support.saml import SamlWorld

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
CERTIFICATE = service_provider.pem(ServiceProvider().certificate)
every = pytest.mark.parametrize("template", catalogue.TEMPLATES, ids=lambda one: one.value)

# Read off the vendors' pages once more: entity ID, default address, NameID, attributes.
DOCUMENTED: dict[str, tuple[str, str, str, list[str]]] = {
    "atlassian": (
        "https://auth.atlassian.com/saml/1a2b3c4d-5e6f-7a8b-9c0d-1e2f3a4b5c6d",
        "https://auth.atlassian.com/login/callback"
        "?connection=saml-1a2b3c4d-5e6f-7a8b-9c0d-1e2f3a4b5c6d",
        "alice@example.org",
        [
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
        ],
    ),
    "aws-iam-identity-center": (
        "https://eu-central-1.signin.aws.amazon.com/platform/saml/d-1234567890",
        "https://eu-central-1.signin.aws/platform/saml/acs/11111111-2222-3333-4444-555555555555",
        "alice@example.org",
        [MINIMAL.name],
    ),
    "github-organization": (
        "https://github.com/orgs/acme",
        "https://github.com/orgs/acme/saml/consume",
        "alice",
        [MINIMAL.name],
    ),
    "github-enterprise": (
        "https://github.com/enterprises/acme",
        "https://github.com/enterprises/acme/saml/consume",
        "alice",
        ["full_name", "emails"],
    ),
    "github-enterprise-server": (
        "https://github.example.com",
        "https://github.example.com/saml/consume",
        "alice",
        ["username", "full_name", "emails"],
    ),
    "google-workspace": (
        "google.com/a/example.com",
        "https://www.google.com/a/example.com/acs",
        "alice@example.org",
        [MINIMAL.name],
    ),
    "microsoft-365": (
        "urn:federation:MicrosoftOnline",
        "https://login.microsoftonline.com/login.srf",
        "(random, made at the first sign-in)",
        ["IDPEmail"],
    ),
    "salesforce": (
        "https://acme.my.salesforce.com",
        "https://acme.my.salesforce.com",
        "alice",
        [MINIMAL.name],
    ),
    "servicenow": (
        "https://acme.service-now.com",
        "https://acme.service-now.com/navpage.do",
        "alice@example.org",
        [MINIMAL.name],
    ),
    "slack": (
        "https://slack.com",
        "https://acme.slack.com/sso/saml",
        "(random, made at the first sign-in)",
        ["User.Email", "User.Username", "first_name", "last_name"],
    ),
    "zendesk": (
        "https://acme.zendesk.com",
        "https://acme.zendesk.com/access/saml",
        "alice@example.org",
        [
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
        ],
    ),
    "zoom": (
        "acme.zoom.us",
        "https://acme.zoom.us/saml/SSO",
        "alice@example.org",
        ["urn:oid:0.9.2342.19200300.100.1.3", "urn:oid:2.5.4.42", "urn:oid:2.5.4.4"],
    ),
}
FORMATS = {
    vocabulary.EMAIL_ADDRESS: {
        *("atlassian", "aws-iam-identity-center", "google-workspace", "servicenow", "zendesk"),
        "zoom",
    },
    vocabulary.PERSISTENT: {"microsoft-365", "slack"},
    vocabulary.UNSPECIFIED: {
        *("github-organization", "github-enterprise", "github-enterprise-server", "salesforce"),
    },
}


def examples(template: Template) -> dict[str, str]:
    return {one.name: one.example for one in template.placeholders}


def registered(template: Template, **options: Any) -> Row:
    signing = CERTIFICATE if template.signs == Signs.YES else ""
    given = {"signing": signing, "name": "", "actor": "root", **options}
    done = registration.register(template, examples(template), **given)
    return Row.objects.select_related("application").get(pk=done.service_provider.pk)


def test_the_ten_are_there() -> None:
    assert set(DOCUMENTED) == {one.value for one in catalogue.TEMPLATES}
    words = " ".join(one.title for one in catalogue.TEMPLATES)
    for vendor in (
        *("Google Workspace", "AWS IAM Identity Center", "Salesforce", "GitHub", "Slack"),
        *("Atlassian", "Zoom", "Microsoft 365", "ServiceNow", "Zendesk"),
    ):
        assert vendor in words


@every
def test_facts_are_complete(template: Template) -> None:
    for page in (template.documentation, *template.sources):
        assert urlsplit(page).scheme == "https"
    used = re.findall(r"\{(\w+)\}", template.entity_id + template.consumer)
    assert set(used) == {one.name for one in template.placeholders}
    for placeholder in template.placeholders:
        assert placeholder.fits(placeholder.example)
    assert template.fields
    assert template.name_id_format in FORMATS
    assert template.value in FORMATS[template.name_id_format]


@every
def test_addresses_as_documented(template: Template) -> None:
    filled = template.fill(examples(template))
    entity_id, consumer, _, _ = DOCUMENTED[template.value]
    assert (filled.entity_id, filled.consumers[0]) == (entity_id, consumer)
    for url in (*filled.consumers, filled.logout, filled.launch_url, filled.metadata):
        assert "{" not in url
        if url:
            assert endpoint.check(url, what="It").startswith("https://")


@every
@pytest.mark.parametrize(
    "bad",
    [
        *(
            "",
            " ",
            "a b",
            "evil.example/",
            "x/../y",
            "a@b",
            "a#b",
            "a?b",
            "a%2e",
            "a\n",
            "{domain}",
        ),
        *("-a", "a-", "\u00e4", "a:b", "a\\b", "<a>", '"', "a" * 300, ".", "..", "a..b"),
    ],
)
def test_no_value_changes_where_an_answer_goes(template: Template, bad: str) -> None:
    assert not any(one.fits(bad) for one in template.placeholders)


@every
def test_a_host_comes_from_the_template(template: Template) -> None:
    """What is filled in may be a whole host only where it is the administrator's own server."""
    for placeholder in template.placeholders:
        other = template.fill({**examples(template), placeholder.name: "evil"})
        host = urlsplit(other.consumers[0]).hostname or ""
        own = template.value == "github-enterprise-server"
        assert own or host != "evil"


@every
def test_rows_are_such_as_an_administrator_could_save(template: Template) -> None:
    for one in template.rows:
        raw = {
            "claim": one.name,
            "source": one.source,
            "key": one.key,
            "transforms": [],
            "name_format": one.name_format,
            "friendly_name": one.friendly_name,
            "destinations": [mapping.SAML],
        }
        assert mapping.parse_row(raw).claim == one.name


@every
def test_the_assertion_is_as_documented(saml: SamlWorld, template: Template) -> None:
    User.objects.filter(pk=saml.user.pk).update(email="alice@example.org", email_verified=True)
    saml.user.refresh_from_db()
    row = registered(template)
    case = Case(
        half=assertion_preview.find(row.pk),
        rows=applications.rows(row.application),
        user=saml.user,
        now=NOW,
    )
    shown = xml.parse(assertion_preview.show(case).text.encode())
    entity_id, consumer, name, names = DOCUMENTED[template.value]
    find = lambda path: shown.xpath(path, namespaces=vocabulary.PREFIXES)  # noqa: E731 (short)
    assert find("string(//saml:Audience)") == entity_id
    assert find("string(//saml:SubjectConfirmationData/@Recipient)") == consumer
    assert find("string(//saml:NameID)") == name
    assert find("string(//saml:NameID/@Format)") == template.name_id_format
    assert find("//saml:Attribute/@Name") == names
    formats = {one.name: one.name_format for one in template.rows}
    assert find("//saml:Attribute/@NameFormat") == [formats[one] for one in names]


@every
def test_it_is_registered_whole(saml: SamlWorld, template: Template) -> None:
    row = registered(template)
    known = parsed(row)
    assert row.template == template.value
    assert row.application.kind == Application.Kind.SAML
    assert row.application.name == template.title
    assert known.assertion_consumer_services[0].url == DOCUMENTED[template.value][1]
    assert bool(known.signing_keys) == row.want_authn_requests_signed
    assert bool(row.single_logout_services) == bool(template.logout)
    assert row.application.mappings.count() == len(template.rows)


@every
def test_the_sheet_speaks_the_vendors_language(saml: SamlWorld, template: Template) -> None:
    row = registered(template)
    sheet = saas_sheet.sheet(row, template)
    assert [one.label for one in sheet.settings] == [one.label for one in template.fields]
    assert all(one.value and "{" not in one.value for one in sheet.settings)
    assert not {one.value for one in sheet.settings} & {str(one) for one in Ours}
    assert sheet.links[0][1] == template.documentation
    assert sheet.notes == template.notes


def test_registering_again_leaves_what_was_chosen(saml: SamlWorld) -> None:
    slack = catalogue.find("slack")
    assert slack is not None
    row = registered(slack)
    row.default_name_id_format = vocabulary.EMAIL_ADDRESS
    row.save()
    row.application.mappings.all().delete()
    done = registration.register(
        slack, {"workspace": "other"}, signing="", name="Chat", actor="root"
    )
    again = Row.objects.select_related("application").get()
    assert not done.created
    assert again.default_name_id_format == vocabulary.EMAIL_ADDRESS
    assert again.assertion_consumer_services[0]["url"] == "https://other.slack.com/sso/saml"
    assert not again.application.mappings.exists()
    assert again.application.name == "Chat"


def test_a_weak_or_broken_key_is_refused(saml: SamlWorld) -> None:
    for bad in ("no certificate", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----"):
        with pytest.raises(errors.InvalidMetadata):
            registered(catalogue.TEMPLATES[0], signing=bad)
    assert not Row.objects.exists()


def test_is_found_by_words() -> None:
    assert [one.value for one in catalogue.search("google")] == ["google-workspace"]
    assert len(catalogue.search("GITHUB cloud")) == 2
    assert catalogue.search("nothing like it") == ()
    assert catalogue.search("  ") == catalogue.TEMPLATES
    assert catalogue.find("odd") is None


def test_people_without_what_the_vendor_requires_are_counted(saml: SamlWorld) -> None:
    person = attributes.load(saml.user.pk)
    assert person is not None
    zendesk = catalogue.find("zendesk")
    assert zendesk is not None
    row = registered(zendesk)
    assert [one["name"].rpartition("/")[2] for one in row.requested_attributes] == [
        "givenname",
        "surname",
    ]
