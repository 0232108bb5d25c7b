"""pysaml2 as a service provider, in its strictest settings."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, BINDING_SOAP, SAMLError
from saml2.client import Saml2Client
from saml2.config import SPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_PERSISTENT
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

from federation.saml import vocabulary
from tests.support import programs
from tests.support.service_providers.application import (
    Application,
    Message,
    Page,
    Refused,
    SignedIn,
)
from tests.support.service_providers.base import Known

PREFIXES = {"samlp": vocabulary.SAMLP, "saml": vocabulary.SAML, "ds": vocabulary.DS}


class Pysaml2(Application):
    """One application around one `Saml2Client`."""

    def prepare(self) -> None:
        # What comes by SOAP it writes anew before it verifies, with prefixes of its own unless it
        # is told the sender's; the signature covers them.
        for prefix, uri in PREFIXES.items():
            ElementTree.register_namespace(prefix, uri)
        files = {"key_file": str(self.folder / "sp.key"), "cert_file": str(self.folder / "sp.crt")}
        slo = [(self.slo_url, BINDING_HTTP_REDIRECT), (self.slo_url, BINDING_HTTP_POST)]
        self.configuration = SPConfig().load(
            {
                "entityid": self.metadata_url,
                "xmlsec_binary": str(programs.XMLSEC1.path()),
                "service": {
                    "sp": {
                        "endpoints": {
                            "assertion_consumer_service": [(self.acs_url, BINDING_HTTP_POST)],
                            "single_logout_service": slo,
                        },
                        "name_id_format": [NAMEID_FORMAT_PERSISTENT],
                        "name_id_policy_format": NAMEID_FORMAT_PERSISTENT,
                        "name_id_format_allow_create": True,
                        "authn_requests_signed": True,
                        "logout_requests_signed": True,
                        "logout_responses_signed": True,
                        "want_response_signed": True,
                        "want_assertions_signed": True,
                        "allow_unsolicited": False,
                    }
                },
                **files,
                "encryption_keypairs": [files],
                "signing_algorithm": SIG_RSA_SHA256,
                "digest_algorithm": DIGEST_SHA256,
                "metadata": {"remote": [{"url": self.gatehouse.url("/saml/metadata")}]},
                # It reads the clock to the second.
                "accepted_time_diff": 60,
            }
        )
        self.client = Saml2Client(self.configuration)
        self.outstanding: dict[str, str] = {}

    def metadata(self) -> str:
        return str(entity_descriptor(self.configuration))

    def begin(self, *, force: bool, passive: bool) -> Page:
        wishes = {"force_authn": force, "is_passive": passive}
        wanted = {name: "true" for name, wish in wishes.items() if wish}
        identifier, arguments = self.client.prepare_for_authenticate(
            sigalg=SIG_RSA_SHA256, digest_alg=DIGEST_SHA256, **wanted
        )
        self.outstanding[identifier] = self.protected
        return sent(arguments)

    def consume(self, message: Message) -> SignedIn:
        try:
            response = self.client.parse_authn_request_response(
                message.fields["SAMLResponse"], BINDING_HTTP_POST, outstanding=self.outstanding
            )
        except SAMLError as error:
            raise Refused(f"{type(error).__name__}: {error}") from error
        if response is None:
            raise Refused("nothing that pysaml2 can read")
        information = response.session_info()
        self.client.users.add_information_about_person(information)
        name_id = information["name_id"]
        return SignedIn(Known(name_id.text, information["ava"]), name_id)

    def begin_logout(self, session: SignedIn, *, by_soap: bool) -> Page:
        idp = self.gatehouse.url("/saml/metadata")
        answers = self.client.do_logout(
            session.kept,
            [idp],
            reason="",
            expire=None,
            expected_binding=BINDING_SOAP if by_soap else BINDING_HTTP_REDIRECT,
            sign_alg=SIG_RSA_SHA256,
            digest_alg=DIGEST_SHA256,
        )
        if not by_soap:
            return sent(answers[idp][1])
        self.forget(session)
        return Page(f"<p>Signed out. {status_of(answers[idp])}</p>")

    def answer_logout(self, message: Message, session: SignedIn | None) -> Page:
        fields = message.fields
        try:
            arguments = self.client.handle_logout_request(
                fields["SAMLRequest"],
                session.kept if session else None,
                binding_of(message),
                sign_alg=SIG_RSA_SHA256,
                digest_alg=DIGEST_SHA256,
                relay_state=fields.get("RelayState"),
                sigalg=fields.get("SigAlg"),
                signature=fields.get("Signature"),
            )
        except SAMLError as error:
            raise Refused(f"{type(error).__name__}: {error}") from error
        return sent(arguments)

    def finish_logout(self, message: Message) -> str:
        # It has no way to verify the signature of a Redirect's response.
        binding = binding_of(message)
        try:
            response = self.client.parse_logout_request_response(
                message.fields["SAMLResponse"], binding
            )
            self.client.handle_logout_response(response)
        except SAMLError as error:
            raise Refused(f"{type(error).__name__}: {error}") from error
        return status_of(response)


def binding_of(message: Message) -> str:
    """The binding that brought it."""
    return BINDING_HTTP_REDIRECT if message.method == "GET" else BINDING_HTTP_POST


def status_of(response: Any) -> str:
    """The outer status of a LogoutResponse."""
    return str(response.response.status.status_code.value)


def sent(arguments: dict[str, Any]) -> Page:
    """What pysaml2 made, for the browser."""
    headers = {name.lower(): value for name, value in arguments["headers"]}
    if "location" in headers:
        return Page(status=303, location=headers["location"])
    return Page(arguments["data"])
