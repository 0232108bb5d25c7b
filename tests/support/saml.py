"""A SAML service provider at an identity provider in this process, without HTTP.

Requests are those of `tests.attacks.saml.service_provider`, honest or not. Responses are verified
by python3-saml in its strictest setting, and can be read element by element.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
import requests
import xmlsec
from django.conf import settings
from django.utils import timezone
from lxml import etree
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from federation.identity_provider import entity, metadata_fetches, registration
from federation.models import MetadataSource, Subscription
from federation.models import ServiceProvider as Row
from federation.saml import datatypes, encryption, vocabulary
from idp import audit, keys, refusals
from idp.models import Session, User
from idp.protocol.message import Response
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider
from tests.support.factories import UserFactory
from tests.support.protocol import FORM, Provider, cookie_of, restore_keys, sign_in

NAMESPACES = {
    "saml": vocabulary.SAML,
    "samlp": vocabulary.SAMLP,
    "ds": vocabulary.DS,
    "md": vocabulary.MD,
}


class _Form(HTMLParser):
    """The one form of the page that posts a Response."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = facts["action"]
        elif tag == "input":
            self.fields[facts["name"]] = facts["value"]


@dataclass(frozen=True)
class Posted:
    """What a browser would post to the service provider."""

    action: str
    fields: Mapping[str, str]

    @property
    def xml(self) -> bytes:
        return base64.b64decode(self.fields["SAMLResponse"])

    @property
    def root(self) -> Any:
        return etree.fromstring(self.xml)

    @property
    def relay_state(self) -> str | None:
        return self.fields.get("RelayState")

    @property
    def status(self) -> tuple[str, ...]:
        """The status codes, the outer one first, without their common beginning."""
        codes = self.root.xpath("//samlp:StatusCode/@Value", namespaces=NAMESPACES)
        return tuple(code.rpartition(":")[2] for code in codes)

    @property
    def assertion(self) -> Any:
        """The assertion of a Response that is not encrypted."""
        return self.one("//saml:Assertion")

    def one(self, path: str) -> Any:
        """The only node of an XPath."""
        (found,) = self.all(path)
        return found

    def all(self, path: str) -> list[Any]:
        """The nodes of an XPath."""
        return list(self.root.xpath(path, namespaces=NAMESPACES))

    @property
    def name_id(self) -> Any:
        return self.one("//saml:Subject/saml:NameID")

    @property
    def attributes(self) -> dict[str, list[str]]:
        """Values by FriendlyName, else by Name."""
        return {
            one.get("FriendlyName") or one.get("Name"): [value.text for value in one]
            for one in self.all("//saml:Attribute")
        }


def posted(response: Any) -> Posted:
    """The form of a page, whether the short way or Django sent it."""
    body = response.body if isinstance(response, Response) else response.content
    status = response.status if isinstance(response, Response) else response.status_code
    assert status == 200, (status, body[:2000])
    return _read(body)


def form_of(page: requests.Response) -> Posted:
    """The form of a page that came over HTTP."""
    assert page.status_code == 200, (page.url, page.status_code, page.text[:2000])
    return _read(page.content)


def _read(body: bytes) -> Posted:
    form = _Form()
    form.feed(body.decode())
    assert "SAMLResponse" in form.fields, body[:2000]
    return Posted(form.action, form.fields)


def enveloped(element: Any) -> bytes:
    """A SOAP envelope around an element, its octets as they are."""
    return (
        b'<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body>'
        + etree.tostring(element)
        + b"</S:Body></S:Envelope>"
    )


def in_body(response: Any, *, status: int = 200) -> Any:
    """The only element in the body of a SOAP answer."""
    octets = response.body if isinstance(response, Response) else response.content
    code = response.status if isinstance(response, Response) else response.status_code
    assert code == status, (code, octets[:2000])
    assert b"<html" not in octets
    (content,) = etree.fromstring(octets)[-1]
    return content


@dataclass
class Party:
    """One registered service provider, its keys, and what it sends through one browser."""

    provider: Provider
    sp: ServiceProvider
    row: Row

    def request(self, **options: Any) -> str:
        """An AuthnRequest with an ID of its own."""
        options.setdefault("identifier", datatypes.new_id())
        return self.sp.text(**options)

    def redirect(
        self,
        session: Session | None = None,
        *,
        signed: bool = False,
        relay_state: str | None = None,
        **options: Any,
    ) -> Response:
        """Send an AuthnRequest by Redirect."""
        text = self.request(**options)
        return self.send_query(
            self.sp.redirect(text, signed=signed, relay_state=relay_state), session
        )

    def post(
        self,
        session: Session | None = None,
        *,
        signed: bool = False,
        relay_state: str | None = None,
        **options: Any,
    ) -> Response:
        """Send an AuthnRequest by POST."""
        options.setdefault("identifier", datatypes.new_id())
        document = self.sp.signed(**options) if signed else self.sp.text(**options)
        return self.send_form(self.sp.post(document, relay_state=relay_state), session)

    def send_query(self, query: bytes | str, session: Session | None = None) -> Response:
        """Send a query as it is."""
        text = query.decode("ascii") if isinstance(query, bytes) else query
        return self.provider.send("GET", "/saml/sso", query=text, cookies=cookie_of(session))

    def send_form(self, body: bytes, session: Session | None = None, **members: Any) -> Response:
        """Send a form as it is."""
        members = {"content_type": FORM, "cookies": cookie_of(session), **members}
        return self.provider.send("POST", "/saml/sso", body=body, **members)

    def soap(self, path: str, tag: str, inside: str, **options: Any) -> Response:
        """Send a request to a SOAP endpoint, signed unless told otherwise."""
        return self.send_envelope(path, self.message(path, tag, inside, **options))

    def message(
        self, path: str, tag: str, inside: str, *, signed: bool = True, **options: Any
    ) -> Any:
        """A request for a SOAP endpoint."""
        sender = replace(self.sp, destination=settings.IDP.url(path))
        options.setdefault("identifier", datatypes.new_id())
        element = sender.element(tag=tag, inside=inside, **options)
        return service_provider.sign(element) if signed else element

    def send_envelope(self, path: str, message: Any, **members: Any) -> Response:
        """Send an element in an envelope, or octets as they are."""
        body = message if isinstance(message, bytes) else enveloped(message)
        members = {"content_type": "text/xml; charset=utf-8", **members}
        return self.provider.send("POST", path, body=body, **members)

    def change(self, **fields: Any) -> None:
        """Change the registration."""
        for name, value in fields.items():
            setattr(self.row, name, value)
        self.row.save()

    def change_application(self, **fields: Any) -> None:
        for name, value in fields.items():
            setattr(self.row.application, name, value)
        self.row.application.save()

    def accept(
        self, answer: Posted, *, request_id: str | None = None, encrypted: bool = False
    ) -> Any:
        """Let python3-saml verify an answer in its strictest setting; returns its Response."""
        metadata = self.provider.get("/saml/metadata").body
        return accept(self.sp, metadata, answer, request_id=request_id, encrypted=encrypted)


def accept(
    sp: ServiceProvider,
    metadata: bytes,
    answer: Posted,
    *,
    request_id: str | None = None,
    encrypted: bool = False,
    **security: Any,
) -> OneLogin_Saml2_Response:
    """Verify an answer with python3-saml, everything demanded that it can demand."""
    assert answer.action == sp.acs_url
    scheme, _, rest = sp.acs_url.partition("://")
    host, _, path = rest.partition("/")
    data = {
        "https": "on" if scheme == "https" else "off",
        "http_host": host,
        "script_name": f"/{path}",
        "get_data": {},
        "post_data": dict(answer.fields),
    }
    known = toolkit_settings(sp, metadata, encrypted=encrypted, **security)
    response = OneLogin_Saml2_Response(known, answer.fields["SAMLResponse"])
    assert response.is_valid(data, request_id=request_id, raise_exceptions=True)
    return response


def toolkit_settings(
    sp: ServiceProvider, metadata: bytes, *, encrypted: bool = False, **security: Any
) -> OneLogin_Saml2_Settings:
    """python3-saml's settings for a service provider and our metadata."""
    return OneLogin_Saml2_Settings(
        {
            "strict": True,
            "sp": {
                "entityId": sp.entity_id,
                "assertionConsumerService": {"url": sp.acs_url, "binding": vocabulary.POST},
                "x509cert": service_provider.pem(sp.certificate),
                "privateKey": service_provider.private_pem(sp.key).decode(),
            },
            "idp": OneLogin_Saml2_IdPMetadataParser.parse(metadata)["idp"],
            "security": {
                "wantMessagesSigned": True,
                "wantAssertionsSigned": True,
                "wantAssertionsEncrypted": encrypted,
                "wantNameId": True,
                "rejectDeprecatedAlgorithm": True,
                **security,
            },
        }
    )


def decrypted(answer: Posted, key: Any) -> Any:
    """The assertion in an encrypted Response, opened with xmlsec."""
    (data,) = answer.all("//saml:EncryptedAssertion/*")
    manager = xmlsec.KeysManager()
    manager.add_key(service_provider.xmlsec_key(key))
    return xmlsec.EncryptionContext(manager).decrypt(data)


def metadata_of(sp: ServiceProvider, *, signing: bool = True, encryption: bool = False) -> bytes:
    """The metadata of a service provider with the keys that it wants used."""
    keys = "".join(
        f'<md:KeyDescriptor use="{use}">{service_provider.key_info(sp.certificate)}'
        "</md:KeyDescriptor>"
        for use, wanted in (("signing", signing), ("encryption", encryption))
        if wanted
    )
    text = sp.metadata(role=keys + service_provider.consumer(sp.acs_url)).decode()
    return text.replace('AuthnRequestsSigned="true"', 'AuthnRequestsSigned="false"').encode()


def with_artifact(document: bytes, sp: ServiceProvider) -> bytes:
    """Its metadata with an address for artifacts."""
    service = service_provider.consumer(
        f"{sp.acs_url}/artifact", binding=vocabulary.ARTIFACT, index="1"
    )
    end = b"</md:SPSSODescriptor>"
    return document.replace(end, service.encode() + end)


@dataclass
class SamlWorld:
    """An identity provider with keys, a person, her session, and service providers on demand."""

    provider: Provider
    user: User
    session: Session
    parties: list[Party] = field(default_factory=list)

    def party(
        self,
        *,
        signing: bool = True,
        encryption: bool = False,
        artifact: bool = False,
        **fields: Any,
    ) -> Party:
        """Register a service provider by its metadata; fields are columns of its row.

        `artifact`: it takes artifacts too, at an address of its own with index 1.
        """
        host = f"https://sp{secrets.token_hex(4)}.example"
        sp = ServiceProvider(
            entity_id=f"{host}/metadata",
            acs_url=f"{host}/acs",
            destination=settings.IDP.url("/saml/sso"),
        )
        document = metadata_of(sp, signing=signing, encryption=encryption)
        if artifact:
            document = with_artifact(document, sp)
        row = registration.register_from_metadata(document, name="Acme Reports").service_provider
        party = Party(self.provider, sp, row)
        if fields:
            party.change(**fields)
        return party

    def other(self, **fields: Any) -> tuple[User, Session]:
        """Another person, signed in."""
        user = UserFactory(**fields)
        return user, sign_in(user)


@pytest.fixture
def saml(db: None) -> Iterator[SamlWorld]:
    """An identity provider with keys, alice, and her session."""
    audit.write_through(enabled=True)
    metadata_fetches.recorder.synchronous = True
    metadata_fetches.recorder.forget()
    refusals._silenced.clear()
    restore_keys()
    user = UserFactory(
        username="alice",
        name="Alice Adams",
        given_name="Alice",
        family_name="Adams",
        groups=["staff", "users"],
    )
    yield SamlWorld(Provider(), user, sign_in(user))
    metadata_fetches.recorder.synchronous = False
    audit.write_through(enabled=False)


@pytest.fixture
def party(saml: SamlWorld) -> Party:
    """One registered service provider with a signing key."""
    return saml.party()


def encrypted_id(name: str, format_: str) -> str:
    """An EncryptedID to us around a NameID, as text."""
    element = etree.fromstring(
        f'<saml:NameID xmlns:saml="{vocabulary.SAML}" Format="{format_}">{name}</saml:NameID>'
    )
    (certificate, *_) = keys.saml_encryption_certificates()
    sealed = encryption.encrypt(element, key=encryption.encryption_key(certificate, ()))
    return etree.tostring(sealed).decode().replace("EncryptedAssertion", "EncryptedID")


def follow_a_source(row: Row, *, ended: bool) -> None:
    """Let its metadata be refreshed from somewhere, until an instant that is over or not."""
    source, _ = MetadataSource.objects.get_or_create(name="source", url="https://source.example/")
    Subscription.objects.get_or_create(service_provider=row, defaults={"source": source})
    row.metadata_valid_until = timezone.now() + timedelta(days=-1 if ended else 1)
    row.save()


def entity_id() -> str:
    """Ours."""
    return entity.entity_id()
