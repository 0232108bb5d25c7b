"""The demonstration's SaaS application: signs people in with SAML 2.0, through python3-saml.

A strict service provider: signed requests, response and assertion signed, the assertion encrypted
to its key, each request answered once (SAML Profiles §4.1). Signs out everywhere, and is signed out
from elsewhere, by single logout (§4.4).
Run as `python -m deploy.demo.saas_application --data DIR --port N`.
"""

from __future__ import annotations

import re
import secrets
import sys
from collections import OrderedDict
from typing import Any

import requests
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from deploy.demo import environment, pages, site

TIMEOUT = 10
MAXIMUM_UNDERWAY = 1000
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"


class SaasApplication:
    """The handlers of one service provider."""

    def __init__(
        self, demonstration: environment.Demonstration, registration: dict[str, Any]
    ) -> None:
        self.issuer = demonstration.issuer
        self.home_url = demonstration.saas_application
        self.metadata_url = registration["metadata_url"]
        self.sp = service_provider(demonstration)
        self.underway: OrderedDict[str, str] = OrderedDict()
        self.tickets: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self.brand = pages.Brand(
            name="Demo SaaS application",
            protocol="SAML 2.0",
            tone="saas",
            letter="S",
            home=self.home_url,
            gatehouse=self.issuer,
            sibling_name="Demo web application",
            sibling=demonstration.web_application,
        )

    def routes(self) -> dict[str, site.Handler]:
        """What answers what."""
        return {
            "GET /": self.home,
            "GET /login": self.login,
            "POST /acs": self.acs,
            "GET /finish": self.finish,
            "POST /logout": self.logout,
            "GET /logout-everywhere": self.logout_everywhere,
            "GET /slo": self.single_logout,
            "GET /signed-out": self.signed_out,
            "GET /metadata": self.metadata,
        }

    def home(self, request: site.Request) -> site.Response:
        """What was received, or the way in."""
        received = request.session.get("received")
        if received is None:
            way_in = pages.link("Sign in with Gatehouse", "/login", main=True, id_="sign-in")
            body = pages.welcome("Sign in to see what a service learns", WELCOME, actions=way_in)
            return site.page(self.brand.frame("Welcome", body))
        body = pages.signed_in(person(received), actions=ACTIONS) + show(received)
        return site.page(self.brand.frame("Signed in", body))

    def login(self, request: site.Request) -> site.Response:
        """Send the person off with a signed AuthnRequest (SAML Core §3.4.1)."""
        auth = self.auth({})
        relay_state = secrets.token_urlsafe(32)
        url = auth.login(
            return_to=relay_state,
            force_authn="force" in request.query,
            is_passive="passive" in request.query,
        )
        remember(self.underway, relay_state, auth.get_last_request_id())
        request.session["relay_state"] = relay_state
        return site.redirect(url)

    def acs(self, request: site.Request) -> site.Response:
        """The assertion consumer service: validate, then go on by GET.

        A post from another site brings no cookie, so what it says waits under a ticket
        for the browser that began the sign-in.
        """
        relay_state = request.form.get("RelayState", "")
        request_id = self.underway.pop(relay_state, None)
        if request_id is None:
            raise site.Problem(
                "This sign-in did not begin here",
                "It was answered already, or was never asked for.",
            )
        auth = self.auth(request.form)
        try:
            auth.process_response(request_id=request_id)
        except (OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError) as error:
            raise site.Problem("The response cannot be read", str(error)) from error
        if auth.get_errors() or not auth.is_authenticated():
            raise refusal(auth)
        remember(self.tickets, relay_state, read(auth))
        return site.redirect(f"/finish?ticket={relay_state}")

    def finish(self, request: site.Request) -> site.Response:
        """Sign in the browser that began."""
        ticket = request.query.get("ticket", "")
        received = self.tickets.pop(ticket, None)
        if received is None or request.session.pop("relay_state", None) != ticket:
            raise site.Problem(
                "This sign-in did not begin in this browser", "Start again from this page."
            )
        request.session["received"] = received
        request.fresh_session = True
        return site.redirect("/")

    def logout(self, request: site.Request) -> site.Response:
        """Forget the person here; Gatehouse's session goes on."""
        request.session.clear()
        return site.redirect("/")

    def logout_everywhere(self, request: site.Request) -> site.Response:
        """Forget the person here and ask Gatehouse to sign them out of everything (§4.4.3.1)."""
        received = request.session.pop("received", None)
        if received is None:
            return site.redirect("/")
        auth = self.auth({}, path="/slo")
        try:
            url = auth.logout(
                name_id=received["name_id"],
                name_id_format=received["format"],
                nq=received["name_qualifier"],
                spnq=received["sp_name_qualifier"],
                session_index=received["session_index"],
                return_to=secrets.token_urlsafe(32),
            )
        except OneLogin_Saml2_Error as error:
            raise site.Problem("Gatehouse offers no single logout", str(error)) from error
        request.session["logout_request"] = auth.get_last_request_id()
        return site.redirect(url)

    def single_logout(self, request: site.Request) -> site.Response:
        """The single logout service: Gatehouse's request, or its answer to ours."""
        auth = self.auth({}, path="/slo", request=request)
        asked = request.session.get("logout_request")
        if "SAMLResponse" in request.query and asked is None:
            raise site.Problem("This sign-out did not begin here", "It may have ended already.")
        try:
            url = auth.process_slo(keep_local_session=True, request_id=asked)
        except (OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError) as error:
            raise site.Problem("The message cannot be read", str(error)) from error
        if url is None:
            return self.answered(auth, request)
        if auth.get_errors():
            raise site.Problem("The request to sign out is not valid", reason(auth))
        request.session.clear()
        return site.redirect(url)

    def answered(self, auth: OneLogin_Saml2_Auth, request: site.Request) -> site.Response:
        """Gatehouse's answer to our request to sign out."""
        errors = auth.get_errors()
        if errors and errors != ["logout_not_success"]:
            raise site.Problem("The answer to the sign-out is not valid", reason(auth))
        request.session.clear()
        partial = errors or "PartialLogout" in str(auth.get_last_response_xml() or "")
        return site.redirect("/signed-out?partly" if partial else "/signed-out")

    def signed_out(self, request: site.Request) -> site.Response:
        """After the sign-out, with what Gatehouse said of it."""
        way_in = pages.link("Sign in again", "/login", main=True, id_="sign-in")
        words = SIGNED_OUT_PARTLY if "partly" in request.query else SIGNED_OUT
        body = pages.welcome("You are signed out", words, actions=way_in)
        return site.page(self.brand.frame("Signed out", body))

    def metadata(self, request: site.Request) -> site.Response:
        """Our metadata, as it was registered."""
        body = metadata_of(self.sp)
        return site.Response(body, 200, [("Content-Type", "application/samlmetadata+xml")])

    def auth(
        self,
        form: dict[str, str],
        *,
        path: str = "/acs",
        request: site.Request | None = None,
    ) -> OneLogin_Saml2_Auth:
        """python3-saml with the provider's current metadata; the address is ours, never Host's."""
        scheme, _, host = self.home_url.partition("://")
        https = "on" if scheme == "https" else "off"
        received = {
            "https": https,
            "http_host": host,
            "script_name": path,
            "get_data": request.query if request else {},
            "post_data": form,
            # A signature is over the octets as they came.
            "query_string": request.raw_query if request else "",
            "validate_signature_from_qs": True,
        }
        metadata = self.fetch(self.metadata_url).content
        parsed = OneLogin_Saml2_IdPMetadataParser.parse(metadata)
        settings = {**self.sp, "idp": parsed["idp"]}
        return OneLogin_Saml2_Auth(received, settings)

    def fetch(self, url: str) -> requests.Response:
        """A document of the identity provider."""
        try:
            answer = requests.get(url, timeout=TIMEOUT, allow_redirects=False)
            answer.raise_for_status()
        except requests.RequestException as error:
            text = f"Is it running at {self.issuer}?"
            raise site.Problem("Gatehouse does not answer", text, status=502) from error
        return answer


WELCOME = (
    "This service keeps no passwords. It sends a signed request to Gatehouse, "
    "and then shows the assertion that came back."
)
SIGNED_OUT = "Gatehouse has ended your session there, and told every application in it."
SIGNED_OUT_PARTLY = (
    "Gatehouse has ended your session there, but could not reach every application in it: "
    "close the browser to be sure."
)
EXPLAINED = {
    "NoPassive": "Nobody is signed in at Gatehouse, and this sign-in was not to ask.",
    "AuthnFailed": "The sign-in was cancelled. Nothing was shared.",
    "RequestDenied": "You may not use this application. Nothing was shared.",
}
ACTIONS = (
    pages.button("Sign out here", "/logout", id_="sign-out")
    + pages.link("Sign out everywhere", "/logout-everywhere", id_="sign-out-everywhere")
    + pages.text_link("Sign in again, with password", "/login?force")
    + pages.text_link("Check the session silently", "/login?passive")
)


def service_provider(demonstration: environment.Demonstration) -> dict[str, Any]:
    """python3-saml's settings for our side."""
    certificate, key = demonstration.saml_pair()
    home = demonstration.saas_application
    return {
        "strict": True,
        "sp": {
            "entityId": f"{home}/metadata",
            "assertionConsumerService": {"url": f"{home}/acs", "binding": POST},
            "singleLogoutService": {"url": f"{home}/slo", "binding": REDIRECT},
            "NameIDFormat": PERSISTENT,
            "x509cert": certificate,
            "privateKey": key,
        },
        "organization": {
            "en": {"name": "demo", "displayname": "Demo SaaS application", "url": home}
        },
        "security": {
            "authnRequestsSigned": True,
            "logoutRequestSigned": True,
            "logoutResponseSigned": True,
            "wantMessagesSigned": True,
            "wantAssertionsSigned": True,
            "wantAssertionsEncrypted": True,
            "metadataValidUntil": "",
            "requestedAuthnContext": False,
            "signatureAlgorithm": RSA_SHA256,
            "digestAlgorithm": SHA256,
            "rejectDeprecatedAlgorithm": True,
        },
    }


def metadata_of(settings: dict[str, Any]) -> bytes:
    """Our metadata document."""
    document = OneLogin_Saml2_Settings(settings, sp_validation_only=True).get_sp_metadata()
    return document if isinstance(document, bytes) else document.encode()


def remember(kept: OrderedDict[str, Any], key: str, value: Any) -> None:
    """Keep the newest few."""
    kept[key] = value
    while len(kept) > MAXIMUM_UNDERWAY:
        kept.popitem(last=False)


def refusal(auth: OneLogin_Saml2_Auth) -> site.Problem:
    """What the identity provider said, or why its response is not accepted."""
    said = str(auth.get_last_response_xml() or "")
    codes = re.findall(r'StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:(\w+)"', said)
    code = codes[-1] if codes and codes[0] != "Success" else ""
    return site.Problem(
        "Gatehouse did not sign you in", EXPLAINED.get(code, reason(auth)), code=code
    )


def reason(auth: OneLogin_Saml2_Auth) -> str:
    """Why python3-saml does not accept a message."""
    return str(auth.get_last_error_reason() or ", ".join(auth.get_errors()))


def read(auth: OneLogin_Saml2_Auth) -> dict[str, Any]:
    """What a validated response holds."""
    return {
        "name_id": auth.get_nameid(),
        "format": auth.get_nameid_format(),
        "name_qualifier": auth.get_nameid_nq(),
        "sp_name_qualifier": auth.get_nameid_spnq(),
        "session_index": auth.get_session_index(),
        "contexts": auth.get_last_authn_contexts(),
        "attributes": auth.get_attributes(),
        "friendly": auth.get_friendlyname_attributes(),
        "assertion": str(auth.get_last_response_xml(pretty_print_if_possible=True)),
    }


def person(received: dict[str, Any]) -> str:
    """What to call the person: a name among the attributes, else the NameID."""
    for name in ("displayName", "uid", "mail"):
        if received["friendly"].get(name):
            return str(received["friendly"][name][0])
    return str(received["name_id"])


def show(received: dict[str, Any]) -> str:
    """The parts of the assertion."""
    subject = [
        ("NameID", received["name_id"]),
        ("Format", received["format"]),
        ("SessionIndex", received["session_index"]),
        ("AuthnContextClassRef", received["contexts"]),
    ]
    attributes = received["attributes"].items()
    friendly = received["friendly"]
    if len(friendly) == len(attributes):
        rows = zip(friendly, attributes, strict=True)
        attributes = [(f"{short}\n{name}", values) for short, (name, values) in rows]
    return (
        pages.card(
            "Subject",
            pages.table(subject),
            id_="name-id",
            note="Who signed in, under the name that only this service knows.",
        )
        + pages.card(
            "Attributes",
            pages.table(attributes),
            id_="attributes",
            note="Released by the claim mapping of this application at Gatehouse.",
        )
        + pages.card(
            "Response",
            pages.raw("As it came, decrypted", received["assertion"], id_="assertion-raw"),
            id_="response",
            note="Signed twice, encrypted to this service; verified by python3-saml.",
        )
    )


def main() -> None:
    """Serve until ended."""
    options = environment.application_options(sys.argv[1:])
    demonstration = environment.at(options.data, port=options.port, tls=options.tls)
    registration = demonstration.registered(demonstration.saas_application)
    application = SaasApplication(demonstration, registration)
    site.serve(
        site.Site(
            application.brand,
            cookie="gatehouse_demo_saas",
            routes=application.routes(),
            tls=demonstration.tls,
        ),
        host=options.host,
        port=demonstration.port + 2,
        tls=demonstration.server_pair,
    )


if __name__ == "__main__":
    main()
