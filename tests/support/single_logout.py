"""Service providers that sign people out, honest or not, in this process."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from django.conf import settings
from django.utils import timezone
from lxml import etree

from federation.saml import bindings, datatypes, signature, vocabulary, xml
from idp import keys
from idp.accounts.logout_channels import ledger
from idp.models import Session
from idp.protocol.message import Response
from tests.attacks.saml import service_provider
from tests.support.protocol import FORM, cookie_of
from tests.support.saml import NAMESPACES, Party, SamlWorld, posted

RELAY_STATE = "https://sp.example/bye?a=1&b=ä%2B +/"
REQUEST = "samlp:LogoutRequest"


def service(
    binding: str, url: str = "https://sp.example/slo", response_url: str = ""
) -> dict[str, str]:
    """A SingleLogoutService as it is registered."""
    return {"binding": binding, "url": url, "response_url": response_url}


REDIRECT = [service(vocabulary.REDIRECT)]
POST = [service(vocabulary.POST)]


@dataclass(frozen=True)
class SignedOn:
    """What an assertion said of a person: the name, as an element, and the session's index."""

    name: Any
    index: str

    @property
    def inside(self) -> str:
        """As it stands in a LogoutRequest."""
        return f"{name_id(self.name)}<samlp:SessionIndex>{self.index}</samlp:SessionIndex>"


def name_id(element: Any) -> str:
    """The NameID of an assertion as text."""
    attributes = "".join(f' {name}="{value}"' for name, value in element.attrib.items())
    return f"<saml:NameID{attributes}>{element.text}</saml:NameID>"


@dataclass
class Leaver:
    """A registered service provider that signs people on and out."""

    party: Party

    @property
    def application(self) -> Any:
        return self.party.row.application

    def sign_on(self, session: Session, **options: Any) -> SignedOn:
        """Let a person sign on there in this session."""
        answer = posted(self.party.redirect(session, **options))
        assert answer.status == ("Success",), answer.xml
        (statement,) = answer.all("//saml:AuthnStatement")
        return SignedOn(answer.name_id, statement.get("SessionIndex"))

    def text(self, inside: str, **options: Any) -> str:
        """A LogoutRequest as text."""
        sp = replace(
            self.party.sp,
            destination=options.pop("destination", settings.IDP.url("/saml/slo")),
            issue_instant=options.pop("issue_instant", None),
        )
        options.setdefault("identifier", datatypes.new_id())
        return sp.text(tag=REQUEST, inside=inside, **options)

    def query(self, inside: str, *, relay_state: str | None = RELAY_STATE, **options: Any) -> str:
        """A LogoutRequest by Redirect, signed unless told otherwise."""
        how = {name: options.pop(name) for name in ("signed", "key") if name in options}
        text = self.text(inside, **options)
        return self.party.sp.redirect(text, relay_state=relay_state, **how).decode()

    def form(self, inside: str, *, relay_state: str | None = RELAY_STATE, **options: Any) -> bytes:
        """A LogoutRequest by POST, signed unless told otherwise."""
        signed, key = options.pop("signed", True), options.pop("key", None)
        element = etree.fromstring(self.text(inside, **options))
        if signed:
            service_provider.sign(element, key=key)
        return self.party.sp.post(element, relay_state=relay_state)

    def get(self, session: Session | None, inside: str, **options: Any) -> Response:
        """Send a LogoutRequest by Redirect from the browser of this session."""
        query = self.query(inside, **options)
        return self.party.provider.send("GET", "/saml/slo", query=query, cookies=cookie_of(session))

    def post(self, session: Session | None, inside: str, **options: Any) -> Response:
        """Send a LogoutRequest by POST from the browser of this session."""
        return self.party.provider.send(
            "POST",
            "/saml/slo",
            body=self.form(inside, **options),
            content_type=FORM,
            cookies=cookie_of(session),
        )

    def soap(self, inside: str, **options: Any) -> Response:
        """Send a LogoutRequest by SOAP."""
        options.setdefault("destination", settings.IDP.url("/saml/slo/soap"))
        signed = options.pop("signed", True)
        element = etree.fromstring(self.text(inside, **options))
        if signed:
            service_provider.sign(element)
        return self.send_soap(envelope(element))

    def send_soap(self, body: bytes, **members: Any) -> Response:
        """Send an envelope as it is."""
        members = {"content_type": "text/xml; charset=utf-8", **members}
        return self.party.provider.send("POST", "/saml/slo/soap", body=body, **members)

    # ----- as one that is told -----

    def answer_text(
        self, request: Any, *, status: tuple[str, ...] = ("Success",), **changes: Any
    ) -> str:
        """A LogoutResponse to a LogoutRequest of ours, as text."""
        codes = [f"urn:oasis:names:tc:SAML:2.0:status:{one}" for one in status]
        inner = f'<samlp:StatusCode Value="{codes[1]}"/>' if len(codes) > 1 else ""
        facts = {
            "ID": datatypes.new_id(),
            "Version": "2.0",
            "IssueInstant": datatypes.format_instant(timezone.now()),
            "Destination": settings.IDP.url("/saml/slo"),
            "InResponseTo": request.get("ID"),
            **changes,
        }
        issuer = facts.pop("issuer", self.party.sp.entity_id)
        attributes = " ".join(
            f'{name}="{value}"' for name, value in facts.items() if value is not None
        )
        return (
            f'<samlp:LogoutResponse xmlns:samlp="{vocabulary.SAMLP}"'
            f' xmlns:saml="{vocabulary.SAML}" {attributes}><saml:Issuer>{issuer}</saml:Issuer>'
            f'<samlp:Status><samlp:StatusCode Value="{codes[0]}">{inner}</samlp:StatusCode>'
            "</samlp:Status></samlp:LogoutResponse>"
        )

    def answer_query(
        self, request: Any, *, relay_state: str | None, signed: bool = True, **changes: Any
    ) -> str:
        """The same by Redirect."""
        text = self.answer_text(request, **changes)
        query = bindings_query(text, relay_state)
        if not signed:
            return query
        query += "&SigAlg=" + quoted(vocabulary.RSA_SHA256)
        return query + "&Signature=" + self.party.sp.value(query).decode()

    def answer_form(
        self, request: Any, *, relay_state: str | None, signed: bool = True, **changes: Any
    ) -> bytes:
        """The same by POST."""
        element = etree.fromstring(self.answer_text(request, **changes))
        if signed:
            service_provider.sign(element)
        return self.party.sp.post(element, relay_state=relay_state, kind="SAMLResponse")

    def answer_envelope(self, request: Any, *, signed: bool = True, **changes: Any) -> bytes:
        """The same by SOAP."""
        element = etree.fromstring(self.answer_text(request, **changes))
        if signed:
            service_provider.sign(element)
        return envelope(element)


def quoted(value: str) -> str:
    return quote(value, safe="")


def bindings_query(text: str, relay_state: str | None) -> str:
    """The unsigned query that carries a LogoutResponse."""
    packed = base64.b64encode(service_provider.deflate(text.encode())).decode()
    query = f"SAMLResponse={quoted(packed)}"
    return query if relay_state is None else f"{query}&RelayState={quoted(relay_state)}"


def envelope(element: Any) -> bytes:
    """A SOAP envelope around an element."""
    content = etree.tostring(element).decode()
    return (
        f'<s:Envelope xmlns:s="{vocabulary.SOAP}"><s:Body>{content}</s:Body></s:Envelope>'
    ).encode()


def leaver(saml: SamlWorld, services: list[dict[str, str]] | None = None, **fields: Any) -> Leaver:
    """Register a service provider with these SingleLogoutServices."""
    return Leaver(
        saml.party(single_logout_services=REDIRECT if services is None else services, **fields)
    )


# ----- what we send -----


@dataclass(frozen=True)
class Sent:
    """A message of ours that a browser or an envelope carries."""

    root: Any
    url: str = ""
    relay_state: str | None = None

    @property
    def status(self) -> tuple[str, ...]:
        codes = self.root.xpath("//samlp:StatusCode/@Value", namespaces=NAMESPACES)
        return tuple(code.rpartition(":")[2] for code in codes)


def sent_by_redirect(response: Any) -> Sent:
    """The message in a redirect of ours, its signature verified with our published key."""
    location = location_of(response)
    split = urlsplit(location)
    message = bindings.decode_redirect(split.query)
    bindings.verify_redirect(message, keys=our_keys())
    return Sent(etree.fromstring(message.xml), location.partition("?")[0], message.relay_state)


def sent_by_post(response: Any, kind: str = "SAMLResponse") -> Sent:
    """The message in a form of ours, its signature verified."""
    body = response.body if isinstance(response, Response) else response.content
    form = etree.HTML(body.decode()).xpath("//form")[0]
    fields = {one.get("name"): one.get("value") for one in form.xpath(".//input")}
    root = signature.verify(xml.parse(base64.b64decode(fields[kind])), keys=our_keys())
    return Sent(root, form.get("action"), fields.get("RelayState"))


def sent_by_soap(response: Response) -> Sent:
    """The message in an envelope of ours, its signature verified."""
    assert response.status == 200, response.body
    return from_envelope(response.body)


def from_envelope(body: bytes) -> Sent:
    root = etree.fromstring(body)
    (message,) = root[-1]
    return Sent(signature.verify(message, keys=our_keys()))


def our_keys() -> list[signature.VerificationKey]:
    return [signature.verification_key(keys.saml_signing().certificate)]


def location_of(response: Any) -> str:
    """Where a redirect goes."""
    if isinstance(response, Response):
        assert response.status == 303, (response.status, response.body[:500])
        return dict(response.headers)["Location"]
    assert response.status_code == 303, response.content[:500]
    return response.headers["Location"]


def follow(party: Party, response: Response, session: Session | None = None) -> Response:
    """Go where a redirect to an endpoint of ours leads, with the cookies of this session."""
    location = location_of(response)
    path, _, query = location.partition("?")
    return party.provider.send("GET", path, query=query, cookies=cookie_of(session))


def states(session: Session) -> dict[str, str]:
    """The ledger: what became of each application, by its name."""
    return {entry.application.name: entry.state for entry in ledger.of([session.pk])[session.pk]}


def is_over(session: Session) -> bool:
    """Whether a session has ended."""
    return Session.objects.get(pk=session.pk).ended_at is not None


def instant(ahead: timedelta) -> datetime:
    return timezone.now() + ahead


def parameters(location: str) -> dict[str, str]:
    """The parameters of an address."""
    return dict(parse_qsl(urlsplit(location).query))
