"""python3-saml as a service provider, in its strictest settings."""

from __future__ import annotations

import re
from typing import Any

import requests
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.errors import OneLogin_Saml2_Error
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from federation.saml import vocabulary
from tests.support.person import TIMEOUT
from tests.support.service_providers.application import (
    Application,
    Message,
    Page,
    Refused,
    SignedIn,
)
from tests.support.service_providers.base import Known


class Python3Saml(Application):
    """One application around `OneLogin_Saml2_Auth`."""

    def prepare(self) -> None:
        metadata = requests.get(self.gatehouse.url("/saml/metadata"), timeout=TIMEOUT).content
        self.asked: set[str] = set()
        self.settings: dict[str, Any] = {
            "strict": True,
            "sp": {
                "entityId": self.metadata_url,
                "assertionConsumerService": {"url": self.acs_url, "binding": vocabulary.POST},
                "singleLogoutService": {"url": self.slo_url, "binding": vocabulary.REDIRECT},
                "NameIDFormat": vocabulary.PERSISTENT,
                "x509cert": (self.folder / "sp.crt").read_text(),
                "privateKey": (self.folder / "sp.key").read_text(),
            },
            "idp": OneLogin_Saml2_IdPMetadataParser.parse(metadata)["idp"],
            "security": {
                "authnRequestsSigned": True,
                "logoutRequestSigned": True,
                "logoutResponseSigned": True,
                "wantMessagesSigned": True,
                "wantAssertionsSigned": True,
                "wantAssertionsEncrypted": True,
                "wantNameId": True,
                "requestedAuthnContext": False,
                "metadataValidUntil": "",
                "signatureAlgorithm": vocabulary.RSA_SHA256,
                "digestAlgorithm": vocabulary.SHA256,
                "rejectDeprecatedAlgorithm": True,
            },
        }

    def metadata(self) -> str:
        known = OneLogin_Saml2_Settings(self.settings, sp_validation_only=True)
        document: bytes | str = known.get_sp_metadata()
        return document.decode() if isinstance(document, bytes) else document

    def begin(self, *, force: bool, passive: bool) -> Page:
        auth = self._auth("/login")
        url = auth.login(return_to=self.protected, force_authn=force, is_passive=passive)
        self.asked.add(auth.get_last_request_id())
        return Page(status=303, location=url)

    def consume(self, message: Message) -> SignedIn:
        auth = self._auth("/acs", post=dict(message.fields))
        auth.process_response()
        if auth.get_errors() or auth.get_last_response_in_response_to() not in self.asked:
            said = str(auth.get_last_response_xml() or "")
            codes = re.findall(r"urn:oasis:names:tc:SAML:2\.0:status:(\w+)", said)
            raise Refused(f"{auth.get_last_error_reason()} {codes}")
        self.asked.remove(auth.get_last_response_in_response_to())
        known = Known(auth.get_nameid(), auth.get_friendlyname_attributes())
        kept = {
            "name_id": auth.get_nameid(),
            "name_id_format": auth.get_nameid_format(),
            "nq": auth.get_nameid_nq(),
            "spnq": auth.get_nameid_spnq(),
            "session_index": auth.get_session_index(),
        }
        return SignedIn(known, kept)

    def begin_logout(self, session: SignedIn, *, by_soap: bool) -> Page:
        url = self._auth("/logout").logout(return_to=f"{self.address}/signed-out/", **session.kept)
        return Page(status=303, location=url)

    def answer_logout(self, message: Message, session: SignedIn | None) -> Page:
        return Page(status=303, location=self._process(message).pop())

    def finish_logout(self, message: Message) -> str:
        self._process(message)
        return vocabulary.SUCCESS

    def _process(self, message: Message) -> list[str]:
        """Where the library leads to, if anywhere."""
        auth = self._auth("/slo", get=dict(message.fields), query=message.query)
        try:
            url = auth.process_slo(keep_local_session=True)
        except OneLogin_Saml2_Error as error:
            raise Refused(str(error)) from error
        if auth.get_errors():
            raise Refused(f"{auth.get_errors()} {auth.get_last_error_reason()}")
        return [url] if url else []

    def _auth(
        self,
        path: str,
        *,
        get: dict[str, str] | None = None,
        post: dict[str, str] | None = None,
        query: str = "",
    ) -> OneLogin_Saml2_Auth:
        request = {
            "https": "off",
            "http_host": f"localhost:{self.port}",
            "script_name": path,
            "get_data": get or {},
            "post_data": post or {},
            "query_string": query,
        }
        return OneLogin_Saml2_Auth(request, self.settings)
